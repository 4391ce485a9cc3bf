"""What is under attack: which processes there are, and what can be done to them."""

import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import requests

from editor import database
from editor.sql_store import SqlStore
from sync.store import Store
from tests.live import Server
from tests.nemesis.switches import Switches

GLANCE = 0.5  # seconds for an answer to whether it is there
STARTING = 60.0  # seconds
TOGETHER = 0.5  # seconds that it may take until all who were killed in one moment are gone
DYING = 5.0  # seconds that the system may take to end what was killed
STILL, MOVING = 0.08, 0.03  # seconds of a process that is slow

SWITCHES = "switches"  # in the folder of a run

End = Callable[[], None]
Strike = Callable[[str, float], End | None]


class Door(NamedTuple):
    """A port through which people come in."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Topology(ABC):
    """One way to run the server, which is a master and its workers. Called by one thread at a time.

    What can be done to it is said in `arsenal`.
    """

    workers: Sequence[str] = ("worker 0",)
    doors: Sequence[Door]  # people who have the same note open come through one after the other; the first is for all

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.switches = Switches(folder / SWITCHES)
        self._orphans: list[psutil.Process] = []  # workers whose master was killed, which should notice it
        self._strikes: dict[str, Strike] = {
            "freeze": self._freeze,
            "slow": self._slow,
            "drain": lambda what, _: self._ask(what, signal.SIGTERM),
            "reload": lambda what, _: self._ask(what, signal.SIGHUP),
            "clock": self._turn_clock,
        }

    @property
    def url(self) -> str:
        return self.doors[0].url

    # -- What runs -----------------------------------------------------------------------------------

    @property
    @abstractmethod
    def server(self) -> Server: ...

    @property
    def standing(self) -> bool:
        """Whether everything that a supervisor looks after runs."""
        return self.server.running

    @property
    def fallen(self) -> bool:
        """Whether nothing of the server runs any more, workers whose master is gone included: they may yet write."""
        if self.server.running:
            return False
        deadline = time.monotonic() + TOGETHER  # who was killed together is not gone in one moment
        while self._remains():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def _remains(self) -> bool:
        # Those are of the group of their own master, which may have been another one than the last.
        return any(map(_runs, self._orphans)) or any(
            _runs(process) for process in psutil.process_iter() if _is_in(process, self.server.pid)
        )

    def tend(self) -> None:
        """Start again what has ended, as a supervisor does."""
        if not self.server.running:
            self.server.launch()

    def start(self) -> None:
        """It answers at every door once this returns."""
        deadline = time.monotonic() + STARTING
        while not all(map(_answers, self.doors)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"expected a server that answers; {self.describe()}; it said:\n{self.server.log}")
            self.tend()
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether people may come."""
        return _answers(self.doors[0])

    def stop(self) -> None:
        """Ask the server to end, and wait for that."""
        self.server.stop()

    def end(self) -> None:
        """Kill all of it, whatever state it is in."""
        dying = [*self.processes("everything"), *self._orphans]
        self.kill("everything")
        for orphan in self._orphans:
            _to(orphan, signal.SIGKILL)
        self.server.kill()
        psutil.wait_procs(dying, DYING)

    def close(self) -> None:
        """End it for good. What is left of it is in its folder."""
        self.end()

    # -- What is done to it --------------------------------------------------------------------------

    def kill(self, what: str) -> None:
        """SIGKILL."""
        if what == "master":
            self._orphans += self.processes("worker")
        self._send(what, signal.SIGKILL)

    def strike(self, do: str, what: str, seconds: float) -> End | None:
        """A blow of the arsenal. What is returned ends it."""
        return self._strikes[do](what, seconds)

    def processes(self, what: str) -> list[psutil.Process]:
        """`server`, `master`, `worker` (all of them), `worker 0` and so on, `everything`."""
        if not self.server.running:
            return []
        with suppress(psutil.NoSuchProcess):
            master = psutil.Process(self.server.pid)
            workers = master.children()
            if what in self.workers:
                pid = self.switches.worker(self.workers.index(what))
                return [worker for worker in workers if worker.pid == pid]
            return {"server": [master, *workers], "worker": workers, "master": [master]}[what]
        return []

    def _send(self, what: str, number: int) -> None:
        for process in self.processes(what):
            _to(process, number)

    def _ask(self, what: str, number: int) -> None:
        for process in self.processes(what)[:1]:
            _to(process, number)

    def _freeze(self, what: str, _: float) -> End:
        held = self.processes(what)
        for process in held:
            _to(process, signal.SIGSTOP)

        def go_on() -> None:
            for process in held:
                _to(process, signal.SIGCONT)

        return go_on

    def _slow(self, what: str, seconds: float) -> End:
        """It has a small part of the time only."""
        ended = threading.Event()

        def hinder() -> None:
            while not ended.is_set():
                go_on = self._freeze(what, seconds)
                ended.wait(STILL)
                go_on()
                ended.wait(MOVING)

        hindering = threading.Thread(target=hinder)
        hindering.start()

        def leave_it() -> None:
            ended.set()
            hindering.join()

        return leave_it

    def _turn_clock(self, what: str, seconds: float) -> None:
        self.switches.set_clock(self.workers.index(what), round(seconds * 1000))

    # -- What is kept --------------------------------------------------------------------------------

    @abstractmethod
    def heads(self) -> Mapping[str, int]:
        """The newest entry of each note, as the disk has it while nothing of the server runs."""

    @property
    @abstractmethod
    def database_url(self) -> str: ...

    @contextmanager
    def store(self) -> Iterator[Store]:
        """To read the log."""
        engine = database.connect(self.database_url)
        store = SqlStore(engine)
        try:
            yield store
        finally:
            store.close()
            engine.dispose()

    # -- How it is -----------------------------------------------------------------------------------

    def memory(self) -> Mapping[str, int]:
        """Bytes that each process of the server has."""
        found = {}
        for name in ("master", *self.workers):
            for process in self.processes(name):
                found[name] = process.memory_info().rss
        return found

    def describe(self) -> str:
        """What there is of it, in words."""
        found = [*self.processes("server"), *filter(_runs, self._orphans)]
        return ", ".join(map(_state, found)) or "nothing runs"


def _answers(door: Door) -> bool:
    with suppress(requests.RequestException):
        return requests.get(f"{door.url}/readyz", timeout=GLANCE).ok
    return False


def _to(process: psutil.Process, number: int) -> None:
    with suppress(psutil.NoSuchProcess):  # it has ended by itself
        process.send_signal(number)


def _runs(process: psutil.Process) -> bool:
    """It is no proof of life that somebody has not yet asked how it ended."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _is_in(process: psutil.Process, group: int) -> bool:
    with suppress(ProcessLookupError):
        return os.getpgid(process.pid) == group
    return False


def _state(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return f"process {process.pid} of {process.ppid()} is {process.status()}"
    return f"process {process.pid} has just ended"


