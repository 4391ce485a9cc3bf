"""`palimpsest serve`: one gunicorn worker on gevent, under a master that starts it again.

Import this before anything that opens sockets or starts threads: it replaces parts of the standard library by gevent's.
"""
# ruff: noqa: E402

from gevent import monkey

monkey.patch_all()

import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import IO, Any

import gevent
from gunicorn.app.base import BaseApplication
from sqlalchemy.exc import DBAPIError

from editor import epochs, lock
from editor.config import Config

WATCH_EVERY = 0.1  # seconds
WATCH_RESTORES_EVERY = 1.0  # seconds
GRACE = 15  # seconds that a worker has to finish once it was told to
LEAVING = 8.0  # seconds that another server has to leave the folder
CONNECTIONS = 10_000
BACKLOG = 1024  # connections that wait while a worker starts; all come back at once after a restart


log = logging.getLogger(__name__)


def alone(data: Path) -> IO[str]:
    """Keep other servers off this folder: two would not hear of each other's changes. See `lock.take`.

    Exits with a sentence if another one stays; one whose master was killed takes a moment to notice.
    """
    taken = lock.take(data, LEAVING)
    if taken is None:
        sys.exit(f"Another server is using {data}. Stop it, or choose another folder with --data.")
    return taken


def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP replaces the worker. Exits with a sentence if the address cannot be had.

    The database is up to date already. There is one worker and no option for more: two processes would not hear of each
    other's changes.
    """
    listener = _listen(config.host, config.port)
    _Server(config, listener).run()


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, config: Config, listener: socket.socket) -> None:
        self._config = config
        self._listener = listener
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": f"fd://{self._listener.fileno()}",
            "workers": 1,
            "worker_class": "gevent",
            "worker_connections": CONNECTIONS,
            "backlog": BACKLOG,
            "graceful_timeout": GRACE,
            "control_socket_disable": True,
            "loglevel": "warning",
            "when_ready": self._ready,
            "post_worker_init": _begin,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from editor import create_app

        return create_app(self._config)

    def _ready(self, arbiter: object) -> None:
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        print(f"Palimpsest is at http://{host}:{self._listener.getsockname()[1]}", flush=True)


def _begin(worker: Any) -> None:
    gevent.spawn(_begin_anew_after_a_restore, worker)
    worker.app.callable.extensions["retention"].start()
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
    print("A backup was restored. Everybody joins again.", flush=True)
    extensions["rooms"].reload_all()
    os.kill(worker.ppid, signal.SIGHUP)


def _drain_at_the_end(worker: Any) -> None:
    """When gunicorn tells this worker to finish, send its clients away; it waits for their connections to end."""

    def watch() -> None:
        while worker.alive:
            gevent.sleep(WATCH_EVERY)
        extensions = worker.app.callable.extensions
        extensions["sockets"].drain()
        extensions["store"].close()

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
