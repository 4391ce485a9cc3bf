"""Where the log is kept.

The log of updates is the document; everything else is a copy. A store numbers changes, makes them durable and
reads them back. It says what is durable by calling back; whoever calls `append` never waits.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

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


class Log(NamedTuple):
    """What a room needs to open a document: read it, then the entries after the snapshot."""

    epoch: str  # changes when history was rewritten; clients with another epoch must not merge
    head: int  # seq of the newest entry, 0 for a new document
    snapshot: Snapshot | None
    owners: dict[int, int | None]  # Yjs client id -> user id


def chain(previous: bytes, seq: int, user_id: int | None, session_id: int, time: int, update: bytes) -> bytes:
    """The hash of an entry: over the one before it and all of its own: none is changed, moved or left out unnoticed."""
    # Everything before the update has a fixed length: no two are hashed from the same bytes. User ids are positive.
    fields = struct.pack(">qqqq", seq, -1 if user_id is None else user_id, session_id, time)
    return hashlib.sha256(previous + fields + update).digest()


class Broken(Exception):
    """The log is not what was written: an entry was changed, moved or left out."""


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


class NotStored(Exception):
    """A commit failed. The text tells people why; it never names a table or a statement."""


class ClientTaken(NotStored):
    """A change would bind a Yjs client id that belongs to somebody else. Only the batch it is in fails."""


class Batch(Protocol):
    """Changes of one document that wait for a commit. Rooms implement it."""

    document_id: str

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
    """An append-only log for each document."""

    def append(self, batch: Batch) -> None:
        """Commit soon. Never blocks and never raises; one of `committed` and `failed` follows, on the loop's thread.

        One commit is in flight at a time; batches of several documents share it. The changes of one document are
        numbered in the order of `take()`.
        """

    def open(self, document_id: str) -> Log:
        """Read what is needed to open a document. Raises `UnknownDocument`."""

    def entries(self, document_id: str, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        """Entries with `after < seq <= until`, oldest first."""

    def compact(self, document_id: str, snapshot: Snapshot) -> None:
        """Keep a snapshot. Never deletes an entry; an older snapshot than the one kept is ignored."""
