"""Several processes have one document open: they agree, whatever happens to their hints."""

from collections.abc import Callable
from typing import Any

import pytest
from pycrdt import Doc, Text

from sync.broker import Hint, LocalBroker
from sync.messages import Kind, Message
from sync.peer import Refusal, Saved
from tests.engine import DOCUMENT, World
from tests.people import Json, Person, same


class Post(LocalBroker):
    """Keeps hints until the test delivers them, in any order, once, twice or never. Nobody asks who is here."""

    def __init__(self) -> None:
        super().__init__()
        self.hints: list[Callable[[], None]] = []

    def publish(self, document_id: str, hint: Hint, sender: Callable[[Hint], None] | None = None) -> None:
        if not hint.who:
            self.hints.append(lambda: LocalBroker.publish(self, document_id, hint, sender))


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def world(post: Post) -> World:
    return World(2, post)


def seqs(person: Person, world: World) -> list[int]:
    """The seqs of the updates that somebody is sent from now on."""
    found: list[int] = []
    peer = world.link(person).peer
    assert peer is not None
    deliver = peer.send

    def send(message: bytes, seq: int) -> None:
        if Message.decode(message).kind is Kind.UPDATE:
            found.append(seq)
        deliver(message, seq)

    peer.send = send
    return found


def test_a_hint_shows_what_was_written_elsewhere() -> None:
    world = World(2)
    alice, bob = world.person(1), world.person(2, process=1)
    alice.type("hi")
    bob.type("!")
    assert same(alice, bob) == "hi!"


def test_hints_that_come_twice_are_shown_once(world: World, post: Post) -> None:
    alice, bob = world.person(1), world.person(2, process=1)
    shown = seqs(bob, world)
    alice.type("hi")
    for _ in range(3):
        post.hints[0]()
    assert same(alice, bob) == "hi"
    assert shown == [1]


def test_hints_in_the_wrong_order_are_put_right_from_the_log(world: World, post: Post) -> None:
    alice, bob = world.person(1), world.person(2, process=1)
    shown = seqs(bob, world)
    for letter in "abcd":
        alice.type(letter)
    for number in (3, 0, 2, 1):
        post.hints[number]()
    world.clock.turn()
    assert str(bob.text) == "abcd"
    assert shown == [4]


def test_a_lost_hint_is_made_good_by_the_next(world: World, post: Post) -> None:
    alice, bob = world.person(1), world.person(2, process=1)
    alice.type("a")
    alice.type("b")
    post.hints[1]()
    world.clock.turn()
    assert same(alice, bob) == "ab"


def test_a_hint_without_what_was_written_is_followed_in_the_log(world: World, post: Post) -> None:
    alice, bob = world.person(1), world.person(2, process=1)
    alice.type("much")
    LocalBroker.publish(post, DOCUMENT, Hint(1, 1))
    world.clock.turn()
    assert str(bob.text) == "much"


def test_what_no_hint_has_told_is_made_good_by_a_look_at_the_database(world: World, post: Post) -> None:
    alice, bob = world.person(1), world.person(2, process=1)
    alice.type("a")
    status = world.store.status(DOCUMENT)
    world.room(bob).check(status.epoch, status.head, 0)
    world.clock.turn()
    assert str(bob.text) == "a"
    world.room(bob).check("another", status.head, 0)
    assert bob.refusals[-1]["error"] == "moved"


def test_a_room_that_has_more_than_the_database_is_thrown_away(world: World, post: Post) -> None:
    """The database has lost its end; but not one that was asked before the room got ahead of it."""
    alice = world.person(1)
    alice.type("a")
    room = world.room(alice)
    status = world.store.status(DOCUMENT)
    alice.type("b")
    room.check(status.epoch, status.head, 1)
    assert alice.refusals == []
    room.check(status.epoch, status.head, room.seq)
    assert alice.refusals[-1]["error"] == "moved"


def test_a_tab_that_comes_from_a_process_of_which_nothing_was_heard_goes_on_at_once(world: World, post: Post) -> None:
    alice, bob = world.person(1), world.person(2, process=1)
    alice.type("one ")
    alice.leave()
    world.link(alice).process = world.processes[1]
    alice.come()
    alice.type("two")
    world.clock.turn()
    alice.type("three")
    assert post.hints
    assert alice.refusals == []
    assert same(alice, bob) == "one twothree"


def test_a_guest_who_signed_in_elsewhere_goes_on_here_though_no_hint_came(world: World, post: Post) -> None:
    gus = world.person(7, process=1)
    gus.type("as a guest ")
    gus.leave()
    world.store.hand_over(DOCUMENT, gus.client_id, 3)
    world.link(gus).user_id = 3
    gus.come()
    gus.type("and with an account")
    world.clock.turn()
    assert same(gus) == world.text() == "as a guest and with an account"
    gus.leave()
    world.link(gus).user_id = 4
    gus.come()
    gus.type("!")
    assert gus.refused, "whose it is not is still refused"


def test_who_writes_without_having_heard_of_the_others_sees_them_then(world: World, post: Post) -> None:
    alice, bob = world.person(1), world.person(2, process=1)
    shown = seqs(bob, world)
    alice.type("a")  # nobody tells Bob's process
    bob.type("b")
    assert bob.saved
    assert bob.saved_seq == 2
    assert str(bob.text) == "b"
    world.clock.turn()
    assert sorted(str(bob.text)) == ["a", "b"]
    assert shown == [2]
    post.hints[-1]()
    assert same(alice, bob)


def test_who_joins_while_the_log_is_read_is_greeted_with_all_of_it(world: World, post: Post) -> None:
    alice, bob = world.person(1), world.person(2, process=1)
    alice.type("a")
    bob.type("b")  # from here on Bob's process knows that it missed something
    carol = world.person(3, process=1)
    assert (str(carol.text), carol.seq) == ("", 0)
    world.clock.turn()
    assert sorted(str(carol.text)) == ["a", "b"]
    assert carol.seq == 2


def test_what_is_heard_during_a_commit_is_shown_after_it(world: World, post: Post) -> None:
    alice, bob, carol = world.person(1), world.person(2, process=1), world.person(3, process=1)
    shown = seqs(carol, world)
    alice.type("a")
    world.store.hold = True
    bob.type("b")
    world.store.begin()
    post.hints[0]()
    assert str(carol.text) == ""  # a doc that is ahead of the log is not shown, not even for somebody else's sake
    world.store.finish()
    assert bob.saved
    world.clock.turn()
    post.hints[1]()
    world.store.hold = False
    assert len(same(alice, bob, carol)) == 2
    assert shown == [2]


def test_a_tab_may_go_on_in_another_process(world: World, post: Post) -> None:
    alice, bob = world.person(1), world.person(2, process=1)
    alice.type("one ")
    alice.leave()
    post.hints[0]()  # the other process learns of her text, and that the client id is hers
    world.link(alice).process = world.processes[1]
    alice.come()
    alice.type("two")
    assert same(alice, bob) == "one two"
    answers: list[Json] = []
    alice.leave()
    alice.type("!")
    bob.say(Message(Kind.UPDATE, alice.doc.get_update()), answers.append)
    assert answers[0]["error"] == "denied"


def test_a_tab_may_go_on_in_a_process_that_read_the_log(world: World, post: Post) -> None:
    alice, bob = world.person(1), world.person(2, process=1)
    alice.type("one ")
    alice.leave()
    bob.type("b ", at=0)
    world.clock.turn()
    world.link(alice).process = world.processes[1]
    alice.come()
    alice.type("two")
    assert same(alice, bob) in ("one b two", "b one two")


def test_an_update_that_reaches_two_processes_counts_once(world: World, post: Post) -> None:
    alice, bob = world.person(1), world.person(2, process=1)
    with world.store.held():
        alice.type("once")
        alice.leave()  # she never hears that it was saved
        world.link(alice).process = world.processes[1]
        alice.come()
    for hint in post.hints:
        hint()
    world.clock.turn()
    assert same(alice, bob) == world.text() == "once"
    carol = world.person(3)
    carol.type("!")
    post.hints[-1]()
    world.clock.turn()
    assert same(alice, bob, carol) == "once!"


def test_access_that_changed_in_one_process_ends_connections_in_all() -> None:
    world = World(2)
    alice, bob = world.person(1), world.person(2, process=1)
    world.processes[0].rooms.expel(DOCUMENT, Refusal("access", "Access has changed."), user_id=2)
    assert not bob.joined
    assert bob.refusals == [{"error": "access", "message": "Access has changed."}]
    assert alice.joined


def test_a_room_that_is_thrown_away_during_a_commit_tells_the_one_that_took_its_place(world: World, post: Post) -> None:
    alice, bob = world.person(1), world.person(2)
    world.store.hold = True
    alice.type("a")
    world.store.begin()
    world.room(bob).close()
    bob.tend()  # a new room, which has read a log without the "a"
    assert str(bob.text) == ""
    world.store.finish()
    for hint in list(post.hints):
        hint()
    assert str(bob.text) == "a"
    world.store.hold = False
    assert same(alice, bob) == "a"
    assert world.entries() == 1


def test_a_document_may_be_edited_by_the_program_of_any_process(world: World, post: Post) -> None:
    alice = world.person(1)
    answers: list[object] = []

    def change(doc: Doc[Any]) -> None:
        doc.get("title", type=Text).insert(0, "T")

    world.processes[1].rooms.edit(DOCUMENT, 2, change, answers.append)
    assert answers == [Saved(1)]
    post.hints[0]()
    assert same(alice) == "T"
