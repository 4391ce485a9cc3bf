"""A note as it is now, in one answer: for a page that has no copy of it, while its script is still on its way."""

import gzip

import gevent
from flask import Blueprint, Response, current_app, request
from flask.sansio.blueprints import BlueprintSetupState

from editor import access, worker
from editor.access import Role
from editor.models import Document
from editor.recent import Recent
from sync.rooms import Rooms

states = Blueprint("states", __name__, url_prefix="/api/documents/<document_id>/state")

CACHE_BYTES = 8 * 1024 * 1024  # of states in each process, and as many of compressed ones
ZIPPED = 4096  # bytes from which on it is compressed, on another thread: it takes milliseconds

State = tuple[bytes, int, str]


@states.record
def register(setup: BlueprintSetupState) -> None:
    setup.app.extensions["states"] = Recent[State](CACHE_BYTES, lambda state: len(state[0]))
    setup.app.extensions["zipped"] = Recent[bytes](CACHE_BYTES, len)


@states.get("")
def show(document_id: str) -> Response:
    document = access.find(document_id, Role.VIEWER).document
    state, seq, epoch = read(document)
    if seq < document.head_seq:
        # A part of it is damaged. Nobody is let in, and what there is of it is no state that anybody could go on with.
        return Response(status=204)
    response = Response(state, content_type="application/octet-stream")
    response.headers["X-Epoch"] = epoch
    response.headers["X-Seq"] = str(seq)
    response.cache_control.no_store = True
    if len(state) >= ZIPPED:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"] > 0:
            response.set_data(_zipped(document_id, state, seq, epoch))
            response.content_encoding = "gzip"
    return response


def read(document: Document) -> State:
    """The note as one update, the newest entry that is in it, and its epoch.

    If it is damaged, it is the note before that: the entry is older than the newest one.
    """
    recent: Recent[State] = current_app.extensions["states"]
    with recent.alone(document.id):
        kept = recent.get(document.id + document.epoch, document.head_seq)
        if kept is None:
            rooms: Rooms = current_app.extensions["rooms"]
            kept = rooms.read(document.id)
            _, seq, epoch = kept
            recent.keep(document.id + epoch, seq, kept)
    return kept


def _zipped(document_id: str, state: bytes, seq: int, epoch: str) -> bytes:
    recent: Recent[bytes] = current_app.extensions["zipped"]
    with recent.alone(document_id):
        kept = recent.get(document_id + epoch, seq)
        if kept is None:
            kept = worker.run(gevent.get_hub().threadpool, gzip.compress, state, 4)
            recent.keep(document_id + epoch, seq, kept)
    return kept
