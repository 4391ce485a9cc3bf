"""What is shown to many goes straight into the sockets of those who take it, and not a moment longer than it may."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import gevent
import pytest
from engineio.socket import Socket
from flask import Flask

from editor import packets
from editor.connection import Connection
from editor.fan_out import FanOut
from editor.limits import Limits
from editor.websocket import WebSocket
from sync.messages import Kind
from sync.peer import Peer
from tests.editor.conftest import Arrive

BINARY, CLOSE = 2, 8
UPGRADE = {
    "PATH_INFO": "/",
    "HTTP_HOST": "here",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": "AAAAAAAAAAAAAAAAAAAAAA==",
}


class Tab:
    """A client in a note, at the other end of a real WebSocket of this process."""

    last_ping: float | None = None

    def __init__(self, app: Flask, arrive: Arrive) -> None:
        self.fan_out = FanOut()
        self.connection = Connection(Socket(app.extensions["socketio"].server.eio, "a tab"), self.fan_out, Limits())
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._there = socket.create_connection(listener.getsockname())
            here, _ = listener.accept()
        here.setblocking(False)
        self._there.setblocking(False)
        self._came = b""
        self.ended = False
        self.websocket = WebSocket(self._opened, None)
        with suppress(StopIteration):
            self.websocket({**UPGRADE, "gunicorn.socket": here}, None)
        self.until(lambda: b"\r\n\r\n" in self._came)
        self._came = self._came.partition(b"\r\n\r\n")[2]
        ada = arrive()
        ada.sign_up("Ada")
        self.peer = Peer(self.connection.send, lambda refusal: None, ada.who()["id"], 1, 2, None, True)
        note = ada.new_note()
        self.connection.joined(note, 1, app.extensions["rooms"].enter(note, self.peer), self.peer)
        assert self.peer in self.fan_out._writes

    def _opened(self, websocket: WebSocket) -> None:
        self.connection.socket.queue.attach(websocket)
        websocket.go_on(lambda message: None, lambda: None)

    def shows(self, words: bytes) -> None:
        self.fan_out.show([self.peer], Kind.UPDATE + words, 1)

    def until(self, reached: Callable[[], object]) -> None:
        with gevent.Timeout(10):
            while not reached():
                with suppress(BlockingIOError):
                    came = self._there.recv(1 << 16)
                    self._came += came
                    self.ended = not came
                gevent.sleep(0)  # the loop writes on

    def close(self) -> None:
        self._there.close()

    def frames(self) -> list[tuple[int, bytes]]:
        """Opcode and payload of those that have come whole."""
        found, at = [], 0
        while len(self._came) - at >= 2:
            first, size = self._came[at : at + 2]
            width = {126: 2, 127: 8}.get(size, 0)
            start = at + 2 + width
            size = int.from_bytes(self._came[at + 2 : start]) if width else size
            if len(self._came) < start + size:
                break
            found.append((first & 15, self._came[start : start + size]))
            at = start + size
        return found

    def heard(self) -> list[bytes]:
        """The messages of the room, as far as they have come: the first bytes of each."""
        datas = [packets.decode(payload).data for opcode, payload in self.frames() if opcode != CLOSE]
        return [bytes(data[1][:4]) for data in datas if isinstance(data, list)]


@pytest.fixture
def tab(app: Flask, arrive: Arrive) -> Iterator[Tab]:
    tab = Tab(app, arrive)
    yield tab
    tab.websocket.abort()
    tab.close()


def test_nothing_comes_after_goodbye(tab: Tab) -> None:
    tab.shows(b"\1a")
    closing = gevent.spawn(tab.websocket.close)
    tab.until(lambda: CLOSE in [opcode for opcode, _ in tab.frames()])
    tab.shows(b"\1b")
    tab.websocket.abort()
    closing.join()
    tab.until(lambda: tab.ended)
    assert [opcode for opcode, _ in tab.frames()] == [BINARY, CLOSE]


def test_who_lags_is_sent_what_was_left_out_before_anything_new(tab: Tab) -> None:
    tab.shows(bytes(1 << 20))
    assert tab.connection.lagging
    tab.shows(b"\1a")
    drained = tab.connection.socket.queue.drained
    assert drained is not None

    def somebody_types_just_then() -> None:
        tab.shows(b"\1b")
        drained()

    tab.connection.socket.queue.drained = somebody_types_just_then
    tab.until(lambda: not tab.connection.lagging)
    tab.shows(b"\1c")
    tab.until(lambda: Kind.UPDATE + b"\1c" in tab.heard())
    heard = tab.heard()
    assert heard[0] == Kind.UPDATE + bytes(2)
    assert heard[1].startswith(Kind.SYNC_STEP2)
    assert not {Kind.UPDATE + b"\1a", Kind.UPDATE + b"\1b"} & set(heard)


def test_who_has_left_is_not_held_on_to(tab: Tab) -> None:
    tab.shows(b"\1a")
    assert tab.fan_out.sent == 1
    tab.connection.left()
    assert not tab.fan_out._writes
    assert not tab.fan_out._rests
