"""A worker's life: how it begins, what makes it begin anew, and how it sends everybody away at its end."""

import gc
import logging
import os
import signal
import sys
from time import monotonic
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventWorker
from sqlalchemy.exc import DBAPIError

from editor import epochs, logs, websocket
from editor.config import Config

WATCH_EVERY = 0.1  # seconds
WATCH_RESTORES_EVERY = 1.0  # seconds
YOUNG = 10_000  # new objects after which Python looks for garbage among them; what a keystroke makes is freed anyway
SWITCH = 0.0005  # seconds that the loop may compute while the thread that commits wants to go on, ten times a commit
THEIRS = ("engineio.server", "socketio.server")  # loggers that bring handlers of their own

log = logging.getLogger(__name__)


class Worker(GeventWorker):  # type: ignore[misc]
    """Ends when everybody is gone, and has all that waited for them: gunicorn waits for requests, which end before."""

    leaving: "gevent.Greenlet[[Any], None]"

    def run(self) -> None:
        super().run()
        until = monotonic() + self.cfg.graceful_timeout
        while not self.leaving.ready() and monotonic() < until:
            self.notify()
            self.leaving.join(WATCH_EVERY)


def begin(worker: Any) -> None:
    # What the program itself is made of is never garbage. To look through all of it holds everybody up for 0.1 s.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
    sys.setswitchinterval(SWITCH)
    _say_all_alike(worker.app.callable.extensions["config"])
    gevent.spawn(_begin_anew_after_a_restore, worker)
    extensions = worker.app.callable.extensions
    extensions["retention"].start()
    if "watch" in extensions:
        extensions["broker"].start()
        extensions["watch"].start()
    worker.leaving = gevent.spawn(_drain_at_the_end, worker)


def _begin_anew_after_a_restore(worker: Any) -> None:
    """When a backup took the place of the database, drop all that was made from what it was: let another worker begin.

    Until that is noticed nothing wrong is written: the epochs are others (`sync.store.Rewritten`).
    """
    extensions = worker.app.callable.extensions
    known: list[object] = []
    while worker.alive:
        try:
            mark = epochs.restored(extensions["engine"])
        except DBAPIError as error:
            log.debug("the database was not asked whether it was restored: %s", error)  # who needs it hears why
        else:
            if known and mark != known[0]:
                break
            known = [mark]
        gevent.sleep(WATCH_RESTORES_EVERY)
    else:
        return
    logs.say("A backup was restored. Everybody joins again.")
    extensions["rooms"].reload_all()
    if worker.place == 0:  # all workers are replaced by that, once
        os.kill(worker.ppid, signal.SIGHUP)


def _drain_at_the_end(worker: Any) -> None:
    """When gunicorn tells this worker to finish, send its clients away, and wait until their connections have ended."""
    while worker.alive:
        gevent.sleep(WATCH_EVERY)
    extensions = worker.app.callable.extensions
    extensions["sockets"].drain()
    extensions["store"].close()
    if "watch" in extensions:
        extensions["broker"].close()
    while websocket.alive:
        gevent.sleep(WATCH_EVERY)


def _say_all_alike(config: Config) -> None:
    """What others say, and what a greenlet did not catch, is said the way the operator wants it."""
    for name in THEIRS:
        logging.getLogger(name).handlers.clear()
    if config.log == "json":
        gevent.get_hub().print_exception = _uncaught  # type: ignore[method-assign]


def _uncaught(context: object, t: Any, v: Any, tb: Any) -> None:
    """In the place of gevent's own, which shows what the greenlet was called with."""
    log.error("nobody caught this", exc_info=(t, v, tb))
