"""What every broker does, whatever carries its hints. Two processes share it."""

from collections.abc import Callable
from typing import Protocol

from sync.broker import Broker, Hint
from sync.messages import Kind, Message
from sync.peer import Refusal

NOTE, OTHER = "n" * 22, "o" * 22
EVERYTHING = (
    Hint(7, 9, Message(Kind.UPDATE, bytes(range(256))).encode(), ((2**53 - 1, 3), (4, None))),
    Hint(3, 3),
    Hint(message=Message(Kind.AWARENESS, b"\1\2\3\4null").encode()),
    Hint(expel=Refusal("access", "The owner changed who may open “this”."), user_id=5),
    Hint(expel=Refusal("not-found", "Gone.")),
    Hint(reload=True),
    Hint(notice=b'{"user": 3}'),
)


class Pair(Protocol):
    """Two processes."""

    here: Broker
    there: Broker

    def until(self, reached: Callable[[], bool]) -> None:
        """Wait until something is so, or fail."""

    def settle(self) -> None:
        """Wait until everybody who subscribed is heard, and what was published has arrived."""


class Ear:
    """What is heard of a document. Who asks who is there is counted apart."""

    def __init__(self, broker: Broker, document_id: str = NOTE) -> None:
        self.hints: list[Hint] = []
        self.asked = 0
        self.stop = broker.subscribe(document_id, self.hear)

    def hear(self, hint: Hint) -> None:
        if hint.who:
            self.asked += 1
        else:
            self.hints.append(hint)


class BrokerContract:
    """For a class with a fixture `pair`."""

    def test_the_other_process_hears_everything_as_it_was_said(self, pair: Pair) -> None:
        here, there = Ear(pair.here), Ear(pair.there)
        pair.settle()
        for hint in EVERYTHING:
            pair.here.publish(NOTE, hint, here.hear)
        pair.until(lambda: len(there.hints) >= len(EVERYTHING))
        assert there.hints == list(EVERYTHING)
        pair.settle()
        assert here.hints == [], "nobody hears themselves"

    def test_others_in_the_same_process_hear_it_at_once(self, pair: Pair) -> None:
        first, second = Ear(pair.here), Ear(pair.here)
        pair.here.publish(NOTE, EVERYTHING[0], first.hear)
        assert (first.hints, second.hints) == ([], [EVERYTHING[0]])
        pair.here.publish(NOTE, EVERYTHING[1])
        assert (first.hints, second.hints) == ([EVERYTHING[1]], list(EVERYTHING[:2]))

    def test_each_document_has_its_own_hints(self, pair: Pair) -> None:
        note, other = Ear(pair.there), Ear(pair.there, OTHER)
        pair.settle()
        pair.here.publish(OTHER, EVERYTHING[1])
        pair.here.publish(NOTE, EVERYTHING[0])
        pair.until(lambda: bool(note.hints and other.hints))
        assert (note.hints, other.hints) == ([EVERYTHING[0]], [EVERYTHING[1]])

    def test_who_has_stopped_listening_hears_nothing(self, pair: Pair) -> None:
        gone, still = Ear(pair.there), Ear(pair.there)
        pair.settle()
        gone.stop()
        pair.here.publish(NOTE, EVERYTHING[0])
        pair.until(lambda: bool(still.hints))
        assert gone.hints == []
        still.stop()
        last = Ear(pair.there, OTHER)
        pair.settle()
        pair.here.publish(NOTE, EVERYTHING[0])
        pair.here.publish(OTHER, EVERYTHING[0])
        pair.until(lambda: bool(last.hints))
        assert (gone.hints, len(still.hints)) == ([], 1)
        again = Ear(pair.there)
        pair.settle()
        pair.here.publish(NOTE, EVERYTHING[0])
        pair.until(lambda: bool(again.hints))

    def test_who_is_there_is_asked_by_whoever_begins_to_listen(self, pair: Pair) -> None:
        here = Ear(pair.here)
        pair.settle()
        was = here.asked
        there = Ear(pair.there)
        pair.until(lambda: here.asked > was)
        pair.here.publish(NOTE, EVERYTHING[2], here.hear)
        pair.until(lambda: there.hints == [EVERYTHING[2]])

    def test_a_large_update_is_told_of(self, pair: Pair) -> None:
        there = Ear(pair.there)
        pair.settle()
        pair.here.publish(NOTE, Hint(1, 2, Message(Kind.UPDATE, bytes(1 << 20)).encode()))
        pair.until(lambda: bool(there.hints))
        assert there.hints[0][:2] == (1, 2)

    def test_many_hints_come_in_order(self, pair: Pair) -> None:
        there = Ear(pair.there)
        pair.settle()
        for seq in range(1, 1001):
            pair.here.publish(NOTE, Hint(seq, seq, b"\0\2\1x"))
        pair.until(lambda: len(there.hints) >= 1000)
        assert [hint.first for hint in there.hints] == list(range(1, 1001))
