"""The log in SQLite. Plain `sqlite3`: SQLAlchemy would cost more than the rest of a commit, and hold the loop up."""

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine

from editor import database, outage
from editor.log_writer import NOT_WRITTEN, Head
from sync.store import Entry, NotStored, Snapshot

PAGE = 4096  # bytes
CHECKPOINT = 1000  # pages in the write-ahead log

logger = logging.getLogger(__name__)


class SqliteLog:
    """Used by one thread at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: sqlite3.Connection | None = None
        self._pages = 0  # written since the last checkpoint, roughly

    @contextmanager
    def transaction(self) -> Iterator[None]:
        try:
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            finally:
                # SQLite ends a transaction by itself after some errors, a full disk among them.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise NotStored(outage.words(error) or NOT_WRITTEN) from error

    def lock(self, document_ids: Sequence[str]) -> Mapping[str, Head]:
        # The transaction holds the only write lock there is.
        marks = ",".join("?" * len(document_ids))
        rows = self._connected().execute(
            f"SELECT id, head_seq, head_hash, snapshot_seq FROM document WHERE id IN ({marks})", document_ids
        )
        return {id: Head(seq, hash, snapshot) for id, seq, hash, snapshot in rows}

    def owners(self, document_id: str, client_ids: Sequence[int]) -> Mapping[int, int | None]:
        marks = ",".join("?" * len(client_ids))
        query = f"SELECT client_id, user_id FROM client WHERE document_id = ? AND client_id IN ({marks})"
        return dict(self._connected().execute(query, (document_id, *client_ids)).fetchall())

    def bind(self, document_id: str, owners: Mapping[int, int | None]) -> None:
        rows = [(document_id, client_id, user_id) for client_id, user_id in owners.items()]
        self._connected().executemany("INSERT INTO client (document_id, client_id, user_id) VALUES (?, ?, ?)", rows)

    def insert(self, entries: Iterable[tuple[str, Entry]]) -> None:
        rows = [(document_id, *entry) for document_id, entry in entries]
        self._connected().executemany(
            'INSERT INTO entry (document_id, seq, "update", user_id, session_id, time, hash) '
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        self._pages += sum(1 + len(row[2]) // PAGE for row in rows)

    def advance(self, heads: Mapping[str, Entry]) -> None:
        rows = [(entry.seq, entry.hash, entry.time, document_id) for document_id, entry in heads.items()]
        self._connected().executemany("UPDATE document SET head_seq = ?, head_hash = ?, updated = ? WHERE id = ?", rows)
        self._pages += 2 * len(rows)

    def keep(self, document_id: str, snapshot: Snapshot) -> None:
        connection = self._connected()
        connection.execute(
            "INSERT INTO snapshot (document_id, seq, state, state_vector, hash) VALUES (?, ?, ?, ?, ?)",
            (document_id, *snapshot),
        )
        connection.execute("UPDATE document SET snapshot_seq = ? WHERE id = ?", (snapshot.seq, document_id))
        self._pages += len(snapshot.state) // PAGE

    @property
    def checkpoint_due(self) -> bool:
        return self._pages >= CHECKPOINT

    def checkpoint(self) -> None:
        """Copy the write-ahead log into the database. By itself SQLite does it in a commit, which people wait for."""
        try:
            self._connected().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            self._pages = 0
        except sqlite3.Error as error:
            # Nothing is lost: it is tried again after the next commit.
            logger.warning("the write-ahead log could not be copied into the database: %s", error)

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
