"""Number changes and write them: what happens inside one commit of the log, whatever the database."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from editor.outage import BUSY
from sync.store import (
    BEFORE_ALL,
    Change,
    Chunk,
    ClientTaken,
    Entry,
    NotStored,
    Rewriting,
    Rewritten,
    Snapshot,
    UnknownDocument,
    bases,
    chain,
)

MOST_SEEN = 5000  # heads that are remembered
NOT_WRITTEN = "The server could not write to its database."


class Work(NamedTuple):
    """What one document wants to have in the next commit."""

    document_id: str
    changes: Sequence[Change]
    epoch: str | None = None  # of the history that they continue; None: whichever there is
    seq: int = 0  # of the newest entry that they build on


# The epoch that ends because something is erased, with the document's id and the next epoch: see `epochs`.
PAST = "INSERT INTO past_epoch (document_id, epoch) SELECT id, epoch FROM document WHERE id = {0} AND epoch <> {1}"

# What is about moments that are gone, with the document's id and the first moment there is. Where all entries after it
# still have their rows, sittings are summed up anew; else one that goes on after it keeps its sums and begins there.
FORGET = (
    "DELETE FROM version WHERE document_id = {0} AND seq < {1}",
    "DELETE FROM act WHERE document_id = {0} AND seq <= {1}",
    "DELETE FROM quarantine WHERE document_id = {0} AND last_seq <= {1}",
    # What stands for damaged entries is in a chunk then; in their rows may be what was to be erased.
    """UPDATE quarantine SET kept = '[]', "update" = NULL WHERE document_id = {0} AND last_seq > {1}""",
    "DELETE FROM sitting WHERE document_id = {0} "
    "AND (last_seq <= {1} OR (SELECT packed_seq FROM document WHERE id = {0}) <= {1})",
    "UPDATE sitting SET first_seq = {1} + 1 WHERE document_id = {0} AND first_seq <= {1}",
    "UPDATE document SET sitting_seq = {1} WHERE id = {0} AND (sitting_seq < {1} OR packed_seq <= {1})",
)

Outcome = Sequence[Entry] | UnknownDocument | NotStored


class Held(NotStored):
    """Somebody else writes to this document's row at the moment, and nobody was to wait for them."""


class Head(NamedTuple):
    """Where a document's log stands."""

    seq: int  # of the newest entry
    hash: bytes
    snapshot: int  # seq of the newest snapshot, 0: none
    packed: int  # entries up to this one are in chunks
    epoch: str


class Seen(OrderedDict[str, Head]):
    """Where documents were when they were read or written here last: probably they still are. The newest last."""

    def see(self, document_id: str, head: Head) -> None:
        self[document_id] = head
        self.move_to_end(document_id)
        if len(self) > MOST_SEEN:
            self.popitem(last=False)


Guesses = Mapping[str, tuple[Head, Sequence[Entry]]]  # document id -> a head, and what follows it if it is still that


class Log(Protocol):
    """The tables of the log in one database, through one connection that nobody else uses."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing. Durable once it is left without an error; undone, and `NotStored` raised, otherwise."""

    def lock(self, document_ids: Sequence[str], patient: bool = True) -> Mapping[str, Head | None]:
        """Keep others from writing to these until the transaction ends. A document that does not exist is left out.

        None: others write to it now. Whoever is patient waits until they have.
        """

    def owners(self, document_id: str, client_ids: Sequence[int]) -> Mapping[int, int | None]:
        """Client id -> user id, of those that are bound."""

    def heirs(self, user_ids: Collection[int]) -> Mapping[int, int]:
        """Guest -> the account they have signed in to, of those who have; nobody else does before the commit."""

    def bind(self, document_id: str, owners: Mapping[int, int | None]) -> None:
        """Remember whose these client ids are."""

    def insert(self, entries: Iterable[tuple[str, Entry]]) -> None:
        """Add rows of (document id, entry)."""

    def advance(self, heads: Mapping[str, Entry]) -> None:
        """Document id -> its newest entry now."""

    def keep(self, document_id: str, snapshot: Snapshot, state: bytes) -> None:
        """Add a snapshot, whose state was deflated to this, and make it the one to open the document with."""

    def snapshots(self, document_id: str) -> Sequence[int]:
        """The entries of which there is a snapshot."""

    def drop(self, document_id: str, snapshots: Collection[int]) -> None:
        """Delete these snapshots."""

    def newest_chunk(self, document_id: str) -> bytes | None:
        """Its hash; None: there is none."""

    def pack(self, document_id: str, chunks: Sequence[Chunk]) -> None:
        """Put these in the place of the chunks that begin where they do or later, and of entries up to their end."""

    def entries(self, document_id: str, after: int) -> Iterable[Entry]:
        """The entries that are not packed."""

    def change(self, document_id: str, entries: Sequence[tuple[int, bytes, bytes]]) -> None:
        """Seq, update and hash of entries that read otherwise from now on."""

    def forget(self, document_id: str, first: int, epoch: str, hash: bytes) -> None:
        """Versions, acts, sittings and damage before the moment `first`. The newest entry has this hash."""

    def close(self) -> None: ...


def guess(seen: Mapping[str, Head], works: Sequence[Work]) -> Guesses:
    """Entries for those works of which nothing must be read, if their documents are still where they were seen."""
    guesses: dict[str, tuple[Head, Sequence[Entry]]] = {}
    for work in works:
        head = seen.get(work.document_id)
        if head is not None and continues(head, work) and not any(change.clients for change in work.changes):
            guesses[work.document_id] = head, number(head, work)
    return guesses


def write(log: Log, works: Sequence[Work], patient: bool = True) -> list[Outcome]:
    """Commit the works, each of another document, together. An outcome for each, in order. Raises `NotStored`.

    Unless it is `patient`, those that would have to wait for somebody else are `Held`.
    """
    with log.transaction():
        # In one order, so that two processes that want the same documents cannot each hold what the other one needs.
        heads = log.lock(sorted(work.document_id for work in works), patient)
        outcomes: list[Outcome] = []
        rows: list[tuple[str, Entry]] = []
        newest: dict[str, Entry] = {}
        for work in works:
            outcome = _number(log, heads, work)
            outcomes.append(outcome)
            if not isinstance(outcome, Exception):
                for entry in outcome:
                    rows.append((work.document_id, entry))
                newest[work.document_id] = outcome[-1]
        log.insert(rows)
        log.advance(newest)
    return outcomes


def compact(log: Log, document_id: str, snapshot: Snapshot, state: bytes, epoch: str | None) -> None:
    """Keep a snapshot unless it is older than the one there is. Raises `NotStored`, `UnknownDocument`."""
    with log.transaction():
        head = _lock(log, document_id)
        if snapshot.seq > head.seq:
            raise ValueError(f"expected a snapshot of entry {head.seq} or an earlier one, not of {snapshot.seq}")
        if snapshot.seq > head.snapshot and epoch in (None, head.epoch):
            log.keep(document_id, snapshot, state)
            _prune(log, document_id, head.packed)


def pack(log: Log, document_id: str, onto: bytes, chunks: Sequence[Chunk]) -> bool:
    """Put chunks in the place of entries; False if others were put there meanwhile. Raises as `compact`."""
    with log.transaction():
        head = _lock(log, document_id)
        if chunks[-1].last > head.snapshot:
            raise ValueError(f"expected chunks up to the snapshot of entry {head.snapshot}, not {chunks[-1].last}")
        if (log.newest_chunk(document_id) or BEFORE_ALL) != onto:
            return False
        log.pack(document_id, chunks)
        _prune(log, document_id, chunks[-1].last)
    return True


def rewrite(
    log: Log, document_id: str, rewriting: Rewriting, states: Sequence[bytes], epoch: str | None
) -> bool:
    """Have the log as it shall be; `states`: of its snapshots, deflated. False if it was changed meanwhile."""
    with log.transaction():
        head = _lock(log, document_id)
        onto = log.newest_chunk(document_id) or BEFORE_ALL
        if (head.epoch, onto) != (rewriting.epoch, rewriting.onto) or head.seq < rewriting.head:
            return False
        log.drop(document_id, log.snapshots(document_id))
        for snapshot, state in zip(rewriting.snapshots, states, strict=True):
            log.keep(document_id, snapshot, state)
        packed, previous = 0, BEFORE_ALL
        if rewriting.chunks:
            log.pack(document_id, rewriting.chunks)
            packed, previous = rewriting.chunks[-1].last, rewriting.chunks[-1].entry_hash
        changed: list[tuple[int, bytes, bytes]] = []
        for entry in log.entries(document_id, packed):
            update = rewriting.entries.get(entry.seq, entry.update)
            previous = chain(previous, entry.seq, entry.user_id, entry.session_id, entry.time, update)
            changed.append((entry.seq, update, previous))
        log.change(document_id, changed)
        log.forget(document_id, rewriting.first, epoch or head.epoch, previous)
    return True


def _lock(log: Log, document_id: str) -> Head:
    head = log.lock([document_id]).get(document_id)
    if head is None:
        raise UnknownDocument(f"there is no note {document_id}")
    return head


def _prune(log: Log, document_id: str, packed: int) -> None:
    snapshots = log.snapshots(document_id)
    log.drop(document_id, set(snapshots) - bases(snapshots, packed))


def _number(log: Log, heads: Mapping[str, Head | None], work: Work) -> Outcome:
    if work.document_id not in heads:
        return UnknownDocument(f"there is no note {work.document_id}")
    head = heads[work.document_id]
    if head is None:
        return Held(BUSY)
    if not continues(head, work):
        return Rewritten("The history of this note is another one now.")
    try:
        _bind(log, work)
    except ClientTaken as error:
        return error
    return number(head, work)


def continues(head: Head, work: Work) -> bool:
    """Whether the changes were made in the history that the document has.

    A database may have lost its end: a standby that took over before it had all of it, an older copy that somebody put
    in its place. What builds on that would leave a hole.
    """
    return work.epoch in (None, head.epoch) and work.seq <= head.seq


def number(head: Head, work: Work) -> list[Entry]:
    """The changes as the entries that follow this head."""
    entries = []
    previous = head.hash
    for seq, change in enumerate(work.changes, head.seq + 1):
        update, user_id, session_id, time, _, inserted, deleted = change
        previous = chain(previous, seq, user_id, session_id, time, update)
        entries.append(Entry(seq, update, user_id, session_id, time, previous, inserted, deleted))
    return entries


def _bind(log: Log, work: Work) -> None:
    """Bind the client ids that the changes bring. Raises `ClientTaken`, and binds none then."""
    wanted = [(client_id, change.user_id) for change in work.changes for client_id in change.clients]
    if not wanted:
        return
    heirs = log.heirs({user_id for _, user_id in wanted if user_id is not None})
    wanted = [(client_id, user_id and heirs.get(user_id, user_id)) for client_id, user_id in wanted]
    bound = log.owners(work.document_id, [client_id for client_id, _ in wanted])
    owners = dict(bound)
    for client_id, user_id in wanted:
        if owners.setdefault(client_id, user_id) != user_id:
            raise ClientTaken("This tab's number in the note already belongs to somebody else. Open the note again.")
    log.bind(work.document_id, {client_id: owner for client_id, owner in owners.items() if client_id not in bound})
