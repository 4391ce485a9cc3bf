"""What every store promises. A test class inherits `StoreContract` and gives it a `world` with its store in it."""

import random
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Protocol

import pytest

from sync import history
from sync.chunk import Group, decode, encode
from sync.store import (
    BEFORE_ALL,
    Broken,
    Change,
    Chunk,
    ClientTaken,
    Entry,
    Quarantined,
    Rewriting,
    Rewritten,
    Snapshot,
    Storage,
    Store,
    UnknownDocument,
    UnknownMoment,
    link,
    verify,
)


class World(Protocol):
    """A store, and what stands around it."""

    store: Store

    def create(self) -> str:
        """A new document's id."""

    def wait(self, *writers: "Writer") -> None:
        """Until all of them are answered."""

    def another(self) -> Store:
        """A store on the same log, as another process would have it."""

    def summarise(self, document_id: str) -> None:
        """All entries there are have been summarised: they may be packed."""

    def name(self, document_id: str, seq: int) -> None:
        """Somebody names this moment."""

    def turn_a_bit(self, document_id: str, table: str, seq: int, column: str = "") -> None:
        """A bit of this entry or snapshot, or of the chunk that ends with it, turns over: of what it holds, or of a
        column."""

    def lose_rows(self, document_id: str, table: str, *seqs: int) -> None:
        """These entries, or the chunks that end with them, are not there any more."""


class Writer:
    """Somebody with changes for one document, as a room has them."""

    def __init__(self, document_id: str, *changes: Change, story: list[str] | None = None) -> None:
        self.document_id = document_id
        self.epoch: str | None = None
        self.seq = 0
        self.changes = changes
        self.story = story if story is not None else []
        self.entries: Sequence[Entry] = ()
        self.error: Exception | None = None
        self.answered = False
        self.then: Callable[[], None] = lambda: None

    def take(self) -> Sequence[Change]:
        self.story.append(f"take {self.document_id}")
        return self.changes

    def committed(self, entries: Sequence[Entry]) -> None:
        self._answer("committed")
        self.entries = entries
        self.then()

    def failed(self, error: Exception) -> None:
        self._answer("failed")
        self.error = error
        self.then()

    def _answer(self, word: str) -> None:
        assert not self.answered, "answered twice"
        self.answered = True
        self.story.append(f"{word} {self.document_id}")


def change(update: bytes = b"a", user_id: int | None = 1, clients: tuple[int, ...] = ()) -> Change:
    return Change(update, user_id, session_id=2**62, time=1_700_000_000_000, clients=clients)


def write(world: World, document_id: str, *changes: Change) -> Sequence[Entry]:
    """Once this returns, they are in the log."""
    writer = Writer(document_id, *changes)
    world.store.append(writer)
    world.wait(writer)
    assert writer.error is None
    return writer.entries


def snapshot(seq: int) -> Snapshot:
    state = b"state %d" % seq
    return Snapshot(seq, state, b"vector", sha256(state).digest())


def packed(*parts: Sequence[Entry]) -> list[Chunk]:
    """A chunk of one group for each of these parts of a log."""
    chunks: list[Chunk] = []
    for part in parts:
        first, last = part[0], part[-1]
        data = encode([Group(first.seq, last.seq, first.user_id, first.session_id, first.time, b"\0\0")])
        before = chunks[-1].hash if chunks else BEFORE_ALL
        hash = link(before, first.seq, last.seq, last.hash, data)
        chunks.append(Chunk(first.seq, last.seq, data, last.hash, hash))
    return chunks


def broken(entries: Sequence[Entry]) -> bool:
    try:
        verify(entries)
    except Broken:
        return True
    return False


class StoreContract:
    def test_what_is_written_is_read(self, world: World) -> None:
        note = world.create()
        told = write(world, note, change(b"one"), change(b"two", user_id=None))
        assert list(world.store.entries(note)) == list(told)
        assert world.store.status(note).hash == told[-1].hash
        assert [(entry.seq, entry.update, entry.user_id) for entry in told] == [(1, b"one", 1), (2, b"two", None)]
        assert {(entry.session_id, entry.time) for entry in told} == {(2**62, 1_700_000_000_000)}

    def test_how_much_was_written_is_read(self, world: World) -> None:
        note = world.create()
        told = write(world, note, change()._replace(inserted=3, deleted=2**31))
        assert [(entry.inserted, entry.deleted) for entry in told] == [(3, 2**31)]
        assert list(world.store.entries(note)) == list(told)

    def test_a_new_document_is_empty(self, world: World) -> None:
        note = world.create()
        log = world.store.open(note)
        assert (log.head, log.snapshot, log.owners) == (0, None, {})
        assert log.epoch
        assert list(world.store.entries(note)) == []

    def test_seqs_have_no_gap_whoever_writes(self, world: World) -> None:
        note = world.create()
        for number in range(1, 21):
            assert [entry.seq for entry in write(world, note, change(b"%d" % number))] == [number]
        assert world.store.open(note).head == 20

    def test_who_is_told_that_it_is_durable_finds_it_in_another_process(self, world: World) -> None:
        note = world.create()
        seen: list[Entry] = []
        writer = Writer(note, change(b"one"), change(b"two"))
        writer.then = lambda: seen.extend(world.another().entries(note))
        world.store.append(writer)
        world.wait(writer)
        assert [entry.update for entry in seen] == [b"one", b"two"]

    def test_documents_share_a_commit_and_are_numbered_apart(self, world: World) -> None:
        story: list[str] = []
        writers = [Writer(world.create(), change(b"1"), change(b"2"), story=story) for _ in range(5)]
        for writer in writers:
            world.store.append(writer)
        world.wait(*writers)
        assert [line.split()[0] for line in story] == ["take"] * 5 + ["committed"] * 5
        for writer in writers:
            assert [(entry.seq, entry.update) for entry in writer.entries] == [(1, b"1"), (2, b"2")]

    def test_a_document_is_taken_again_only_after_it_was_answered(self, world: World) -> None:
        note = world.create()
        story: list[str] = []
        first, second = Writer(note, change(b"1"), story=story), Writer(note, change(b"2"), story=story)
        world.store.append(first)
        world.store.append(second)
        world.wait(first, second)
        assert story == [f"take {note}", f"committed {note}"] * 2
        assert [entry.update for entry in world.store.entries(note)] == [b"1", b"2"]

    def test_who_is_answered_may_come_back_at_once(self, world: World) -> None:
        note = world.create()
        first, second = Writer(note, change(b"1")), Writer(note, change(b"2"))
        first.then = lambda: world.store.append(second)
        world.store.append(first)
        world.wait(first, second)
        assert [entry.seq for entry in second.entries] == [2]

    def test_who_has_nothing_to_say_is_answered_all_the_same(self, world: World) -> None:
        note = world.create()
        assert list(write(world, note)) == []
        assert world.store.open(note).head == 0

    def test_a_document_that_is_not_there_harms_nobody_else(self, world: World) -> None:
        note = world.create()
        lost, fine = Writer("A" * 22, change()), Writer(note, change())
        world.store.append(lost)
        world.store.append(fine)
        world.wait(lost, fine)
        assert isinstance(lost.error, UnknownDocument)
        assert [entry.seq for entry in fine.entries] == [1]

    def test_a_document_that_is_not_there_cannot_be_opened(self, world: World) -> None:
        with pytest.raises(UnknownDocument):
            world.store.open("A" * 22)
        with pytest.raises(UnknownDocument):
            world.store.compact("A" * 22, snapshot(1))
        assert list(world.store.entries("A" * 22)) == []

    def test_a_client_id_belongs_to_whom_it_was_first_seen_with(self, world: World) -> None:
        note = world.create()
        write(world, note, change(user_id=1, clients=(7, 8)), change(user_id=None, clients=(2**53 - 1,)))
        write(world, note, change(user_id=1, clients=(7, 9)))
        assert world.store.open(note).owners == {7: 1, 8: 1, 9: 1, 2**53 - 1: None}
        assert [world.store.owner(note, client) for client in (7, 9, 2**53 - 1, 10)] == [1, 1, None, None]

    def test_a_taken_client_id_fails_its_batch_and_no_other(self, world: World) -> None:
        note, other = world.create(), world.create()
        write(world, note, change(user_id=1, clients=(7,)))
        thief, fine = Writer(note, change(), change(user_id=2, clients=(8, 7))), Writer(other, change())
        world.store.append(thief)
        world.store.append(fine)
        world.wait(thief, fine)
        assert isinstance(thief.error, ClientTaken)
        assert [entry.seq for entry in fine.entries] == [1]
        assert world.store.open(note).head == 1
        assert world.store.open(note).owners == {7: 1}

    def test_two_who_bring_one_client_id_at_once_cannot_both_have_it(self, world: World) -> None:
        note = world.create()
        writer = Writer(note, change(user_id=1, clients=(7,)), change(user_id=2, clients=(7,)))
        world.store.append(writer)
        world.wait(writer)
        assert isinstance(writer.error, ClientTaken)
        assert world.store.open(note).owners == {}

    def test_what_continues_another_history_is_not_written(self, world: World) -> None:
        note, other = world.create(), world.create()
        late, fine = Writer(note, change(clients=(7,))), Writer(other, change())
        late.epoch, fine.epoch = "another", world.store.open(other).epoch
        world.store.append(late)
        world.store.append(fine)
        world.wait(late, fine)
        assert isinstance(late.error, Rewritten)
        assert world.store.open(note)[1:] == (0, None, {})
        assert [entry.seq for entry in fine.entries] == [1]

    def test_what_builds_on_entries_that_are_not_there_is_not_written(self, world: World) -> None:
        """The database has lost what it had said is durable."""
        note, other = world.create(), world.create()
        write(world, note, change(), change())
        ahead, fine, even = Writer(note, change()), Writer(other, change()), Writer(note, change())
        ahead.seq, even.seq = 3, 2
        for writer in (ahead, fine, even):
            world.store.append(writer)
        world.wait(ahead, fine, even)
        assert isinstance(ahead.error, Rewritten)
        assert [entry.seq for entry in (*fine.entries, *even.entries)] == [1, 3]

    def test_entries_are_read_from_one_seq_to_another(self, world: World) -> None:
        note = world.create()
        write(world, note, *(change(b"%d" % number) for number in range(1, 11)))

        def read(after: int, until: int | None = None) -> list[int]:
            return [entry.seq for entry in world.store.entries(note, after, until)]

        assert read(7) == [8, 9, 10]
        assert read(2, 4) == [3, 4]
        assert read(4, 4) == read(10) == read(99) == []
        assert read(8, 99) == [9, 10]

    def test_a_long_log_is_read_whole_and_in_order(self, world: World) -> None:
        note = world.create()
        updates = [bytes([number % 251]) * (400_000 if number % 800 == 0 else 3) for number in range(2500)]
        updates[1234] = bytes(2_000_000)
        for start in range(0, len(updates), 500):
            write(world, note, *(change(update) for update in updates[start : start + 500]))
        assert [entry.update for entry in world.store.entries(note)] == updates

    def test_snapshots_go_only_forward_and_delete_nothing(self, world: World) -> None:
        note = world.create()
        write(world, note, *(change(b"%d" % number) for number in range(5)))
        for seq, kept in ((2, 2), (4, 4), (3, 4), (4, 4), (5, 5)):
            world.store.compact(note, snapshot(seq))
            assert world.store.open(note).snapshot == snapshot(kept)
        assert [entry.seq for entry in world.store.entries(note)] == [1, 2, 3, 4, 5]

    def test_a_snapshot_of_what_is_not_written_is_refused(self, world: World) -> None:
        note = world.create()
        write(world, note, change())
        with pytest.raises(ValueError, match="2"):
            world.store.compact(note, snapshot(2))
        assert world.store.open(note).snapshot is None

    def test_the_log_proves_that_it_is_what_was_written(self, world: World) -> None:
        note = world.create()
        for _ in range(3):
            write(world, note, change(b"one"), change(b"two", user_id=None))
        entries = list(world.store.entries(note))
        newest = verify(entries)
        assert newest == entries[-1].hash
        assert verify(entries[4:], entries[3].hash, after=4) == newest
        forgeries = {
            "another text": [entries[0]._replace(update=b"One"), *entries[1:]],
            "another author": [*entries[:5], entries[5]._replace(user_id=1)],
            "another time": [*entries[:2], entries[2]._replace(time=1), *entries[3:]],
            "another tab": [*entries[:2], entries[2]._replace(session_id=1), *entries[3:]],
            "one left out": [*entries[:3], *entries[4:]],
            "one left out, the rest numbered anew": [
                entry._replace(seq=seq) for seq, entry in enumerate([*entries[:3], *entries[4:]], 1)
            ],
            "two changed places": [entries[0], entries[2]._replace(seq=2), entries[1]._replace(seq=3), *entries[3:]],
        }
        assert [what for what, forged in forgeries.items() if not broken(forged)] == []

    def test_entries_are_put_into_chunks(self, world: World) -> None:
        note = world.create()
        told = write(world, note, *(change(b"\0\0", user_id=n % 3 or None) for n in range(10)))
        world.store.compact(note, snapshot(9))
        with pytest.raises(ValueError, match="10"):
            world.store.pack(note, BEFORE_ALL, packed(told))
        world.summarise(note)
        assert world.store.status(note)[1:5] == (10, 9, 0, 9)
        first, more = packed(told[:4]), packed(told[:4], told[4:8])
        assert world.store.pack(note, BEFORE_ALL, first)
        assert not world.store.pack(note, BEFORE_ALL, first)  # somebody else did it meanwhile
        assert world.store.pack(note, first[-1].hash, more[1:])
        assert list(world.another().chunks(note)) == more
        assert list(world.another().chunks(note, 4)) == more
        assert list(world.another().chunks(note, 3)) == more
        assert list(world.another().chunks(note, 8)) == more[1:]
        assert world.store.sizes(note) == [(each.first, each.last, len(each.data)) for each in more]
        assert list(world.store.entries(note)) == list(told[8:])
        assert world.store.status(note)[1:5] == (10, 9, 8, 9)
        whole = packed(told[:9])
        assert world.store.pack(note, more[-1].hash, whole)
        assert list(world.store.chunks(note)) == whole
        assert [entry.seq for entry in write(world, note, change())] == [11]

    def test_the_log_is_read_across_chunks(self, world: World) -> None:
        note = world.create()
        told = write(world, note, *(change(b"\0\0", user_id=n % 3 or None) for n in range(10)))
        world.store.compact(note, snapshot(9))
        world.summarise(note)
        assert world.store.pack(note, BEFORE_ALL, packed(told[:3], told[3:7]))

        def seqs(after: int, until: int | None = None) -> list[tuple[int, int]]:
            return [(group.first, group.last) for group in history.groups(world.store, note, after, until)]

        assert seqs(0) == [(1, 3), (4, 7), (8, 8), (9, 9), (10, 10)]
        assert seqs(3, 7) == [(4, 7)]
        assert seqs(2, 9) == [(1, 3), (4, 7), (8, 8), (9, 9)]
        assert seqs(8) == seqs(8, 99) == [(9, 9), (10, 10)]
        assert seqs(4, 6) == seqs(10) == seqs(99) == []
        streamed = [decode(data) for data in history.chunks(world.store, note, 4, 9)]
        assert [[(group.first, group.last) for group in groups] for groups in streamed] == [[(4, 7)], [(8, 8), (9, 9)]]

    def test_what_is_damaged_is_named_and_the_rest_is_read(self, world: World) -> None:
        note = world.create()
        told = write(world, note, *(change(b"\0\0", user_id=n) for n in range(1, 11)))
        world.store.compact(note, snapshot(9))
        world.summarise(note)
        assert world.store.pack(note, BEFORE_ALL, packed(told[:2], told[2:4], told[4:6]))
        world.turn_a_bit(note, "chunk", 4)
        world.turn_a_bit(note, "entry", 9)
        with pytest.raises(Broken, match="entries 3 to 4"):
            list(history.groups(world.store, note))
        with pytest.raises(Broken, match="entries 9 to 9"):
            list(history.chunks(world.store, note, 7))
        found: list[tuple[int, int]] = []
        read = list(history.groups(world.store, note, damaged=lambda damage: found.append(damage[:2])))
        assert found == [(3, 4), (9, 9)]
        assert [(group.first, group.last) for group in read] == [(1, 2), (5, 6), (7, 7), (8, 8), (10, 10)]
        assert len(list(history.chunks(world.store, note, damaged=lambda damage: None))) == 4

    def test_a_damaged_snapshot_is_passed_over(self, world: World) -> None:
        note = world.create()
        told = write(world, note, *(change(b"\0\0") for _ in range(6)))
        world.store.compact(note, snapshot(4))
        world.summarise(note)
        assert world.store.pack(note, BEFORE_ALL, packed(told[:4]))
        world.store.compact(note, snapshot(6))
        assert world.store.bases(note) == [4, 6]
        for column in ("state", "hash"):
            world.turn_a_bit(note, "snapshot", 6, column)
            with pytest.raises(Broken, match="snapshot of entry 6"):
                world.store.state(note, 6)
            assert world.store.open(note).snapshot == snapshot(4)
            world.turn_a_bit(note, "snapshot", 6, column)
            assert world.store.open(note).snapshot == snapshot(6)
        world.turn_a_bit(note, "snapshot", 4)
        world.turn_a_bit(note, "snapshot", 6)
        assert world.store.open(note).snapshot is None

    def test_what_is_damaged_is_kept_in_mind(self, world: World) -> None:
        note, other = world.create(), world.create()
        write(world, note, *(change(b"\0\0") for _ in range(9)))
        write(world, other, change(b"\0\0"))
        assert world.store.quarantined(note) == []
        two, five = Quarantined(2, 3, 1000, "turned"), Quarantined(5, 5, 2000, "missing")
        for each in (five, two):
            world.store.quarantine(note, each)
        assert world.another().quarantined(note) == [two, five]
        told = five._replace(known=9, update=b"\0\0", time=3000, user_id=7)
        world.store.quarantine(note, told)
        assert world.store.quarantined(note) == [two, told]
        whole = Quarantined(3, 6, 1000, "more")
        world.store.quarantine(note, whole)
        assert world.store.quarantined(note) == [whole], "it takes the place of what it has a part in"
        world.store.release(note, whole)
        assert world.store.quarantined(note) == world.store.quarantined(other) == []

    def test_what_stands_for_damaged_entries_is_read_in_their_place(self, world: World) -> None:
        note = world.create()
        write(world, note, *(change(b"\0\0", user_id=n) for n in range(1, 8)))
        for seq in (3, 5):
            world.turn_a_bit(note, "entry", seq)
        told = Quarantined(3, 5, 1000, "turned", 7, b"\1\1\5\0\0\2\0", 3000)
        world.store.quarantine(note, told)
        nobody = Group(3, 5, None, 0, 3000, b"\1\1\5\0\0\2\0")
        read = list(history.groups(world.store, note))
        assert [(group.first, group.last) for group in read] == [(1, 1), (2, 2), (3, 5), (6, 6), (7, 7)]
        assert read[2] == nobody
        assert [group for data in history.chunks(world.store, note) for group in decode(data)] == read
        assert list(history.groups(world.store, note, 2)) == read[2:]
        world.turn_a_bit(note, "entry", 7)
        with pytest.raises(Broken, match="entries 7 to 7"):
            list(history.groups(world.store, note))

    def test_the_snapshots_that_are_needed_stay(self, world: World) -> None:
        note = world.create()
        told = write(world, note, *(change() for _ in range(6)))
        world.summarise(note)
        for seq in (2, 3, 4):
            world.store.compact(note, snapshot(seq))
        assert world.store.bases(note) == [2, 4]  # packing will go on from the first one
        assert world.store.pack(note, BEFORE_ALL, packed(told[:4]))
        assert world.store.bases(note) == [4]
        world.store.compact(note, snapshot(6))
        assert world.store.bases(note) == [4, 6]
        assert world.another().state(note, 4) == snapshot(4).state
        with pytest.raises(UnknownMoment, match="4, 6"):
            world.store.state(note, 5)
        assert world.store.open(note).snapshot == snapshot(6)

    def test_a_snapshot_of_another_epoch_is_ignored(self, world: World) -> None:
        note = world.create()
        write(world, note, change())
        world.store.compact(note, snapshot(1), "another")
        assert world.store.bases(note) == []
        world.store.compact(note, snapshot(1), world.store.status(note).epoch)
        assert world.store.bases(note) == [1]

    def test_a_log_is_rewritten(self, world: World) -> None:
        note, other = world.create(), world.create()
        told = write(world, note, *(change(b"%d" % n, user_id=n or None) for n in range(6)))
        write(world, other, change())
        for seq in (1, 3):
            world.name(note, seq)
        world.store.compact(note, snapshot(4))
        for seq in (2, 4):
            world.store.quarantine(note, Quarantined(seq, seq, 1000, "turned", 5, b"secret"))
        epoch = world.store.status(note).epoch
        chunks = packed(told[:3])
        rewriting = Rewriting(epoch, BEFORE_ALL, 5, 3, chunks, {4: b"four"}, [snapshot(5)], 3, 0)
        assert not world.store.rewrite(note, rewriting._replace(epoch="another"), "second")
        assert not world.store.rewrite(note, rewriting._replace(onto=bytes(32)[:31] + b"x"), "second")
        assert not world.store.rewrite(note, rewriting._replace(head=7), "second")
        assert list(world.store.entries(note)) == list(told)
        assert world.store.rewrite(note, rewriting, "second")
        entries = list(world.another().entries(note))
        assert [(entry.seq, entry.update, entry.user_id) for entry in entries] == [
            (4, b"four", 3), (5, b"4", 4), (6, b"5", 5),
        ]
        assert list(world.store.chunks(note)) == chunks
        verify(entries, chunks[-1].entry_hash, 3)
        assert world.store.bases(note) == [5]
        status = world.store.status(note)
        assert (status.epoch, status.head, status.snapshot, status.packed, status.first) == ("second", 6, 5, 3, 3)
        assert world.store.marks(note, 0, 6) == {3}
        assert world.store.quarantined(note) == [Quarantined(4, 4, 1000, "turned", 5)]
        verify([*entries, *write(world, note, change())], chunks[-1].entry_hash, 3)
        assert world.store.status(other).epoch != "second"

    def test_how_much_a_log_takes(self, world: World) -> None:
        note = world.create()
        told = write(world, note, *(change(bytes(100)) for _ in range(10)))
        assert world.store.storage(note) == Storage(10, 10 * 132, 0)
        world.store.compact(note, snapshot(10))
        world.summarise(note)
        chunks = packed(told[:5])
        assert world.store.pack(note, BEFORE_ALL, chunks)
        took = world.store.storage(note)
        assert took[:2] == (10, 5 * 132 + len(chunks[0].data) + 64)
        assert 0 < took.snapshots < 100

    def test_what_has_a_name_is_marked(self, world: World) -> None:
        note = world.create()
        write(world, note, *(change() for _ in range(6)))
        for seq in (2, 5):
            world.name(note, seq)
        assert world.store.marks(note, 0, 6) == {2, 5}
        assert world.store.marks(note, 2, 5) == {5}
        assert world.store.marks(note, 2, 4) == set()

    def test_many_people_in_many_documents_for_a_while(self, world: World) -> None:
        seed = random.randrange(2**32)
        print(f"seed {seed}")
        dice = random.Random(seed)
        notes = [world.create() for _ in range(8)]
        told: dict[str, list[Entry]] = {note: [] for note in notes}
        for _ in range(40):
            writers = [
                Writer(note, *(change(dice.randbytes(dice.randrange(1, 60))) for _ in range(dice.randrange(1, 9))))
                for note in dice.choices(notes, k=dice.randrange(1, 12))
            ]
            for writer in writers:
                world.store.append(writer)
            world.wait(*writers)
            for writer in writers:
                told[writer.document_id].extend(writer.entries)
        for note in notes:
            read = list(world.another().entries(note))
            assert read == told[note]
            assert verify(read) == (read[-1].hash if read else BEFORE_ALL)
            assert world.another().open(note).head == len(read)
