"""The past of a note, for tests: one that is made at will, and what pages and programs read of one."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from gevent.event import AsyncResult
from pycrdt import Doc
from sqlalchemy import insert, select, update

from editor import sittings
from editor.content import schema, text
from editor.database import session
from editor.models import Document, Entry
from sync import history
from sync.chunk import Group, decode
from sync.codec import Reader
from sync.compaction import compact
from sync.packing import pack
from sync.parts import take_apart
from sync.peer import Answer, Saved
from sync.store import Store
from tests.editor.conftest import Visitor

NOON = 1_800_000_000_000


def log(note: str, entries: Iterable[tuple[int | None, int, int, int]]) -> None:
    """(user, milliseconds after noon, inserted, deleted) of changes, as the store leaves them behind: of any length and
    with any times, for tests that read only what the rows say."""
    head = session.scalar(select(Document.head_seq).where(Document.id == note)) or 0
    rows = [
        {
            "document_id": note,
            "seq": seq,
            "user_id": user_id,
            "session_id": 1,
            "time": NOON + time,
            "update": b"\0\0",
            "hash": b"",
            "inserted": inserted,
            "deleted": deleted,
        }
        for seq, (user_id, time, inserted, deleted) in enumerate(entries, head + 1)
    ]
    session.execute(insert(Entry), rows)
    session.execute(update(Document).where(Document.id == note).values(head_seq=head + len(rows)))
    session.commit()


def edit(app: Flask, note: str, change: Callable[[Doc[Any]], object]) -> None:
    """The first user changes a note. Once this returns it is in the log."""
    saved: AsyncResult[Answer] = AsyncResult()
    app.extensions["rooms"].edit(note, 1, change, saved.set)
    assert isinstance(saved.get(timeout=10), Saved)


def put_away(app: Flask, note: str) -> int:
    """Have the entries put into chunks, as happens after a while. Returns up to which."""
    with app.app_context():
        sittings.catch_up(note)
        compact(app.extensions["store"], note, schema.ROOTS)
        pack(app.extensions["store"], note, schema.ROOTS)
        packed: int = session.get_one(Document, note).packed_seq
        return packed


def groups(visitor: Visitor, note: str, query: str = "") -> list[Group]:
    """The log, as the page reads it."""
    answer = visitor.get(f"/api/documents/{note}/history/entries{query}")
    assert answer.status_code == 200
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Epoch"] == visitor.ask("GET", f"/api/documents/{note}")["epoch"]
    reader = Reader(answer.data)
    found = []
    while reader.pos < reader.end:
        found += decode(reader.raw("chunk"))
    return found


def words(updates: list[bytes]) -> str:
    """What a note of these updates says."""
    doc: Doc[Any] = Doc()
    for each in updates:
        doc.apply_update(each)
    return "\n".join([str(schema.title(doc)), text.to_text(schema.body(doc))])


def pieces(store: Store, note: str, words: str) -> list[tuple[int, int, int]]:
    """Where these words were written in one go."""
    return [
        (run.client, piece.struct.clock, piece.struct.length)
        for group in history.groups(store, note)
        for run in take_apart(group.update).runs
        for piece in run.pieces
        if piece.content == words.encode()
    ]
