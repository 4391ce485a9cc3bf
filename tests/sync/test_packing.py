"""Old entries take little space, and nothing of what they say is lost."""

import logging
import os
import random

import pytest

from sync import packing
from sync.chunk import Group
from sync.compaction import compact
from sync.doc import content
from sync.history import chunks, groups, replay, replay_with_seq
from sync.limits import COMPACT_ENTRIES
from sync.packing import pack
from sync.store import BEFORE_ALL, Broken, Log, link
from tests.engine import DOCUMENT, ROOTS, World
from tests.people import Person, same
from tests.sync.logs import written

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(int(os.environ.get("SEEDS", "5")))


@pytest.fixture
def world() -> World:
    return World()


def spans(world: World) -> list[tuple[int, int]]:
    return [(group.first, group.last) for group in groups(world.store, DOCUMENT)]


def packed(world: World) -> int:
    return world.store.status(DOCUMENT).packed


def test_after_a_snapshot_the_entries_are_packed(world: World) -> None:
    alice = world.person(1)
    for _ in range(COMPACT_ENTRIES + 5):
        alice.type("x")
    world.clock.turn(1)
    assert packed(world) == COMPACT_ENTRIES + 5
    assert list(world.store.entries(DOCUMENT)) == []
    last = COMPACT_ENTRIES + 5
    assert spans(world) == [(first + 1, min(first + 100, last)) for first in range(0, last, 100)]
    alice.type("!")
    assert world.text() == "x" * (COMPACT_ENTRIES + 5) + "!"
    world.processes[0].kill()
    assert same(alice, world.person(2)) == world.text()


def test_the_past_can_be_read_from_chunks(world: World) -> None:
    alice, bob = world.person(1), world.person(2)
    for number in range(9):
        (alice if number % 2 else bob).type(str(number))
        world.clock.turn(0.4)
    texts = {until: world.text(until) for until in range(10)}
    world.store.mark(DOCUMENT, 5)
    assert compact(world.store, DOCUMENT, ROOTS)
    assert pack(world.store, DOCUMENT, ROOTS) == 9
    assert (5, 5) in [(group.last, group.last) for group in groups(world.store, DOCUMENT)]
    ends = [group.last for group in groups(world.store, DOCUMENT)]
    for until in range(10):
        _, seq = replay_with_seq(world.store, DOCUMENT, until)
        assert seq == max((end for end in ends if end <= until), default=0)
        assert world.text(until) == texts[seq]
    with pytest.raises(ValueError, match="0 to 9"):
        replay(world.store, DOCUMENT, 10)


def test_small_chunks_are_put_together(world: World) -> None:
    alice = world.person(1)
    first = set()
    for _ in range(40):
        for _ in range(5):
            alice.type("word ")
            world.clock.turn(1)
        compact(world.store, DOCUMENT, ROOTS)
        assert pack(world.store, DOCUMENT, ROOTS) == 5
        first.add(next(iter(world.store.chunks(DOCUMENT))).hash)
    assert len(world.store.sizes(DOCUMENT)) < 8
    assert len(first) <= 14, "and not all of it each time"
    assert [first for first, _ in spans(world)] == list(range(1, 201))
    hash = BEFORE_ALL
    for chunk in world.store.chunks(DOCUMENT):
        hash = link(hash, chunk.first, chunk.last, chunk.entry_hash, chunk.data)
        assert chunk.hash == hash


def test_what_no_snapshot_stands_for_is_not_packed(world: World) -> None:
    alice = world.person(1)
    alice.type("a")
    assert pack(world.store, DOCUMENT, ROOTS) == 0
    compact(world.store, DOCUMENT, ROOTS)
    alice.type("b")
    assert pack(world.store, DOCUMENT, ROOTS) == 1
    assert [entry.seq for entry in world.store.entries(DOCUMENT)] == [2]
    assert pack(world.store, DOCUMENT, ROOTS) == 0


def test_a_damaged_entry_is_not_packed(world: World) -> None:
    alice = world.person(1)
    for letter in "abc":
        alice.type(letter)
    compact(world.store, DOCUMENT, ROOTS)
    world.store.turn_a_bit(DOCUMENT, "entry", 2)
    with pytest.raises(Broken, match="entries 2 to 2"):
        pack(world.store, DOCUMENT, ROOTS)
    assert [entry.seq for entry in world.store.entries(DOCUMENT)] == [1, 2, 3]


def test_what_would_read_differently_is_not_packed(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alice = world.person(1)
    for letter in "abc":
        alice.type(letter)
    compact(world.store, DOCUMENT, ROOTS)

    def wrong(groups: list[Group], keep: object) -> list[Group]:
        return [group._replace(update=b"\0\0") if group.last == 3 else group for group in groups]

    monkeypatch.setattr(packing, "gather", wrong)
    with caplog.at_level(logging.WARNING):
        assert pack(world.store, DOCUMENT, ROOTS) == 0
    assert "read differently" in caplog.text
    assert [entry.seq for entry in world.store.entries(DOCUMENT)] == [1, 2, 3]


def test_people_write_on_while_it_is_packed() -> None:
    def pause() -> None:
        if writing:
            writing.pop().type("!")

    writing: list[Person] = []
    world = World(pause=pause)
    alice = world.person(1)
    for _ in range(20):
        alice.type("x")
    compact(world.store, DOCUMENT, ROOTS)
    writing.append(alice)
    assert pack(world.store, DOCUMENT, ROOTS, pause) == 20
    assert world.entries() == 21
    assert same(alice, world.person(2)) == world.text()


def test_two_processes_pack_at_once(world: World) -> None:
    alice = world.person(1)
    for _ in range(20):
        alice.type("x")
    compact(world.store, DOCUMENT, ROOTS)
    done: list[int] = []

    def pause() -> None:
        if not done:
            done.append(0)
            done.append(pack(world.store, DOCUMENT, ROOTS))

    assert pack(world.store, DOCUMENT, ROOTS, pause) == 0
    assert done == [0, 20]
    assert world.text() == "x" * 20


def test_a_reader_of_the_log_misses_nothing_while_it_is_packed(world: World) -> None:
    alice = world.person(1)
    for _ in range(20):
        alice.type("x")
        world.clock.turn(1)
    compact(world.store, DOCUMENT, ROOTS)
    reader = groups(world.store, DOCUMENT)
    read = [next(reader) for _ in range(3)]
    pack(world.store, DOCUMENT, ROOTS)
    read += reader
    assert [(group.first, group.last) for group in read] == [(n, n) for n in range(1, 21)]


def test_a_process_that_is_far_behind_loads_the_document_again() -> None:
    world = World(processes=2)
    alice, bob = world.person(1, process=0), world.person(2, process=1)
    alice.type("seen")
    world.clock.turn()
    with bob.offline():
        for _ in range(5):
            alice.type("x")
        compact(world.store, DOCUMENT, ROOTS)
        pack(world.store, DOCUMENT, ROOTS)
    world.clock.turn(1)
    assert same(alice, bob) == "seenxxxxx"


def test_a_room_that_is_loaded_while_its_log_is_packed_is_loaded_again(world: World) -> None:
    alice = world.person(1)
    for letter in "abc":
        alice.type(letter)
    world.processes[0].kill()
    opened = world.store.open

    def meanwhile(document_id: str) -> Log:
        log = opened(document_id)
        world.store.open = opened  # type: ignore[method-assign]
        compact(world.store, DOCUMENT, ROOTS)
        pack(world.store, DOCUMENT, ROOTS)
        return log

    world.store.open = meanwhile  # type: ignore[method-assign]
    assert same(world.person(2), world.person(3)) == "abc"


def test_packing_goes_on_from_a_snapshot_that_is_near(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the summaries of what was written, which come first, are always a little behind."""
    behind = world.store.status
    monkeypatch.setattr(
        world.store, "status", lambda note: (was := behind(note))._replace(packable=max(0, was.packable - 3))
    )
    alice = world.person(1)
    for _ in range(12):
        for _ in range(10):
            alice.type("x")
        compact(world.store, DOCUMENT, ROOTS)
        pack(world.store, DOCUMENT, ROOTS)
        status = world.store.status(DOCUMENT)
        assert status.packed == status.head - 3
        near = [seq for seq in world.store.bases(DOCUMENT) if seq <= status.packed]
        assert status.head == 10 or status.packed - near[-1] <= 10
        assert len(world.store.bases(DOCUMENT)) <= 3
    assert world.text() == "x" * 120


@pytest.mark.parametrize("seed", SEEDS)
def test_a_packed_log_is_the_same_log(seed: int) -> None:
    print(f"again with SEED={seed}")
    rng = random.Random(seed)
    store, raw = written(rng, 300)
    assert compact(store, DOCUMENT, ROOTS)
    pack(store, DOCUMENT, ROOTS)
    assert store.status(DOCUMENT).packed == len(raw)
    assert list(chunks(store, DOCUMENT))
    assert [group.last for group in groups(store, DOCUMENT)][-1] == len(raw)
    for until in rng.sample(range(len(raw) + 1), 10):
        doc, seq = replay_with_seq(store, DOCUMENT, until)
        plain = type(doc)(skip_gc=True)
        for entry in raw[:seq]:
            plain.apply_update(entry.update)
        assert content(doc, ROOTS) == content(plain, ROOTS)


def test_damage_is_said_when_the_past_is_read(world: World) -> None:
    alice = world.person(1)
    for letter in "abc":
        alice.type(letter)
    compact(world.store, DOCUMENT, ROOTS)
    pack(world.store, DOCUMENT, ROOTS)
    world.store.turn_a_bit(DOCUMENT, "chunk", 3)
    with pytest.raises(Broken, match="entries 1 to 3"):
        replay(world.store, DOCUMENT, 2)
    assert world.text() == "abc"  # the present needs no chunk
