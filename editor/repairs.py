"""Repair: somebody's copy of a note tells what is damaged in the server's database."""

from typing import Any

from flask import Blueprint, current_app, request

from editor import access, body, damage
from editor.access import Role
from editor.errors import Conflict, Invalid
from sync.codec import Malformed, Reader
from sync.gate import Limits
from sync.mending import Copy, Unfit
from sync.rooms import Rooms
from sync.store import Store

repairs = Blueprint("repairs", __name__, url_prefix="/api/documents/<document_id>/history/repair")

MOST_BYTES = 2 * Limits().max_bytes + 16  # two updates and their lengths


@repairs.post("")
@body.takes_bytes(MOST_BYTES)
def repair(document_id: str) -> dict[str, Any]:
    found = access.find(document_id, Role.EDITOR)
    user = access.signed_in()
    seq = body.number("seq")
    if seq is None:
        raise Invalid("The address lacks a part.", {"seq": ["This must be a whole number."]})
    rooms: Rooms = current_app.extensions["rooms"]
    store: Store = current_app.extensions["store"]
    known = store.quarantined(document_id)
    if known and all(each.known is not None for each in known):
        return damage.describe(known[-1])  # somebody else was quicker
    reader = Reader(request.get_data())
    try:
        copy = Copy(seq, user.id, reader.raw("copy"), reader.raw("what is not acknowledged"))
        reader.finish()
        return damage.describe(rooms.mend_from(document_id, copy, found.role is Role.OWNER))
    except Malformed as error:
        raise Invalid(f"The body must be two updates, each with its length before it: {error}.") from error
    except Unfit as error:
        raise Conflict(str(error)) from error
