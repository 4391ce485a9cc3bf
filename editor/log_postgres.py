"""The log in PostgreSQL. Plain psycopg 3, which lets other greenlets run while it waits if gevent patched first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine

from editor import database, outage
from editor.log_writer import NOT_WRITTEN, Head
from sync.store import Entry, NotStored, Snapshot


class PostgresLog:
    """Used by one greenlet at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: psycopg.Connection[Any] | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        try:
            self._begin()
            try:
                yield
                self._execute("COMMIT")
            except BaseException:
                if self._connection is not None and not self._connection.closed:
                    self._execute("ROLLBACK")
                raise
        except psycopg.Error as error:
            raise NotStored(outage.words(error) or NOT_WRITTEN) from error

    def lock(self, document_ids: Sequence[str]) -> Mapping[str, Head]:
        query = "SELECT id, head_seq, head_hash, snapshot_seq FROM document WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
        return {id: Head(seq, hash, snapshot) for id, seq, hash, snapshot in self._execute(query, list(document_ids))}

    def owners(self, document_id: str, client_ids: Sequence[int]) -> Mapping[int, int | None]:
        query = "SELECT client_id, user_id FROM client WHERE document_id = %s AND client_id = ANY(%s)"
        return dict(self._execute(query, document_id, list(client_ids)).fetchall())

    def bind(self, document_id: str, owners: Mapping[int, int | None]) -> None:
        self._execute(
            "INSERT INTO client (document_id, client_id, user_id) SELECT %s, * FROM unnest(%s::bigint[], %s::bigint[])",
            document_id,
            list(owners.keys()),
            list(owners.values()),
        )

    def insert(self, entries: Iterable[tuple[str, Entry]]) -> None:
        rows = [(document_id, *entry) for document_id, entry in entries]
        if rows:
            # One statement for all rows: executemany would cost a message for each.
            self._execute(
                'INSERT INTO entry (document_id, seq, "update", user_id, session_id, time, hash) SELECT * FROM unnest('
                "%s::text[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[])",
                *(list(column) for column in zip(*rows, strict=True)),
            )

    def advance(self, heads: Mapping[str, Entry]) -> None:
        if heads:
            rows = [(document_id, entry.seq, entry.hash, entry.time) for document_id, entry in heads.items()]
            self._execute(
                "UPDATE document SET head_seq = head.seq, head_hash = head.hash, updated = head.time "
                "FROM unnest(%s::text[], %s::bigint[], %s::bytea[], %s::bigint[]) AS head (id, seq, hash, time) "
                "WHERE document.id = head.id",
                *(list(column) for column in zip(*rows, strict=True)),
            )

    def keep(self, document_id: str, snapshot: Snapshot) -> None:
        self._execute(
            "INSERT INTO snapshot (document_id, seq, state, state_vector, hash) VALUES (%s, %s, %s, %s, %s)",
            document_id,
            *snapshot,
        )
        self._execute("UPDATE document SET snapshot_seq = %s WHERE id = %s", snapshot.seq, document_id)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _begin(self) -> None:
        if self._connection is not None:
            try:
                self._execute("BEGIN")
                return
            except psycopg.OperationalError:
                # It was cut while nothing was going on, by a restart perhaps. Nothing is lost: begin on a new one.
                self.close()
        self._connection = self._connect()
        self._execute("BEGIN")

    def _connect(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] = database.driver_connection(self._engine)
        connection.autocommit = True  # the transactions are begun here
        # An operator may have asked for more (remote_apply); with less, what people were told is saved could be lost.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
        return connection

    def _execute(self, query: str, *parameters: object) -> psycopg.Cursor[Any]:
        assert self._connection is not None
        cursor = self._connection.cursor(binary=True)
        return cursor.execute(query.encode(), parameters or None)
