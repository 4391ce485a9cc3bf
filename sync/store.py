"""Where the log is kept.

The log of updates is the document; everything else is a copy. A store numbers changes, makes them durable and
reads them back. It says what is durable by calling back; whoever calls `append` never waits.
"""

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from sync.limits import BASE_ENTRIES

BEFORE_ALL = bytes(32)  # what the hash of a document's first entry is chained to


class Change(NamedTuple):
    """What somebody did, before it has a place in the log."""

    update: bytes  # Yjs v1, only what was new
    user_id: int | None  # who was authenticated on the connection; None: the program itself
    session_id: int  # one join of one tab, random, below 2**63
    time: int  # milliseconds since 1970, the server's clock
    clients: tuple[int, ...] = ()  # Yjs client ids that this change binds to `user_id`
    inserted: int = 0  # characters of text (UTF-16 units)
    deleted: int = 0


class Entry(NamedTuple):
    """One row of the log."""

    seq: int  # 1, 2, 3... for each document, without a gap
    update: bytes
    user_id: int | None
    session_id: int
    time: int  # milliseconds since 1970
    hash: bytes  # sha256 over the hash before it and all of this entry (see `chain`)
    # What the update says, counted: not in the hash, and 0 in entries that are older than the counting.
    inserted: int = 0
    deleted: int = 0


class Snapshot(NamedTuple):
    """One update that stands for all entries up to `seq`. Verified by decoding it before it was written."""

    seq: int
    state: bytes
    state_vector: bytes
    hash: bytes  # sha256 of `state`

    @property
    def is_whole(self) -> bool:
        """Whether it is what was written."""
        return hashlib.sha256(self.state).digest() == self.hash


class Chunk(NamedTuple):
    """Old entries, packed (see `sync.chunk`). It stands in their place."""

    first: int  # seq
    last: int
    data: bytes
    entry_hash: bytes  # of the last entry: the entries after it are chained to that
    hash: bytes  # over the chunk before it and all of this one (see `link`)


class Status(NamedTuple):
    """Where a log stands."""

    epoch: str
    head: int  # seq of the newest entry
    snapshot: int  # of the newest snapshot; 0: none
    packed: int  # entries up to this one are in chunks
    packable: int  # entries up to this one may be put into chunks: a snapshot stands for them, and they were summarised
    first: int = 0  # the first moment there is: what was before it was erased
    hash: bytes = BEFORE_ALL  # of the newest entry


class Storage(NamedTuple):
    """How much a log takes."""

    entries: int
    log: int  # bytes, of entries and chunks
    snapshots: int  # bytes


class Rewriting(NamedTuple):
    """A log as it shall be. Chunks stand for its first entries; of the others only updates that change are here."""

    epoch: str  # it was made from this one,
    onto: bytes  # with this hash of the newest chunk,
    head: int  # and up to this entry; what came later stays as it is
    first: int  # the first moment that there will be
    chunks: Sequence[Chunk]
    entries: Mapping[int, bytes]  # seq -> update
    snapshots: Sequence[Snapshot]  # all that there will be, ascending
    erased: int  # entries that are gone, or of which something is
    size: int  # bytes that it takes less, or characters that were blanked


class Log(NamedTuple):
    """What a room needs to open a document: read it, then the entries after the snapshot."""

    epoch: str  # changes when history was rewritten; clients with another epoch must not merge
    head: int  # seq of the newest entry, 0 for a new document
    snapshot: Snapshot | None  # the newest one that is what was written
    owners: dict[int, int | None]  # Yjs client id -> user id


_FIELDS = struct.Struct(">qqqq").pack


def chain(previous: bytes, seq: int, user_id: int | None, session_id: int, time: int, update: bytes) -> bytes:
    """The hash of an entry: over the one before it and all of its own: none is changed, moved or left out unnoticed."""
    # Everything before the update has a fixed length: no two are hashed from the same bytes. User ids are positive.
    fields = _FIELDS(seq, -1 if user_id is None else user_id, session_id, time)
    return hashlib.sha256(previous + fields + update).digest()


def link(previous: bytes, first: int, last: int, entry_hash: bytes, data: bytes) -> bytes:
    """The hash of a chunk: over the one before it (`BEFORE_ALL`: the first one) and all of its own."""
    return hashlib.sha256(previous + struct.pack(">qq", first, last) + entry_hash + data).digest()


class Damage(NamedTuple):
    """Entries that cannot be read: their rows, or the chunk that they were packed in, are not what was written."""

    first: int  # seq
    last: int
    expected: str
    came: str

    def __str__(self) -> str:
        return f"entries {self.first} to {self.last}: expected {self.expected}, found {self.came}"


class Quarantined(NamedTuple):
    """Damaged entries, as they are kept in mind."""

    first: int  # seq
    last: int
    found: int  # milliseconds since 1970
    why: str
    # At this entry the note is known, and so is what they did as far as it tells. None: nothing tells what they did.
    known: int | None = None
    update: bytes | None = None  # what they did; None: that is not known, or it is in a chunk by now
    time: int = 0  # when that was, about
    user_id: int | None = None  # whose copy of the note it was that told it; None: the server's own


class Broken(Exception):
    """The log is not what was written: an entry or a chunk was changed, moved or left out."""

    def __init__(self, message: str, damage: Damage | None = None) -> None:
        super().__init__(message)
        self.damage = damage


def verify(entries: Iterable[Entry], previous: bytes = BEFORE_ALL, after: int = 0) -> bytes:
    """Check the entries that follow seq `after`, whose hash is `previous`; the newest one's hash. Raises `Broken`."""
    for seq, entry in enumerate(entries, after + 1):
        if entry.seq != seq:
            raise Broken(f"expected entry {seq}, found entry {entry.seq}")
        if entry.hash != chain(previous, seq, entry.user_id, entry.session_id, entry.time, entry.update):
            raise Broken(f"entry {seq} does not match its hash")
        previous = entry.hash
    return previous


class UnknownDocument(Exception):
    """There is no document with this id."""


def bases(snapshots: Iterable[int], packed: int) -> set[int]:
    """Which snapshots stay: the newest, those around `packed`, and the first of each 100,000 entries.

    Packing goes on from the last one up to `packed`; the first one after it will be that when more is packed.
    """
    seqs = sorted(snapshots)
    if not seqs:
        return set()
    first: dict[int, int] = {}
    for seq in seqs:
        first.setdefault(seq // BASE_ENTRIES, seq)
    first.pop(0, None)  # of the first entries nobody needs one
    at = bisect_right(seqs, packed)
    return {seqs[-1], *seqs[max(0, at - 1) : at + 1], *first.values()}


class UnknownMoment(LookupError):
    """There is no snapshot of this entry."""


class NotStored(Exception):
    """A commit failed. The text tells people why; it never names a table or a statement."""


class Rewritten(NotStored):
    """The changes continue another history than the document's: some of it was erased, or a backup was restored, or
    the database has lost entries that it had said are durable."""


class Unreachable(Exception):
    """The log cannot be read at the moment. The text tells people why."""


class ClientTaken(NotStored):
    """A change would bind a Yjs client id that belongs to somebody else. Only the batch it is in fails."""


class Batch(Protocol):
    """Changes of one document that wait for a commit. Rooms implement it."""

    document_id: str

    @property
    def epoch(self) -> str | None:
        """The history that the changes continue, asked after `take()`; None: whichever there is."""

    @property
    def seq(self) -> int:
        """The changes build on the entries up to this one, asked after `take()`."""

    def take(self) -> Sequence[Change]:
        """What waits now, oldest first. Called when the commit begins; what comes later is the next batch.

        A document's next batch is taken only after the last one was answered.
        """

    def committed(self, entries: Sequence[Entry]) -> None:
        """These are durable: the changes of `take()`, numbered, in order."""

    def failed(self, error: Exception) -> None:
        """`NotStored` or `UnknownDocument`: nothing of `take()` is in the log; the doc is ahead of it: read it again.

        Only if the database was lost in the very moment of the commit may the changes turn out to be there after all.
        """


class Store(Protocol):
    """An append-only log for each document. Whatever reads may raise `Unreachable`."""

    def append(self, batch: Batch) -> None:
        """Commit soon. Never blocks and never raises; one of `committed` and `failed` follows, on the loop's thread.

        Batches of several documents share a commit. A document is in one at a time: its changes are numbered in the
        order of `take()`.
        """

    def open(self, document_id: str) -> Log:
        """Read what is needed to open a document. Raises `UnknownDocument`.

        A snapshot that is damaged is passed over: an older one and the entries after it say the same.
        """

    def entries(self, document_id: str, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        """Entries with `after < seq <= until`, oldest first."""

    def owner(self, document_id: str, client_id: int) -> int | None:
        """Who writes with this Yjs client id; None: the program, or nobody yet."""

    def status(self, document_id: str) -> Status:
        """Where the log stands. Raises `UnknownDocument`."""

    def compact(self, document_id: str, snapshot: Snapshot, epoch: str | None = None) -> None:
        """Keep a snapshot, which was made of this epoch. Never deletes an entry.

        An older snapshot than the one kept, or one of another epoch, is ignored. Snapshots that nothing needs any more
        go, see `bases`.
        """

    def bases(self, document_id: str) -> list[int]:
        """The entries of which there is a snapshot, ascending."""

    def state(self, document_id: str, seq: int) -> bytes:
        """The snapshot of an entry, one update. Raises `UnknownMoment`; `Broken` when it is damaged."""

    def chunks(self, document_id: str, after: int = 0) -> Iterator[Chunk]:
        """The last chunk that ends at or before `after`, if there is one, and all that come after it."""

    def sizes(self, document_id: str) -> list[tuple[int, int, int]]:
        """First seq, last seq and bytes of each chunk, oldest first."""

    def marks(self, document_id: str, after: int, until: int) -> set[int]:
        """Entries with `after < seq <= until` that stay moments: named ones, an act, and what was before it."""

    def pack(self, document_id: str, onto: bytes, chunks: Sequence[Chunk]) -> bool:
        """Put chunks in the place of those that begin where they do or later, and of the entries they stand for.

        `onto`: the hash of the newest chunk (`BEFORE_ALL`: there is none) that they were made from. If another is the
        newest by now nothing is done, and the answer is False. Raises ValueError for what no snapshot stands for.
        """

    def rewrite(self, document_id: str, rewriting: Rewriting, epoch: str | None = None) -> bool:
        """Have the log as it shall be, with new hashes from the first entry on, and in this epoch, if it changes.

        Versions, acts and sittings before the first moment go. If the log has changed since then in more than new
        entries nothing is done, and the answer is False. What was there is overwritten, where the database does that.
        """

    def storage(self, document_id: str) -> Storage:
        """How much the log takes. Raises `UnknownDocument`."""

    def quarantined(self, document_id: str) -> list[Quarantined]:
        """What is known to be damaged, oldest first."""

    def quarantine(self, document_id: str, damaged: Quarantined) -> None:
        """Keep in mind that these entries are damaged, in place of all that is known of any of them.

        Their rows stay where they are. A copy of them is kept with it, for when they are packed.
        """

    def release(self, document_id: str, damaged: Quarantined) -> None:
        """These are what was written, after all."""
