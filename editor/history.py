"""How a note was written: when, by whom, and what has its name. Everything that ever stood in it is in its log."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, current_app
from sqlalchemy import Select, select

from editor import access, acts, body, damage, moments, sittings, versions
from editor.access import SLOTS
from editor.database import session
from editor.errors import Invalid
from editor.loop import pause
from editor.models import Client, Member, User, now
from editor.sql_store import SqlStore

history = Blueprint("history", __name__, url_prefix="/api/documents/<document_id>/history")

PATIENCE = 0.25  # seconds that somebody waits for what was never summarised
LONGEST_WHAT = 200  # characters that say what was restored
GONE = "Somebody who is gone"


@history.get("")
def show(document_id: str) -> dict[str, Any]:
    access.find_history(document_id)
    behind = sittings.catch_up(document_id, PATIENCE)
    document = access.find_history(document_id).document
    store: SqlStore = current_app.extensions["store"]
    person = access.person()
    user_id = None if person is None else person.id
    member = session.scalar(_member(document_id, user_id))
    looked = None if member is None or member.last_seen is None else member
    damaged = damage.known(document_id)
    named, done = versions.of(document_id), acts.of(document_id)
    shown, more = ([], None) if behind else sittings.newest(document_id)
    people = sittings.authors(document_id) | _writers(document_id) | {version.user_id for version in named}
    people |= {each.user_id for each in damaged}
    pause()  # so many small questions take milliseconds together
    return {
        "epoch": document.epoch,
        "head": document.head_seq,
        "from": document.history_from,
        "looked": looked and {"seq": looked.last_seen_seq, "time": looked.last_seen},
        "since": 0 if behind else sittings.by_others(document_id, user_id, looked.last_seen_seq if looked else 0),
        "people": _describe(document_id, people),
        "versions": [versions.describe(version) for version in named],
        "acts": [acts.describe(act) for act in done],
        "storage": store.storage(document_id)._asdict(),
        "sittings": shown,
        "more": more,
        "behind": behind,
        "bases": store.bases(document_id),
        "damaged": [damage.describe(each) for each in damaged],
    }


@history.get("/sittings")
def show_sittings(document_id: str) -> dict[str, Any]:
    access.find_history(document_id)
    before = body.number("before")
    sittings.catch_up(document_id)
    shown, more = sittings.newest(document_id, before)
    return {"sittings": shown, "more": more}


@history.post("/looked")
def look(document_id: str) -> tuple[str, int]:
    document = access.find_history(document_id).document
    user = access.signed_in()
    seq = body.needed("seq", int)
    if seq != 0 or document.head_seq != 0:  # one may look at a note in which nothing is written yet
        moments.check(document, seq)
    access.arrive(session, document_id, user.id)
    (member,) = session.scalars(_member(document_id, user.id).with_for_update())
    member.last_seen_seq = max(member.last_seen_seq, seq)  # in another tab they may have seen more
    member.last_seen = now()
    session.commit()
    return "", 204


@history.post("/acts")
def tell(document_id: str) -> tuple[dict[str, Any], int]:
    document = access.find_history(document_id).document
    user = access.signed_in()
    said = body.fields(("seq", "kind", "detail"), seq=int, kind=str, detail=dict)
    if said["kind"] != "restore":
        raise Invalid("That does not work.", {"kind": [f"This must be restore, not {said['kind'][:40]!r}."]})
    detail = said["detail"]
    if detail.keys() != {"what"} or type(detail["what"]) is not str:
        raise Invalid("That does not work.", {"detail": ["This must be {what: a text}."]})
    what = body.line("detail", detail["what"], LONGEST_WHAT)
    seq = moments.check(document, said["seq"])
    return acts.describe(acts.claim(document_id, seq, user.id, "restore", {"what": what})), 201


def _member(document_id: str, user_id: int | None) -> Select[Member]:
    query = select(Member).where(Member.document_id == document_id, Member.user_id == user_id)
    return query.execution_options(populate_existing=True)  # another request may have moved it


def _writers(document_id: str) -> set[int | None]:
    return set(session.scalars(select(Client.user_id).where(Client.document_id == document_id).distinct()))


def _describe(document_id: str, people: Iterable[int | None]) -> list[dict[str, Any]]:
    """Author (docs/http.md) of each, by their ids."""
    ids = {user_id for user_id in people if user_id is not None}
    known = {
        user_id: (name, guest, slot)
        for user_id, name, guest, slot in session.execute(
            select(User.id, User.name, User.guest, Member.slot)
            .outerjoin(Member, (Member.user_id == User.id) & (Member.document_id == document_id))
            .where(User.id.in_(ids))
        )
    }
    described = []
    for user_id in sorted(ids):
        name, guest, slot = known.get(user_id, (GONE, False, None))
        # Who never opened the note, or is gone, has always the same colour, too.
        slot = slot or (user_id - 1) % SLOTS + 1
        described.append({"id": user_id, "name": name, "slot": slot, "guest": guest, "gone": user_id not in known})
    return described
