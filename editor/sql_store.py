"""The log in an SQL database."""

from collections.abc import Callable, Iterator, Sequence
from typing import ParamSpec, TypeVar

from gevent.threadpool import ThreadPool
from sqlalchemy import Connection, Engine, and_, bindparam, func, select

from editor import database, log_writer, models, worker
from editor.committer import Committer
from editor.log_postgres import PostgresLog
from editor.log_sqlite import SqliteLog
from editor.log_writer import Outcome, Work
from sync.store import Batch, Entry, Log, Snapshot, UnknownDocument

PAGE_ENTRIES = 1000  # read at once,
PAGE_BYTES = 1 << 20  # unless one entry is larger

P = ParamSpec("P")
T = TypeVar("T")


class SqlStore:
    """A `sync.store.Store` on SQLite or PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        """Opens nothing yet: connections, thread and greenlet begin with their first use, in that process."""
        # A pool of its own: a request that holds one connection and then reads a log must not wait for itself.
        self._engine = database.connect(engine.url)
        # SQLite puts the thread to sleep that waits for the disk, so that is not the loop's. psycopg lets others run.
        self._thread = ThreadPool(1) if engine.dialect.name == "sqlite" else None
        self._log = PostgresLog(engine) if self._thread is None else SqliteLog(engine)
        self._committer = Committer(self._write)

    def append(self, batch: Batch) -> None:
        self._committer.append(batch)

    def open(self, document_id: str) -> Log:
        with self._engine.connect() as connection:
            # Head and snapshot in one statement, so that they are of one moment.
            row = connection.execute(_OPEN, {"document_id": document_id}).one_or_none()
            if row is None:
                raise UnknownDocument(f"there is no note {document_id}")
            owners = connection.execute(_OWNERS, {"document_id": document_id})
            return Log(
                epoch=row.epoch,
                head=row.head_seq,
                snapshot=None if row.seq is None else Snapshot(row.seq, row.state, row.state_vector, row.hash),
                owners=dict(owners.all()),
            )

    def entries(self, document_id: str, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        # In pages, each with a connection only while it is read: a slow reader holds neither that nor the whole log.
        while until is None or after < until:
            with self._engine.connect() as connection:
                page = _page(connection, document_id, after, until)
            if not page:
                return
            yield from page
            after = page[-1].seq

    def compact(self, document_id: str, snapshot: Snapshot) -> None:
        self._run(log_writer.compact, self._log, document_id, snapshot)

    def close(self) -> None:
        """Finish what waits and let the database go."""
        self._committer.close()
        self._run(self._log.close)
        if self._thread is not None:
            self._thread.kill()
        self._engine.dispose()

    def _write(self, works: Sequence[Work]) -> Sequence[Outcome]:
        outcomes = self._run(log_writer.write, self._log, works)
        if self._thread is not None and isinstance(self._log, SqliteLog) and self._log.checkpoint_due:
            self._thread.spawn(self._log.checkpoint)  # while people are told
        return outcomes

    def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Where the log's own connection is used."""
        if self._thread is None:
            return function(*args, **kwargs)
        return worker.run(self._thread, function, *args, **kwargs)


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
        models.Snapshot.seq,
        models.Snapshot.state,
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
    )
    .where(_span)
    .order_by(models.Entry.seq)
)
