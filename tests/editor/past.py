"""A past as the tables have it, of any length and with any times, for tests that read only what the rows say."""

from collections.abc import Iterable

from sqlalchemy import insert, select, update

from editor.database import session
from editor.models import Document, Entry

NOON = 1_800_000_000_000


def log(note: str, entries: Iterable[tuple[int | None, int, int, int]]) -> None:
    """(user, milliseconds after noon, inserted, deleted) of changes, as the store leaves them behind."""
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
