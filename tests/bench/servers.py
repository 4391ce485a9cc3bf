"""The servers that are compared: how each is started, and who opens what on it."""

import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from tests.bench import machine
from tests.bench.install import HERE, PYTHON, node
from tests.live import Server, Visitor
from tests.services import free_port

STARTING = 30.0  # seconds
PEERS = HERE / "peers"
PEOPLE = 10  # different ones: of more, several are tabs of one

# What a load driver needs that is one address, a few people and faster than people: durability and permissions stay.
LIMITS = {
    "UPDATES_PER_SECOND": "1000",
    "AWARENESS_PER_SECOND": "1000",
    "JOINS_PER_PERSON": "100000",
    "CONNECTIONS_PER_USER": "100000",
    "CONNECTIONS_PER_ADDRESS": "100000",
    "PEOPLE_PER_NOTE": "100000",
}


class Notes(NamedTuple):
    """What a scenario opens. Documents by their names; cookies are taken in turn."""

    documents: list[str]
    writers: list[str]
    readers: list[str]


class Contender(Protocol):
    """A server on 127.0.0.1 with nothing in it. It begins in `folder`, which is its own."""

    adapter: str
    cores: frozenset[int]  # on which it runs
    scattered: bool  # the people of one document are at all its addresses

    def start(self, folder: Path) -> None: ...

    @property
    def urls(self) -> list[str]:
        """Where it can be reached: of several, each document is at one."""

    @property
    def pids(self) -> list[int]:
        """Its processes, those that started the others."""

    @property
    def beside(self) -> dict[str, list[int]]:
        """Those of the services that it needs, by their names."""

    @property
    def database_url(self) -> str:
        """Where its log can be read afterwards; empty: nowhere."""

    def notes(self, count: int, people: int, viewers: bool) -> Notes:
        """So many documents, for so many people in each. `viewers`: who reads may not write."""

    def kill(self) -> None:
        """SIGKILL."""

    def close(self) -> None:
        """The same, with all that it needs."""


class Palimpsest:
    """`palimpsest serve` on SQLite, as the README has it."""

    adapter = "palimpsest"
    cores = machine.SERVER
    scattered = False

    def __init__(self) -> None:
        self.server: Server | None = None

    def start(self, folder: Path) -> None:
        self.server = Server(folder / "data", **LIMITS)
        self.server.start()

    @property
    def urls(self) -> list[str]:
        return [self._running.url.replace("http", "ws")]

    @property
    def pids(self) -> list[int]:
        return [self._running.pid]

    @property
    def beside(self) -> dict[str, list[int]]:
        return {}

    @property
    def database_url(self) -> str:
        return self._running.database_url

    @property
    def _running(self) -> Server:
        assert self.server is not None
        return self.server

    def notes(self, count: int, people: int, viewers: bool) -> Notes:
        return notes(self._running, count, people, viewers)

    def kill(self) -> None:
        if self.server is not None:
            self.server.kill()

    close = kill


def notes(server: Server, count: int, people: int, viewers: bool) -> Notes:
    """Notes of one owner, which guests have opened through their links."""
    owner = Visitor(server).sign_up("Ann")
    different = min(people, PEOPLE if count == 1 else 2)  # each of many notes costs a request for each of its people
    guests = [Visitor(server).say_name(f"Guest {number}") for number in range(1, different)]
    documents = [owner.new_note() for _ in range(count)]
    for document in documents if guests else []:
        link = owner.share(document, "viewer" if viewers else "editor")
        for guest in guests:
            guest.follow(link)
    names = [guest.cookies for guest in guests]
    writers = [owner.cookies] if viewers else [owner.cookies, *names]
    return Notes(documents, writers, names[::-1] or [owner.cookies])


class Peer:
    """Somebody else's server: documents are there as soon as they are named, for everybody."""

    cores = machine.SERVER
    scattered = False
    database_url = ""

    def __init__(self, adapter: str, command: Callable[[int, Path], list[str | Path]]) -> None:
        self.adapter = adapter
        self._command = command
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, folder: Path) -> None:
        self._port = free_port()
        log = folder / "log"
        with log.open("wb") as output:
            command = self._command(self._port, folder)
            self._process = subprocess.Popen(command, cwd=PEERS, stdout=output, stderr=output)
        deadline = time.monotonic() + STARTING
        while self._process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"expected {command} to listen within {STARTING} s; it said:\n{log.read_text()}")

    @property
    def urls(self) -> list[str]:
        return [f"ws://127.0.0.1:{self._port}"]

    @property
    def pids(self) -> list[int]:
        assert self._process is not None
        return [self._process.pid]

    @property
    def beside(self) -> dict[str, list[int]]:
        return {}

    def notes(self, count: int, people: int, viewers: bool) -> Notes:
        return Notes([f"document-{number}" for number in range(count)], [""], [""])

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    close = kill


def hocuspocus(port: int, folder: Path) -> list[str | Path]:
    return [node(), PEERS / "hocuspocus.mjs", str(port)]


def hocuspocus_sqlite(port: int, folder: Path) -> list[str | Path]:
    return [*hocuspocus(port, folder), folder / "hocuspocus.sqlite"]


def y_websocket(port: int, folder: Path) -> list[str | Path]:
    return [node(), PEERS / "y-websocket.mjs", str(port)]


def pycrdt_websocket(port: int, folder: Path) -> list[str | Path]:
    return [PYTHON, "-m", "uvicorn", "--port", str(port), "--log-level", "warning", "pycrdt_websocket:app"]


SERVERS: dict[str, Callable[[], Contender]] = {
    "ours": Palimpsest,
    "hocuspocus": lambda: Peer("hocuspocus", hocuspocus),
    "hocuspocus-sqlite": lambda: Peer("hocuspocus", hocuspocus_sqlite),
    "y-websocket": lambda: Peer("y-websocket", y_websocket),
    "pycrdt-websocket": lambda: Peer("y-websocket", pycrdt_websocket),
}
OURS = "ours"
BASE = "hocuspocus"  # to which the ratios are
