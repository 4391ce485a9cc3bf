"""What follows the log a while behind: copies and summaries of it, which may be thrown away."""

import logging
import time
from collections.abc import Callable

from flask import Flask

from editor import outage
from sync.store import UnknownDocument

log = logging.getLogger(__name__)

REST = 20  # what took this long takes at most one part in REST of the time


class Follower:
    """Brings one kind of copy on, for the documents that are written to right now."""

    def __init__(
        self,
        app: Flask,
        later: Callable[[float, Callable[[], None]], object],
        bring_on: Callable[[str], object],
        delay: float,
    ) -> None:
        """`bring_on(document_id)` is called in the app's context, `delay` seconds after the first change it lacks."""
        self._app = app
        self._later = later
        self._bring_on = bring_on
        self._delay = delay
        self._due: set[str] = set()
        self._pause: dict[str, float] = {}  # documents that take long, and how long to wait with the next time

    def committed(self, document_id: str, seq: int) -> None:
        """There is something new in the log. Never blocks."""
        if document_id not in self._due:
            self._due.add(document_id)
            self._later(self._pause.pop(document_id, self._delay), lambda: self._follow(document_id))

    def _follow(self, document_id: str) -> None:
        self._due.discard(document_id)
        began = time.monotonic()
        try:
            with self._app.app_context():
                self._bring_on(document_id)
        except UnknownDocument:
            return  # deleted for ever in the meantime
        except Exception as error:
            what = f"{self._bring_on.__module__}.{self._bring_on.__qualname__}"
            words = outage.words(error)
            log.error(
                "%s: %s is behind; the next change, or whoever asks, brings it on: %s",
                *(what, document_id, words or repr(error)),
                exc_info=None if words else error,
                extra={"document": document_id},
            )
        took = time.monotonic() - began
        if took * REST > self._delay:
            self._pause[document_id] = took * REST
