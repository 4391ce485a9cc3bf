"""Number changes and write them: what happens inside one commit of the log, whatever the database."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from sync.store import Change, ClientTaken, Entry, NotStored, Snapshot, UnknownDocument, chain

NOT_WRITTEN = "The server could not write to its database."


class Work(NamedTuple):
    """What one document wants to have in the next commit."""

    document_id: str
    changes: Sequence[Change]


Outcome = Sequence[Entry] | UnknownDocument | NotStored


class Head(NamedTuple):
    """Where a document's log stands."""

    seq: int  # of the newest entry
    hash: bytes
    snapshot: int  # seq of the newest snapshot, 0: none


class Log(Protocol):
    """The tables of the log in one database, through one connection that nobody else uses."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing. Durable once it is left without an error; undone, and `NotStored` raised, otherwise."""

    def lock(self, document_ids: Sequence[str]) -> Mapping[str, Head]:
        """Keep others from writing to these until the transaction ends. A document that does not exist is left out."""

    def owners(self, document_id: str, client_ids: Sequence[int]) -> Mapping[int, int | None]:
        """Client id -> user id, of those that are bound."""

    def bind(self, document_id: str, owners: Mapping[int, int | None]) -> None:
        """Remember whose these client ids are."""

    def insert(self, entries: Iterable[tuple[str, Entry]]) -> None:
        """Add rows of (document id, entry)."""

    def advance(self, heads: Mapping[str, Entry]) -> None:
        """Document id -> its newest entry now."""

    def keep(self, document_id: str, snapshot: Snapshot) -> None:
        """Add a snapshot and make it the one to open the document with."""

    def close(self) -> None: ...


def write(log: Log, works: Sequence[Work]) -> list[Outcome]:
    """Commit the works, each of another document, together. An outcome for each, in order. Raises `NotStored`."""
    with log.transaction():
        # In one order, so that two processes that want the same documents cannot each hold what the other one needs.
        heads = log.lock(sorted(work.document_id for work in works))
        outcomes = [_number(log, heads.get(work.document_id), work) for work in works]
        written = {
            work.document_id: outcome
            for work, outcome in zip(works, outcomes, strict=True)
            if not isinstance(outcome, Exception)
        }
        log.insert((document_id, entry) for document_id, entries in written.items() for entry in entries)
        log.advance({document_id: entries[-1] for document_id, entries in written.items()})
    return outcomes


def compact(log: Log, document_id: str, snapshot: Snapshot) -> None:
    """Keep a snapshot unless it is older than the one there is. Raises `NotStored`, `UnknownDocument`."""
    with log.transaction():
        head = log.lock([document_id]).get(document_id)
        if head is None:
            raise UnknownDocument(f"there is no note {document_id}")
        if snapshot.seq > head.seq:
            raise ValueError(f"expected a snapshot of entry {head.seq} or an earlier one, not of {snapshot.seq}")
        if snapshot.seq > head.snapshot:
            log.keep(document_id, snapshot)


def _number(log: Log, head: Head | None, work: Work) -> Outcome:
    if head is None:
        return UnknownDocument(f"there is no note {work.document_id}")
    try:
        _bind(log, work)
    except ClientTaken as error:
        return error
    entries = []
    previous = head.hash
    for seq, change in enumerate(work.changes, head.seq + 1):
        fields = (change.user_id, change.session_id, change.time, change.update)
        previous = chain(previous, seq, *fields)
        entries.append(Entry(seq, change.update, change.user_id, change.session_id, change.time, previous))
    return entries


def _bind(log: Log, work: Work) -> None:
    """Bind the client ids that the changes bring. Raises `ClientTaken`, and binds none then."""
    wanted = [(client_id, change.user_id) for change in work.changes for client_id in change.clients]
    if not wanted:
        return
    bound = log.owners(work.document_id, [client_id for client_id, _ in wanted])
    owners = dict(bound)
    for client_id, user_id in wanted:
        if owners.setdefault(client_id, user_id) != user_id:
            raise ClientTaken("This tab's number in the note already belongs to somebody else. Open the note again.")
    log.bind(work.document_id, {client_id: owner for client_id, owner in owners.items() if client_id not in bound})
