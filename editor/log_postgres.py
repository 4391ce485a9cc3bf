"""The log in PostgreSQL. Plain psycopg 3, which lets other greenlets run while it waits if gevent patched first.

A commit is one statement, so one round trip: it names the heads that this process left behind when it wrote last, and
writes where they are still the heads. Where another process wrote in between, or a tab writes for the first time, a
transaction reads them first. `python -m tests.bench.commits` compares this with other ways. Neither waits for a row
that somebody else holds, unless it is told to be patient: the other documents of the commit would wait with it.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

import psycopg
from sqlalchemy import Engine

from editor import database, log_writer, outage
from editor.log_writer import FORGET, NOT_WRITTEN, PAST, Guesses, Head, Outcome, Work, guess
from sync.store import Chunk, Entry, NotStored, Snapshot

STARTED_AGAIN = 3.0  # seconds

# Of each row that nobody holds it sees the newest version, and leaves out those whose head is another one by now. With
# nothing in the place of SKIP LOCKED it waits for the rows that somebody holds.
APPEND = """
WITH head AS MATERIALIZED (
    SELECT document.id, guess.last, guess.last_hash, guess.time
    FROM document JOIN unnest(
        %s::text[], %s::bigint[], %s::bytea[], %s::text[], %s::bigint[], %s::bytea[], %s::bigint[]
    ) AS guess (id, seq, hash, epoch, last, last_hash, time)
    ON document.id = guess.id AND head_seq = guess.seq AND head_hash = guess.hash AND document.epoch = guess.epoch
    ORDER BY document.id FOR UPDATE OF document {}
), advanced AS (
    UPDATE document SET head_seq = head.last, head_hash = head.last_hash, updated = head.time
    FROM head WHERE document.id = head.id
), inserted AS (
    INSERT INTO entry (document_id, seq, "update", user_id, session_id, time, hash, inserted, deleted)
    SELECT row.* FROM head JOIN unnest(
        %s::text[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[], %s::bigint[],
        %s::bigint[]
    ) AS row (document_id, seq, "update", user_id, session_id, time, hash, inserted, deleted)
    ON head.id = row.document_id
)
SELECT id FROM head
"""


def write(log: "PostgresLog", works: Sequence[Work], patient: bool = True) -> list[Outcome]:
    """As `log_writer.write`, most of the time in one round trip."""
    guesses = guess(log.seen, works)
    written = log.write_at_once(guesses) if guesses else set()
    rest = [work for work in works if work.document_id not in written]
    outcomes: dict[str, Outcome] = {document_id: guesses[document_id][1] for document_id in written}
    if rest:
        try:
            outcomes |= zip([work.document_id for work in rest], log_writer.write(log, rest, patient), strict=True)
        except NotStored as error:
            if not written:
                raise
            outcomes |= {work.document_id: error for work in rest}
    return [outcomes[work.document_id] for work in works]


class Seen(log_writer.Seen):
    timeline: str | None = None  # of the PostgreSQL in which that is so


class PostgresLog:
    """Used by one greenlet at a time."""

    def __init__(
        self, engine: Engine, seen: Seen | None = None, on_replaced: Callable[[], None] = lambda: None
    ) -> None:
        """`seen` is shared by those that never write to the same document at the same time.

        `on_replaced` is called when another PostgreSQL has taken the place of the one that was written to before.
        """
        self.seen = Seen() if seen is None else seen
        self._on_replaced = on_replaced
        self._timeline: str | None = None  # of the last connection
        self._engine = engine
        self._connection: psycopg.Connection[Any] | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._in_words():
            self._begin()
            try:
                yield
                self._execute("COMMIT")
            except BaseException:
                if self._connection is not None and not self._connection.closed:
                    self._execute("ROLLBACK")
                raise

    def write_at_once(self, guesses: Guesses) -> set[str]:
        """Write the entries of these documents after the heads they were made for; of which documents that was so.

        Raises `NotStored`: then nobody knows whether they are written.
        """
        with self._in_words():
            if self._connection is None:
                self._connection = self._connect()
            try:
                written = self._append(guesses)
            except psycopg.OperationalError:
                if not self._connection.closed:
                    raise
                # It was cut: while nothing went on, or when all was written and nobody could say so any more, or it is
                # being written still. Then this waits for that, whatever else is in this commit, and finds that the
                # heads are others.
                self.close()
                self._connection = self._connect()
                written = self._append(guesses, patient=True)
                lacking = {document_id: guess for document_id, guess in guesses.items() if document_id not in written}
                written |= self._there(lacking) if lacking else set()
        for document_id in written:
            head, entries = guesses[document_id]
            self.seen.see(document_id, head._replace(seq=entries[-1].seq, hash=entries[-1].hash))
        for document_id in guesses.keys() - written:
            self.seen.pop(document_id, None)  # another lane may have had no room for it
        return written

    def _append(self, guesses: Guesses, patient: bool = False) -> set[str]:
        heads = [(document_id, *head[:2], head.epoch, entries[-1]) for document_id, (head, entries) in guesses.items()]
        ids, seqs, hashes, epochs, lasts = map(list, zip(*heads, strict=True))
        rows = [(document_id, *entry) for document_id, (_, entries) in guesses.items() for entry in entries]
        found = self._execute(
            APPEND.format("" if patient else "SKIP LOCKED"),
            *(ids, seqs, hashes, epochs),
            *([last.seq for last in lasts], [last.hash for last in lasts], [last.time for last in lasts]),
            *(list(column) for column in zip(*rows, strict=True)),
        )
        return {document_id for (document_id,) in found}

    def _there(self, guesses: Guesses) -> set[str]:
        """In which of these documents the entries are already. An entry's hash stands for all before it."""
        lasts = [(document_id, entries[-1].seq, entries[-1].hash) for document_id, (_, entries) in guesses.items()]
        found = self._execute(
            "SELECT document_id FROM entry JOIN unnest(%s::text[], %s::bigint[], %s::bytea[]) AS last (id, seq, hash) "
            "ON document_id = last.id AND entry.seq = last.seq AND entry.hash = last.hash",
            *(list(column) for column in zip(*lasts, strict=True)),
        )
        return {document_id for (document_id,) in found}

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise NotStored(outage.words(error) or NOT_WRITTEN) from error

    def lock(self, document_ids: Sequence[str], patient: bool = True) -> Mapping[str, Head | None]:
        query = (
            "SELECT id, head_seq, head_hash, snapshot_seq, packed_seq, epoch FROM document "
            f"WHERE id = ANY(%s) ORDER BY id FOR UPDATE {'' if patient else 'SKIP LOCKED'}"
        )
        heads = {id: Head(*fields) for id, *fields in self._execute(query, list(document_ids))}
        for document_id, head in heads.items():
            self.seen.see(document_id, head)
        if patient or len(heads) == len(document_ids):
            return heads
        rest = [document_id for document_id in document_ids if document_id not in heads]
        return heads | {id: None for (id,) in self._execute("SELECT id FROM document WHERE id = ANY(%s)", rest)}

    def owners(self, document_id: str, client_ids: Sequence[int]) -> Mapping[int, int | None]:
        query = "SELECT client_id, user_id FROM client WHERE document_id = %s AND client_id = ANY(%s)"
        return dict(self._execute(query, document_id, list(client_ids)).fetchall())

    def heirs(self, user_ids: Collection[int]) -> Mapping[int, int]:
        # Without the lock one who is just signing in would be missed. All rows are locked: a condition would be asked
        # of what they were before.
        query = 'SELECT id, became FROM "user" WHERE id = ANY(%s) ORDER BY id FOR SHARE'
        return {id: became for id, became in self._execute(query, list(user_ids)) if became is not None}

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
                'INSERT INTO entry (document_id, seq, "update", user_id, session_id, time, hash, inserted, deleted) '
                "SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[], "
                "%s::bytea[], %s::bigint[], %s::bigint[])",
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
            for document_id, entry in heads.items():
                if document_id in self.seen:
                    self.seen.see(document_id, self.seen[document_id]._replace(seq=entry.seq, hash=entry.hash))

    def keep(self, document_id: str, snapshot: Snapshot, state: bytes) -> None:
        self._execute(
            "INSERT INTO snapshot (document_id, seq, state, deflated, state_vector, hash) "
            "VALUES (%s, %s, %s, true, %s, %s)",
            document_id,
            snapshot.seq,
            state,
            snapshot.state_vector,
            snapshot.hash,
        )
        self._execute("UPDATE document SET snapshot_seq = %s WHERE id = %s", snapshot.seq, document_id)

    def snapshots(self, document_id: str) -> Sequence[int]:
        return [seq for (seq,) in self._execute("SELECT seq FROM snapshot WHERE document_id = %s", document_id)]

    def drop(self, document_id: str, snapshots: Collection[int]) -> None:
        self._execute("DELETE FROM snapshot WHERE document_id = %s AND seq = ANY(%s)", document_id, list(snapshots))

    def newest_chunk(self, document_id: str) -> bytes | None:
        query = "SELECT hash FROM chunk WHERE document_id = %s ORDER BY last_seq DESC LIMIT 1"
        row = self._execute(query, document_id).fetchone()
        return None if row is None else row[0]

    def pack(self, document_id: str, chunks: Sequence[Chunk]) -> None:
        first, last = chunks[0].first, chunks[-1].last
        self._execute("DELETE FROM chunk WHERE document_id = %s AND first_seq >= %s", document_id, first)
        self._execute("DELETE FROM entry WHERE document_id = %s AND seq <= %s", document_id, last)
        self._execute(
            "INSERT INTO chunk (document_id, first_seq, last_seq, data, entry_hash, hash) SELECT %s, * FROM "
            "unnest(%s::bigint[], %s::bigint[], %s::bytea[], %s::bytea[], %s::bytea[])",
            document_id,
            *(list(column) for column in zip(*chunks, strict=True)),
        )
        self._execute("UPDATE document SET packed_seq = %s WHERE id = %s", last, document_id)

    def entries(self, document_id: str, after: int) -> Iterable[Entry]:
        query = (
            'SELECT seq, "update", user_id, session_id, time, hash FROM entry '
            "WHERE document_id = %s AND seq > %s ORDER BY seq"
        )
        return [Entry(*row) for row in self._execute(query, document_id, after)]

    def change(self, document_id: str, entries: Sequence[tuple[int, bytes, bytes]]) -> None:
        if entries:
            self._execute(
                'UPDATE entry SET "update" = changed."update", hash = changed.hash '
                'FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[]) AS changed (seq, "update", hash) '
                "WHERE entry.document_id = %s AND entry.seq = changed.seq",
                *(list(column) for column in zip(*entries, strict=True)),
                document_id,
            )

    def forget(self, document_id: str, first: int, epoch: str, hash: bytes) -> None:
        for statement in FORGET:
            self._named(statement.format("%(document_id)s", "%(first)s"), document_id=document_id, first=first)
        self._execute(PAST.format("%s", "%s"), document_id, epoch)
        query = "UPDATE document SET history_from = %s, epoch = %s, head_hash = %s WHERE id = %s"
        self._execute(query, first, epoch, hash, document_id)

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
        """Waits a moment for a server that is being started again.

        Raises `NotStored` once if it is another one now, a standby that took over: perhaps it never got the end of what
        was acknowledged, and whatever is to be written was made with that.
        """
        before = self._timeline or self.seen.timeline
        deadline = monotonic() + STARTED_AGAIN
        while True:
            try:
                connection: psycopg.Connection[Any] = database.driver_connection(self._engine)
                break
            except psycopg.OperationalError:
                if monotonic() > deadline:
                    raise
            time.sleep(0.1)
        connection.autocommit = True  # the transactions are begun here
        # An operator may have asked for more (remote_apply); with less, what people were told is saved could be lost.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
        # A process that is held still must not hold a note.
        connection.execute("SET idle_in_transaction_session_timeout = '5s'")
        (self._timeline,) = connection.execute(database.TIMELINE.encode()).fetchall()[0]
        self.seen.timeline = self._timeline
        if before not in (None, self._timeline):
            connection.close()
            self._on_replaced()
            raise NotStored("Another database has taken the place of the one there was.")
        return connection

    def _named(self, query: str, **parameters: object) -> None:
        assert self._connection is not None
        self._connection.cursor(binary=True).execute(query.encode(), parameters)

    def _execute(self, query: str, *parameters: object) -> psycopg.Cursor[Any]:
        assert self._connection is not None
        cursor = self._connection.cursor(binary=True)
        return cursor.execute(query.encode(), parameters or None)
