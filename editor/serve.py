"""`palimpsest serve`: gunicorn workers on gevent, under a master that starts them again.

Each worker has a port of its own, the first one the port that was given: whoever polls must come back to the worker
that knows the session, and the proxy in front sees to that.

The master has in memory what starts workers, and no more. What serves is imported in each worker, after gevent has
replaced parts of the standard library there.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.workers.base_async import AsyncWorker

from editor import lock, logs
from editor.config import Config

GRACE = 15  # seconds that a worker has to finish once it was told to
LEAVING = 8.0  # seconds that another server has to leave the folder
CONNECTIONS = 10_000
BACKLOG = 1024  # connections that wait while a worker starts; all come back at once after a restart


def alone(config: Config) -> AbstractContextManager[object]:
    """Keep other servers off this data until it is closed: with the process, and the workers it has made.

    Two would not hear of each other's changes, unless both have a Redis. Exits with a sentence if another one stays;
    one whose master was killed takes a moment to notice.
    """
    if not config.database_url.startswith("sqlite"):
        return _alone_in_database(config.database_url, bool(config.redis_url))
    folder = lock.take(config.data)
    if folder is None:
        _say_that_we_wait(config.data)
        folder = lock.take(config.data, LEAVING)
    if folder is None:
        sys.exit(f"Another server is using {config.data}. Stop it, or choose another folder with --data.")
    return folder


def _alone_in_database(url: str, shared: bool) -> AbstractContextManager[object]:
    from gevent import monkey

    # The driver looks when it is imported whether it may put the thread to sleep, and workers take it over as it is.
    monkey.patch_all()
    import psycopg

    from editor import outage

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


def apart(work: Callable[[], None]) -> None:
    """Do it in a process of its own, which takes along what it had in memory for it. If it fails, both end so."""
    child = os.fork()
    if child == 0:
        work()
        sys.exit()
    before = signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    _, status = os.waitpid(child, 0)
    signal.signal(signal.SIGTERM, before)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        sys.exit(f"{signal.Signals(-code).name} ended it before it was done.")
    if code > 0:
        sys.exit(code)


def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP replaces the workers. Exits with a sentence if an address cannot be had.

    The database is up to date already.
    """
    listeners = [_listen(config.host, config.port)]
    first: int = listeners[0].getsockname()[1]
    listeners += [_listen(config.host, first + number) for number in range(1, config.workers)]
    _Server(config, first, [listener.detach() for listener in listeners]).run()


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, config: Config, first: int, listeners: Sequence[int]) -> None:
        """`first`: the port of the first of the listeners, which are given up to gunicorn."""
        self._config = config
        self._first = first
        self._listeners = listeners
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": [f"fd://{listener}" for listener in self._listeners],
            "workers": self._config.workers,
            "worker_class": _Worker,
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
        last = self._first + self._config.workers - 1
        to_last = f" to {last}, for a proxy before them" if self._config.workers > 1 else ""
        logs.say(f"Palimpsest is at http://{host}:{self._first}{to_last}")


class _Worker(AsyncWorker):  # type: ignore[misc]
    """What the master knows of a worker. In its own process it is `serving.Worker`, which only that imports."""

    def init_process(self) -> None:
        # gunicorn's own come later, and until then those of the master are here, which would tell nobody.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, lambda *_: os._exit(0))  # nobody is let in yet
        from gevent import monkey

        monkey.patch_all()  # before anything else is imported
        with _absent("redis", "requests"):  # 11 MB of clients, which it imports wherever they are installed
            import socketio  # noqa: F401
        from editor import serving

        self.__class__ = serving.Worker
        self.init_process()  # that of the other class


@contextmanager
def _absent(*modules: str) -> Iterator[None]:
    """As if these were not installed, unless they are in memory already."""
    absent: dict[str, Any] = {name: None for name in modules if name not in sys.modules}
    sys.modules.update(absent)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


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
    from editor import serving

    serving.begin(worker)


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
