"""A log of which a part is damaged: what is told of it, what can still be read, and how it becomes whole again."""

import logging
import os
import random
from collections.abc import Sequence
from typing import Any

import pytest
from pycrdt import Doc, merge_updates

from sync.codec import Malformed
from sync.codec import state_vector as clocks
from sync.compaction import compact
from sync.doc import content
from sync.history import groups, replay, replay_with_seq
from sync.mending import Copy, Unfit, mend
from sync.packing import pack
from sync.parts import deleted, take_apart
from sync.rooms import NotWhole
from sync.store import Broken, Damage, Entry, Quarantined
from sync.walk import walk
from tests.engine import DOCUMENT, ROOTS, World
from tests.memory_store import MemoryStore
from tests.people import Person, same
from tests.sync.logs import written

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(int(os.environ.get("SEEDS", "5")))
EMPTY = b"\0\0"


@pytest.fixture
def world() -> World:
    return World()


def typed(world: World, text: str, user_id: int = 1) -> Person:
    """Somebody types, letter by letter."""
    person = world.person(user_id)
    for letter in text:
        person.type(letter)
    return person


def restart(world: World) -> None:
    """Nothing is in memory any more."""
    world.processes[0].kill()


def quarantined(world: World) -> list[tuple[int, int, int | None]]:
    return [(each.first, each.last, each.known) for each in world.store.quarantined(DOCUMENT)]


def damaged(world: World) -> list[tuple[int, int]]:
    return [row[:2] for row in walk(world.store, DOCUMENT) if isinstance(row, Damage)]


def copy_of(person: Person, has: bytes, unsent: Sequence[bytes] = ()) -> Copy:
    """What somebody's tab would send."""
    seq = max(person.seq, person.saved_seq)
    return Copy(seq, 1, person.doc.get_update(has), merge_updates(*unsent) if unsent else EMPTY)


def refusal(world: World) -> NotWhole:
    with pytest.raises(NotWhole) as caught:
        world.rooms.edit(DOCUMENT, 1, lambda doc: None, lambda answer: None)
    return caught.value


def mended(world: World) -> None:
    """Somebody looks at the history, say."""
    world.rooms.mend(DOCUMENT)


def test_damage_before_a_snapshot_is_told_by_that(world: World, caplog: pytest.LogCaptureFixture) -> None:
    alice = typed(world, "abcdef")
    compact(world.store, DOCUMENT, ROOTS)
    alice.type("!")
    before = [world.text(until) for until in range(8)]
    world.store.turn_a_bit(DOCUMENT, "entry", 3)
    with pytest.raises(Broken, match="entries 3 to 3"):
        world.text(5)
    with caplog.at_level(logging.WARNING):
        mended(world)
    assert "entries 3 to 3: expected an entry with the hash" in caplog.text
    assert quarantined(world) == [(3, 3, 6)]
    assert [world.text(until) for until in range(8)] == before
    found = list(groups(world.store, DOCUMENT))
    assert [(group.first, group.last, group.user_id) for group in found if group.user_id is None] == [(3, 3, None)]
    assert [group.last for group in found] == [1, 2, 3, 4, 5, 6, 7]
    (kept,) = [entry for entry in world.store.entries(DOCUMENT) if entry.seq == 3]
    assert kept.update != found[2].update, "the row itself is left as it is"


def test_what_was_deleted_by_a_damaged_entry_stays_deleted(world: World) -> None:
    alice = typed(world, "abcdef")
    alice.delete(2, 2)
    alice.type("!")
    compact(world.store, DOCUMENT, ROOTS)
    before = [world.text(until) for until in range(9)]
    world.store.turn_a_bit(DOCUMENT, "entry", 7)
    mended(world)
    assert [world.text(until) for until in range(9)] == before
    (told,) = world.store.quarantined(DOCUMENT)
    assert told.update is not None
    assert take_apart(told.update).runs == []


def test_what_was_lost_and_then_deleted_is_gone(world: World) -> None:
    alice = typed(world, "abcdef")
    alice.delete(2)
    compact(world.store, DOCUMENT, ROOTS)
    world.store.lose_rows(DOCUMENT, "entry", 3)
    mended(world)
    assert [world.text(until) for until in range(8)] == ["", "a", "ab", "ab", "abd", "abde", "abdef", "abdef"]


def test_several_damaged_entries_are_one_gap_to_the_next_moment_that_is_known(world: World) -> None:
    alice = typed(world, "abcdefgh")
    compact(world.store, DOCUMENT, ROOTS)
    alice.type("!")
    world.store.turn_a_bit(DOCUMENT, "entry", 3)
    world.store.turn_a_bit(DOCUMENT, "entry", 4)
    world.store.lose_rows(DOCUMENT, "entry", 6)
    mended(world)
    assert quarantined(world) == [(3, 6, 8)]
    assert [world.text(until) for until in range(10)] == [
        "", "a", "ab", "ab", "ab", "ab", "abcdef", "abcdefg", "abcdefgh", "abcdefgh!",
    ]  # fmt: skip


def test_what_is_known_stays_known_when_what_comes_next_is_damaged_too(world: World) -> None:
    alice = typed(world, "abc")
    compact(world.store, DOCUMENT, ROOTS)
    alice.type("d")
    world.store.turn_a_bit(DOCUMENT, "entry", 3)
    mended(world)
    world.store.turn_a_bit(DOCUMENT, "entry", 4)
    restart(world)
    mended(world)
    assert quarantined(world) == [(3, 3, 3), (4, 4, None)]
    assert [world.text(until) for until in range(4)] == ["", "a", "ab", "abc"]
    assert world.rooms.read(DOCUMENT)[1] == 3


def test_a_damaged_chunk_is_told_by_the_snapshot(world: World) -> None:
    alice = typed(world, "abcdef")
    compact(world.store, DOCUMENT, ROOTS)
    pack(world.store, DOCUMENT, ROOTS)
    alice.type("!")
    world.store.turn_a_bit(DOCUMENT, "chunk", 6)
    assert world.text() == "abcdef!", "the present needs no chunk"
    mended(world)
    assert quarantined(world) == [(1, 6, 6)]
    assert [world.text(until) for until in (0, 3, 6, 7)] == ["", "", "abcdef", "abcdef!"]
    world.store.lose_rows(DOCUMENT, "chunk", 6)
    assert world.text(7) == "abcdef!"


def test_people_who_have_it_open_notice_nothing(world: World) -> None:
    alice = typed(world, "abc")
    world.store.turn_a_bit(DOCUMENT, "entry", 2)
    bob = world.person(2)
    bob.type("!")
    assert same(alice, bob) == "abc!"
    world.rooms.compact(DOCUMENT)
    assert quarantined(world) == [(2, 2, 4)]
    restart(world)
    assert same(alice, bob, world.person(3)) == "abc!"
    assert [world.text(until) for until in range(5)] == ["", "a", "ab", "abc", "abc!"]


def test_a_room_is_not_forgotten_before_what_is_damaged_is_told(world: World) -> None:
    """Too few entries for a snapshot: nothing else would look at them again."""
    alice = typed(world, "abc")
    alice.leave()
    world.store.turn_a_bit(DOCUMENT, "entry", 2)
    world.clock.turn(61)
    assert quarantined(world) == [(2, 2, 3)]
    restart(world)
    assert same(world.person(2)) == "abc"


def test_what_waits_for_its_commit_is_not_in_the_damaged_entries(world: World) -> None:
    alice, bob = typed(world, "abc"), world.person(2)
    world.store.turn_a_bit(DOCUMENT, "entry", 3)
    with world.store.held():
        bob.type("!")
        world.store.begin()
        world.rooms.mend(DOCUMENT)
        assert quarantined(world) == [(3, 3, None)], "the room is ahead of the log"
    world.rooms.mend(DOCUMENT)
    assert quarantined(world) == [(3, 3, 4)]
    assert [world.text(until) for until in range(5)] == ["", "a", "ab", "abc", "abc!"]
    assert same(alice, bob) == "abc!"


def test_a_note_that_is_damaged_after_its_snapshot_is_read_up_to_there(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    typed(world, "abcdef")
    world.store.turn_a_bit(DOCUMENT, "entry", 4)
    restart(world)
    with caplog.at_level(logging.ERROR):
        late = world.person(2)
    assert [each["error"] for each in late.refusals] == ["damaged"]
    assert caplog.text.count("entries 4 to 4: expected") == 1
    refused = refusal(world)
    assert (refused.damage.first, refused.damage.last) == (4, 4)
    assert sum(clocks(refused.has).values()) == 3
    state, seq, _ = world.rooms.read(DOCUMENT)
    doc: Doc[Any] = Doc()
    doc.apply_update(state)
    assert (str(doc.get("title", type=type(late.text))), seq) == ("abc", 3)
    assert quarantined(world) == [(4, 4, None)]
    assert [world.text(until) for until in range(4)] == ["", "a", "ab", "abc"]
    with pytest.raises(Broken):
        world.text(5)


def test_the_first_entry_and_the_last_may_be_damaged(world: World) -> None:
    typed(world, "abc")
    world.store.turn_a_bit(DOCUMENT, "entry", 1)
    restart(world)
    assert refusal(world).damage[:2] == (1, 1)
    assert world.rooms.read(DOCUMENT)[1] == 0
    world.store.lose_rows(DOCUMENT, "entry", 2, 3)
    world.clock.turn(20)
    assert refusal(world).damage[:2] == (1, 3)


def test_a_row_that_is_put_back_makes_it_whole(world: World, caplog: pytest.LogCaptureFixture) -> None:
    typed(world, "abc")
    whole = list(world.store.entries(DOCUMENT))
    world.store.turn_a_bit(DOCUMENT, "entry", 2)
    restart(world)
    assert refusal(world)
    world.store.turn_a_bit(DOCUMENT, "entry", 2)
    assert list(world.store.entries(DOCUMENT)) == whole
    assert refusal(world), "that is remembered for some seconds"
    world.clock.turn(20)
    assert str(world.person(2).text) == "abc"
    with caplog.at_level(logging.WARNING):
        mended(world)
    assert "whole again" in caplog.text
    assert quarantined(world) == []


def test_a_damaged_snapshot_is_passed_over(world: World) -> None:
    alice = typed(world, "abcdef")
    compact(world.store, DOCUMENT, ROOTS)
    pack(world.store, DOCUMENT, ROOTS)
    alice.type("g")
    compact(world.store, DOCUMENT, ROOTS)
    alice.type("!")
    for seq in (7, 6):
        world.store.turn_a_bit(DOCUMENT, "snapshot", seq)
        restart(world)
        assert str(world.person(2).text) == "abcdefg!"
        assert [world.text(until) for until in (6, 7, 8)] == ["abcdef", "abcdefg", "abcdefg!"]
    assert quarantined(world) == []


def test_a_damaged_entry_is_packed_as_what_it_did(world: World) -> None:
    alice = typed(world, "abc")
    world.clock.turn(2)
    alice.type("def")
    compact(world.store, DOCUMENT, ROOTS)
    before = [world.text(until) for until in range(5)]
    world.store.turn_a_bit(DOCUMENT, "entry", 2)
    assert world.rooms.compact(DOCUMENT)[1] == 4
    assert list(world.store.entries(DOCUMENT)) == []
    assert [(group.first, group.last, group.user_id) for group in groups(world.store, DOCUMENT)] == [
        (1, 1, 1), (2, 2, None), (3, 3, 1), (4, 4, 1),
    ]  # fmt: skip
    assert [world.text(until) for until in range(5)] == before
    assert quarantined(world) == [(2, 2, 4)]
    assert damaged(world) == []


def test_nothing_is_packed_up_to_a_damaged_entry(world: World) -> None:
    """What comes after a chunk is chained to its last entry: that must be one that is whole."""
    alice = typed(world, "abc")
    compact(world.store, DOCUMENT, ROOTS)
    world.store.turn_a_bit(DOCUMENT, "entry", 3)
    assert world.rooms.compact(DOCUMENT)[1] == 2
    assert world.rooms.compact(DOCUMENT)[1] == 0
    alice.type("d")
    assert world.rooms.compact(DOCUMENT)[1] == 2
    alice.type("e")
    assert damaged(world) == []
    assert [world.text(until) for until in (2, 3, 4, 5)] == ["ab", "abc", "abcd", "abcde"]


# -- Copies that people have --


def test_who_wrote_it_can_repair_it_with_their_copy(world: World) -> None:
    alice = typed(world, "abcdef")
    before = [world.text(until) for until in range(7)]
    world.store.turn_a_bit(DOCUMENT, "entry", 4)
    restart(world)
    told = world.rooms.mend_from(DOCUMENT, copy_of(alice, refusal(world).has), may_vouch=False)
    assert (told.first, told.last, told.known, told.user_id) == (4, 4, 6, 1)
    alice.come()
    late = world.person(2)
    assert same(alice, late) == "abcdef"
    assert [world.text(until) for until in range(7)] == before
    alice.type("!")
    assert same(alice, late) == "abcdef!"


def test_what_others_wrote_wants_somebody_who_may_vouch_for_it(world: World) -> None:
    alice, bob = typed(world, "abc"), world.person(2)
    bob.type("d")
    alice.type("e")
    world.store.turn_a_bit(DOCUMENT, "entry", 4)
    restart(world)
    copy = copy_of(alice, refusal(world).has)
    with pytest.raises(Unfit, match="by somebody else"):
        world.rooms.mend_from(DOCUMENT, copy, may_vouch=False)
    assert quarantined(world) == [(4, 4, None)]
    world.rooms.mend_from(DOCUMENT, copy, may_vouch=True)
    assert same(alice, bob, world.person(3)) == "abcde"


def test_what_was_never_acknowledged_is_not_taken_for_what_is_damaged(world: World) -> None:
    alice, bob = typed(world, "abc"), world.person(2)
    world.store.turn_a_bit(DOCUMENT, "entry", 2)
    restart(world)
    unsent: list[bytes] = []
    alice.doc.observe(lambda event: unsent.append(event.update))
    alice.type("?")
    alice.delete(0)
    copy = copy_of(alice, refusal(world).has, unsent)
    told = world.rooms.mend_from(DOCUMENT, copy, may_vouch=False)
    assert told.update is not None
    parts = take_apart(told.update)
    assert [(len(run.pieces), run.clock) for run in parts.runs] == [(1, 1)]
    assert parts.deletes == []
    alice.come()
    assert same(alice, bob) == "bc?"
    assert [entry.user_id for entry in world.store.entries(DOCUMENT)] == [1, 1, 1, 1]


def test_a_copy_that_does_not_have_it_does_not_do(world: World) -> None:
    alice, bob = typed(world, "abc"), world.person(2)
    bob.leave()
    alice.type("d")
    alice.type("e")
    world.store.turn_a_bit(DOCUMENT, "entry", 4)
    restart(world)
    has = refusal(world).has
    with pytest.raises(Unfit, match="up to 4, not one with those up to 3"):
        world.rooms.mend_from(DOCUMENT, copy_of(bob, has), may_vouch=True)
    with pytest.raises(Unfit, match="does not hold all"):
        world.rooms.mend_from(DOCUMENT, copy_of(bob, has)._replace(seq=5), may_vouch=True)
    with pytest.raises(Unfit, match="go on from"):
        world.rooms.mend_from(DOCUMENT, copy_of(alice, b"\0"), may_vouch=True)
    assert quarantined(world) == [(4, 4, None)]


def test_bytes_that_are_no_copy_are_refused(world: World) -> None:
    alice = typed(world, "abc")
    world.store.turn_a_bit(DOCUMENT, "entry", 2)
    restart(world)
    has = refusal(world).has
    good = copy_of(alice, has)
    for wrong in (b"", b"\xff\xff", good.update[:-1], good.update + b"\0", bytes(100)):
        with pytest.raises((Malformed, Unfit)):
            world.rooms.mend_from(DOCUMENT, good._replace(update=wrong), may_vouch=True)
        with pytest.raises((Malformed, Unfit)):
            world.rooms.mend_from(DOCUMENT, good._replace(unsent=wrong), may_vouch=True)
    assert quarantined(world) == [(2, 2, None)]


def test_nobody_is_made_to_have_written_what_they_did_not(world: World) -> None:
    """A copy with more in the name of somebody who never sent that, or of nobody known."""
    alice, bob = typed(world, "abc"), world.person(2)
    bob.type("d")
    world.store.turn_a_bit(DOCUMENT, "entry", 4)
    restart(world)
    has = refusal(world).has
    bob.leave()
    bob.type("forged")
    forged = Copy(4, 1, merge_updates(alice.doc.get_update(has), bob.doc.get_update(has)), EMPTY)
    with pytest.raises(Unfit, match="by somebody else"):
        world.rooms.mend_from(DOCUMENT, forged, may_vouch=False)
    stranger = world.person(7, join=False)
    stranger.doc.apply_update(alice.doc.get_update())
    stranger.type("forged")
    told = world.rooms.mend_from(DOCUMENT, copy_of(stranger, has)._replace(seq=4), may_vouch=True)
    assert told.update is not None
    assert b"forged" not in told.update
    assert str(world.person(3).text) == "abcd"


def test_a_note_that_is_whole_takes_no_copy(world: World) -> None:
    alice = typed(world, "abc")
    with pytest.raises(Unfit, match="Nothing"):
        world.rooms.mend_from(DOCUMENT, copy_of(alice, b"\0"), may_vouch=True)


# -- Whatever is damaged --


@pytest.mark.parametrize("seed", SEEDS)
def test_what_comes_after_the_damage_is_as_it_was(seed: int) -> None:
    print(f"again with SEED={seed}")
    rng = random.Random(seed)
    store, raw = written(rng, 150)
    compact(store, DOCUMENT, ROOTS)
    damage(store, rng)
    known = mend(store, DOCUMENT, ROOTS, None, 1)
    assert known
    gone = set[int]()
    for each in known:
        assert each.update is not None
        gone |= set(range(each.first, each.last))
        if hides(each, raw):  # what was put in by what is damaged and was taken out by then is lost
            gone |= set(range(each.last, each.known or 0))
    plain: Doc[Any] = Doc(skip_gc=True)
    looked = 0
    for entry in raw:
        plain.apply_update(entry.update)
        if entry.seq in gone or rng.random() < 0.8:
            continue
        doc, seq = replay_with_seq(store, DOCUMENT, entry.seq)
        if seq == entry.seq:
            looked += 1
            assert content(doc, ROOTS) == content(plain, ROOTS), f"at {seq}, damaged: {[each[:2] for each in known]}"
    assert content(replay(store, DOCUMENT), ROOTS) == content(plain, ROOTS)
    pack(store, DOCUMENT, ROOTS)
    assert content(replay(store, DOCUMENT, raw[-1].seq), ROOTS) == content(plain, ROOTS)
    assert mend(store, DOCUMENT, ROOTS, None, 1) == known, "nothing more is found"
    print(f"compared {looked} moments")


def damage(store: MemoryStore, rng: random.Random) -> None:
    """An entry or a chunk, or two of them, are turned or lost."""
    rows = [("entry", entry.seq) for entry in store.entries(DOCUMENT)]
    rows += [("chunk", chunk.last) for chunk in store.chunks(DOCUMENT)]
    for table, seq in rng.sample(rows, min(len(rows), rng.choice((1, 1, 2)))):
        if rng.random() < 0.5:
            store.lose_rows(DOCUMENT, table, seq)
        else:
            store.turn_a_bit(DOCUMENT, table, seq)


def hides(each: Quarantined, raw: Sequence[Entry]) -> bool:
    """Whether something of what the damaged entries put in was deleted when the note was known again."""
    whole: Doc[Any] = Doc()
    for entry in raw[: each.known]:
        whole.apply_update(entry.update)
    gone = deleted(take_apart(whole.get_update()))
    return any(
        gone.overlap(run.client, piece.struct.clock, piece.struct.clock + piece.struct.length)
        for entry in raw[each.first - 1 : each.last]
        for run in take_apart(entry.update).runs
        for piece in run.pieces
    )
