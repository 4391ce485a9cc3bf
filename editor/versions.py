"""Moments of a note that have a name, and any moment as a file."""

from typing import Any

from flask import Blueprint, Response, current_app, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from editor import access, body, damage, export, moments
from editor.access import Role
from editor.content import schema, text
from editor.database import session
from editor.errors import Conflict, Invalid, NotFound
from editor.loop import paced
from editor.models import Version, now
from sync.history import replay

versions = Blueprint("versions", __name__, url_prefix="/api/documents/<document_id>/versions")

LONGEST_NAME = 200  # characters


@versions.post("")
def create(document_id: str) -> tuple[dict[str, Any], int]:
    document = access.find_history(document_id, Role.EDITOR).document
    wanted = body.fields(("name",), name=str, seq=int)
    name = body.line("name", wanted["name"], LONGEST_NAME)
    seq = moments.check(document, wanted.get("seq", document.head_seq))
    damage.check(document_id, seq)
    version = Version(document_id=document_id, seq=seq, name=name, user_id=access.signed_in().id, time=now())
    session.add(version)
    try:
        session.commit()
    except IntegrityError:
        session.rollback()
        raise Conflict("This moment has a name already.") from None
    return describe(version), 201


@versions.patch("/<int:seq>")
def rename(document_id: str, seq: int) -> dict[str, Any]:
    access.find_history(document_id, Role.EDITOR)
    version = _find(document_id, seq)
    version.name = body.line("name", body.needed("name", str), LONGEST_NAME)
    session.commit()
    return describe(version)


@versions.delete("/<int:seq>")
def forget(document_id: str, seq: int) -> tuple[str, int]:
    access.find_history(document_id, Role.EDITOR)
    session.delete(_find(document_id, seq))
    session.commit()
    return "", 204


@versions.get("/<int:seq>/export")
def download(document_id: str, seq: int) -> Response:
    document = access.find_history(document_id).document
    form = request.args.get("format", "html")
    if form not in export.FORMS:
        known = " or ".join(export.FORMS)
        raise Invalid("That does not work.", {"format": [f"This must be {known}, not {form[:40]!r}."]})
    moments.check(document, seq)
    damage.check(document_id, seq)
    version = session.get(Version, (document_id, seq))
    doc = replay(current_app.extensions["store"], document_id, seq, paced())
    title, fragment = text.one_line(schema.title(doc)), schema.body(doc)
    return export.answer(form, title, fragment, None if version is None else version.name)


def of(document_id: str) -> list[Version]:
    """All of a document's, oldest moment first."""
    query = select(Version).where(Version.document_id == document_id).order_by(Version.seq)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def describe(version: Version) -> dict[str, Any]:
    """Version (docs/http.md)."""
    return {"seq": version.seq, "name": version.name, "user": version.user_id, "time": version.time}


def _find(document_id: str, seq: int) -> Version:
    query = select(Version).where(Version.document_id == document_id, Version.seq == seq)
    version = session.scalar(query) if seq < 1 << 63 else None
    if version is None:
        raise NotFound(f"Moment {seq} of this note has no name.")
    return version
