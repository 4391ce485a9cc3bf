"""A real server process, the people who use it over HTTP, and their way to it for `tests.people`."""

import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Protocol

import engineio
import requests
import socketio
import websocket

from tests.people import Json, Person

Transport = Literal["websocket", "polling"]

STARTING = 30.0  # seconds
STOPPING = 20.0
PASSWORD = "correct horse battery"

# A client whose server was killed has much to say about it.
_quiet = logging.getLogger("tests.live.client")
_quiet.setLevel(logging.CRITICAL)


def until(reached: Callable[[], object]) -> None:
    """Wait for what another process does, which tells nobody."""
    deadline = time.monotonic() + STARTING
    while not reached():
        assert time.monotonic() < deadline, "expected it to happen, it did not"
        time.sleep(0.02)


class Address(Protocol):
    """Where a server can be reached: its own address, or one on the way to it."""

    @property
    def url(self) -> str: ...


class Server:
    """`palimpsest serve` on a port of its own. Its notes outlive it in `data`."""

    def __init__(self, data: Path, module: str = "editor.cli", **settings: str) -> None:
        """`module`: the program, which is given the arguments of `palimpsest`."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._data = data
        self._module = module
        self._settings = {f"PALIMPSEST_{name}": value for name, value in settings.items()}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """Its folder."""
        return self._data

    @property
    def database_url(self) -> str:
        """Of the database with its notes."""
        return f"sqlite:///{self._data / 'palimpsest.sqlite'}"

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text()

    @property
    def pid(self) -> int:
        """Of the master."""
        assert self._process is not None
        return self._process.pid

    @property
    def workers(self) -> list[int]:
        """The processes that the master has made."""
        return [int(word) for word in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    @property
    def running(self) -> bool:
        """Whether its master is there."""
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start it; it may take a while to answer."""
        self._data.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", self._module, "serve", "--port", str(self.port), "--data", str(self._data)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, env={**os.environ, **self._settings}
            )

    def start(self) -> "Server":
        """It answers once this returns."""
        self.launch()
        deadline = time.monotonic() + STARTING
        while not self.answers():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"expected a server that answers; it said:\n{self.log}")
            time.sleep(0.05)
        return self

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).ok
        except requests.RequestException:
            return False

    def kill(self) -> None:
        """kill -9 for all its processes at once."""
        if self._process is not None:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> float:
        """Ask it to stop, as a supervisor does. Returns how many seconds it took."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._process = None
        return time.monotonic() - began

    def reload(self) -> None:
        """Ask it for a new worker."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    @property
    def _log(self) -> Path:
        return self._data / "server.log"


class Visitor:
    """Somebody's browser, as far as it is about HTTP: it keeps cookies and sends the token of its session."""

    def __init__(self, server: Address) -> None:
        self._url = server.url
        self._cookies = requests.cookies.RequestsCookieJar()
        self._csrf = ""

    @property
    def cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def ask(self, method: str, path: str, **body: object) -> Any:
        """A request as the page sends it. Returns its JSON; fails if it was refused."""
        if not self._csrf:
            self._csrf = self._request("GET", "/api/me").json()["csrf"]
        answer = self._request(method, path, json=body or None, headers={"X-CSRF-Token": self._csrf})
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        content = answer.json() if answer.content else None
        if isinstance(content, dict) and "csrf" in content:
            self._csrf = content["csrf"]
        return content

    def read(self, path: str) -> str:
        """The first response of a page."""
        return self._get(path).text

    def bytes(self, path: str) -> bytes:
        """What is there, as it is."""
        return self._get(path).content

    def follow(self, link: str) -> None:
        """Open a link that somebody gave. Whether the page itself is built does not matter."""
        answer = self._request("GET", link)
        assert answer.ok or answer.status_code == 503, f"GET {link}: {answer.status_code}"

    def sign_up(self, name: str) -> "Visitor":
        self.ask("POST", "/api/auth/register", email=f"{name.lower()}@example.org", password=PASSWORD, name=name)
        return self

    def say_name(self, name: str) -> "Visitor":
        self.ask("POST", "/api/guests", name=name)
        return self

    def sign_out(self) -> None:
        self.ask("POST", "/api/auth/logout")

    def new_note(self, title: str = "") -> str:
        document_id: str = self.ask("POST", "/api/documents", **({"title": title} if title else {}))["id"]
        return document_id

    def share(self, document_id: str, role: str) -> str:
        """The address to give to others."""
        url: str = self.ask("PUT", f"/api/documents/{document_id}/share", role=role)["share"]["url"]
        return url if url.startswith("/") else "/" + url.split("/", 3)[3]

    def unshare(self, document_id: str) -> None:
        self.ask("DELETE", f"/api/documents/{document_id}/share")

    def _get(self, path: str) -> requests.Response:
        answer = self._request("GET", path)
        assert answer.ok, f"GET {path}: {answer.status_code}"
        return answer

    def _request(self, method: str, path: str, **options: Any) -> requests.Response:
        with requests.Session() as http:
            http.cookies = self._cookies
            return http.request(method, self._url + path, timeout=30, **options)


class SocketLink:
    """A tab's way to a real server, for `tests.people.Person`. What arrives waits until the test calls `wait`."""

    patience = 20.0

    def __init__(
        self,
        server: Address,
        visitor: Visitor,
        document_id: str,
        transport: Transport = "websocket",
        opening: float = STARTING,
        route: str | None = None,
    ) -> None:
        """`opening`: seconds that connecting may take. `route`: a document to whose worker it goes."""
        self._server = server
        self._route = route or document_id
        self._opening = opening
        self._visitor = visitor
        self._document_id = document_id
        self._transport = transport
        self._news: queue.Queue[tuple[int, Callable[[], None]]] = queue.Queue()
        self._generation = 0  # what belongs to an earlier connection is not passed on
        self._client: socketio.Client | None = None

    def __str__(self) -> str:
        return f"{self._transport} to the worker of {self._route}"

    def join(self, tab: Person, epoch: str | None, answer: Callable[[Json], None]) -> None:
        self._generation += 1
        client = connect(
            self._server,
            self._route,
            self._visitor.cookies,
            self._transport,
            self._opening,
            message=self._later(tab.hear),
            expelled=self._later(tab.expelled),
            drain=self._later(self._drained),
            disconnect=self._later(lambda *reason: self._lost(tab)),
        )
        if client is None:
            self._later(lambda: self._lost(tab))()
            return
        self._client = client
        wanted = {"document": self._document_id, "client": tab.client_id, "schema": 1, "epoch": epoch}
        self._emit("join", wanted, answer)

    def message(self, data: bytes, answer: Callable[[Json], None]) -> None:
        self._emit("message", data, answer)

    def leave(self) -> None:
        self._generation += 1
        if self._client is not None:
            client, self._client = self._client, None
            client.eio.disconnect(abort=True)

    def wait(self, seconds: float) -> None:
        try:
            news = self._news.get(timeout=seconds)
            while True:
                generation, happen = news
                if generation == self._generation:
                    happen()
                news = self._news.get_nowait()
        except queue.Empty:
            return

    def _emit(self, event: str, data: object, answer: Callable[[Json], None]) -> None:
        if self._client is None:
            return
        with suppress(socketio.exceptions.SocketIOError):  # It has just ended: `lost` is under way.
            self._client.emit(event, data, callback=self._later(answer))

    def _lost(self, tab: Person) -> None:
        self._generation += 1
        self._client = None
        tab.lost()

    def _drained(self, news: Json) -> None:
        assert news["delay"] > 0

    def _later(self, happen: Callable[..., None]) -> Callable[..., None]:
        """Something that happens in the client's thread, for the test's own."""
        generation = self._generation
        return lambda *arguments: self._news.put((generation, lambda: happen(*arguments)))


class _InOrder(engineio.Client):  # type: ignore[misc]
    """Events arrive one after the other, not each in a thread of its own."""

    def _trigger_event(self, event: str, *args: Any, **options: Any) -> Any:
        return super()._trigger_event(event, *args, **{**options, "run_async": False})

    def _reset(self) -> None:
        """The connection has ended: end what it was made of as well."""
        super()._reset()
        self.http.close()
        if self.ws is not None:
            self.ws.shutdown()


class _WebSocket(websocket.WebSocket):
    """Ends with its connection. Engine.IO leaves one open from which not even the first packet came."""

    def recv(self) -> str | bytes:
        try:
            return super().recv()
        except Exception:
            self.shutdown()  # type: ignore[no-untyped-call]
            raise


class _Client(socketio.Client):  # type: ignore[misc]
    def _engineio_client_class(self) -> type[engineio.Client]:
        return _InOrder

    def wait_until_open(self, seconds: float) -> None:
        """After `connect(wait=False)`. Its own waiting does not notice that the connection has ended meanwhile."""
        deadline = time.monotonic() + seconds
        while "/" not in self.namespaces:
            if self.eio.state != "connected" or time.monotonic() > deadline:
                self.eio.disconnect(abort=True)
                raise socketio.exceptions.ConnectionError("it did not open")
            self._connect_event.wait(0.05)
            self._connect_event.clear()


def connect(
    server: Address,
    document_id: str,
    cookies: str,
    transport: Transport,
    opening: float = STARTING,
    **handlers: Callable[..., None],
) -> socketio.Client | None:
    """A Socket.IO client; None when there is nobody to connect to. `handlers` are called in a thread of its own."""
    client = _Client(
        serializer="msgpack",
        reconnection=False,
        handle_sigint=False,
        http_session=requests.Session(),
        websocket_extra_options={"class_": _WebSocket},
        logger=_quiet,
        engineio_logger=_quiet,
    )
    for event, handler in handlers.items():
        client.on(event, handler)
    headers = {"Cookie": cookies} if cookies else {}
    try:
        client.connect(f"{server.url}?doc={document_id}", headers=headers, transports=[transport], wait=False)
        client.wait_until_open(opening)
    except (socketio.exceptions.ConnectionError, OSError):
        client.eio.http.close()
        return None
    return client
