"""The walk through a log: what is damaged is found, whatever of it is, and nothing else is taken for damaged."""

import random
from collections.abc import Sequence

import pytest

from sync.compaction import compact
from sync.packing import pack
from sync.store import Chunk, Damage, Entry
from sync.walk import Row, walk
from tests.engine import DOCUMENT, ROOTS, World


@pytest.fixture
def world() -> World:
    """A log of twenty entries, of which twelve are in three chunks."""
    world = World()
    alice, bob = world.person(1), world.person(2)
    for count in (4, 4, 4, 8):
        for number in range(count):
            (alice if number % 2 else bob).type("x")
        if count == 4:
            compact(world.store, DOCUMENT, ROOTS)
            pack(world.store, DOCUMENT, ROOTS)
    return world


@pytest.fixture(autouse=True)
def many_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones are not made one."""
    monkeypatch.setattr("sync.packing.CHUNK_BYTES", 0)


def spans(rows: Sequence[Row]) -> list[str]:
    """C for a chunk, E for an entry, - for what is damaged, each with its first and last entry."""
    return [_span(row) for row in rows]


def _span(row: Row) -> str:
    match row:
        case Entry():
            return f"E{row.seq}"
        case Chunk():
            return f"C{row.first}-{row.last}"
        case Damage():
            return f"-{row.first}-{row.last}"


WHOLE = ["C1-4", "C5-8", "C9-12", *(f"E{seq}" for seq in range(13, 21))]


def test_a_whole_log_is_all_there(world: World) -> None:
    whole = list(walk(world.store, DOCUMENT))
    assert spans(whole) == WHOLE
    for after in range(21):
        for until in range(after + 1, 22):
            expected = [row for row in whole if _reaches(row, after, until)]
            assert list(walk(world.store, DOCUMENT, after, until)) == expected


def _reaches(row: Row, after: int, until: int) -> bool:
    first, last = (row.seq, row.seq) if isinstance(row, Entry) else (row.first, row.last)
    return last > after and first <= until


@pytest.mark.parametrize(
    ("table", "seq", "column", "damaged"),
    [
        ("chunk", 4, "data", "-1-4"),
        ("chunk", 8, "data", "-5-8"),
        ("chunk", 12, "data", "-9-12"),
        ("chunk", 8, "entry_hash", "-5-8"),
        ("chunk", 12, "entry_hash", "-9-12"),
        ("entry", 13, "update", "-13-13"),
        ("entry", 16, "update", "-16-16"),
        ("entry", 20, "update", "-20-20"),
    ],
)
def test_a_bit_that_turned_over_is_found(world: World, table: str, seq: int, column: str, damaged: str) -> None:
    world.store.turn_a_bit(DOCUMENT, table, seq, column)
    name = f"E{seq}" if table == "entry" else damaged.replace("-", "C", 1)
    expected = [damaged if each == name else each for each in WHOLE]
    assert spans(list(walk(world.store, DOCUMENT))) == expected
    for after in range(21):
        found = spans(list(walk(world.store, DOCUMENT, after)))
        assert found == expected[len(expected) - len(found) :]
        assert (damaged in found) == (after < seq)


@pytest.mark.parametrize(("table", "seq"), [("chunk", 4), ("chunk", 8), ("entry", 13), ("entry", 17), ("entry", 20)])
def test_a_hash_that_turned_over_harms_nothing(world: World, table: str, seq: int) -> None:
    """What comes after it, or the document, was chained to the right one."""
    whole = list(walk(world.store, DOCUMENT))
    world.store.turn_a_bit(DOCUMENT, table, seq, "hash")
    told: list[Damage] = []
    assert list(walk(world.store, DOCUMENT, harmless=told.append)) == whole
    assert [(damage.first, damage.last) for damage in told] == [(seq - 3 if table == "chunk" else seq, seq)]
    for after in range(21):
        found = list(walk(world.store, DOCUMENT, after))
        assert found == whole[len(whole) - len(found) :]


@pytest.mark.parametrize(
    ("table", "lost", "missing"),
    [
        ("chunk", [4], "-1-4"),
        ("chunk", [8], "-5-8"),
        ("chunk", [12], "-9-12"),
        ("chunk", [4, 8, 12], "-1-12"),
        ("entry", [13], "-13-13"),
        ("entry", [15, 16, 17], "-15-17"),
        ("entry", [20], "-20-20"),
        ("entry", [*range(13, 21)], "-13-20"),
    ],
)
def test_rows_that_are_lost_are_missed(world: World, table: str, lost: list[int], missing: str) -> None:
    world.store.lose_rows(DOCUMENT, table, *lost)
    found = spans(list(walk(world.store, DOCUMENT)))
    assert missing in found
    assert [each for each in found if each != missing] == [
        each for each in WHOLE if not (each[0] == ("E" if table == "entry" else "C") and _last(each) in lost)
    ]


def _last(span: str) -> int:
    return int(span[1:].split("-")[-1])


def test_two_damaged_entries_are_two(world: World) -> None:
    for seq in (14, 18):
        world.store.turn_a_bit(DOCUMENT, "entry", seq)
    found = spans(list(walk(world.store, DOCUMENT)))
    assert [each for each in found if each.startswith("-")] == ["-14-14", "-18-18"]


def test_what_is_damaged_is_told_with_what_was_expected(world: World) -> None:
    world.store.turn_a_bit(DOCUMENT, "entry", 14)
    (damage,) = [row for row in walk(world.store, DOCUMENT) if isinstance(row, Damage)]
    assert str(damage).startswith("entries 14 to 14: expected an entry with the hash ")
    world.store.lose_rows(DOCUMENT, "entry", 14)
    (damage,) = [row for row in walk(world.store, DOCUMENT) if isinstance(row, Damage)]
    assert str(damage) == "entries 14 to 14: expected entry 14, found entry 15"


def test_nothing_is_shown_that_was_not_written(world: World) -> None:
    """Any rows may turn any bits or be lost: what is left is as it was written, and all else is said to be damaged."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    whole = {_span(row): row for row in walk(world.store, DOCUMENT)}
    seqs = {"chunk": [4, 8, 12], "entry": list(range(13, 21))}
    columns = {"chunk": ["data", "hash", "entry_hash"], "entry": ["update", "hash"]}
    for _ in range(rng.randrange(1, 4)):
        table = rng.choice(["chunk", "entry"])
        if not seqs[table]:
            continue
        seq = rng.choice(seqs[table])
        if rng.random() < 0.3:
            world.store.lose_rows(DOCUMENT, table, seq)
            seqs[table].remove(seq)
        else:
            world.store.turn_a_bit(DOCUMENT, table, seq, rng.choice(columns[table]))
    at = 0
    for row in walk(world.store, DOCUMENT):
        first, last = (row.seq, row.seq) if isinstance(row, Entry) else (row.first, row.last)
        assert first == at + 1, "nothing is passed over in silence"
        at = last
        if isinstance(row, Entry):
            assert row.update == whole[_span(row)].update  # type: ignore[union-attr]
        elif isinstance(row, Chunk):
            assert row.data == whole[_span(row)].data  # type: ignore[union-attr]
    assert at == 20
