"""The log itself, for those who want to see how a note was written: entries in chunks, and states to begin from."""

from collections.abc import Iterable, Iterator

from flask import Blueprint, Response, current_app

from editor import access, body, moments
from editor.errors import Invalid, NotFound
from editor.loop import paced, pause
from editor.sql_store import SqlStore
from sync.codec import write_uint
from sync.history import Damaged, chunks
from sync.rooms import Rooms
from sync.store import Broken, Damage, UnknownMoment

entries = Blueprint("entries", __name__, url_prefix="/api/documents/<document_id>/history")

@entries.get("/entries")
def stream(document_id: str) -> Response:
    document = access.find_history(document_id).document
    after, until = body.number("after"), body.number("until")
    for seq in (after, until):
        if seq:
            moments.check(document, seq)
    after = after or 0
    if until is None:
        until = document.head_seq
    if until < after:
        raise Invalid("That does not work.", {"until": [f"This must be {after} or more, not {until}."]})
    found = chunks(_store(), document_id, after, until, _mended(document_id), paced())
    response = _bytes(_framed(found) if after < until else (), document.epoch)
    response.headers["X-Until"] = str(until)
    return response


@entries.get("/state")
def state(document_id: str) -> Response:
    document = access.find_history(document_id).document
    seq = body.number("seq")
    if seq is None:
        raise Invalid("The address lacks a part.", {"seq": ["This must be a whole number."]})
    try:
        return _bytes([_store().state(document_id, seq)], document.epoch)
    except (UnknownMoment, Broken) as error:
        raise NotFound(f"There is no state at hand for moment {seq}.") from error


def _mended(document_id: str) -> Damaged:
    """What is damaged is looked after, once. Whoever reads learns from what is missing that they must ask again."""
    rooms: Rooms = current_app.extensions["rooms"]
    done = False

    def mend(damage: Damage) -> None:
        nonlocal done
        if not done:
            done = True
            rooms.mend(document_id)

    return mend


def _framed(found: Iterator[bytes]) -> Iterator[bytes]:
    """Each chunk with its length before it. Others run in between: each is some work."""
    for chunk in found:
        length = bytearray()
        write_uint(length, len(chunk))
        yield bytes(length) + chunk
        pause()


def _bytes(content: Iterable[bytes], epoch: str) -> Response:
    response = Response(content, content_type="application/octet-stream")
    response.headers["X-Epoch"] = epoch
    response.cache_control.no_store = True
    return response


def _store() -> SqlStore:
    store: SqlStore = current_app.extensions["store"]
    return store
