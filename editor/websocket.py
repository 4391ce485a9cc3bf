"""The WebSocket transport of Engine.IO for gevent.

Frames are parsed by websockets' sans-I/O protocol; this file moves the bytes. A frame that is too large is refused by
its header, before its payload is read; frames are written whole and one at a time; nothing is compressed. Works under
gunicorn's gevent worker and under gevent.pywsgi.
"""

import socket as sockets
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

from engineio.async_drivers import gevent as driver
from gevent import Timeout
from gevent.event import Event
from gevent.lock import RLock
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

MAX_SIZE = 2 << 20  # bytes of one message, in however many fragments; what is just over a limit is still answered
SEND_BUFFER = 128 * 1024  # bytes that the system takes for us: what a slow client lets wait should wait where we see it
READ_SIZE = 16 * 1024  # bytes at a time: what many tiny frames in it cost is bounded, too
STALLED = 30.0  # seconds in which not a single byte could be written
FAREWELL = 2.0  # seconds the other side has to answer a close frame

# What Engine.IO clients send as text; everything that carries data is binary here.
CONTROL = frozenset({"1", "2probe", "3", "5", "6"})  # close, probe, pong, upgrade, noop
LONGEST_CONTROL = max(map(len, CONTROL))


class EngineSocket(Protocol):
    """What we use of Engine.IO's socket."""

    last_ping: float | None  # when it asked the client whether it is there; None: it has answered


class WebSocket:
    """One connection. Engine.IO calls it as a WSGI application, then `wait`, `send` and `close`.

    One greenlet waits while another sends and closes.
    """

    def __init__(self, handler: Callable[["WebSocket"], object], server: object) -> None:
        self._handler = handler
        self._engine_socket: EngineSocket = handler.__self__  # type: ignore[attr-defined]  # it is a method of one
        self._protocol = ServerProtocol(max_size=MAX_SIZE)
        self._messages: deque[str | bytes] = deque()
        self._partial = bytearray()  # fragments of a message that has not ended
        self._text = False  # is it text?
        self._writing = RLock()
        self._ended = Event()  # nothing more will be read

    def __call__(self, environ: dict[str, Any], start_response: object) -> Iterable[bytes]:
        self._connection = _connection(environ)
        self._connection.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        self._connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, SEND_BUFFER)
        try:
            if self._shake_hands(environ):
                self._handler(self)
        except OSError:
            pass  # The client left in the middle of a write: that is an end like any other.
        finally:
            self._ended.set()
            self.close()
        if "gunicorn.socket" in environ:
            raise StopIteration  # how gunicorn is told that the socket was taken over
        return []

    def wait(self) -> str | bytes | None:
        """The next message, complete; None when there will be none."""
        while not self._messages:
            if not self._read():
                self._linger()
                self._ended.set()
                return None
        return self._messages.popleft()

    def send(self, message: str | bytes) -> None:
        """Returns when the whole message was handed to the network. Raises OSError when the connection has ended."""
        if self._protocol.state is not State.OPEN:
            raise ConnectionError("the WebSocket is closed")
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        self._flush()

    def close(self, code: int = CloseCode.GOING_AWAY) -> None:
        """Say goodbye, wait a moment for the answer, and end the connection."""
        try:
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(code)
                self._flush()
            self._ended.wait(FAREWELL)
        except OSError:
            pass  # The client did not wait for a goodbye.
        self._end()  # wakes whoever still waits for bytes of a client that has vanished

    def _shake_hands(self, environ: dict[str, Any]) -> bool:
        """Answer the upgrade request; False when it was refused."""
        headers = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
        head = [f"GET {environ['PATH_INFO']} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
        self._protocol.receive_data("\r\n".join(head).encode("latin-1"))
        for request in self._protocol.events_received():
            self._protocol.send_response(self._protocol.accept(request))  # type: ignore[arg-type]
        self._flush()
        return self._protocol.state is State.OPEN

    def _read(self) -> bool:
        """Take in what comes next; False when that was the end."""
        if self._protocol.state is not State.OPEN:
            return False
        try:
            data = self._connection.recv(READ_SIZE)
            if not data:
                return False
            self._protocol.receive_data(data)
            try:
                for frame in self._protocol.events_received():
                    self._take(frame)  # type: ignore[arg-type]
            except _Refused as refused:
                self._protocol.fail(refused.code, str(refused))
            self._flush()  # pongs, the answer to a close frame, or why the connection fails
        except OSError:
            return False
        return True

    def _take(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._text = frame.opcode is Opcode.TEXT
        elif frame.opcode is not Opcode.CONT:
            return  # The protocol itself answers pings and close frames.
        self._partial += frame.data
        if self._text and (frame.fin or len(self._partial) > LONGEST_CONTROL):
            _check_text(self._partial)
        if frame.fin:
            message = bytes(self._partial)
            self._messages.append(message.decode() if self._text else message)
            self._partial = bytearray()

    def _linger(self) -> None:
        """Discard what the other side still sends: ending at once would make the network drop our close frame, too."""
        try:
            with Timeout(FAREWELL, False):  # type: ignore[arg-type]
                while self._connection.recv(READ_SIZE):
                    pass
        except OSError:
            pass  # It has ended: what we waited for.

    def _flush(self) -> None:
        # One writer at a time: a frame never starts in the middle of another, and each is written to its last byte.
        with self._writing:
            try:
                for data in self._protocol.data_to_send():
                    if data:
                        self._write(memoryview(data))
                    else:
                        self._connection.shutdown(sockets.SHUT_WR)  # the protocol's word for "no more"
            except OSError:
                # Half a frame may be out: nothing that is written now could be understood.
                self._end()
                raise

    def _write(self, data: memoryview) -> None:
        while data:
            data = data[self._connection.send(data, 0, STALLED) :]
            if data and self._engine_socket.last_ping:
                # The client cannot answer a ping before it has all that was sent before it: its time begins anew.
                self._engine_socket.last_ping = time.time()

    def _end(self) -> None:
        with suppress(OSError):  # It may have ended already.
            self._connection.shutdown(sockets.SHUT_RDWR)


class _Refused(Exception):
    """Why a connection cannot go on."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def _check_text(text: bytearray) -> None:
    # Engine.IO would parse any text as JSON of any depth: only its few control words get that far.
    try:
        if text.decode() not in CONTROL:
            raise _Refused(CloseCode.UNSUPPORTED_DATA, "expected binary messages")
    except UnicodeDecodeError:
        raise _Refused(CloseCode.INVALID_DATA, "text that is not UTF-8") from None


def _connection(environ: dict[str, Any]) -> Any:
    """The socket below a WSGI request."""
    if "gunicorn.socket" in environ:
        return environ["gunicorn.socket"]
    stream = environ["wsgi.input"]  # gevent.pywsgi
    return getattr(stream, "rfile", stream).raw._sock


def install() -> None:
    """Have Engine.IO use this transport. Its table of what gevent offers is private: it is pinned."""
    driver._async["websocket"] = WebSocket
