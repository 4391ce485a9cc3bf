"""What entries were, if nobody typed them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from editor.database import session
from editor.errors import Conflict, Denied
from editor.models import Act, Entry, now

CLAIM = 10 * 60 * 1000  # milliseconds after which nobody says any more what an entry was


def claim(document_id: str, seq: int, user_id: int, kind: str, detail: Mapping[str, object]) -> Act:
    """Somebody says what an entry of theirs was, soon after it was made.

    Raises `Denied` when somebody else made it, and `Conflict` when it was said before or it is too late.
    """
    row = select(Entry.user_id, Entry.time).where(Entry.document_id == document_id, Entry.seq == seq)
    entry = session.execute(row).one_or_none()
    if entry is None or now() - entry.time > CLAIM:
        raise Conflict(f"It is too late to say what entry {seq} was.")
    if entry.user_id != user_id:
        raise Denied("Only who made a change may say what it was.")
    act = Act(document_id=document_id, seq=seq, kind=kind, detail=detail, user_id=user_id, time=entry.time)
    session.add(act)
    try:
        session.commit()
    except IntegrityError:
        session.rollback()
        raise Conflict(f"What entry {seq} was has been said before.") from None
    return act


def know(document_id: str, seq: int, user_id: int, kind: str, detail: Mapping[str, object]) -> None:
    """The program knows what an entry was, for it made it for this user. Whatever was claimed of it is not true."""
    session.execute(delete(Act).where(Act.document_id == document_id, Act.seq == seq))
    session.add(Act(document_id=document_id, seq=seq, kind=kind, detail=detail, user_id=user_id, time=now()))
    session.commit()


def of(document_id: str) -> list[Act]:
    """All of a document's, oldest first."""
    return list(session.scalars(select(Act).where(Act.document_id == document_id).order_by(Act.seq)))


def describe(act: Act) -> dict[str, Any]:
    """Act (docs/http.md)."""
    return {"seq": act.seq, "kind": act.kind, "detail": act.detail, "user": act.user_id, "time": act.time}
