"""The log in memory: a store whose commits happen when the test says so."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sync.store import (
    BEFORE_ALL,
    Batch,
    Change,
    ClientTaken,
    Entry,
    Log,
    NotStored,
    Snapshot,
    UnknownDocument,
    chain,
)


class _Document:
    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.entries: list[Entry] = []
        self.snapshot: Snapshot | None = None
        self.owners: dict[int, int | None] = {}


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
        outcomes = [error or self._write(batch.document_id, changes) for batch, changes in self._taken]
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
        return Log(document.epoch, len(document.entries), document.snapshot, dict(document.owners))

    def entries(self, document_id: str, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        document = self._documents.get(document_id)
        yield from document.entries[after:until] if document else ()

    def compact(self, document_id: str, snapshot: Snapshot) -> None:
        document = self._find(document_id)
        if snapshot.seq > len(document.entries):
            raise ValueError(f"expected a snapshot of entry {len(document.entries)} or before, not of {snapshot.seq}")
        if document.snapshot is None or snapshot.seq > document.snapshot.seq:
            document.snapshot = snapshot

    def _find(self, document_id: str) -> _Document:
        if document_id not in self._documents:
            raise UnknownDocument(f"there is no note {document_id}")
        return self._documents[document_id]

    def _write(self, document_id: str, changes: Sequence[Change]) -> Sequence[Entry] | Exception:
        try:
            document = self._find(document_id)
        except UnknownDocument as error:
            return error
        owners = dict(document.owners)
        for change in changes:
            for client_id in change.clients:
                if owners.setdefault(client_id, change.user_id) != change.user_id:
                    return ClientTaken(f"the client id {client_id} belongs to somebody else")
        document.owners = owners
        written = []
        for update, user_id, session_id, time, _, inserted, deleted in changes:
            seq = len(document.entries) + 1
            previous = document.entries[-1].hash if document.entries else BEFORE_ALL
            hash = chain(previous, seq, user_id, session_id, time, update)
            entry = Entry(seq, update, user_id, session_id, time, hash, inserted, deleted)
            document.entries.append(entry)
            written.append(entry)
        return written
