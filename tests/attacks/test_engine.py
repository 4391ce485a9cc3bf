"""People who send what no page of ours would send, to a relay that believes them and to our rooms."""

import json
from typing import Any

import pytest
from pycrdt import Doc, Text

from sync import erasing
from sync.awareness import State, encode
from sync.messages import Kind, Message
from tests.attacks.relay import Relay
from tests.engine import DOCUMENT, ROOTS, World
from tests.people import Json, Person
from tests.sync.test_awareness import Eyes, place


@pytest.fixture(params=["a relay", "our rooms"])
def server(request: pytest.FixtureRequest) -> Relay | World:
    return Relay() if request.param == "a relay" else World()


def is_naive(server: Relay | World) -> bool:
    return isinstance(server, Relay)


def forger(victim: Person) -> Doc[Any]:
    """A doc that writes with the client id of somebody else, after all that they have written."""
    doc: Doc[Any] = Doc(client_id=victim.client_id)
    doc.get("title", type=Text)
    doc.apply_update(victim.doc.get_update())
    return doc


def typed(doc: Doc[Any], text: str) -> bytes:
    before = doc.get_state()
    title = doc.get("title", type=Text)
    title.insert(len(str(title).encode()), text)
    return doc.get_update(before)


def sends(person: Person, update: bytes, kind: Kind = Kind.UPDATE) -> list[Json]:
    answers: list[Json] = []
    person.say(Message(kind, update), answers.append)
    return answers


def whose(server: Relay | World, text: str) -> set[int | None]:
    """On whose connections the log says that it was written."""
    if isinstance(server, Relay):
        return {user for user, update in server.log if text.encode() in update}
    return {entry.user_id for entry in server.store.entries(DOCUMENT) if text.encode() in entry.update}


@pytest.mark.parametrize("kind", [Kind.UPDATE, Kind.SYNC_STEP2])
def test_writing_as_somebody_else(server: Relay | World, kind: Kind) -> None:
    """Authors are told by client ids: what has Alice's is hers to everybody who looks."""
    alice, bob, mallory = server.person(1), server.person(2), server.person(3)
    alice.type("I am Alice. ")
    sends(mallory, typed(forger(alice), "I owe Mallory money."), kind)
    assert ("I owe Mallory" in str(bob.text)) is is_naive(server)
    assert ("I owe Mallory" in server.text()) is is_naive(server)
    assert whose(server, "I am Alice") == {1}


def test_taking_somebodys_next_clock(server: Relay | World) -> None:
    """A few bytes with the clock that Alice uses next: what she types then is known already, and everybody drops it."""
    alice, bob, mallory = server.person(1), server.person(2), server.person(3)
    alice.type("a")
    forged = typed(forger(alice), "!")
    assert len(forged) < 30
    with alice.offline():
        sends(mallory, forged)
        alice.type("b")
    alice.type("c")
    lost = str(bob.text) != "abc" or server.text() != "abc"
    assert lost is is_naive(server)


def test_taking_a_clock_that_somebody_will_use_later(server: Relay | World) -> None:
    """It waits in the doc until she gets there, and then hers is dropped."""
    alice, bob, mallory = server.person(1), server.person(2), server.person(3)
    alice.type("a")
    ahead = forger(alice)
    typed(ahead, "12")
    (answer,) = sends(mallory, typed(ahead, "?"))
    assert ("error" in answer) is not is_naive(server)
    for letter in "bcd":
        alice.type(letter)
    assert str(alice.text).replace("?", "") == "abcd" or is_naive(server)
    lost = str(bob.text) != "abcd" or server.text() != "abcd"
    assert lost is is_naive(server)


def test_deleting_what_does_not_exist_yet(server: Relay | World) -> None:
    """A deletion of clocks that Alice has not reached takes her letters away as she types them."""
    alice, bob, mallory = server.person(1), server.person(2), server.person(3)
    alice.type("a")
    ahead = forger(alice)
    typed(ahead, "bcd")
    title = ahead.get("title", type=Text)
    before = ahead.get_state()
    del title[1:4]
    sends(mallory, ahead.get_update(before))
    for letter in "bcd":
        alice.type(letter)
    assert (str(bob.text) != "abcd") is is_naive(server)
    assert (server.text() != "abcd") is is_naive(server)


def test_saying_that_somebody_is_elsewhere_or_gone(server: Relay | World) -> None:
    alice, bob, mallory = server.person(1), server.person(2), server.person(3)
    place(alice, 1, 5)
    eyes = Eyes(bob)
    assert eyes.present == {alice.client_id: 5}
    assert alice.joined is not None
    lie = {"user": alice.joined["user"], "cursor": {"anchor": {"at": 99}, "head": {"at": 99}}}
    for clock, state in ((2, json.dumps(lie).encode()), (3, b"null")):
        mallory.say(Message(Kind.AWARENESS, encode([State(alice.client_id, clock, state)])))
        turn(server)
        assert (eyes.present == {alice.client_id: 5}) is not is_naive(server)


def test_being_there_as_somebody_who_is_not(server: Relay | World) -> None:
    """With a name that is not one's own, or as a tab that does not exist."""
    bob, mallory = server.person(2), server.person(3)
    place(mallory, 1, 0, user={"id": 1, "name": "Alice", "slot": 1})
    user = {"id": 3, "name": "Person 3", "slot": 1}
    ghost = json.dumps({"user": user, "cursor": {"anchor": {"at": 1}, "head": {"at": 1}}}).encode()
    mallory.say(Message(Kind.AWARENESS, encode([State(4711, 1, ghost)])))
    turn(server)
    assert bool(Eyes(bob).present) is is_naive(server)


def test_reading_and_writing_without_having_joined(server: Relay | World) -> None:
    alice, mallory = server.person(1), server.person(3)
    alice.type("secret")
    put_out(server, mallory)
    for kind, payload in ((Kind.UPDATE, typed(mallory.doc, " or not")), (Kind.SYNC_STEP1, b"\0")):
        (answer,) = sends(mallory, payload, kind)
        assert (answer.get("error") == "not-joined") is not is_naive(server)
    assert ("or not" in server.text()) is is_naive(server)


def test_writing_where_one_may_only_read(server: Relay | World) -> None:
    alice, mallory = server.person(1), server.person(3, can_write=False)
    alice.type("mine")
    sends(mallory, typed(mallory.doc, " and not yours"))
    assert (server.text() != "mine") is is_naive(server)


def put_out(server: Relay | World, person: Person) -> None:
    """The server counts them as gone; a message of theirs gets to it all the same."""
    if isinstance(server, World):
        peer = server.link(person).peer
        assert peer is not None
        server.room(person).leave(peer)
    else:
        person.leave()


def turn(server: Relay | World) -> None:
    if isinstance(server, World):
        server.clock.turn(1)


# What a relay has not got at all: here the naive server is ours with one check taken out.


@pytest.fixture(params=[True, False], ids=["without the check", "with it"])
def naive(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_one_client_id_through_two_processes_at_the_same_moment(naive: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither has heard of the other: only the database can tell whose it is."""
    world = World(processes=2)
    if naive:
        monkeypatch.setattr(world.store, "_write", _unbound(world))
    alice, mallory = world.person(1), world.person(3, process=1)
    mallory.doc = Doc(client_id=alice.client_id)
    with world.store.held():
        alice.type("first")
        sends(mallory, typed(mallory.doc, "second"))
        world.store.commit()
    authors = {entry.user_id for entry in world.store.entries(DOCUMENT)}
    assert (authors == {1, 3}) is naive


def _unbound(world: World) -> Any:
    write = world.store._write
    return lambda batch, changes: write(batch, [change._replace(clients=()) for change in changes])


def test_writing_on_in_a_history_that_was_erased(naive: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a room that did not hear of it: what it adds rests on what is gone."""
    world = World()
    alice = world.person(1)
    for word in ("one ", "two ", "three "):
        alice.type(word)
    room = world.room(alice)
    if naive:
        monkeypatch.setattr(type(room), "epoch", None)
    assert world.store.rewrite(DOCUMENT, erasing.before(world.store, DOCUMENT, 2, ROOTS), "second")
    alice.type("four")
    assert ("four" in world.text()) is naive
