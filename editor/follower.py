"""What follows the log a while behind: copies and summaries of it, which may be thrown away."""

import logging
import time
from collections.abc import Callable

from flask import Flask

from editor import outage
from sync.store import UnknownDocument

log = logging.getLogger(__name__)

REST = 500  # it takes at most one part in REST of the time,
LONGEST = 30.0  # but rests no longer than so many seconds


class Follower:
    """Brings one kind of copy on, for the documents that are written to right now: one after the other, with rests."""

    def __init__(
        self,
        app: Flask,
        later: Callable[[float, Callable[[], None]], object],
        bring_on: Callable[[str], object],
        delay: float,
    ) -> None:
        """`bring_on(document_id)` is called in the app's context, `delay` seconds after the first change it lacks.

        Later, if many documents wait for it or one takes long.
        """
        self._app = app
        self._later = later
        self._bring_on = bring_on
        self._delay = delay
        self._due: dict[str, float] = {}  # when it is time for each, the first first
        self._going = False

    def committed(self, document_id: str, seq: int) -> None:
        """There is something new in the log. Never blocks."""
        if document_id not in self._due:
            self._due[document_id] = time.monotonic() + self._delay
            if not self._going:
                self._going = True
                self._later(self._delay, self._go_on)

    def _go_on(self) -> None:
        wait = next(iter(self._due.values())) - time.monotonic()
        if wait <= 0:
            document_id = next(iter(self._due))
            del self._due[document_id]
            began = time.monotonic()
            self._follow(document_id)
            wait = min(LONGEST, REST * (time.monotonic() - began))
        self._going = bool(self._due)
        if self._going:
            self._later(wait, self._go_on)

    def _follow(self, document_id: str) -> None:
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
