"""The log in memory: a store whose commits happen when the test says so."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sync.store import (
    BEFORE_ALL,
    Batch,
    Broken,
    Change,
    Chunk,
    ClientTaken,
    Entry,
    Log,
    NotStored,
    Quarantined,
    Rewriting,
    Rewritten,
    Snapshot,
    Status,
    Storage,
    UnknownDocument,
    UnknownMoment,
    bases,
    chain,
)

Row = TypeVar("Row", Entry, Chunk, Snapshot)


class _Document:
    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.entries: list[Entry] = []  # those that are not packed
        self.chunks: list[Chunk] = []
        self.snapshots: dict[int, Snapshot] = {}
        self.marks: set[int] = set()
        self.owners: dict[int, int | None] = {}
        self.head, self.hash = 0, BEFORE_ALL
        self.first = 0
        self.quarantined: list[Quarantined] = []

    @property
    def packed(self) -> int:
        return self.chunks[-1].last if self.chunks else 0

    @property
    def snapshot(self) -> Snapshot | None:
        whole = [seq for seq, snapshot in self.snapshots.items() if snapshot.is_whole]
        return self.snapshots[max(whole)] if whole else None

    def prune(self) -> None:
        """Forget the snapshots that nothing needs."""
        kept = bases(self.snapshots, self.packed)
        self.snapshots = {seq: snapshot for seq, snapshot in self.snapshots.items() if seq in kept}


class MemoryStore:
    """A `sync.store.Store`. `commit()` is a whole commit; `begin()` and `finish()` are its two halves.

    A store that is not `hold`ing commits by itself whatever is appended. The next `fail` commits fail.
    """

    def __init__(self, hold: bool = True) -> None:
        self.hold = hold
        self.fail = 0
        self._answering = False
        self._documents: dict[str, _Document] = {}
        self._waiting: list[Batch] = []
        self._taken: list[tuple[Batch, Sequence[Change]]] = []

    def create(self, document_id: str, epoch: str = "first") -> None:
        self._documents[document_id] = _Document(epoch)

    def lose(self) -> None:
        """The processes that wait for these commits were killed."""
        self._waiting.clear()
        self._taken.clear()

    def delete(self, document_id: str) -> None:
        del self._documents[document_id]

    @contextmanager
    def held(self) -> Iterator[None]:
        """It commits only when it is told to, and at the end."""
        self.hold = True
        yield
        self.hold = False
        self.commit()

    def append(self, batch: Batch) -> None:
        self._waiting.append(batch)
        if not self.hold:
            self.commit()

    def begin(self) -> None:
        """Take what waits. A document's next batch stays until the last one is answered."""
        waiting, self._waiting = self._waiting, []
        documents = {batch.document_id for batch, _ in self._taken}
        for batch in waiting:
            if batch.document_id in documents:
                self._waiting.append(batch)
            else:
                documents.add(batch.document_id)
                self._taken.append((batch, batch.take()))

    def finish(self, error: NotStored | None = None) -> None:
        """Write what was taken and answer; with an error: answer that."""
        outcomes = [error or self._write(batch, changes) for batch, changes in self._taken]
        self._answering = True
        for (batch, _), outcome in zip(self._taken, outcomes, strict=True):
            if isinstance(outcome, Exception):
                batch.failed(outcome)
            else:
                batch.committed(outcome)
        self._answering = False
        self._taken.clear()

    def commit(self) -> None:
        """Commit until nothing waits, unless a commit is under way: who is answered may append again."""
        while (self._waiting or self._taken) and not self._answering:
            self.begin()
            self.finish(NotStored("The disk is full.") if self.fail else None)
            self.fail -= self.fail > 0

    def open(self, document_id: str) -> Log:
        document = self._find(document_id)
        return Log(document.epoch, document.head, document.snapshot, dict(document.owners))

    def entries(self, document_id: str, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        document = self._documents.get(document_id)
        for entry in list(document.entries) if document else ():
            if after < entry.seq and (until is None or entry.seq <= until):
                yield entry

    def owner(self, document_id: str, client_id: int) -> int | None:
        return self._find(document_id).owners.get(client_id)

    def hand_over(self, document_id: str, client_id: int, user_id: int) -> None:
        """A guest signs in to an account."""
        self._find(document_id).owners[client_id] = user_id

    def status(self, document_id: str) -> Status:
        document = self._find(document_id)
        snapshot = max(document.snapshots, default=0)
        head, packed = document.head, document.packed
        return Status(document.epoch, head, snapshot, packed, snapshot, document.first, document.hash)

    def compact(self, document_id: str, snapshot: Snapshot, epoch: str | None = None) -> None:
        document = self._find(document_id)
        if snapshot.seq > document.head:
            raise ValueError(f"expected a snapshot of entry {document.head} or before, not of {snapshot.seq}")
        if epoch in (None, document.epoch) and snapshot.seq > max(document.snapshots, default=0):
            document.snapshots[snapshot.seq] = snapshot
            document.prune()

    def bases(self, document_id: str) -> list[int]:
        return sorted(self._find(document_id).snapshots)

    def state(self, document_id: str, seq: int) -> bytes:
        snapshots = self._find(document_id).snapshots
        if seq not in snapshots:
            raise UnknownMoment(f"expected one of {sorted(snapshots)}, got {seq}")
        if not snapshots[seq].is_whole:
            raise Broken(f"{document_id}: the snapshot of entry {seq} does not match its hash")
        return snapshots[seq].state

    def chunks(self, document_id: str, after: int = 0) -> Iterator[Chunk]:
        chunks = self._find(document_id).chunks
        begin = max((chunk.last for chunk in chunks if chunk.last <= after), default=0)
        yield from [chunk for chunk in chunks if chunk.last >= begin]

    def sizes(self, document_id: str) -> list[tuple[int, int, int]]:
        return [(chunk.first, chunk.last, len(chunk.data)) for chunk in self._find(document_id).chunks]

    def marks(self, document_id: str, after: int, until: int) -> set[int]:
        return {seq for seq in self._find(document_id).marks if after < seq <= until}

    def mark(self, document_id: str, *seqs: int) -> None:
        """These have names."""
        self._find(document_id).marks.update(seqs)

    def turn_a_bit(self, document_id: str, table: str, seq: int, column: str = "") -> None:
        """A bit of this entry or snapshot, or of the chunk that ends with it, turns over."""
        document = self._find(document_id)
        match table:
            case "entry":
                at = [each.seq for each in document.entries].index(seq)
                document.entries[at] = turned(document.entries[at], column or "update")
            case "chunk":
                at = [each.last for each in document.chunks].index(seq)
                document.chunks[at] = turned(document.chunks[at], column or "data")
            case "snapshot":
                document.snapshots[seq] = turned(document.snapshots[seq], column or "state")

    def lose_rows(self, document_id: str, table: str, *seqs: int) -> None:
        """These entries, or the chunks that end with them, are not there any more."""
        document = self._find(document_id)
        if table == "entry":
            document.entries = [each for each in document.entries if each.seq not in seqs]
        else:
            document.chunks = [each for each in document.chunks if each.last not in seqs]

    def pack(self, document_id: str, onto: bytes, chunks: Sequence[Chunk]) -> bool:
        document = self._find(document_id)
        if chunks[-1].last > max(document.snapshots, default=0):
            raise ValueError(f"expected chunks up to a snapshot, got one up to {chunks[-1].last}")
        if onto != (document.chunks[-1].hash if document.chunks else BEFORE_ALL):
            return False
        kept = [chunk for chunk in document.chunks if chunk.first < chunks[0].first]
        document.chunks = [*kept, *chunks]
        document.entries = [entry for entry in document.entries if entry.seq > document.packed]
        document.prune()
        return True

    def rewrite(self, document_id: str, rewriting: Rewriting, epoch: str | None = None) -> bool:
        document = self._find(document_id)
        onto = document.chunks[-1].hash if document.chunks else BEFORE_ALL
        if (document.epoch, onto) != (rewriting.epoch, rewriting.onto) or document.head < rewriting.head:
            return False
        document.chunks = list(rewriting.chunks)
        document.snapshots = {snapshot.seq: snapshot for snapshot in rewriting.snapshots}
        document.hash = document.chunks[-1].entry_hash if document.chunks else BEFORE_ALL
        rows, document.entries = document.entries, []
        for row in rows:
            if row.seq > document.packed:
                update = rewriting.entries.get(row.seq, row.update)
                document.hash = chain(document.hash, row.seq, row.user_id, row.session_id, row.time, update)
                document.entries.append(row._replace(update=update, hash=document.hash))
        document.marks = {seq for seq in document.marks if seq >= rewriting.first}
        quarantined = [each for each in document.quarantined if each.last > rewriting.first]
        document.quarantined = [each._replace(update=None) for each in quarantined]
        document.epoch, document.first = epoch or document.epoch, rewriting.first
        return True

    def storage(self, document_id: str) -> Storage:
        document = self._find(document_id)
        log = sum(len(entry.update) + len(entry.hash) for entry in document.entries)
        log += sum(len(chunk.data) + len(chunk.entry_hash) + len(chunk.hash) for chunk in document.chunks)
        snapshots = sum(len(each.state) for each in document.snapshots.values())
        return Storage(document.head - document.first, log, snapshots)

    def quarantined(self, document_id: str) -> list[Quarantined]:
        return list(self._find(document_id).quarantined)

    def quarantine(self, document_id: str, damaged: Quarantined) -> None:
        document = self._find(document_id)
        rest = [each for each in document.quarantined if each.last < damaged.first or damaged.last < each.first]
        document.quarantined = sorted([*rest, damaged])

    def release(self, document_id: str, damaged: Quarantined) -> None:
        self._find(document_id).quarantined.remove(damaged)

    def _find(self, document_id: str) -> _Document:
        if document_id not in self._documents:
            raise UnknownDocument(f"there is no note {document_id}")
        return self._documents[document_id]

    def _write(self, batch: Batch, changes: Sequence[Change]) -> Sequence[Entry] | Exception:
        try:
            document = self._find(batch.document_id)
        except UnknownDocument as error:
            return error
        if batch.epoch not in (None, document.epoch) or batch.seq > document.head:
            return Rewritten("the history is another one")
        owners = dict(document.owners)
        for change in changes:
            for client_id in change.clients:
                if owners.setdefault(client_id, change.user_id) != change.user_id:
                    return ClientTaken(f"the client id {client_id} belongs to somebody else")
        document.owners = owners
        written = []
        for update, user_id, session_id, time, _, inserted, deleted in changes:
            seq = document.head + 1
            hash = chain(document.hash, seq, user_id, session_id, time, update)
            entry = Entry(seq, update, user_id, session_id, time, hash, inserted, deleted)
            document.entries.append(entry)
            document.head, document.hash = seq, hash
            written.append(entry)
        return written


def turned(row: Row, column: str) -> Row:
    """The row with a bit of its first byte turned over."""
    data: bytes = getattr(row, column)
    other: Any = {column: bytes([data[0] ^ 1]) + data[1:]}
    return row._replace(**other)
