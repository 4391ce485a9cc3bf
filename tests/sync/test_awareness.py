"""Who is here, and where."""

import json

import pytest

from sync.awareness import State, decode, encode
from sync.messages import Kind, Message
from tests.engine import World
from tests.people import Json, Person


@pytest.fixture
def world() -> World:
    return World()


class Eyes:
    """What somebody sees of the others, by the rule of y-protocols."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.known: dict[int, State] = {}

    @property
    def present(self) -> dict[int, object]:
        """Client id -> where their cursor is."""
        for states in self.person.states:
            for state in decode(states):
                if state.after(self.known.get(state.client_id)):
                    self.known[state.client_id] = state
        self.person.states.clear()
        present = [state for state in self.known.values() if state.present]
        return {state.client_id: json.loads(state.json)["cursor"]["head"]["at"] for state in present}


def place(person: Person, clock: int, at: object, **wrong: object) -> list[Json]:
    """Say where somebody is. Returns the answers."""
    cursor = {"anchor": {"at": at}, "head": {"at": at}}
    user = person.joined["user"] if person.joined else None
    state = json.dumps({"user": user, "cursor": cursor, **wrong}).encode()
    answers: list[Json] = []
    person.say(Message(Kind.AWARENESS, encode([State(person.client_id, clock, state)])), answers.append)
    return answers


def test_people_see_each_other(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    assert place(alice, 0, 5) == [{}]
    assert Eyes(bob).present == {alice.client_id: 5}
    assert Eyes(alice).present == {}


def test_who_comes_later_gets_one_message_for_each_person(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    place(alice, 0, "a")
    place(bob, 0, "b")
    carol = world.person(3)
    assert [len(decode(states)) for states in carol.states] == [1, 1]
    assert Eyes(carol).present == {alice.client_id: "a", bob.client_id: "b"}


def test_the_first_is_shown_at_once_then_the_latest_every_50_ms(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    eyes = Eyes(bob)
    place(alice, 0, 0)
    assert eyes.present == {alice.client_id: 0}
    for clock in range(1, 10):
        place(alice, clock, clock)
    assert eyes.present == {alice.client_id: 0}
    world.clock.turn(0.049)
    assert bob.states == []
    world.clock.turn(0.001)
    assert len(bob.states) == 1
    assert eyes.present == {alice.client_id: 9}
    world.clock.turn(1)
    assert bob.states == []


def test_several_people_share_a_message(world: World) -> None:
    people = [world.person(number) for number in range(1, 5)]
    place(people[0], 0, 0)
    for number, person in enumerate(people):
        place(person, 1, number)
    eyes = Eyes(people[3])
    assert eyes.present == {people[0].client_id: 0}
    world.clock.turn(0.05)
    assert len(people[3].states) == 1
    assert set(eyes.present.values()) == {0, 1, 2, 3}


def test_who_leaves_is_gone_at_once(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    eyes = Eyes(bob)
    place(alice, 3, "here")
    place(alice, 4, "there")  # not shown yet
    assert eyes.present
    alice.leave()
    assert eyes.present == {}
    assert world.person(3).states == []
    world.clock.turn(1)
    assert eyes.present == {}


def test_who_comes_back_is_seen_with_the_next_clock(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    eyes = Eyes(bob)
    place(alice, 7, "before")
    with alice.offline():
        assert eyes.present == {}
        world.clock.turn(1)
    place(alice, 8, "after")
    assert eyes.present == {alice.client_id: "after"}


def test_who_came_back_before_the_old_connection_ended_stays(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    eyes = Eyes(bob)
    place(alice, 7, "before")
    room, old = world.room(alice), world.link(alice).peer
    assert old is not None
    world.link(alice).cut()  # the server does not notice
    world.clock.turn(1)
    alice.come()
    place(alice, 8, "after")
    world.rooms.leave(room, old)
    world.clock.turn(1)
    assert eyes.present == {alice.client_id: "after"}


def test_who_says_so_is_not_there(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    eyes = Eyes(bob)
    place(alice, 1, "here")
    answers: list[Json] = []
    alice.say(Message(Kind.AWARENESS, encode([State(alice.client_id, 2, b" null ")])), answers.append)
    assert answers == [{}]
    world.clock.turn(0.05)
    assert eyes.present == {}
    assert world.person(3).states == []


def test_who_says_so_and_goes_before_it_was_shown_is_gone(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    eyes = Eyes(bob)
    place(alice, 1, "here")  # shown at once: what follows within 50 ms waits
    assert eyes.present
    alice.say(Message(Kind.AWARENESS, encode([State(alice.client_id, 2, b"null")])))
    alice.leave()
    world.clock.turn(1)
    assert eyes.present == {}


def test_an_old_state_is_no_news(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    place(alice, 5, "new")
    world.clock.turn(1)
    bob.states.clear()
    assert place(alice, 4, "old") == [{}]
    assert place(alice, 5, "again") == [{}]
    world.clock.turn(1)
    assert bob.states == []


def test_nobody_is_somebody_else(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    (answer,) = place(alice, 1, 0, user={"id": 2, "name": "Person 2", "slot": 1})
    assert answer["error"] == "denied"
    answers: list[Json] = []
    alice.say(Message(Kind.AWARENESS, encode([State(bob.client_id, 1, b"null")])), answers.append)
    assert answers[0]["error"] == "denied"
    assert bob.states == []


def test_a_visitor_without_a_name_is_not_shown(world: World) -> None:
    nobody, bob = world.person(None, can_write=False), world.person(2)
    (answer,) = place(nobody, 1, 0)
    assert answer["error"] == "denied"
    assert bob.states == []


def test_a_viewer_is_shown(world: World) -> None:
    victor, bob = world.person(3, can_write=False), world.person(2)
    place(victor, 1, 4)
    assert Eyes(bob).present == {victor.client_id: 4}


def test_people_in_two_processes_see_each_other() -> None:
    world = World(2)
    alice, bob = world.person(1), world.person(2, process=1)
    eyes = Eyes(bob)
    place(alice, 1, "here")
    assert eyes.present == {alice.client_id: "here"}
    carol = world.person(3, process=1)
    assert Eyes(carol).present == {alice.client_id: "here"}
    alice.leave()
    assert eyes.present == {}
    assert world.person(4, process=1).states == []


def test_of_a_process_that_was_killed_nobody_is_shown_for_long() -> None:
    world = World(2)
    alice, bob = world.person(1), world.person(2, process=1)
    eyes = Eyes(bob)
    place(alice, 1, "here")
    world.clock.turn(60)
    assert eyes.present == {alice.client_id: "here"}, "she says nothing, but her process does"
    assert [len(decode(states)) for states in world.person(3, process=1).states] == [1]
    world.processes[0].kill()
    world.clock.turn(15)
    assert eyes.present == {}
    assert world.person(4, process=1).states == []


def test_who_opens_a_document_in_another_process_sees_who_is_there() -> None:
    world = World(2)
    alice, bob = world.person(1), world.person(2)
    place(alice, 1, "here")
    place(bob, 1, "there")
    carol = world.person(3, process=1)
    assert Eyes(carol).present == {alice.client_id: "here", bob.client_id: "there"}


def test_somebody_who_goes_on_in_another_process_is_not_lost_with_the_first_one() -> None:
    world = World(2)
    alice, bob, carol = world.person(1), world.person(2), world.person(3, process=1)
    seen = Eyes(bob), Eyes(carol)
    place(alice, 1, "here")
    was, world.link(alice).process = world.processes[0], world.processes[1]
    room, peer = world.link(alice).room, world.link(alice).peer
    assert room is not None
    assert peer is not None
    alice._disconnect()  # the first process does not know it yet
    alice.tend()
    place(alice, 2, "still here")
    was.rooms.leave(room, peer)
    assert [eyes.present for eyes in seen] == [{alice.client_id: "still here"}] * 2
