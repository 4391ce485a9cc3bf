"""Old entries, put together and compressed: nothing of what they say is lost but fractions of a second."""

import os
import random
import zlib
from collections.abc import Sequence
from contextlib import suppress

import pytest

from sync.chunk import MOST_ENTRIES, Group, alone, decode, encode, gather
from sync.codec import Malformed, uint_bytes, var_bytes
from sync.parts import put_together, squash, take_apart
from sync.repeats import expand, squeeze
from sync.store import Entry
from tests.sync.handmade import element, entry, section, shared, struct, text, update
from tests.sync.writers import YrsWriter, content, new_doc

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(int(os.environ.get("SEEDS", "5")))
EVERYTHING = [
    update(section(7, 0, text("Töne 😀", parent="title"))),
    update(section(7, 7, text("!", origin=(7, 6), right=(7, 3))), deleted={7: [(0, 2), (4, 1)]}),
    update(
        section(
            2**53 - 1,
            0,
            element("p", parent="body"),
            shared(6, parent=(2**53 - 1, 0)),
            struct(6, b"\4bold\4true", parent=(2**53 - 1, 1)),
            text("x", origin=(2**53 - 1, 2)),
            struct(5, b"\7{\"a\":1}", origin=(2**53 - 1, 3)),
            entry("level", b"\x7d\1\x77\2ab", parent=(2**53 - 1, 0), count=2),
            struct(1, b"\x85\1", origin=(7, 7)),
            b"\0\3",
            b"\x0a\5",
        ),
        section(8, 0, text("y", origin=(7, 7), right=(2**53 - 1, 3))),
    ),
    update(deleted={7: [(3, 1)], 8: [(0, 1)]}),
    b"\1\1\5\0\3\1\1a\2{}\0",  # binary content, which the gate lets nobody write: it stays whole
    b"\0\0",
]


def written(updates: Sequence[bytes], seq: int = 1) -> list[Group]:
    return [Group(seq + n, seq + n, n % 3 or None, 2**63 - 1 - n % 2, 1000 - n, each) for n, each in enumerate(updates)]


def log(*what: tuple[int | None, int, int]) -> list[Entry]:
    """Entries of (user, join, time), each with a letter."""
    strokes = [text("a", parent="title"), *(text("b", origin=(7, n)) for n in range(len(what)))]
    return [
        Entry(seq, update(section(7, seq - 1, strokes[seq - 1])), user, join, time, b"")
        for seq, (user, join, time) in enumerate(what, 1)
    ]


def spans(groups: Sequence[Group]) -> list[tuple[int, int]]:
    return [(group.first, group.last) for group in groups]


def test_what_is_packed_is_unpacked() -> None:
    for groups in (written(EVERYTHING), written(EVERYTHING, 10**12), written([b"\0\0"])):
        assert decode(encode(groups)) == groups
    longer = [Group(5, 9, 1, 2, 3, b"\0\0"), Group(10, 10, 1, 2, 2, b"\0\0"), Group(11, 110, None, 2, 10**12, b"\0\0")]
    assert decode(encode(longer)) == longer


def test_groups_must_follow_each_other() -> None:
    with pytest.raises(ValueError, match="none"):
        encode([])
    with pytest.raises(ValueError, match="from entry 2 on, got 3"):
        encode([Group(1, 1, 1, 1, 1, b"\0\0"), Group(3, 3, 1, 1, 1, b"\0\0")])


def test_a_second_of_one_person_is_one_group() -> None:
    entries = log((1, 5, 1000), (1, 5, 1999), (1, 5, 2000), (2, 5, 2000), (2, 6, 2000), (None, 6, 2000))
    assert spans(list(gather(map(alone, entries)))) == [(1, 2), (3, 3), (4, 4), (5, 5), (6, 6)]
    assert spans(list(gather(map(alone, entries), keep={1}))) == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)]
    many = log(*[(1, 1, 1)] * (2 * MOST_ENTRIES + 1))
    assert spans(list(gather(map(alone, many)))) == [(1, 100), (101, 200), (201, 201)]


def test_what_was_typed_on_is_one_piece() -> None:
    (group,) = gather(map(alone, log(*[(1, 1, 1)] * 4)))
    assert group.update == update(section(7, 0, text("abbb", parent="title")))
    apart = update(section(7, 5, text("x", origin=(7, 4), right=(6, 1)), text("y", origin=(7, 5))))
    assert squash(apart) == apart
    assert squash(EVERYTHING[4]) == EVERYTHING[4]


@pytest.mark.parametrize("whole", [each for each in EVERYTHING if each is not EVERYTHING[4]])
def test_an_update_is_taken_apart_and_put_together(whole: bytes) -> None:
    assert put_together(take_apart(whole)) == whole


@pytest.mark.parametrize("seed", SEEDS)
def test_a_log_in_chunks_is_the_same_log(seed: int) -> None:
    """People write together; at the end of each group the doc is what the entries make of it."""
    print(f"again with SEED={seed}")
    rng = random.Random(seed)
    writers = [YrsWriter(rng, rng.randrange(1, 2**53), user_id=n) for n in range(3)]
    entries: list[Entry] = []
    time = 1_700_000_000_000
    for _ in range(400):
        writer = rng.choice(writers)
        writer.edit()
        time += rng.choice((0, 10, 200, 900, -300))
        for each in writer.take():
            entries.append(Entry(len(entries) + 1, each, writer.user_id or None, writer.client_id, time, b""))
            if rng.random() < 0.9:  # else the others get it later, all at once
                for reader in writers:
                    reader.hear(each)
    keep = set(rng.sample(range(1, len(entries) + 1), 20))
    groups = list(gather(map(alone, entries), keep))
    cut = rng.randrange(1, len(groups))
    unpacked = [*decode(encode(groups[:cut])), *decode(encode(groups[cut:]))]
    assert unpacked == groups
    assert keep <= {group.last for group in groups}
    assert len(groups) < len(entries)
    one, other = new_doc(), new_doc()
    for group in unpacked:
        for stroke in entries[group.first - 1 : group.last]:
            assert (stroke.user_id, stroke.time // 1000) == (group.user_id, group.time // 1000)
            one.apply_update(stroke.update)
        other.apply_update(group.update)
        assert one.get_state() == other.get_state()
        assert content(one) == content(other)


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_chunks_are_refused_in_words(seed: int) -> None:
    print(f"again with SEED={seed}")
    rng = random.Random(seed)
    table = zlib.decompress(encode(written(EVERYTHING)), -15)
    for _ in range(2000):
        damaged = bytearray(table)
        for _ in range(rng.randrange(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        if rng.random() < 0.3:
            del damaged[rng.randrange(len(damaged)) :]
        deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
        with suppress(Malformed):  # or it is another log, which its hash tells
            decode(deflate.compress(damaged) + deflate.flush())
    packed = encode(written(EVERYTHING))
    for wrong in (b"", b"x", packed[:-1], packed + b"x"):
        with pytest.raises(Malformed, match="expected"):
            decode(wrong)


@pytest.mark.parametrize("seed", SEEDS)
def test_repeats_are_told_by_where_they_were(seed: int) -> None:
    print(f"again with SEED={seed}")
    rng = random.Random(seed)
    for _ in range(30):
        pages = [rng.randbytes(rng.randrange(1, 500)) for _ in range(4)]
        whole = b"".join(rng.choice([*pages, b"a" * 200, rng.randbytes(9)]) for _ in range(rng.randrange(40)))
        assert expand(squeeze(whole), len(whole)) == whole
    page = rng.randbytes(1000)
    assert len(squeeze(page + rng.randbytes(50_000) + page)) < 51_100


def test_repeats_that_are_too_many_are_refused() -> None:
    bomb = var_bytes(b"a") + uint_bytes(10**9) + uint_bytes(1) + b"\0"
    with pytest.raises(Malformed, match="at most 1000"):
        expand(bomb, 1000)
    with pytest.raises(Malformed, match="distance"):
        expand(var_bytes(b"a") + b"\1\2\0", 1000)


def test_a_group_of_one_is_the_entry() -> None:
    (entry,) = log((3, 4, 5))
    assert alone(entry) == Group(1, 1, 3, 4, 5, entry.update)
