"""The link to a note: who has it may come in, with its role, until it is revoked."""

import secrets
from typing import Any

from flask import Blueprint, current_app, url_for
from sqlalchemy import select

from editor import access, body
from editor.access import Role
from editor.database import session
from editor.errors import Invalid
from editor.models import Document, Member, Share, User, now
from sync.peer import Refusal

shares = Blueprint("shares", __name__, url_prefix="/api/documents/<document_id>/share")

ROLES = ("viewer", "editor")
SEE_HISTORY = ("editor",)  # unless the owner says otherwise: it shows what was taken back, too
_CHOICE = " or ".join(ROLES)


@shares.get("")
def show(document_id: str) -> dict[str, Any]:
    document = access.find(document_id, Role.OWNER).document
    share = _open(document_id)
    return {"share": share and _describe(share), "people": _people(document, share)}


@shares.put("")
def change(document_id: str) -> dict[str, Any]:
    access.find(document_id, Role.OWNER)
    role, history = _wanted()
    # The document's row stands for its link, so that two requests at once make one link.
    session.execute(select(Document.id).where(Document.id == document_id).with_for_update())
    share = _open(document_id)
    if role is None and (share is None or history is None):
        session.rollback()
        raise Invalid("That does not work.", {"role": [f"This must be {_CHOICE}."]})
    before = share and (share.role, share.history)
    if share is None:
        owner = access.signed_in()
        share = Share(document_id=document_id, token=secrets.token_urlsafe(16), created_by=owner.id)
        session.add(share)
    if role is not None and role != share.role:
        share.role, share.history = role, role in SEE_HISTORY
    if history is not None:
        share.history = history
    session.commit()
    if before not in (None, (share.role, share.history)):
        _expel(document_id)
    return show(document_id)


@shares.delete("")
def revoke(document_id: str) -> tuple[str, int]:
    body.fields()
    access.find(document_id, Role.OWNER)
    share = _open(document_id)
    if share is not None:
        share.revoked = now()
        session.commit()
        _expel(document_id)
    return "", 204


def _wanted() -> tuple[str | None, bool | None]:
    """Role and history, each None if the request leaves it as it is. Raises `Invalid`."""
    wanted = body.fields(role=str, history=bool)
    role, history = wanted.get("role"), wanted.get("history")
    if role is not None and role not in ROLES:
        raise Invalid("That does not work.", {"role": [f"This must be {_CHOICE}, not {role[:40]!r}."]})
    return role, history


def _open(document_id: str) -> Share | None:
    return session.scalar(select(Share).where(Share.document_id == document_id, Share.revoked.is_(None)))


def _describe(share: Share) -> dict[str, Any]:
    return {
        "role": share.role,
        "history": share.history,
        "token": share.token,
        "url": url_for("pages.note", document_id=share.document_id, s=share.token),
    }


def _people(document: Document, share: Share | None) -> list[dict[str, Any]]:
    """The owner, and everybody who may come in now because they opened the link."""
    came = Member.user_id == document.owner_id
    if share is not None:
        came |= Member.share_id == share.id
    rows = session.execute(
        select(User, Member)
        .join(Member, Member.user_id == User.id)
        .where(Member.document_id == document.id, came)
        .order_by(Member.first_seen, User.id)
    )
    return [
        {
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "guest": user.guest,
            "role": "owner" if user.id == document.owner_id or share is None else share.role,
            "slot": member.slot,
        }
        for user, member in rows
    ]


def _expel(document_id: str) -> None:
    """Everybody who has it open is asked for access again; those who still may come in are back at once."""
    refusal = Refusal("access", "The owner changed who may open this note and what they may do with it.")
    current_app.extensions["rooms"].expel(document_id, refusal)
