"""Notes: the list, a new one, its title, the bin."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import gevent
from flask import Blueprint, current_app, request
from gevent.event import AsyncResult
from sqlalchemy import delete, func, select

from editor import access, acts, body, damage, digest
from editor.access import Access, Role
from editor.characters import LONGEST_TITLE
from editor.content import schema
from editor.database import session
from editor.errors import Conflict, NotFound, Unavailable
from editor.models import Document, Member, User, now
from sync.peer import Answer, Refusal, Saved
from sync.rooms import NotWhole, Rooms
from sync.store import UnknownDocument

documents = Blueprint("documents", __name__, url_prefix="/api/documents")

MOST_FACES = 8  # people shown with a note
COMMIT_TIMEOUT = 15.0  # seconds
TRIES = 3
NOT_SAVED = "The title could not be saved. Please try again."


@documents.get("")
def show_all() -> dict[str, Any]:
    user = access.signed_in()
    binned = request.args.get("bin") == "1"
    found = access.listing(user, binned)
    if digest.catch_up([each.document for each in found]):
        found = access.listing(user, binned)
    return {"documents": describe(found)}


@documents.post("")
def create() -> tuple[dict[str, Any], int]:
    user = access.author()
    title = body.line("title", body.fields(title=str).get("title", ""), LONGEST_TITLE, empty=True)
    document = Document(owner_id=user.id)
    session.add(document)
    session.flush()
    access.arrive(session, document.id, user.id)
    if title:
        _set_title(document.id, user.id, title)
    return show(document.id), 201


@documents.get("/<document_id>")
def show(document_id: str) -> dict[str, Any]:
    found = access.find(document_id, Role.VIEWER, binned=True)
    if digest.catch_up([found.document]):
        found = access.find(document_id, Role.VIEWER, binned=True)
    return describe([found])[0]


@documents.patch("/<document_id>")
def rename(document_id: str) -> dict[str, Any]:
    access.find(document_id, Role.EDITOR)
    title = body.line("title", body.needed("title", str), LONGEST_TITLE, empty=True)
    _set_title(document_id, access.signed_in().id, title)
    return show(document_id)


@documents.delete("/<document_id>")
def throw_away(document_id: str) -> tuple[str, int]:
    body.fields()
    document = access.find(document_id, Role.OWNER, binned=True).document
    if document.deleted is None:
        document.deleted = now()
        session.commit()
        current_app.extensions["sockets"].tell_binned(document_id)
        _rooms().expel(document_id, Refusal("not-found", "This note was moved to the bin."))
    return "", 204


@documents.post("/<document_id>/restore")
def restore(document_id: str) -> dict[str, Any]:
    body.fields()
    document = access.find(document_id, Role.OWNER, binned=True).document
    document.deleted = None
    session.commit()
    return show(document_id)


@documents.delete("/<document_id>/forever")
def forget(document_id: str) -> tuple[str, int]:
    body.fields()
    document = access.find(document_id, Role.OWNER, binned=True).document
    if document.deleted is None:
        raise Conflict("Only a note in the bin can be deleted for ever. Move it to the bin first.")
    # Its log, its snapshots, its members and its link go with it.
    session.execute(delete(Document).where(Document.id == document_id))
    session.commit()
    return "", 204


def describe(found: Sequence[Access]) -> list[dict[str, Any]]:
    """Document (docs/http.md) of each, with one query for all people."""
    people = _people([each.document.id for each in found])
    return [
        {
            "id": document.id,
            "title": document.title,
            "excerpt": document.excerpt,
            "role": role.word,
            "epoch": document.epoch,
            "created": document.created,
            "updated": document.updated,
            "deleted": document.deleted,
            "owner": {"id": document.owner_id, "name": owner},
            "shared": shared,
            "people": people[document.id],
            "history": history,
        }
        for document, role, owner, shared, history in found
    ]


def retitle(document_id: str, user_id: int, title: str) -> int | None:
    """Once this returns the title is in the log, everybody sees it, and the document's row has it.

    The entry that holds it; None when it was the title already. Raises `Unavailable` when the server could not make it
    durable.
    """
    changed = False

    def change(doc: Any) -> None:
        nonlocal changed
        whole = schema.title(doc)
        changed = str(whole) != title
        if changed:
            whole.clear()
            whole += title

    answer = _edit(document_id, user_id, change)
    for _ in range(TRIES - 1):
        if isinstance(answer, Refusal) and answer.error == "resync":  # the room was thrown away meanwhile
            answer = _edit(document_id, user_id, change)
    if not isinstance(answer, Saved):
        raise Unavailable(answer.message if answer else NOT_SAVED)
    digest.refresh(document_id)
    return answer.seq if changed else None


def _set_title(document_id: str, user_id: int, title: str) -> None:
    """A program does it for this user, which the history says."""
    seq = retitle(document_id, user_id, title)
    if seq is not None:
        acts.know(document_id, seq, user_id, "api", {"what": "title"})


def _edit(document_id: str, user_id: int, change: Callable[[Any], None]) -> Answer:
    result: AsyncResult[Answer] = AsyncResult()
    try:
        _rooms().edit(document_id, user_id, change, result.set)
        return result.get(timeout=COMMIT_TIMEOUT)
    except gevent.Timeout as timeout:  # no Exception: nobody would answer the request
        raise Unavailable(NOT_SAVED) from timeout
    except UnknownDocument as error:
        raise NotFound("There is no note here for you.") from error
    except NotWhole as error:
        raise damage.refused(error.damage) from error


def _people(document_ids: Sequence[str]) -> defaultdict[str, list[dict[str, Any]]]:
    """The first to arrive in each document."""
    arrival = func.row_number().over(partition_by=Member.document_id, order_by=(Member.first_seen, Member.user_id))
    members = (
        select(Member.document_id, Member.user_id, Member.slot, arrival.label("arrival"))
        .where(Member.document_id.in_(document_ids))
        .subquery()
    )
    rows = session.execute(
        select(members.c.document_id, User.id, User.name, members.c.slot)
        .join(User, User.id == members.c.user_id)
        .where(members.c.arrival <= MOST_FACES)
        .order_by(members.c.document_id, members.c.arrival)
    )
    people: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for document_id, user_id, name, slot in rows:
        people[document_id].append({"id": user_id, "name": name, "slot": slot})
    return people


def _rooms() -> Rooms:
    rooms: Rooms = current_app.extensions["rooms"]
    return rooms
