"""History that is older than the administrator wants to have it goes, once a day."""

import logging
from collections.abc import Callable

from flask import Flask, current_app
from sqlalchemy import select

from editor import erasing, policy
from editor.database import session
from editor.loop import pause
from editor.models import Document, now
from sync.store import Store, UnknownDocument

FIRST = 10 * 60  # seconds after the start
EVERY = 24 * 60 * 60  # seconds
DAY = 24 * 60 * 60 * 1000  # milliseconds

log = logging.getLogger(__name__)


class Retention:
    """Goes through all notes while the server runs."""

    def __init__(self, app: Flask, later: Callable[[float, Callable[[], None]], object]) -> None:
        self._app = app
        self._later = later

    def start(self, after: float = FIRST) -> None:
        self._later(after, self._go)

    def _go(self) -> None:
        try:
            with self._app.app_context():
                sweep()
        except Exception:
            log.exception("old history was not erased; it is tried again tomorrow")
        finally:
            self.start(EVERY)


def sweep() -> int:
    """Erase what is too old in every note; from how many something went. Needs an app context, may take long."""
    days = policy.read()[0].retention
    if days is None:
        return 0
    store: Store = current_app.extensions["store"]
    until = now() - days * DAY
    notes = list(session.scalars(select(Document.id).where(Document.created < until)))
    session.rollback()
    return sum([_sweep(store, note, until) for note in notes])


def _sweep(store: Store, document_id: str, until: int) -> bool:
    pause()
    try:
        erased = erasing.keep_since(store, document_id, until)
    except UnknownDocument:
        return False  # deleted for ever in the meantime
    except Exception:
        # One note that cannot be read must not keep the others from it.
        log.exception("%s keeps its old history", document_id, extra={"document": document_id})
        return False
    return erased is not None
