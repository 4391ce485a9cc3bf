"""`palimpsest serve`: gunicorn workers on gevent, under a master that starts them again.

Each worker has a port of its own, the first one the port that was given: whoever polls must come back to the worker
that knows the session, and the proxy in front sees to that.

Import this before anything that opens sockets or starts threads: it replaces parts of the standard library by gevent's.
"""
# ruff: noqa: E402

from gevent import monkey

monkey.patch_all()

import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import gevent
import psycopg
from gunicorn.app.base import BaseApplication
from sqlalchemy.exc import DBAPIError

from editor import epochs, lock, logs, outage
from editor.config import Config

WATCH_EVERY = 0.1  # seconds
WATCH_RESTORES_EVERY = 1.0  # seconds
GRACE = 15  # seconds that a worker has to finish once it was told to
LEAVING = 8.0  # seconds that another server has to leave the folder
CONNECTIONS = 10_000
YOUNG = 10_000  # new objects after which Python looks for garbage among them; what a keystroke makes is freed anyway
SWITCH = 0.0005  # seconds that the loop may compute while the thread that commits wants to go on, ten times a commit
BACKLOG = 1024  # connections that wait while a worker starts; all come back at once after a restart

log = logging.getLogger(__name__)


def alone(config: Config) -> AbstractContextManager[object]:
    """Keep other servers off this data until it is closed: with the process, and the workers it has made.

    Two would not hear of each other's changes, unless both have a Redis. Exits with a sentence if another one stays;
    one whose master was killed takes a moment to notice.
    """
    if config.database_url.startswith("sqlite"):
        folder = lock.take(config.data)
        if folder is None:
            _say_that_we_wait(config.data)
            folder = lock.take(config.data, LEAVING)
        if folder is None:
            sys.exit(f"Another server is using {config.data}. Stop it, or choose another folder with --data.")
        return folder
    url, shared = config.database_url, bool(config.redis_url)
    try:
        database = lock.take_database(url, shared)
        if database is None:
            _say_that_we_wait("this database")
            database = lock.take_database(url, shared, LEAVING)
    except ValueError as error:
        sys.exit(f"PALIMPSEST_DATABASE_URL: {error}")
    except psycopg.Error as error:
        sys.exit(f"{outage.words(error) or 'The database does not answer.'} It said: {error}")
    if database is None:
        sys.exit("Another server is using this database. Stop it, or set PALIMPSEST_REDIS_URL for both.")
    return database


def _say_that_we_wait(what: object) -> None:
    logs.say(f"Another server is using {what}. Waiting for up to {LEAVING:.0f} seconds for it to leave.")


def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP replaces the workers. Exits with a sentence if an address cannot be had.

    The database is up to date already.
    """
    listeners = [_listen(config.host, config.port)]
    first: int = listeners[0].getsockname()[1]
    listeners += [_listen(config.host, first + number) for number in range(1, config.workers)]
    _Server(config, listeners).run()


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, config: Config, listeners: Sequence[socket.socket]) -> None:
        self._config = config
        self._listeners = listeners
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": [f"fd://{listener.fileno()}" for listener in self._listeners],
            "workers": self._config.workers,
            "worker_class": "gevent",
            "worker_connections": CONNECTIONS,
            "backlog": BACKLOG,
            "graceful_timeout": GRACE,
            "control_socket_disable": True,
            "loglevel": "warning",
            "when_ready": self._ready,
            "pre_fork": _take_place,
            "post_fork": _keep_own_listener,
            "post_worker_init": _begin,
        }
        if self._config.log == "json":
            settings["logger_class"] = logs.Gunicorn
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from editor import create_app

        return create_app(self._config)

    def _ready(self, arbiter: object) -> None:
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        first = self._listeners[0].getsockname()[1]
        last = f" to {first + self._config.workers - 1}, for a proxy before them" if self._config.workers > 1 else ""
        logs.say(f"Palimpsest is at http://{host}:{first}{last}")


def _take_place(arbiter: Any, worker: Any) -> None:
    """Which listener a new worker serves: the first of those that the fewest have."""
    taken = [each.place for each in arbiter.WORKERS.values()]
    worker.place = min(range(len(worker.sockets)), key=lambda place: (taken.count(place), place))


def _keep_own_listener(arbiter: Any, worker: Any) -> None:
    for place, listener in enumerate(worker.sockets):
        if place != worker.place:
            listener.sock.close()
    worker.sockets = [worker.sockets[worker.place]]


def _begin(worker: Any) -> None:
    # What the program itself is made of is never garbage. To look through all of it holds everybody up for 0.1 s.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
    sys.setswitchinterval(SWITCH)
    logs.begin(worker.app.callable.extensions["config"])
    gevent.spawn(_begin_anew_after_a_restore, worker)
    extensions = worker.app.callable.extensions
    extensions["retention"].start()
    if "watch" in extensions:
        extensions["broker"].start()
        extensions["watch"].start()
    _drain_at_the_end(worker)


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
    """When gunicorn tells this worker to finish, send its clients away; it waits for their connections to end."""

    def watch() -> None:
        while worker.alive:
            gevent.sleep(WATCH_EVERY)
        extensions = worker.app.callable.extensions
        extensions["sockets"].drain()
        extensions["store"].close()
        if "watch" in extensions:
            extensions["broker"].close()

    gevent.spawn(watch)


def _listen(host: str, port: int) -> socket.socket:
    """Bound here and not by gunicorn, which would try a busy port again and again and then say little."""
    try:
        (family, type, protocol, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, type, protocol)
        listener.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # the connections of one that just ended do not count
        listener.bind(address)
    except OSError as error:
        sys.exit(f"Cannot listen on {host} port {port}: {error.strerror or error}. Choose another with --port.")
    return listener
