"""The log in SQLite. Plain `sqlite3`: SQLAlchemy would cost more than the rest of a commit, and hold the loop up."""

import logging
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Engine

from editor import database, log_writer, outage
from editor.log_writer import FORGET, NOT_WRITTEN, PAST, Guesses, Head, Outcome, Seen, Work, guess
from sync.store import Chunk, Entry, NotStored, Snapshot

PAGE = 4096  # bytes
CHECKPOINT = 1000  # pages in the write-ahead log
SPARE = 10  # pages that SQLite keeps in memory while it lengthens the log: all others it writes there
OVERWRITE_TIMEOUT = 1000  # milliseconds that who writes waits for those who read an old state of the database

logger = logging.getLogger(__name__)


def write(log: "SqliteLog", works: Sequence[Work], patient: bool = True) -> Sequence[Outcome]:
    """As `log_writer.write`, most of the time without reading anything."""
    guesses = guess(log.seen, works)
    if len(guesses) == len(works) and log.write_at_once(guesses):
        return [guesses[work.document_id][1] for work in works]
    return log_writer.write(log, works, patient)


class SqliteLog:
    """Used by one thread at a time."""

    def __init__(self, engine: Engine) -> None:
        self.seen = Seen()
        self._engine = engine
        self._connection: sqlite3.Connection | None = None
        self._pages = CHECKPOINT  # written since the last checkpoint, roughly; of what others wrote nobody knows

    def transaction(self) -> "_Transaction":
        return _Transaction(self)

    def write_at_once(self, guesses: Guesses) -> bool:
        """Write entries after the heads they were made for; False, and nothing is written: some are others by now."""
        try:
            with self.transaction():
                self._move_on(guesses)
                self.insert([(id, entry) for id, (_, entries) in guesses.items() for entry in entries])
        except _Elsewhere:
            return False
        return True

    def _move_on(self, guesses: Guesses) -> None:
        """To the heads that are in the transaction. Raises `_Elsewhere`."""
        rows = []
        for document_id, (head, entries) in guesses.items():
            last = entries[-1]
            rows.append((last.seq, last.hash, last.time, document_id, head.seq, head.hash, head.epoch))
            self.seen.see(document_id, head._replace(seq=last.seq, hash=last.hash))
        cursor = self._connected().executemany(
            "UPDATE document SET head_seq = ?, head_hash = ?, updated = ? "
            "WHERE id = ? AND head_seq = ? AND head_hash = ? AND epoch = ?",
            rows,
        )
        if cursor.rowcount != len(rows):
            raise _Elsewhere
        self._pages += 2 * len(rows)

    def lock(self, document_ids: Sequence[str], patient: bool = True) -> Mapping[str, Head | None]:
        # The transaction holds the only write lock there is.
        marks = ",".join("?" * len(document_ids))
        rows = self._connected().execute(
            f"SELECT id, head_seq, head_hash, snapshot_seq, packed_seq, epoch FROM document WHERE id IN ({marks})",
            document_ids,
        )
        heads = {id: Head(*fields) for id, *fields in rows}
        for document_id, head in heads.items():
            self.seen.see(document_id, head)
        return heads

    def owners(self, document_id: str, client_ids: Sequence[int]) -> Mapping[int, int | None]:
        marks = ",".join("?" * len(client_ids))
        query = f"SELECT client_id, user_id FROM client WHERE document_id = ? AND client_id IN ({marks})"
        return dict(self._connected().execute(query, (document_id, *client_ids)).fetchall())

    def heirs(self, user_ids: Collection[int]) -> Mapping[int, int]:
        marks = ",".join("?" * len(user_ids))
        query = f'SELECT id, became FROM "user" WHERE id IN ({marks}) AND became IS NOT NULL'
        return dict(self._connected().execute(query, tuple(user_ids)).fetchall())

    def bind(self, document_id: str, owners: Mapping[int, int | None]) -> None:
        rows = [(document_id, client_id, user_id) for client_id, user_id in owners.items()]
        self._connected().executemany("INSERT INTO client (document_id, client_id, user_id) VALUES (?, ?, ?)", rows)

    def insert(self, entries: Iterable[tuple[str, Entry]]) -> None:
        rows = [(document_id, *entry) for document_id, entry in entries]
        self._connected().executemany(
            'INSERT INTO entry (document_id, seq, "update", user_id, session_id, time, hash, inserted, deleted) '
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        self._pages += sum(1 + len(row[2]) // PAGE for row in rows)

    def advance(self, heads: Mapping[str, Entry]) -> None:
        rows = [(entry.seq, entry.hash, entry.time, document_id) for document_id, entry in heads.items()]
        self._connected().executemany("UPDATE document SET head_seq = ?, head_hash = ?, updated = ? WHERE id = ?", rows)
        self._pages += 2 * len(rows)
        for document_id, entry in heads.items():
            if document_id in self.seen:
                self.seen.see(document_id, self.seen[document_id]._replace(seq=entry.seq, hash=entry.hash))

    def keep(self, document_id: str, snapshot: Snapshot, state: bytes) -> None:
        connection = self._connected()
        connection.execute(
            "INSERT INTO snapshot (document_id, seq, state, deflated, state_vector, hash) VALUES (?, ?, ?, true, ?, ?)",
            (document_id, snapshot.seq, state, snapshot.state_vector, snapshot.hash),
        )
        connection.execute("UPDATE document SET snapshot_seq = ? WHERE id = ?", (snapshot.seq, document_id))
        self._pages += len(state) // PAGE

    def snapshots(self, document_id: str) -> Sequence[int]:
        rows = self._connected().execute("SELECT seq FROM snapshot WHERE document_id = ?", (document_id,))
        return [seq for (seq,) in rows]

    def drop(self, document_id: str, snapshots: Collection[int]) -> None:
        rows = [(document_id, seq) for seq in snapshots]
        self._connected().executemany("DELETE FROM snapshot WHERE document_id = ? AND seq = ?", rows)

    def newest_chunk(self, document_id: str) -> bytes | None:
        query = "SELECT hash FROM chunk WHERE document_id = ? ORDER BY last_seq DESC LIMIT 1"
        row = self._connected().execute(query, (document_id,)).fetchone()
        return None if row is None else row[0]

    def pack(self, document_id: str, chunks: Sequence[Chunk]) -> None:
        connection = self._connected()
        first, last = chunks[0].first, chunks[-1].last
        connection.execute("DELETE FROM chunk WHERE document_id = ? AND first_seq >= ?", (document_id, first))
        connection.execute("DELETE FROM entry WHERE document_id = ? AND seq <= ?", (document_id, last))
        connection.executemany(
            "INSERT INTO chunk (document_id, first_seq, last_seq, data, entry_hash, hash) VALUES (?, ?, ?, ?, ?, ?)",
            [(document_id, *chunk) for chunk in chunks],
        )
        connection.execute("UPDATE document SET packed_seq = ? WHERE id = ?", (last, document_id))
        self._pages += sum(2 + len(chunk.data) // PAGE for chunk in chunks)

    def entries(self, document_id: str, after: int) -> Iterable[Entry]:
        query = (
            'SELECT seq, "update", user_id, session_id, time, hash FROM entry '
            "WHERE document_id = ? AND seq > ? ORDER BY seq"
        )
        return [Entry(*row) for row in self._connected().execute(query, (document_id, after))]

    def change(self, document_id: str, entries: Sequence[tuple[int, bytes, bytes]]) -> None:
        rows = [(update, hash, document_id, seq) for seq, update, hash in entries]
        self._connected().executemany(
            'UPDATE entry SET "update" = ?, hash = ? WHERE document_id = ? AND seq = ?', rows
        )
        self._pages += sum(1 + len(row[0]) // PAGE for row in rows)

    def forget(self, document_id: str, first: int, epoch: str, hash: bytes) -> None:
        for statement in FORGET:
            self._connected().execute(statement.format("?1", "?2"), (document_id, first))
        self._connected().execute(PAST.format("?1", "?2"), (document_id, epoch))
        self._connected().execute(
            "UPDATE document SET history_from = ?, epoch = ?, head_hash = ? WHERE id = ?",
            (first, epoch, hash, document_id),
        )

    def overwrite(self) -> None:
        """Let nothing of what was deleted stay in the write-ahead log either."""
        connection = self._connected()
        try:
            connection.execute(f"PRAGMA busy_timeout = {OVERWRITE_TIMEOUT}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            logger.warning("what was erased is in the write-ahead log until it is used again: %s", error)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {database.BUSY_TIMEOUT * 1000}")

    @property
    def checkpoint_due(self) -> bool:
        return self._pages >= CHECKPOINT

    def checkpoint(self) -> None:
        """Copy the write-ahead log into the database. By itself SQLite does it in a commit, which people wait for."""
        try:
            connection = self._connected()
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            # Nothing is lost: it is tried again after the next commit.
            logger.warning("the write-ahead log could not be copied into the database: %s", error)
            return
        self._pages = 0
        try:
            _lengthen(connection)
        except (sqlite3.Error, OSError) as error:
            logger.info("the write-ahead log grows as it is written: %s", error)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            connection: sqlite3.Connection = database.driver_connection(self._engine)
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            self._connection = connection
        return self._connection


def _lengthen(connection: sqlite3.Connection) -> None:
    """Have the write-ahead log as long as it will be at the next checkpoint: a sync takes a third longer if it grows.

    What a transaction writes to it that is then undone stays in the file, and is nothing to anybody: SQLite reads only
    up to the last commit, and writes on from there. Raises `sqlite3.Error` and OSError, and waits for nobody.
    """
    (_, _, path), *_ = connection.execute("PRAGMA database_list").fetchall()
    wal = Path(f"{path}-wal")
    if not wal.exists() or wal.stat().st_size >= CHECKPOINT * PAGE:
        return
    (cache,) = connection.execute("PRAGMA cache_size").fetchone()
    try:
        connection.execute(f"PRAGMA cache_size = {SPARE}")
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE filler (zeros)")
        connection.execute("INSERT INTO filler VALUES (zeroblob(?))", ((CHECKPOINT + 2 * SPARE) * PAGE,))
    finally:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        finally:
            connection.execute(f"PRAGMA busy_timeout = {database.BUSY_TIMEOUT * 1000}")
            connection.execute(f"PRAGMA cache_size = {cache}")


class _Elsewhere(Exception):
    """A document is not where it was seen."""


class _Transaction:
    """Not a generator, which takes longer than to begin one: each keystroke after a pause has one of its own."""

    def __init__(self, log: SqliteLog) -> None:
        self._log = log

    def __enter__(self) -> None:
        try:
            self._connection = self._log._connected()
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise _not_stored(error) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            try:
                if error is None:
                    self._connection.execute("COMMIT")
            finally:
                # SQLite ends a transaction by itself after some errors, a full disk among them.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
        except sqlite3.Error as failed:
            self._log.seen.clear()
            raise _not_stored(failed) from failed
        if error is not None:
            self._log.seen.clear()  # some were seen where they would have been after it
        if isinstance(error, sqlite3.Error):
            raise _not_stored(error) from error


def _not_stored(error: sqlite3.Error) -> NotStored:
    return NotStored(outage.words(error) or NOT_WRITTEN)
