"""A play: people who write one document together while things go wrong, told in calls that can be pasted into a test.

    play = Play(people=2, processes=2)
    alice, bob = play.people
    alice.type("hi")
    play.kill()
    play.end()

`play.meanwhile(bob.type, "x")` happens in the middle of the next update: where the gate pauses. `play.end()` mends
everything and then compares what everybody has with the log.
"""

import json
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from pycrdt import Doc, Text

from sync.awareness import State, encode
from sync.broker import Hint, LocalBroker
from sync.codec import state_vector
from sync.messages import Kind, Message
from sync.peer import Refusal, Saved
from sync.rooms import Rooms
from sync.store import verify
from tests.engine import DOCUMENT, World
from tests.people import Person, same
from tests.sync.writers import new_doc

NAMES = ("alice", "bob", "carol", "dave", "erin")
EXPECTED = {"moved", "storage", "resync", "not-joined"}  # what honest people may be told when things go wrong


class Unreliable(LocalBroker):
    """Carries each hint as often as it is told to, at once or late, and in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.fates: deque[str] = deque()  # of the next hints: "lost", "doubled" or "late"; then they arrive
        self._late: list[Callable[[], None]] = []

    def publish(self, document_id: str, hint: Hint, sender: Callable[[Hint], None] | None = None) -> None:
        fate = self.fates.popleft() if self.fates else "arrives"

        def arrive() -> None:
            LocalBroker.publish(self, document_id, hint, sender)

        if fate == "late":
            self._late.append(arrive)
        for _ in range({"lost": 0, "late": 0, "doubled": 2}.get(fate, 1)):
            arrive()

    def deliver(self, which: int) -> None:
        """One that is late arrives."""
        if self._late:
            self._late.pop(which % len(self._late))()


class Actor:
    """Somebody in a play."""

    def __init__(self, play: "Play", tab: Person) -> None:
        self.tab = tab
        self._play = play

    def type(self, words: str, at: int = 0) -> None:
        self.tab.type(words, at % (len(str(self.tab.text)) + 1))

    def delete(self, at: int, length: int = 1) -> None:
        whole = len(str(self.tab.text))
        if whole:
            self.tab.delete(at % whole, min(length, whole - at % whole))

    def write(self, paragraph: str) -> None:
        self.tab.write(paragraph)

    def undo(self) -> None:
        self.tab.undo()

    def comes(self) -> None:
        self.tab.come()

    def leaves(self) -> None:
        self.tab.leave()

    def tends(self) -> None:
        """Joins again, if the connection ended."""
        self.tab.tend()

    def repeats(self) -> None:
        """Sends all that this person has ever written once more, as a client may."""
        if self.tab.joined:
            sent = self.tab.doc.get_state()
            everything = Message(Kind.SYNC_STEP2, self.tab.doc.get_update())
            self.tab.say(everything, lambda answer: self._repeated(state_vector(sent), answer))

    def _repeated(self, sent: dict[int, int], answer: Any) -> None:
        assert answer.get("error", "storage") in EXPECTED, answer
        if "error" not in answer:
            durable = self._play.durable()
            assert all(clock <= durable.get(client, 0) for client, clock in sent.items()), "saved, but not in the log"

    def looks(self) -> None:
        """Says where the caret is."""
        if self.tab.joined and self.tab.joined["user"]:
            clock = len(self.tab.states) + self._play.world.clock.ms
            user = json.dumps({"user": self.tab.joined["user"]})
            self.tab.say(Message(Kind.AWARENESS, encode([State(self.tab.client_id, clock, user.encode())])))

    def room_is_thrown_away(self) -> None:
        """The room of this process alone, in the middle of whatever it does."""
        if self.tab.joined:
            self._play.world.room(self.tab).close()


class Play:
    def __init__(self, people: int = 2, processes: int = 1) -> None:
        random.seed(people * 10 + processes)  # client ids
        self.broker = Unreliable()
        self.world = World(processes, self.broker, self._pause)
        # Two tabs of one person are people like any others, and must not disturb each other.
        tabs = [self.world.person(number // 2 + 1, process=number % processes) for number in range(people)]
        self.people = [Actor(self, tab) for tab in tabs]
        self.world.store.hold = True
        self._meanwhile: deque[Callable[[], None]] = deque()
        self._pausing = False
        self._edits: list[bool] = []
        self._log = new_doc()
        self._read = 0

    # -- What happens to the server ----------------------------------------------------------------

    def commit(self) -> None:
        self.world.store.commit()

    def begin_commit(self) -> None:
        self.world.store.begin()

    def finish_commit(self) -> None:
        self.world.store.finish()

    def fail_commit(self) -> None:
        self.world.store.fail = 1
        self.world.store.commit()
        self.world.store.fail = 0

    def kill(self) -> None:
        """All processes, with everything that was not committed."""
        self.world.store.lose()
        for process in self.world.processes:
            process.kill()

    def wait(self, seconds: float) -> None:
        self.world.clock.turn(seconds)

    def hints(self, *fates: str) -> None:
        """The next hints between processes are lost, doubled or late."""
        self.broker.fates.extend(fates)

    def deliver(self, which: int = 0) -> None:
        self.broker.deliver(which)

    def program_edits(self, process: int = 0) -> None:
        """The program changes the title for somebody."""

        def change(doc: Doc[Any]) -> None:
            doc.get("title", type=Text).insert(0, "T")

        rooms: Rooms = self.world.processes[process % len(self.world.processes)].rooms
        rooms.edit(DOCUMENT, 1, change, lambda answer: self._edits.append(isinstance(answer, Saved | Refusal)))

    def meanwhile(self, act: Callable[..., None], *arguments: object) -> None:
        """At the next pause of the gate. (Nobody may come then: who has to wait for a room to be loaded would wait for
        ever, because here it is loaded by the one who waits.)"""
        self._meanwhile.append(lambda: act(*arguments))

    def _pause(self) -> None:
        if self._meanwhile and not self._pausing:
            self._pausing = True
            try:
                self._meanwhile.popleft()()
            finally:
                self._pausing = False

    # -- What must be so ------------------------------------------------------------------------------

    def durable(self) -> dict[int, int]:
        """The clocks that the log has."""
        for entry in self.world.store.entries(DOCUMENT, self._read):
            self._log.apply_update(entry.update)
            self._read = entry.seq
        return state_vector(self._log.get_state())

    def check(self) -> None:
        """At any moment: what was acknowledged is in the log, and nobody was shown what is not."""
        durable = self.durable()
        for name, actor in zip(NAMES, self.people, strict=False):
            for client, clock in state_vector(actor.tab.doc.get_state()).items():
                if client != actor.tab.client_id:
                    assert clock <= durable.get(client, 0), f"{name} was shown what is not in the log"
                elif actor.tab.saved:
                    assert clock <= durable.get(client, 0), f"{name} was told that something is saved which is not"
            assert {refusal["error"] for refusal in actor.tab.refusals} <= EXPECTED, actor.tab.refusals

    def end(self) -> None:
        """Everything works again, and somebody writes once more in each process: then all have the same."""
        tabs = [actor.tab for actor in self.people]
        self._meanwhile.clear()
        self.broker.fates.clear()
        store = self.world.store
        store.hold = False
        store.finish()
        store.commit()
        for tab in tabs:
            tab.come()
        for _ in range(5):
            self.broker.deliver(0)
            self.world.clock.turn(1)
            for tab in tabs:
                tab.tend()
                tab.type(".")
        # What a process missed it learns with the next hint that arrives.
        newest = list(store.entries(DOCUMENT))[-1]
        LocalBroker.publish(
            self.broker, DOCUMENT, Hint(newest.seq, newest.seq, Message(Kind.UPDATE, newest.update).encode())
        )
        self.world.clock.turn(1)
        self.check()

        text = same(*tabs)
        assert text == self.world.text(), "the log reads differently"
        assert str(tabs[0].body) == self.world.body(), "the log's body reads differently"
        assert text == same(self.world.person(9)), "somebody new reads differently"
        verify(store.entries(DOCUMENT))
        vectors = [state_vector(tab.doc.get_state()) for tab in tabs]
        assert all(vector == vectors[0] for vector in vectors), "not everybody has everything"
        before = self.world.entries()
        for tab in tabs:
            with tab.offline():
                pass
        assert self.world.entries() == before, "a reconnect added something"
        assert all(self._edits)


class Program:
    """A play that is written down while it is played."""

    def __init__(self, people: int, processes: int) -> None:
        self.play = Play(people, processes)
        self.committing = False
        self.lines = [f"play = Play({people=}, {processes=})", f"{', '.join(NAMES[:people])} = play.people"]

    def name(self, number: int) -> str:
        return NAMES[number % len(self.play.people)]

    def do(self, call: str, *arguments: object) -> None:
        """`alice.type` or `play.commit`: note it, then do it. What cannot be done now is left out."""
        if call in ("play.commit", "play.fail_commit", "play.begin_commit", "play.finish_commit"):
            if self.committing != (call == "play.finish_commit"):
                return
            self.committing = call == "play.begin_commit"
        elif call == "play.kill":
            self.committing = False
        self.lines.append(f"{call}({', '.join(map(repr, arguments))})")
        self._find(call)(*arguments)

    def meanwhile(self, call: str, *arguments: object) -> None:
        self.lines.append(f"play.meanwhile({', '.join([call, *map(repr, arguments)])})")
        self.play.meanwhile(self._find(call), *arguments)

    def check(self) -> None:
        self._end_with("play.check()", self.play.check)

    def end(self) -> None:
        self._end_with("play.end()", self.play.end)

    def _end_with(self, line: str, check: Callable[[], None]) -> None:
        self.lines.append(line)
        check()
        self.lines.pop()

    def __str__(self) -> str:
        return "\n".join(["def test_again() -> None:", *(f"    {line}" for line in self.lines)])

    def _find(self, call: str) -> Callable[..., None]:
        name, method = call.split(".")
        of = self.play if name == "play" else self.play.people[NAMES.index(name)]
        found: Callable[..., None] = getattr(of, method)
        return found
