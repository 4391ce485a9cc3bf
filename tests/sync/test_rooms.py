"""Rooms: opened once, shared, edited and read by the program, and forgotten when nobody is left."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from pycrdt import Doc, Text

from sync.broker import LocalBroker
from sync.doc import apply
from sync.gate import Admitted, Gate
from sync.messages import Kind, Message
from sync.peer import Answer, Peer, Refusal, Saved
from sync.rooms import Expelled, Rooms
from sync.store import Log, UnknownDocument
from tests.engine import DOCUMENT, ROOTS, Clock, World, title
from tests.memory_store import MemoryStore
from tests.people import same


@pytest.fixture
def world() -> World:
    return World()


def peer(user_id: int = 1, expelled: list[Refusal] | None = None) -> Peer:
    told = [] if expelled is None else expelled
    return Peer(lambda message, seq: None, told.append, user_id, 1, 1, None, True)


def rename(name: str) -> Any:
    def change(doc: Doc[Any]) -> None:
        text = doc.get("title", type=Text)
        del text[:]
        text += name

    return change


class WatchedStore(MemoryStore):
    """Counts how often a document is opened; `meanwhile` happens once, while it is read."""

    def __init__(self) -> None:
        super().__init__(hold=False)
        self.opened = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def open(self, document_id: str) -> Log:
        self.opened += 1
        log = super().open(document_id)
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return log


@pytest.fixture
def store() -> WatchedStore:
    store = WatchedStore()
    store.create(DOCUMENT)
    return store


def rooms_of(store: WatchedStore) -> Rooms:
    return Rooms(store, LocalBroker(), ROOTS, later=Clock().later)


def test_a_document_is_opened_once(store: WatchedStore) -> None:
    rooms = rooms_of(store)
    assert rooms.enter(DOCUMENT, peer()) is rooms.enter(DOCUMENT, peer())
    assert store.opened == 1


def test_there_is_no_room_for_a_document_that_does_not_exist(world: World) -> None:
    for _ in range(2):
        with pytest.raises(UnknownDocument):
            world.rooms.enter("nothing", peer())
    with pytest.raises(UnknownDocument):
        world.rooms.read("nothing")
    with pytest.raises(UnknownDocument):
        world.rooms.edit("nothing", 1, rename("x"), lambda answer: None)


def test_what_is_written_elsewhere_while_a_room_is_opened_is_not_missed() -> None:
    broker, clock, store = LocalBroker(), Clock(), WatchedStore()
    store.create(DOCUMENT)
    here, there = (Rooms(store, broker, ROOTS, later=clock.later) for _ in range(2))
    there.edit(DOCUMENT, 1, rename("one"), lambda answer: None)
    store.meanwhile = lambda: there.edit(DOCUMENT, 1, rename("two"), lambda answer: None)
    room = here.enter(DOCUMENT, peer())
    assert (title(room.doc), room.seq) == ("two", 2)
    assert room.settled


def test_who_loses_access_while_the_room_is_opened_does_not_get_in(store: WatchedStore) -> None:
    rooms = rooms_of(store)
    refusal = Refusal("access", "Access has changed.")
    store.meanwhile = lambda: rooms.expel(DOCUMENT, refusal, user_id=1)
    with pytest.raises(Expelled) as caught:
        rooms.enter(DOCUMENT, peer(1))
    assert caught.value.refusal == refusal
    assert rooms.enter(DOCUMENT, peer(2)).peers


def test_the_program_edits_like_a_person(world: World) -> None:
    alice = world.person(1)
    alice.type("Untitled")
    answers: list[Answer] = []
    world.rooms.edit(DOCUMENT, 7, rename("Plans"), answers.append)
    assert answers == [Saved(2)]
    assert same(alice) == world.text() == "Plans"
    entry = list(world.store.entries(DOCUMENT))[-1]
    assert entry.user_id == 7
    assert 7 in world.store.open(DOCUMENT).owners.values()


def test_only_what_the_program_changed_is_written(world: World) -> None:
    alice = world.person(1)
    alice.write("long " * 1000)
    world.clock.turn()
    world.rooms.edit(DOCUMENT, 1, rename("x"), lambda answer: None)
    assert len(list(world.store.entries(DOCUMENT))[-1].update) < 50


def test_an_edit_that_changes_nothing_is_saved_already(world: World) -> None:
    world.person(1).type("same")
    answers: list[Answer] = []
    world.rooms.edit(DOCUMENT, 1, lambda doc: None, answers.append)
    assert answers == [Saved(1)]
    assert world.entries() == 1


def test_an_edit_during_a_commit_waits_for_its_own(world: World) -> None:
    alice = world.person(1)
    answers: list[Answer] = []
    world.store.hold = True
    alice.type("a")
    world.store.begin()
    world.rooms.edit(DOCUMENT, 1, rename("T"), answers.append)  # does not see the "a" that is not in the log yet
    assert answers == []
    with world.store.held():
        world.store.finish()
    assert answers == [Saved(2)]
    assert sorted(same(alice)) == ["T", "a"]


def test_an_edit_that_fails_changes_nothing_and_says_so(world: World) -> None:
    alice = world.person(1)
    alice.type("a")
    with pytest.raises(ZeroDivisionError):
        world.rooms.edit(DOCUMENT, 1, lambda doc: 1 / 0, lambda answer: None)  # type: ignore[arg-type]
    answers: list[Answer] = []
    world.store.fail = 1
    world.rooms.edit(DOCUMENT, 1, rename("b"), answers.append)
    assert answers == [Refusal("storage", "The server could not write it down: The disk is full.")]
    assert same(alice) == world.text() == "a"


def test_what_is_read_is_what_is_in_the_log(world: World) -> None:
    def read() -> tuple[str, int]:
        state, seq, _ = world.rooms.read(DOCUMENT)
        doc: Doc[Any] = Doc()
        apply(doc, [state])
        return title(doc), seq

    assert read() == ("", 0)
    alice = world.person(1)
    alice.type("one")
    assert read() == ("one", 1)
    world.store.hold = True
    alice.type(" two")
    world.store.begin()
    assert read() == ("one", 1)
    with world.store.held():
        world.store.finish()
    assert read() == ("one two", 2)
    world.processes[0].kill()
    assert read() == ("one two", 2)


def test_each_commit_is_noted(world: World) -> None:
    noted: list[tuple[str, int]] = []
    world.rooms.on_committed = lambda document_id, seq: noted.append((document_id, seq))
    alice = world.person(1)
    alice.type("a")
    alice.type("b")
    world.store.fail = 1
    alice.type("c")
    assert noted == [(DOCUMENT, 1), (DOCUMENT, 2)]


def test_a_room_that_is_empty_for_half_a_minute_is_forgotten(world: World) -> None:
    alice = world.person(1)
    alice.type("kept")
    room = world.room(alice)
    with alice.offline():
        world.clock.turn(29)
    assert world.room(alice) is room
    alice.leave()
    world.clock.turn(61)
    assert room.closed
    alice.come()
    assert world.room(alice) is not room
    assert same(alice) == "kept"


def test_a_room_with_somebody_in_it_is_kept(world: World) -> None:
    alice = world.person(1)
    room = world.room(alice)
    world.clock.turn(1000)
    alice.type("still here")
    assert world.room(alice) is room


def test_a_room_is_not_forgotten_before_its_last_words_are_written(world: World) -> None:
    alice = world.person(1)
    room = world.room(alice)
    with world.store.held():
        alice.type("last words")
        alice.leave()
        world.clock.turn(100)
        assert not room.closed
    world.clock.turn(100)
    assert room.closed
    assert world.text() == "last words"


def test_the_room_of_an_edit_is_forgotten_as_well(world: World) -> None:
    world.rooms.edit(DOCUMENT, 1, rename("x"), lambda answer: None)
    alice = world.person(1)
    room = world.room(alice)
    alice.leave()
    world.clock.turn(61)
    assert room.closed


def test_what_the_gate_let_pass_and_pycrdt_cannot_read_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """We know of no such update, so the gate is opened for one."""
    alice, bob = world.person(1), world.person(2)
    alice.type("before")
    answers: list[Any] = []
    with monkeypatch.context() as opened, caplog.at_level(logging.ERROR), world.store.held():
        bob.type("!")
        opened.setattr(Gate, "admit", lambda gate, user_id, update, full: Admitted(update, ()))
        alice.say(Message(Kind.UPDATE, b"\x01\x02\x03"), answers.append)
        world.store.commit()
        assert answers[0]["error"] == "malformed"
        assert bob.refusals[0]["error"] == "resync"
    assert "pycrdt" in caplog.text
    assert same(alice, bob) == world.text() == "before!"
