"""What entries were, if nobody typed them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from editor.database import session
from editor.errors import Conflict, Denied
from editor.models import Act, Entry


def note(document_id: str, seq: int, user_id: int, kind: str, detail: Mapping[str, object]) -> Act:
    """Say what an entry of this user was, soon after it was made.

    Raises `Denied` when somebody else made it, and `Conflict` when it was said before or the entry has no row any more.
    """
    row = select(Entry.user_id, Entry.time).where(Entry.document_id == document_id, Entry.seq == seq)
    entry = session.execute(row).one_or_none()
    if entry is None:
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


def of(document_id: str) -> list[Act]:
    """All of a document's, oldest first."""
    return list(session.scalars(select(Act).where(Act.document_id == document_id).order_by(Act.seq)))


def describe(act: Act) -> dict[str, Any]:
    """Act (docs/http.md)."""
    return {"seq": act.seq, "kind": act.kind, "detail": act.detail, "user": act.user_id, "time": act.time}
