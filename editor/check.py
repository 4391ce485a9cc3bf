"""Check everything that is kept, while a server may be using it. Nothing is changed."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Table, func, select, text
from sqlalchemy.exc import DBAPIError

from editor.content.schema import ROOTS
from editor.models import Act, Base, Chunk, Document, Entry, Sitting, Snapshot, Version
from editor.sql_store import SqlStore
from sync import check as logs
from sync import store
from sync.check import Finding
from sync.store import BEFORE_ALL, UnknownDocument, Unreachable

MOST_ORPHANS = 100  # of one kind, that are named each


class Checked(NamedTuple):
    """What came of it."""

    notes: int
    findings: list[Finding]

    @property
    def outcome(self) -> str:
        return f"{len(self.findings)} things are not as they should be." if self.findings else "all is well."


def check(engine: Engine, said: Callable[[int, int], None] = lambda done, of: None) -> Checked:
    """Check it all. `said(done, of)` hears how many of the notes are done. May take long."""
    sql = SqlStore(engine)
    try:
        names = _notes(engine)
        findings = [*_readable(None, "the file", _file(engine)), *_readable(None, "the rows", _orphans(engine))]
        for done, name in enumerate(names):
            said(done, len(names))
            findings += _readable(name, "the rows", _note(sql, name))
        said(len(names), len(names))
        return Checked(len(names), findings)
    finally:
        sql.close()


def _notes(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(select(Document.id).order_by(Document.id)))


def _readable(document_id: str | None, what: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Up to where the database itself cannot read on."""
    try:
        yield from findings
    except (DBAPIError, Unreachable) as error:
        came = str(error.orig if isinstance(error, DBAPIError) else error).strip()
        yield Finding(document_id, what, "what the database can read", came)


def _file(engine: Engine) -> Iterator[Finding]:
    """Whether the pages of an SQLite file hang together. PostgreSQL has tools of its own for that (`pg_amcheck`)."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            for (said,) in connection.execute(text("PRAGMA integrity_check")):
                if said != "ok":
                    yield Finding(None, "the file", "what SQLite calls ok", said)


def _orphans(engine: Engine) -> Iterator[Finding]:
    """Rows that belong to a note or a person that is not there.

    The log and what is made of it name people who may be gone: their ids are not looked for.
    """
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
                yield from _missing(connection, table, key.parent, key.column)


def _note(sql: SqlStore, document_id: str) -> Iterator[Finding]:
    """Whether a note's log is whole, and what is made of it fits."""
    try:
        with sql.at_one_moment() as (view, connection):
            yield from _head(connection, document_id)
            yield from _beyond(connection, document_id)
            damaged: list[Finding] = []
            yield from logs.check(view, document_id, _snapshots(connection, document_id, damaged), ROOTS)
            yield from damaged
    except UnknownDocument:
        return  # deleted for ever in the meantime


def _missing(connection: Connection, table: Table, child: Any, parent: Any) -> Iterator[Finding]:
    names = [column.name for column in table.primary_key]
    there = parent.table.alias()
    none = ~select(there.c[parent.name]).where(there.c[parent.name] == child).exists()
    rows = connection.execute(
        select(*table.primary_key, child.label("_missing")).where(child.is_not(None), none).limit(MOST_ORPHANS)
    )
    for row in rows:
        key = ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=False))
        yield Finding(
            row._mapping.get("id" if table is Document.__table__ else "document_id"),
            f"the row of {table.name} with {key}",
            f"a row of {parent.table.name} with {parent.name} {row._mapping['_missing']}",
            "none",
        )


def _head(connection: Connection, document_id: str) -> Iterator[Finding]:
    """Whether the document's row says what its log says."""
    row = connection.execute(select(Document).where(Document.id == document_id)).one_or_none()
    if row is None:
        raise UnknownDocument(document_id)
    of = Entry.document_id == document_id
    newest = connection.execute(select(Entry.seq, Entry.hash).where(of).order_by(Entry.seq.desc()).limit(1)).first()
    packed = connection.execute(
        select(Chunk.last_seq, Chunk.entry_hash)
        .where(Chunk.document_id == document_id)
        .order_by(Chunk.last_seq.desc())
        .limit(1)
    ).first()
    none = (0, BEFORE_ALL)
    seq, hash = max(newest or none, packed or none, key=lambda each: each[0])
    if seq != row.head_seq:
        yield Finding(document_id, "the head", f"entry {row.head_seq}", f"entry {seq} as the newest")
    elif hash != row.head_hash:
        yield Finding(document_id, "the head", f"an entry {seq} with the hash {row.head_hash.hex()}", hash.hex())
    last = packed[0] if packed else 0
    if last != row.packed_seq:
        yield Finding(document_id, "the chunks", f"entries up to {row.packed_seq}", f"entries up to {last}")
    twice = connection.scalar(select(func.count()).where(of, Entry.seq <= last)) or 0
    if twice:
        yield Finding(document_id, "the entries", f"none up to {last}, which are in chunks", f"{twice}")
    snapshot = connection.scalar(select(func.max(Snapshot.seq)).where(Snapshot.document_id == document_id)) or 0
    if snapshot != row.snapshot_seq:
        yield Finding(document_id, "the snapshots", f"one of entry {row.snapshot_seq} as the newest", f"{snapshot}")


def _beyond(connection: Connection, document_id: str) -> Iterator[Finding]:
    """Rows about moments that there are not."""
    span = select(Document.history_from, Document.head_seq).where(Document.id == document_id)
    first, head = connection.execute(span).one()
    for table, column in ((Act, Act.seq), (Sitting, Sitting.last_seq), (Version, Version.seq)):
        beyond = ~column.between(first, head)
        for seq in connection.scalars(select(column).where(table.document_id == document_id, beyond)):
            name = table.__tablename__
            yield Finding(document_id, f"the {name} of entry {seq}", f"an entry from {first} to {head}", f"{seq}")


def _snapshots(connection: Connection, document_id: str, damaged: list[Finding]) -> Iterator[store.Snapshot]:
    """Those that can be unpacked; of the others it is said what is the matter."""
    columns = Snapshot.seq, Snapshot.state, Snapshot.deflated, Snapshot.state_vector, Snapshot.hash
    rows = connection.execute(select(*columns).where(Snapshot.document_id == document_id).order_by(Snapshot.seq))
    for seq, state, deflated, state_vector, hash in rows:
        try:
            state = zlib.decompress(state) if deflated else state
        except zlib.error as error:
            damaged.append(Finding(document_id, f"the snapshot of entry {seq}", "deflated bytes", str(error)))
            continue
        yield store.Snapshot(seq, state, state_vector, hash)
