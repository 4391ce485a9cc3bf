"""The log in an SQL database."""

import base64
import logging
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from gevent import get_hub
from gevent.lock import RLock
from sqlalchemy import ColumnElement, Connection, Engine, and_, bindparam, delete, event, func, insert, select
from sqlalchemy.engine import ExceptionContext

from editor import database, log_sqlite, log_writer, models, outage, worker
from editor.committer import Committer
from editor.log_writer import Outcome, Work
from editor.loop import pause
from editor.worker import Worker
from sync.store import (
    Batch,
    Broken,
    Chunk,
    Entry,
    Log,
    Quarantined,
    Rewriting,
    Snapshot,
    Status,
    Storage,
    UnknownDocument,
    UnknownMoment,
    Unreachable,
)

if TYPE_CHECKING:
    from editor.log_postgres import PostgresLog

LANES = 4  # commits to PostgreSQL at a time, each with a connection of its own
PAGE_ENTRIES = 1000  # read at once,
PAGE_BYTES = 1 << 20  # unless one entry is larger
COUNTED = 10_000  # entries that are counted at once: about a millisecond
LARGE = 1 << 15  # bytes of a snapshot from which on it takes more than a millisecond to read

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class SqlStore:
    """A `sync.store.Store` on SQLite or PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        """Opens nothing yet: connections, thread and greenlet begin with their first use, in that process."""
        self.on_replaced: Callable[[], None] = lambda: None  # the database is another one now, and may know less
        # A pool of its own: a request that holds one connection and then reads a log must not wait for itself.
        self._engine = database.connect(engine.url)
        self._connect: Callable[[], AbstractContextManager[Connection]] = self._engine.connect
        event.listen(self._engine, "handle_error", _say_why)
        # SQLite puts the thread to sleep that waits for the disk, so that is not the loop's. psycopg lets others run.
        self._thread = Worker() if engine.dialect.name == "sqlite" else None
        self._lanes: Sequence[PostgresLog] = ()
        self._upkeep: PostgresLog | log_sqlite.SqliteLog
        if self._thread is not None:
            self._upkeep = log_sqlite.SqliteLog(engine)
            self._committer = Committer(self._write)
        else:
            from editor import log_postgres  # with its driver, which takes 9 MB

            seen = log_postgres.Seen()
            self._lanes = [log_postgres.PostgresLog(engine, seen, self._replaced) for _ in range(LANES)]
            self._committer = Committer(*(partial(log_postgres.write, lane) for lane in self._lanes))
            # What looks after a log has a transaction of its own: what is rolled back in it takes nothing else along.
            self._upkeep = log_postgres.PostgresLog(engine, on_replaced=self._replaced)
        self._one_at_a_time = RLock()

    def watch(self, committed: Callable[[int, float, bool], None]) -> None:
        """After each commit `committed(entries, seconds, whether it failed)` is called."""
        self._committer.on_commit = committed

    def append(self, batch: Batch) -> None:
        self._committer.append(batch)

    def open(self, document_id: str) -> Log:
        with self._connect() as connection:
            # Head and snapshot in one statement, so that they are of one moment.
            row = connection.execute(_OPEN, {"document_id": document_id}).one_or_none()
            if row is None:
                raise UnknownDocument(f"there is no note {document_id}")
            owners = dict(connection.execute(_OWNERS, {"document_id": document_id}).all())
        snapshot = self._intact(document_id, row) if row.seq is not None else None
        if snapshot is None and row.snapshot_seq:
            snapshot = self._older(document_id, row.snapshot_seq)
        return Log(row.epoch, row.head_seq, snapshot, owners)

    def entries(self, document_id: str, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        # In pages, each with a connection only while it is read: a slow reader holds neither that nor the whole log.
        while until is None or after < until:
            with self._connect() as connection:
                page = _page(connection, document_id, after, until)
            if not page:
                return
            yield from page
            after = page[-1].seq

    def owner(self, document_id: str, client_id: int) -> int | None:
        with self._connect() as connection:
            return connection.scalar(_OWNER, {"document_id": document_id, "client_id": client_id})

    def status(self, document_id: str) -> Status:
        with self._connect() as connection:
            row = connection.execute(_STATUS, {"document_id": document_id}).one_or_none()
        if row is None:
            raise UnknownDocument(f"there is no note {document_id}")
        epoch, head, snapshot, packed, summarised, first, hash = row
        return Status(epoch, head, snapshot, packed, min(snapshot, summarised), first, hash)

    def compact(self, document_id: str, snapshot: Snapshot, epoch: str | None = None) -> None:
        # In a thread, which lets others run while it compresses.
        state = get_hub().threadpool.apply(zlib.compress, (snapshot.state,))
        self._look_after(log_writer.compact, document_id, snapshot, state, epoch)

    def bases(self, document_id: str) -> list[int]:
        with self._connect() as connection:
            return list(connection.scalars(_BASES, {"document_id": document_id}))

    def state(self, document_id: str, seq: int) -> bytes:
        with self._connect() as connection:
            row = connection.execute(_BASE, {"document_id": document_id, "seq": seq}).one_or_none()
        if row is None:
            raise UnknownMoment(f"expected one of {self.bases(document_id)}, got {seq}")
        return _whole(document_id, row).state

    def chunks(self, document_id: str, after: int = 0) -> Iterator[Chunk]:
        for _, last, _ in self.sizes(document_id, after):
            with self._connect() as connection:
                row = connection.execute(_CHUNK, {"document_id": document_id, "last": last}).one_or_none()
            if row is None:
                return  # it was packed anew while we read
            yield Chunk(*row)

    def sizes(self, document_id: str, after: int = 0) -> list[tuple[int, int, int]]:
        with self._connect() as connection:
            rows = connection.execute(_CHUNKS, {"document_id": document_id, "after": after})
            return [(first, last, size) for first, last, size in rows]

    def marks(self, document_id: str, after: int, until: int) -> set[int]:
        with self._connect() as connection:
            span = {"document_id": document_id, "after": after, "until": until + 1}
            named = set(connection.scalars(_NAMED, span))
            acts = set(connection.scalars(_ACTS, span))
        return {seq for seq in named | acts | {act - 1 for act in acts} if after < seq <= until}

    def pack(self, document_id: str, onto: bytes, chunks: Sequence[Chunk]) -> bool:
        return self._look_after(log_writer.pack, document_id, onto, chunks)

    def rewrite(self, document_id: str, rewriting: Rewriting, epoch: str | None = None) -> bool:
        deflate = get_hub().threadpool.apply
        states = [deflate(zlib.compress, (snapshot.state,)) for snapshot in rewriting.snapshots]
        done = self._look_after(log_writer.rewrite, document_id, rewriting, states, epoch)
        if done and isinstance(self._upkeep, log_sqlite.SqliteLog):
            self._run(self._upkeep.overwrite)
        return done

    def storage(self, document_id: str) -> Storage:
        with self._connect() as connection:
            row = connection.execute(_STORAGE, {"document_id": document_id}).one_or_none()
        if row is None:
            raise UnknownDocument(f"there is no note {document_id}")
        head, first, packed, log, snapshots = row
        # The database looks at each entry: in parts, between which others run.
        for after in range(packed, head, COUNTED):
            span = {"document_id": document_id, "after": after, "until": after + COUNTED}
            with self._connect() as connection:
                log += connection.scalar(_TAKEN, span) or 0
            if after + COUNTED < head:
                pause()
        return Storage(head - first, log, snapshots)

    @contextmanager
    def at_one_moment(self) -> Iterator[tuple["SqlStore", Connection]]:
        """This store as it is now, only to be read, and the connection it reads with. It sees no later commit."""
        with database.at_one_moment(self._engine) as connection:
            view = copy(self)
            view._connect = lambda: nullcontext(connection)
            yield view, connection

    def quarantined(self, document_id: str) -> list[Quarantined]:
        with self._connect() as connection:
            return [Quarantined(*row) for row in connection.execute(_QUARANTINED, {"document_id": document_id})]

    def quarantine(self, document_id: str, damaged: Quarantined) -> None:
        with self._engine.begin() as connection:
            span = {"document_id": document_id, "after": damaged.first - 1, "until": damaged.last}
            kept = [_described(row) for row in connection.execute(_ROWS, span)]
            known = _touching(document_id, damaged)
            kept = kept or list(connection.scalars(select(models.Quarantine.kept).where(known)).first() or ())
            connection.execute(delete(models.Quarantine).where(known))
            values = dict(zip(_QUARANTINE_COLUMNS, damaged, strict=True))
            connection.execute(insert(models.Quarantine).values(document_id=document_id, kept=kept, **values))

    def release(self, document_id: str, damaged: Quarantined) -> None:
        with self._engine.begin() as connection:
            connection.execute(delete(models.Quarantine).where(_touching(document_id, damaged)))

    def close(self) -> None:
        """Finish what waits and let the database go."""
        self._committer.close()
        for used in (*self._lanes, self._upkeep):
            self._run(used.close)
        if self._thread is not None:
            self._thread.end()
        self._engine.dispose()

    def _replaced(self) -> None:
        log.warning("another PostgreSQL has taken over: all notes are loaded anew")
        self.on_replaced()

    def _intact(self, document_id: str, row: Any) -> Snapshot | None:
        try:
            return _whole(document_id, row)
        except Broken as error:
            log.error("%s", error, extra={"document": document_id})
            return None

    def _older(self, document_id: str, seq: int) -> Snapshot | None:
        """The newest snapshot before this entry that is what was written."""
        for base in reversed(self.bases(document_id)):
            if base < seq:
                with self._connect() as connection:
                    row = connection.execute(_BASE, {"document_id": document_id, "seq": base}).one_or_none()
                if row is not None and (snapshot := self._intact(document_id, row)) is not None:
                    return snapshot
        return None

    def _write(self, works: Sequence[Work], patient: bool) -> Sequence[Outcome]:
        """SQLite's lane. Nobody else holds a document in it, but all of it."""
        assert isinstance(self._upkeep, log_sqlite.SqliteLog)
        assert self._thread is not None
        outcomes = self._run(log_sqlite.write, self._upkeep, works)
        if self._upkeep.checkpoint_due:
            self._thread.later(self._upkeep.checkpoint)  # while people are told
        return outcomes

    def _look_after(
        self, function: Callable[Concatenate[log_writer.Log, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self._one_at_a_time:
            return self._run(function, self._upkeep, *args, **kwargs)

    def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Where the log's own connection is used."""
        if self._thread is None:
            return function(*args, **kwargs)
        return self._thread.run(function, *args, **kwargs)


def _say_why(context: ExceptionContext) -> Unreachable | None:
    words = outage.words(context.original_exception)
    return None if words is None else Unreachable(words)


def _whole(document_id: str, row: Any) -> Snapshot:
    """A snapshot from its row. Raises `Broken` unless it is what was written. A large one is read on another thread."""

    def read() -> Snapshot | None:
        try:
            state = zlib.decompress(row.state) if row.deflated else row.state
        except zlib.error:
            return None
        snapshot = Snapshot(row.seq, state, row.state_vector, row.hash)
        return snapshot if snapshot.is_whole else None

    snapshot = read() if len(row.state) < LARGE else worker.run(get_hub().threadpool, read)
    if snapshot is None:
        raise Broken(f"{document_id}: the snapshot of entry {row.seq} does not match its hash")
    return snapshot


def _described(row: Any) -> dict[str, Any]:
    """A damaged entry as it is, for somebody who tries to read it."""
    return {**row._mapping, "update": base64.b64encode(row.update).decode(), "hash": row.hash.hex()}


def _touching(document_id: str, damaged: Quarantined) -> ColumnElement[bool]:
    table = models.Quarantine
    return and_(
        table.document_id == document_id, table.first_seq <= damaged.last, table.last_seq >= damaged.first
    )


def _page(connection: Connection, document_id: str, after: int, until: int | None) -> list[Entry]:
    """The entries that come next; none when there are no more."""
    last = size = 0
    span = {"document_id": document_id, "after": after, "until": 2**63 - 1 if until is None else until}
    for seq, length in connection.execute(_SIZES, span):
        size += length
        if last and size > PAGE_BYTES:
            break
        last = seq
    return [Entry(*row) for row in connection.execute(_ENTRIES, {**span, "until": last})]


_of_document = bindparam("document_id", type_=models.Id)
_OPEN = (
    select(
        models.Document.epoch,
        models.Document.head_seq,
        models.Document.snapshot_seq,
        models.Snapshot.seq,
        models.Snapshot.state,
        models.Snapshot.deflated,
        models.Snapshot.state_vector,
        models.Snapshot.hash,
    )
    .outerjoin(
        models.Snapshot,
        and_(models.Snapshot.document_id == models.Document.id, models.Snapshot.seq == models.Document.snapshot_seq),
    )
    .where(models.Document.id == _of_document)
)
_OWNERS = select(models.Client.client_id, models.Client.user_id).where(models.Client.document_id == _of_document)
_OWNER = select(models.Client.user_id).where(
    models.Client.document_id == _of_document, models.Client.client_id == bindparam("client_id")
)
_span = and_(
    models.Entry.document_id == _of_document,
    models.Entry.seq > bindparam("after"),
    models.Entry.seq <= bindparam("until"),
)
# Neither database reads a long value to tell its length.
_SIZES = (
    select(models.Entry.seq, func.length(models.Entry.update))
    .where(_span)
    .order_by(models.Entry.seq)
    .limit(PAGE_ENTRIES)
)
_ENTRIES = (
    select(
        models.Entry.seq,
        models.Entry.update,
        models.Entry.user_id,
        models.Entry.session_id,
        models.Entry.time,
        models.Entry.hash,
        models.Entry.inserted,
        models.Entry.deleted,
    )
    .where(_span)
    .order_by(models.Entry.seq)
)

_ROWS = (
    select(
        models.Entry.seq,
        models.Entry.user_id,
        models.Entry.session_id,
        models.Entry.time,
        models.Entry.update,
        models.Entry.hash,
    )
    .where(_span)
    .order_by(models.Entry.seq)
)
_QUARANTINE_COLUMNS = ("first_seq", "last_seq", "found", "why", "known_seq", "update", "time", "user_id")
_QUARANTINED = (
    select(*(getattr(models.Quarantine, name) for name in _QUARANTINE_COLUMNS))
    .where(models.Quarantine.document_id == _of_document)
    .order_by(models.Quarantine.first_seq)
)

_STATUS = select(
    models.Document.epoch,
    models.Document.head_seq,
    models.Document.snapshot_seq,
    models.Document.packed_seq,
    models.Document.sitting_seq,
    models.Document.history_from,
    models.Document.head_hash,
).where(models.Document.id == _of_document)
_BASES = select(models.Snapshot.seq).where(models.Snapshot.document_id == _of_document).order_by(models.Snapshot.seq)
_BASE = select(
    models.Snapshot.seq,
    models.Snapshot.state,
    models.Snapshot.deflated,
    models.Snapshot.state_vector,
    models.Snapshot.hash,
).where(models.Snapshot.document_id == _of_document, models.Snapshot.seq == bindparam("seq"))
_up_to_after = (
    select(func.coalesce(func.max(models.Chunk.last_seq), 0))
    .where(models.Chunk.document_id == _of_document, models.Chunk.last_seq <= bindparam("after"))
    .scalar_subquery()
)
_CHUNKS = (
    select(models.Chunk.first_seq, models.Chunk.last_seq, func.length(models.Chunk.data))
    .where(models.Chunk.document_id == _of_document, models.Chunk.last_seq >= _up_to_after)
    .order_by(models.Chunk.last_seq)
)
_CHUNK = select(
    models.Chunk.first_seq, models.Chunk.last_seq, models.Chunk.data, models.Chunk.entry_hash, models.Chunk.hash
).where(models.Chunk.document_id == _of_document, models.Chunk.last_seq == bindparam("last"))
_NAMED = select(models.Version.seq).where(
    models.Version.document_id == _of_document, models.Version.seq.between(bindparam("after"), bindparam("until"))
)
_ACTS = select(models.Act.seq).where(
    models.Act.document_id == _of_document, models.Act.seq.between(bindparam("after"), bindparam("until"))
)


def _bytes(*columns: Any) -> Any:
    """How much these columns of some rows take."""
    size = sum((func.length(column) for column in columns[1:]), func.length(columns[0]))
    return func.coalesce(func.sum(size), 0)


def _all_bytes(table: type[models.Chunk | models.Snapshot], *columns: Any) -> Any:
    """The same, of all rows of a document."""
    rows = select(_bytes(*columns)).where(table.document_id == models.Document.id)
    return rows.correlate(models.Document).scalar_subquery()


_STORAGE = select(
    models.Document.head_seq,
    models.Document.history_from,
    models.Document.packed_seq,
    _all_bytes(models.Chunk, models.Chunk.data, models.Chunk.entry_hash, models.Chunk.hash),
    _all_bytes(models.Snapshot, models.Snapshot.state),
).where(models.Document.id == _of_document)
_TAKEN = select(_bytes(models.Entry.update, models.Entry.hash)).where(_span)
