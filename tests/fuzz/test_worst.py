"""The worst that somebody can send of each kind: what the gate does with it holds nobody up and takes little memory."""

import random
import tracemalloc

import pytest

from sync.codec import uint_bytes
from sync.gate import TEXT, XML_FRAGMENT, Gate
from sync.gate.ranges import Merged, Range, Ranges, Spans, disjoint
from sync.messages import Kind, Message
from sync.peer import Refusal, Saved
from tests.engine import World
from tests.fuzz.meter import LONGEST, Meter, allowed
from tests.sync.handmade import Id, element, entry, name, section, struct, text, update

ROOTS = {"body": XML_FRAGMENT, "title": TEXT}
HELLO = update(section(1, 0, text("hello", parent="title")))
LONG = update(section(2, 0, text("x" * 60_001, origin=(1, 2))))
EVERY_SECOND = [update(deleted={2: [(clock, 1) for clock in range(first, 60_000, 2)]}) for first in (0, 1)]
EMBED = name("[" + ",".join(["[]"] * 5400) + "]")
MOST = 20_000  # structs

WORST = {
    "strings": [HELLO, update(section(1, 5, *[text("x", origin=(1, 4 + n)) for n in range(MOST)]))],
    "pairs": [HELLO, update(section(1, 5, *[text("😀", origin=(1, 4 + 2 * n)) for n in range(MOST)]))],
    "collected": [HELLO, update(section(1, 5, *[b"\0\1"] * MOST))],
    "elements": [
        update(section(1, 0, element("p", parent="body"), *[element("p", origin=(1, n)) for n in range(MOST - 1)]))
    ],
    "json": [HELLO, update(section(1, 5, *[struct(5, EMBED, origin=(1, 4 + n)) for n in range(60)]))],
    "values": [
        update(section(1, 0, element("p", parent="body"))),
        update(section(1, 1, entry("k", b"\x75" + uint_bytes(49_000) + b"\x7f" * 49_000, parent=(1, 0)))),
    ],
    "deletes": [HELLO, LONG, EVERY_SECOND[0]],
    "deletes between deletes": [HELLO, LONG, *EVERY_SECOND],
    "a megabyte": [HELLO, update(section(1, 5, text("😀" * 260_000, origin=(1, 4))))],
}


@pytest.mark.parametrize("kind", WORST)
def test_the_worst_holds_nobody_up(kind: str) -> None:
    held = []
    for _ in range(20):  # a starved machine takes four times as long, for seconds
        meter = Meter()
        gate = Gate(ROOTS, {}, pause=meter.pause)
        for before in WORST[kind][:-1]:
            gate.admit(1, before)
        held.append(meter.time(lambda: gate.admit(1, WORST[kind][-1])))  # noqa: B023
        if held[-1] < LONGEST:
            return
    pytest.fail(f"it held for {min(held) * 1000:.1f} ms")


@pytest.mark.parametrize("kind", WORST)
def test_the_worst_takes_little_memory(kind: str) -> None:
    meter, data = Meter(), WORST[kind][-1]
    gate = Gate(ROOTS, {}, pause=meter.pause)
    for before in WORST[kind][:-1]:
        gate.admit(1, before)
    tracemalloc.start()
    try:
        cost = meter.cost(lambda: gate.admit(1, data))
    finally:
        tracemalloc.stop()
    assert cost.memory < allowed(len(data))


def _crowd(client: int, count: int, there: Id) -> bytes:
    """So many letters that are put to one place at the same time: each is compared with all that others put there."""
    return update(section(client, 0, *[text("x", origin=there) for _ in range(count)]))


def test_a_crowd_at_one_place_holds_nobody_up_and_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 letters each of which is compared with thousands of others held everybody up for 25 s."""
    monkeypatch.setattr("sync.room.SLOWEST", 0.3)
    meter = Meter()
    world = World(pause=meter.pause)
    mallory, bob = world.person(1), world.person(2)
    mallory.type("hello")
    room, peer = world.room(mallory), world.link(mallory).peer
    assert peer is not None
    there = mallory.client_id, 2
    answers: list[object] = []
    held = []
    for client in (5, 6):
        data = Message(Kind.UPDATE, _crowd(client, MOST, there))
        room.receive(peer, data, answers.append)
        mallory.leave()  # what this person's own tab does with it is not the server's affair
        bob.leave()
        held.append(meter.time(world.clock.turn))
        mallory.come()
        bob.tend()
        room, peer = world.room(mallory), world.link(mallory).peer
        assert peer is not None
    assert isinstance(answers[0], Saved)
    assert isinstance(answers[1], Refusal)
    assert answers[1].error == "too-large"
    assert max(held) < 4 * LONGEST  # it is no more than 5 ms, but what else this machine does may come on top of it


def test_ranges_are_merged_part_by_part_as_sets_are() -> None:
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    print(f"seed {seed}")
    for _ in range(300):
        ranges, clocks = Ranges(), set[int]()
        for _ in range(dice.choice((1, 3))):
            more = _some(dice)
            lacking = ranges.lacking(1, Spans(more))
            merged = Merged(ranges, 1)
            for at in range(0, len(lacking), 3):
                merged.add(lacking[at : at + 3])
            ranges.edges[1] = merged.edges()
            clocks |= {clock for first, end in more for clock in range(first, end)}
        assert list(ranges.items()) == [(1, disjoint((clock, clock + 1) for clock in clocks))]


def _some(dice: random.Random) -> list[Range]:
    """Ascending and disjoint; some touch."""
    at, out = 0, []
    for _ in range(dice.randrange(20)):
        first = at + dice.choice((0, 0, 1, 2, 9))
        at = first + dice.choice((1, 1, 2, 7))
        out.append((first, at))
    return out


def test_spans_are_a_sequence_of_ranges() -> None:
    ranges = [(0, 2), (3, 4), (7, 9)]
    spans = Spans(ranges)
    assert (len(spans), spans[0], spans[-1], spans[1:], list(spans)) == (3, (0, 2), (7, 9), ranges[1:], ranges)
    assert spans == Spans(ranges) == ranges
    assert spans != ranges[:2]
