"""What is under attack: which processes there are, and what can be done to them."""

import resource
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Literal, Protocol

import psutil
import requests

from editor import database
from editor.sql_store import SqlStore
from sync.store import Store
from tests.live import Server
from tests.nemesis import old
from tests.nemesis.switches import Switches

What = Literal["all", "worker", "master"]

GLANCE = 0.5  # seconds for an answer to whether it is there
SLACK = 4096  # bytes that a full disk still takes


class Topology(Protocol):
    """One way to run the server. Called by one thread at a time."""

    name: str
    port: int
    url: str
    switches: Switches

    def start(self) -> None:
        """For the first time. It answers once this returns."""

    @property
    def standing(self) -> bool:
        """Whether everything that a supervisor looks after runs."""

    @property
    def fallen(self) -> bool:
        """Whether nothing runs any more."""

    def tend(self) -> None:
        """Start again what has ended, as a supervisor does."""

    def answers(self) -> bool: ...

    def kill(self, what: What) -> None:
        """SIGKILL."""

    def freeze(self, what: What, still: bool) -> None:
        """SIGSTOP; or, no longer `still`, SIGCONT for all."""

    def drain(self) -> None:
        """Ask it to end."""

    def reload(self) -> None:
        """Ask it for new workers."""

    def fill(self, full: bool) -> None:
        """Have the disk full: nothing that it writes has room."""

    def lock(self) -> Callable[[], None]:
        """Write to the database from elsewhere, until what is returned is called."""

    def heads(self) -> Mapping[str, int]:
        """The newest entry of each note, as the disk has it while nothing runs."""

    def store(self) -> AbstractContextManager[Store]:
        """To read the log."""

    def memory(self) -> int:
        """Bytes that its processes have."""

    def processes(self) -> str:
        """What there is of them, in words."""

    def stop(self) -> None:
        """Ask it to end, and wait for that."""

    def end(self) -> None:
        """Whatever state it is in."""


class Sqlite:
    """One server with SQLite: the README's command."""

    name = "sqlite"

    def __init__(self, folder: Path, fault: str = "") -> None:
        self._data = folder / "data"
        self._data.mkdir(parents=True)
        self._database = self._data / "palimpsest.sqlite"
        old.make(self._database)
        self.switches = Switches(folder / "switches")
        settings = {"TEST_SWITCHES": str(folder / "switches"), **({"TEST_FAULT": fault} if fault else {})}
        self._server = Server(self._data, "tests.nemesis.inside", **settings)
        self.port, self.url = self._server.port, self._server.url
        self._orphans: list[psutil.Process] = []  # workers whose master was killed, which should notice it

    def start(self) -> None:
        self._server.start()

    @property
    def standing(self) -> bool:
        return self._server.running

    @property
    def fallen(self) -> bool:
        return not self._server.running and not any(worker.is_running() for worker in self._orphans)

    def tend(self) -> None:
        if not self._server.running:
            self._server.launch()

    def answers(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=GLANCE).ok
        return False

    def kill(self, what: What) -> None:
        if what == "master":
            self._orphans += self._processes("worker")
        for process in self._processes(what):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def freeze(self, what: What, still: bool) -> None:
        for process in [*self._processes(what if still else "all"), *([] if still else self._orphans)]:
            with suppress(psutil.NoSuchProcess):
                process.suspend() if still else process.resume()

    def drain(self) -> None:
        for process in self._processes("master"):
            process.send_signal(signal.SIGTERM)

    def reload(self) -> None:
        for process in self._processes("master"):
            process.send_signal(signal.SIGHUP)

    def fill(self, full: bool) -> None:
        log = self._database.with_name(self._database.name + "-wal")
        most = log.stat().st_size + SLACK if full and log.exists() else resource.RLIM_INFINITY
        for process in self._processes("worker"):
            with suppress(psutil.NoSuchProcess):
                process.rlimit(psutil.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def lock(self) -> Callable[[], None]:
        connection = sqlite3.connect(self._database, isolation_level=None)
        with suppress(sqlite3.OperationalError):  # the server itself has it for longer than we want to wait
            connection.execute("BEGIN IMMEDIATE")
        return connection.close

    def heads(self) -> Mapping[str, int]:
        # A copy: whoever opens a database after a crash repairs it, and that is the server's to do.
        with tempfile.TemporaryDirectory() as folder:
            for path in self._data.glob(f"{self._database.name}*"):
                if not path.name.endswith("-shm"):
                    shutil.copy(path, folder)
            with closing(sqlite3.connect(Path(folder) / self._database.name)) as copy:
                return dict(copy.execute("SELECT id, head_seq FROM document").fetchall())

    @contextmanager
    def store(self) -> Iterator[Store]:
        engine = database.connect(f"sqlite:///{self._database}")
        store = SqlStore(engine)
        try:
            yield store
        finally:
            store.close()
            engine.dispose()

    def memory(self) -> int:
        return sum(process.memory_info().rss for process in self._processes("all"))

    def processes(self) -> str:
        found = [*self._processes("all"), *(worker for worker in self._orphans if worker.is_running())]
        return ", ".join(f"process {process.pid} of {process.ppid()} is {process.status()}" for process in found)

    def stop(self) -> None:
        self._server.stop()

    def end(self) -> None:
        self._server.kill()
        for worker in self._orphans:
            with suppress(psutil.NoSuchProcess):
                worker.kill()

    def _processes(self, what: What) -> Sequence[psutil.Process]:
        if not self._server.running:
            return ()
        with suppress(psutil.NoSuchProcess):
            master = psutil.Process(self._server.pid)
            workers = master.children(recursive=True)
            return {"all": [master, *workers], "worker": workers, "master": [master]}[what]
        return ()


TOPOLOGIES: Mapping[str, type[Sqlite]] = {"sqlite": Sqlite}
