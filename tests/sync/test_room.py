"""People in one room: what each may count on."""

from typing import Any

import pytest
from pycrdt import Doc, XmlElement, XmlFragment, XmlText

from sync.limits import CROWD, CROWD_REST
from sync.messages import Kind, Message
from sync.peer import Answer, Peer, Refusal, Saved
from sync.store import NotStored
from sync.turns import Turn
from tests.engine import DOCUMENT, World
from tests.people import Json, Person, same
from tests.sync.handmade import section, text, update


@pytest.fixture
def world() -> World:
    return World()


def test_everyone_sees_what_anyone_types(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    alice.type("hi")
    bob.type("!", at=2)
    assert same(alice, bob) == "hi!"
    assert world.text() == "hi!"


def test_paragraphs_arrive_as_well(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    alice.write("Fünf Äpfel 🍎")
    bob.write("and a pear")
    same(alice, bob)
    assert world.body() == str(bob.body)
    assert "Fünf Äpfel 🍎" in world.body()


def test_who_comes_later_sees_everything(world: World) -> None:
    alice = world.person(1)
    alice.type("before")
    assert same(alice, world.person(2)) == "before"


def test_a_document_without_text_can_be_opened(world: World) -> None:
    alice = world.person(1)
    assert alice.joined == {
        "role": "editor",
        "epoch": "first",
        "seq": 0,
        "user": {"id": 1, "name": "Person 1", "slot": 1},
    }
    assert same(alice) == ""


def test_nobody_sees_what_is_not_committed(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    with world.store.held():
        alice.type("secret")
        assert str(bob.text) == ""
        assert not alice.saved
        world.store.commit()
        assert str(bob.text) == "secret"
        assert alice.saved
        assert alice.saved_seq == 1


def test_who_joins_during_a_commit_sees_what_is_in_the_log_when_it_has_ended(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    world.store.hold = True
    alice.type("one")
    world.store.begin()  # it is in the doc, but not in the log
    carol = world.person(3)
    assert carol.joined
    assert carol.seq == 0
    world.store.finish()
    assert (str(carol.text), carol.seq) == ("one", 1)
    alice.type(", two")
    world.store.begin()
    dave = world.person(4)
    world.store.finish(NotStored("The disk is full."))
    assert str(dave.text) == ""  # nobody was shown what was not written
    with world.store.held():
        assert {str(person.text) for person in (bob, carol)} == {"one"}
    assert same(alice, bob, carol, dave) == "one, two"


def test_the_ack_names_the_entry(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    with world.store.held():
        alice.type("a")
        bob.type("b")
    assert (alice.saved_seq, bob.saved_seq) == (1, 2)
    assert [entry.user_id for entry in world.store.entries(DOCUMENT)] == [1, 2]
    assert alice.seq == bob.seq == 2


def test_what_comes_together_is_one_frame(world: World) -> None:
    people = [world.person(number) for number in range(1, 6)]
    reader = world.person(9)
    frames: list[int] = []
    link = world.link(reader)
    assert link.peer is not None
    link.peer.send = lambda message, seq: frames.append(seq)
    with world.store.held():
        for person in people:
            person.type(f"{person.client_id} ")
    assert frames == [5]
    same(*people)


def test_what_one_types_during_a_commit_goes_together_into_the_next(world: World) -> None:
    alice = world.person(1)
    with world.store.held():
        for letter in "hello":
            alice.type(letter)
    assert same(alice) == "hello"
    assert world.entries() == 2


def test_edits_made_offline_arrive(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    alice.type("one ")
    with alice.offline():
        alice.type("two ")
        bob.type("three ", at=0)
        assert str(alice.text) == "one two "
        assert str(bob.text) == "three one "
    assert same(alice, bob) == "three one two "


def test_a_reconnect_adds_nothing_to_the_log(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    alice.type("hello world")
    alice.delete(0, 5)
    bob.delete(2)
    before = world.entries()
    for person in (alice, bob, alice):
        with person.offline():
            pass
        # What stock clients send: all the deletes they know of, though the server knows them too.
        person.say(Message(Kind.SYNC_STEP2, person.doc.get_update(person.doc.get_state())))
        person.say(Message(Kind.SYNC_STEP2, person.doc.get_update()))
    assert world.entries() == before


def test_a_lost_ack_is_given_again_and_nothing_is_doubled(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    world.store.hold = True
    alice.type("once")
    alice.leave()
    world.store.commit()  # the ack goes to a connection that is gone
    assert not alice.saved
    assert world.entries() == 1
    with world.store.held():
        alice.come()
    assert same(alice, bob) == "once"
    assert world.entries() == 1


def test_what_is_known_but_not_durable_yet_is_not_acknowledged(world: World) -> None:
    alice = world.person(1)
    acks: list[Json] = []
    with world.store.held():
        alice.type("x")
        alice.say(Message(Kind.UPDATE, alice.doc.get_update()), acks.append)
        assert acks == []
    assert acks == [{"seq": 1}]


def test_a_room_can_be_thrown_away_at_any_moment(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    alice.type("kept")
    world.processes[0].kill()
    assert same(alice, bob) == "kept"
    with world.store.held():
        bob.type(" also")
        world.store.lose()  # the process is killed before the commit
        world.processes[0].kill()
    assert same(alice, bob) == "kept also"
    assert world.text() == "kept also"


def test_a_commit_that_fails_loses_nothing(world: World) -> None:
    alice, bob, carol = world.person(1), world.person(2), world.person(3)
    alice.type("before. ")
    world.store.fail = 1
    with world.store.held():
        alice.type("after")
        bob.type("> ", at=0)
        world.store.commit()
        assert alice.refusals == [
            {"error": "storage", "message": "The server could not write it down: The disk is full."}
        ]
        assert str(carol.text) == "before. "
        assert carol.refusals[0]["error"] == "moved"
    assert same(alice, bob, carol) == "> before. after"
    assert world.text() == "> before. after"


def test_a_document_that_is_deleted_while_people_write(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    with world.store.held():
        alice.type("x")
        world.store.delete(DOCUMENT)
    assert alice.refusals[-1]["error"] == bob.refusals[-1]["error"] == "not-found"
    assert not alice.saved


def test_a_viewer_cannot_write(world: World) -> None:
    alice, victor = world.person(1), world.person(2, can_write=False)
    alice.type("hers")
    assert same(alice, victor) == "hers"
    victor.type(", and mine")
    assert victor.refusals == [{"error": "denied", "message": "You may read this document, but not change it."}]
    assert not victor.saved
    assert same(alice) == world.text() == "hers"
    assert victor.joined


def test_nobody_writes_with_the_client_id_of_somebody_else(world: World) -> None:
    alice, mallory = world.person(1), world.person(2)
    alice.type("a")
    answers: list[Json] = []
    alice.leave()
    alice.type("b")  # on her own device, and Mallory got hold of it
    mallory.say(Message(Kind.UPDATE, alice.doc.get_update()), answers.append)
    assert answers[0]["error"] == "denied"
    alice.come()
    assert same(alice, mallory) == "ab"


@pytest.mark.parametrize("kind", [Kind.UPDATE, Kind.SYNC_STEP2, Kind.SYNC_STEP1, Kind.AWARENESS])
@pytest.mark.parametrize("payload", [b"", b"\xff" * 20, b"\x01" * 4, b"\x00" * 3, b"\xff\xff\xff\xff\x0f\x00"])
def test_a_malformed_message_harms_nobody(world: World, kind: Kind, payload: bytes) -> None:
    alice, bob = world.person(1), world.person(2)
    alice.type("x")
    answers: list[Json] = []
    alice.say(Message(kind, payload), answers.append)
    assert answers[0]["error"] == "malformed"
    assert answers[0]["message"]
    bob.type("y")
    assert same(alice, bob) == "xy"


def test_an_update_that_needs_one_we_never_saw_is_refused(world: World) -> None:
    alice = world.person(1)
    stranger = world.person(2, join=False)
    stranger.type("one")
    first = stranger.doc.get_state()
    stranger.type("two")
    answers: list[Json] = []
    alice.say(Message(Kind.UPDATE, stranger.doc.get_update(first)), answers.append)
    assert answers[0]["error"] == "resync"
    assert world.entries() == 0


def test_a_message_after_leaving_is_not_taken(world: World) -> None:
    alice = world.person(1)
    room, peer = world.room(alice), world.link(alice).peer
    assert peer is not None
    alice.leave()
    alice.type("x")
    answers: list[object] = []
    for kind in (Kind.UPDATE, Kind.SYNC_STEP1, Kind.AWARENESS):
        room.receive(peer, Message(kind, alice.doc.get_update()), answers.append)
    assert [answer.error for answer in answers if isinstance(answer, Refusal)] == ["not-joined"] * 3
    assert world.entries() == 0


def test_undo_takes_back_only_ones_own(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    alice.type("mine ")
    bob.type("his ")
    alice.undo()
    assert same(alice, bob) == "his "


def test_a_slow_connection_gets_one_catch_up(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    alice.type("a")
    world.link(bob).reads = False
    for letter in "bcdef":
        alice.type(letter)
    alice.delete(0)
    assert str(bob.text) == "a"
    world.link(bob).catch_up()
    assert same(alice, bob) == "bcdef"
    alice.type("!")
    assert same(alice, bob) == "bcdef!"


def test_expelled_people_are_out_and_may_ask_again(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    world.rooms.expel(DOCUMENT, Refusal("access", "Access has changed."), user_id=2)
    assert bob.refusals == [{"error": "access", "message": "Access has changed."}]
    assert not bob.joined
    assert alice.joined
    alice.type("x")
    assert str(bob.text) == ""
    assert same(alice, bob) == "x"  # Bob asked again
    world.rooms.expel(DOCUMENT, Refusal("access", "Access has changed."))
    assert not alice.joined
    assert not bob.joined


def test_many_small_updates_of_one_tab_become_one_entry(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    alice.leave()
    updates: list[bytes] = []
    alice.doc.observe(lambda event: updates.append(event.update))
    for number in range(350):
        alice.type(f"{number} ", at=None if number % 3 else 0)
        if number % 7 == 0:
            alice.delete(0, 2)
    room, peer = world.room(bob), world.link(bob).peer
    assert peer is not None
    answers: list[object] = []
    with world.store.held():
        for update in updates:
            room.receive(peer, Message(Kind.UPDATE, update), answers.append)
    world.clock.turn()
    assert set(answers) == {(1,)}
    assert len(answers) == len(updates)
    assert world.text() == str(alice.text)


def test_a_crowd_is_shown_together_what_comes_close_together(world: World) -> None:
    alice, bob, *crowd = [world.person(number) for number in range(1, CROWD + 1)]
    world.clock.turn(1)
    alice.type("a")
    assert same(alice, bob, *crowd) == "a", "after a pause it is shown at once"
    before = [person.seq for person in crowd]
    alice.type("b")
    bob.type("c")
    assert [person.seq for person in crowd] == before
    world.clock.turn(CROWD * CROWD_REST / 1000)
    assert sorted(same(alice, bob, *crowd)) == ["a", "b", "c"]


def test_a_clock_that_is_put_back_keeps_no_crowd_waiting(world: World) -> None:
    alice, bob, *crowd = [world.person(number) for number in range(1, CROWD + 1)]
    world.clock.turn(1)
    alice.type("a")
    world.clock.ms -= 3_600_000
    alice.type("b")
    assert same(alice, bob, *crowd) == "ab"


def test_a_few_people_are_shown_everything_at_once(world: World) -> None:
    alice, bob, *others = [world.person(number) for number in range(1, CROWD)]
    for letter in "abc":
        alice.type(letter)
        assert same(alice, bob, *others).endswith(letter)


def test_an_entry_says_how_much_was_written(world: World) -> None:
    alice = world.person(1)
    alice.type("one ")
    with world.store.held():
        alice.type("two")
        alice.delete(0, 2)
    counted = [(entry.inserted, entry.deleted) for entry in world.store.entries(DOCUMENT)]
    assert (sum(one for one, _ in counted), sum(other for _, other in counted)) == (7, 2)
    assert counted[0] == (4, 0)


def test_an_entry_stays_below_1_mib(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    with world.store.held():
        alice.leave()
        alice.type("x" * 700_000)
        alice.come()
        peer, room = world.link(alice).peer, world.room(alice)
        assert peer is not None
        half = alice.doc.get_state()
        alice.type("y" * 700_000)
        room.receive(peer, Message(Kind.UPDATE, alice.doc.get_update(half)), lambda answer: None)
    assert same(alice, bob) == "x" * 700_000 + "y" * 700_000
    assert [len(entry.update) < 1 << 20 for entry in world.store.entries(DOCUMENT)] == [True, True]


def paste(world: World, person: Person, count: int) -> bytes:
    """An update of somebody's with so many paragraphs, not sent."""
    doc: Doc[Any] = Doc(client_id=77)
    doc.apply_update(person.doc.get_update())
    before = doc.get_state()
    with doc.transaction():
        for number in range(count):
            doc.get("body", type=XmlFragment).children.append(XmlElement("p", {}, [XmlText(f"paragraph {number}")]))
    return doc.get_update(before)


def test_while_a_large_paste_is_taken_others_type_and_nobody_sees_half_of_it() -> None:
    seen: list[int] = []

    def pause() -> None:
        seen.append(len(bob.body.children))
        if len(seen) % 10 == 0:
            bob.type("x")

    world = World(pause=pause)
    alice, bob = world.person(1), world.person(2)
    room, peer = world.room(alice), world.link(alice).peer
    assert peer is not None
    answers: list[object] = []
    room.receive(peer, Message(Kind.UPDATE, paste(world, alice, 500)), answers.append)
    alice.leave()
    assert answers == []
    world.clock.turn()
    assert [type(answer) for answer in answers] == [Saved]
    assert len(seen) > 30
    assert set(seen) == {0}
    assert len(bob.body.children) == 500
    alice.come()
    assert same(alice, bob) == world.text() == "x" * (len(seen) // 10)


def test_a_large_paste_that_another_process_took_is_followed_with_pauses() -> None:
    behind: list[int] = []

    def pause() -> None:
        if there.seq == 0 and here.settled and not there.settled:
            behind.append(len(bob.body.children))

    world = World(processes=2, pause=pause)
    alice, bob = world.person(1), world.person(2, process=1)
    here, there = world.room(alice), world.room(bob)
    peer = world.link(alice).peer
    assert peer is not None
    here.receive(peer, Message(Kind.UPDATE, paste(world, alice, 500)), lambda answer: None)
    world.clock.turn()
    assert len(behind) > 10
    assert set(behind) == {0}
    assert len(bob.body.children) == 500


@pytest.mark.parametrize("end", ["close", "leave"])
def test_the_room_is_gone_before_a_large_paste_was_taken(end: str) -> None:
    def pause() -> None:
        if not done and room.settled is False:
            done.append(end)
            {"close": room.close, "leave": alice.leave}[end]()

    done: list[str] = ["not yet"]
    world = World(pause=pause)
    alice, bob = world.person(1), world.person(2)
    room, peer = world.room(alice), world.link(alice).peer
    assert peer is not None
    answers: list[object] = []
    room.receive(peer, Message(Kind.UPDATE, paste(world, alice, 100)), answers.append)
    done.clear()
    world.clock.turn()
    assert done == [end]
    assert [isinstance(answer, Saved) for answer in answers] == [end != "close"]
    alice.leave()
    for person in (alice, bob):
        person.come()
        person.type(".")
    world.clock.turn()
    same(alice, bob)
    assert len(alice.body.children) == (0 if end == "close" else 100)


def test_what_takes_too_long_to_merge_is_refused_and_the_note_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Structs that come after thousands of others which were put to the same place at the same time."""
    monkeypatch.setattr("sync.room.SLOWEST", 0.1)
    world = World()
    mallory, bob = world.person(1), world.person(2)
    mallory.type("hello")
    room, peer = world.room(mallory), world.link(mallory).peer
    assert peer is not None
    there = (mallory.client_id, 2)
    answers: list[object] = []
    for client in (5, 6):
        structs = [text("x", origin=there) for _ in range(4000)]
        room.receive(peer, Message(Kind.UPDATE, update(section(client, 0, *structs))), answers.append)
        world.clock.turn()
    assert isinstance(answers[0], Saved)
    assert isinstance(answers[1], Refusal)
    assert answers[1].error == "too-large"
    for person in (mallory, bob):
        person.tend()
    bob.type("!")
    assert same(mallory, bob) == world.text()
    assert len(world.text()) == 4006


def test_an_answer_that_cannot_be_given_leaves_the_others_to_be_told() -> None:
    told: list[Answer] = []

    def fail(answer: Answer) -> None:
        raise OSError("gone")

    alice, bob = (Peer(lambda message, seq: None, lambda why: None, user, user, user, None, True) for user in (1, 2))
    turn = Turn(alice, waiting=[(alice, fail), (bob, told.append), (alice, fail)])
    with pytest.raises(OSError, match="gone"):
        turn.answer(Saved(1), alice)
    turn.answer(Saved(2))
    assert told == [Saved(2)]
