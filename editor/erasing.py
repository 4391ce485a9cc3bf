"""Erase history: all that was before a moment, or some characters from all of it. The note as it is now stays.

Whoever has the note open gets it anew, in another epoch: their devices put the copies aside that still hold what was
erased, with everything in them that was not saved yet.
"""

import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple

from flask import current_app
from sqlalchemy import func, select

from editor import sittings
from editor.content.schema import ROOTS
from editor.database import session
from editor.loop import pause
from editor.models import Act, Version, new_id
from sync import erasing
from sync.blanks import BLANK
from sync.rooms import Rooms
from sync.store import NotStored, Rewriting, Store

TRIES = 5  # somebody may be packing the log

log = logging.getLogger(__name__)


class Erased(NamedTuple):
    """What went, or would go."""

    entries: int
    versions: int  # named moments that went, or in whose name the words were
    bytes: int  # less in the log, or characters that were blanked
    epoch: str


def erase_before(rooms: Rooms, store: Store, document_id: str, seq: int, dry: bool = False) -> Erased:
    """Erase what was before entry `seq`. Needs an app context. May take seconds, in which others run.

    Raises what `sync.erasing.before` raises, and `NotStored`.
    """
    return _erase(rooms, store, document_id, lambda: erasing.before(store, document_id, seq, ROOTS, pause), dry)


def erase_pieces(
    rooms: Rooms, store: Store, document_id: str, pieces: Iterable[tuple[int, int, int]], words: str, dry: bool = False
) -> Erased:
    """Blank ranges of (Yjs client id, clock, length) that said `words` in all of history, and the words in the names of
    moments and in what acts say. Otherwise the same."""
    wanted = list(pieces)
    return _erase(
        rooms, store, document_id, lambda: erasing.pieces(store, document_id, wanted, words, ROOTS, pause), dry, words
    )


def keep_since(store: Store, document_id: str, time: int) -> Erased | None:
    """Erase what is older than `time` (ms), if there is any. Nobody need load the note anew for it.

    The epoch stays: a copy of the present holds nothing that was deleted before.
    """
    seq = erasing.last_before(store, document_id, time, pause)
    if seq <= store.status(document_id).first:
        return None
    return _erase(None, store, document_id, lambda: erasing.before(store, document_id, seq, ROOTS, pause), False)


def _erase(
    rooms: Rooms | None, store: Store, document_id: str, plan: Callable[[], Rewriting], dry: bool, words: str = ""
) -> Erased:
    mending = current_app.extensions["rooms"].mending

    def planned() -> Rewriting:
        if store.quarantined(document_id):
            sittings.catch_up(document_id)  # up to those entries all are packed, which must be in sittings for that
        return plan()

    for _ in range(TRIES):
        rewriting = mending(document_id, planned)
        versions = _versions(document_id, rewriting.first) + (_blank(document_id, words, dry) if words else 0)
        epoch = rewriting.epoch if dry or rooms is None else new_id()
        erased = Erased(rewriting.erased, versions, rewriting.size, epoch)
        if dry:
            return erased
        if store.rewrite(document_id, rewriting, epoch):
            if rooms is not None:
                rooms.reload(document_id)
            log.info(
                "%s: erased %d entries and %d versions", document_id, erased.entries, erased.versions,
                extra={"document": document_id},
            )  # fmt: skip
            return erased
    raise NotStored("The history of this note changes too quickly at the moment. Please try again.")


def _versions(document_id: str, first: int) -> int:
    """How many named moments are before this one."""
    named = select(func.count()).where(Version.document_id == document_id, Version.seq < first)
    return session.scalar(named) or 0


def _blank(document_id: str, words: str, dry: bool) -> int:
    """Blank the words in the names of moments, and in what acts say. Returns how many moments are so named.

    Before they go from the log: whoever is interrupted in between finds them there, and asks once more.
    """
    versions = [
        version
        for version in session.scalars(select(Version).where(Version.document_id == document_id))
        if words in version.name
    ]
    if not dry:
        blank = BLANK * len(words)
        for version in versions:
            version.name = version.name.replace(words, blank)
        for act in session.scalars(select(Act).where(Act.document_id == document_id)):
            said = {
                key: value.replace(words, blank) if isinstance(value, str) else value
                for key, value in act.detail.items()
            }
            if said != act.detail:
                act.detail = said
        session.commit()
    return len(versions)
