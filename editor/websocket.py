"""The WebSocket transport of Engine.IO for gevent.

The loop itself reads and writes. No greenlet waits at a connection at rest: it, with the request that opened the
connection, would be most of what that takes in memory. Whole plain frames are read here, which is most of what a server
does; everything else of the protocol is left to websockets' sans-I/O implementation. A frame that is too large is
refused by its header, before its payload is read; frames are written whole, in the order in which they were sent;
nothing is compressed. Works under gunicorn's gevent worker and under gevent.pywsgi.
"""

import _socket
import socket as sockets
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

from engineio.async_drivers import gevent as driver
from gevent import get_hub, spawn
from gevent.event import Event
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol as Sansio
from websockets.protocol import Side, State
from websockets.server import ServerProtocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # it was installed where there is no compiler
    from websockets.utils import apply_mask

MAX_SIZE = 2 << 20  # bytes of one message, in however many fragments; what is just over a limit is still answered
SEND_BUFFER = 128 * 1024  # bytes that the system takes for us: what a slow client lets wait should wait where we see it
READ_SIZE = 4 * 1024  # bytes at a time: what many tiny frames in it cost is bounded, too
MOST_WAITING = 4 << 20  # bytes that wait for somebody: from here on nothing is read of them until they have taken it
STALLED = 30.0  # seconds in which not a single byte could be written
FAREWELL = 2.0  # seconds the other side has to answer a close frame
AT_ONCE = 32  # messages that are taken without letting others run

# What Engine.IO clients send as text; everything that carries data is binary here.
CONTROL = frozenset({"1", "2probe", "3", "5", "6"})  # close, probe, pong, upgrade, noop
LONGEST_CONTROL = max(map(len, CONTROL))

_FIN = _MASKED = 0x80  # in the first byte of a frame, and in the second
_MASK = 4  # bytes
_PLAIN = _FIN | Opcode.BINARY  # the first byte of a binary message in one frame
_WORD = _FIN | Opcode.TEXT  # and of a text
_PONG = ord("3"), _MASKED | 1  # its payload, and the second byte of its frame
_READ, _WRITE = 1, 2  # as libev numbers them


alive: set["WebSocket"] = set()  # whose sockets are not closed: something may still be written to them


class EngineSocket(Protocol):
    """What we use of Engine.IO's socket."""

    last_ping: float | None  # monotonic, when it asked the client whether it is there; None: it has answered

    def schedule_ping(self) -> None:
        """It has answered. For the loop itself."""


class WebSocket:
    """One connection. Engine.IO calls it as a WSGI application, then `wait` or `go_on`, `send` and `close`.

    One greenlet waits, or none; anybody sends, the loop itself as well.
    """

    def __init__(self, handler: Callable[["WebSocket"], object], server: object) -> None:
        # Asked about each binary message before it waits for `wait`; True: it is done with. The loop itself asks, so it
        # must not block. Nothing is asked while something waits: messages stay in their order.
        self.quick: Callable[[bytes], bool] | None = None
        self.waiting = 0  # bytes that were sent and are not written yet
        self.moved = 0.0  # when some of them were last written, or began to wait
        self.drained: Callable[[], None] | None = None  # called when nothing waits any more
        # The system's own send, while nothing waits and nobody has said goodbye: who writes to many calls it, and
        # `write_rest` if it has not taken all.
        self.ready: Callable[[bytes], int] | None = None
        self.changed: Callable[[], None] | None = None  # called when `ready` has become None, or something again

        self._handler = handler
        self._engine_socket: EngineSocket = handler.__self__  # type: ignore[attr-defined]  # it is a method of one
        self._protocol: Sansio = ServerProtocol(max_size=MAX_SIZE)
        self._open = False  # nobody has said goodbye: as the protocol's state says, for who asks often
        self._unread = b""  # the beginning of a frame that is not there yet
        self._inside = 0  # bytes that are missing of the frame that the protocol reads
        self._messages: list[str | bytes] = []  # few: nothing is read while any wait
        self._fragments = bytearray()  # of a message that has not ended
        self._fragmented = False  # there is one
        self._text = False  # is it text?
        self._taker: Callable[[str | bytes], None] | None = None  # what is done with each message,
        self._over: Callable[[], None] | None = None  # and when there will be none; both None while somebody waits
        # Somebody waits for a message, or would take one. Who ends that takes all there are: so only one ever does.
        self._idle = False
        self._news = Event()  # tells who waits
        self._unwritten: deque[memoryview] | None = None  # not empty
        self._written = Event()  # nothing is unwritten
        self._written.set()
        self._last = False  # the protocol's word for "no more" comes after what is unwritten
        self._ended = Event()  # nothing more will be read or written

    def __call__(self, environ: dict[str, Any], start_response: object) -> Iterable[bytes]:
        self._socket = _taken_over(environ)
        self._socket.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        self._socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, SEND_BUFFER)
        alive.add(self)
        loop, number = get_hub().loop, self._socket.fileno()
        self._readable, self._writable = loop.io(number, _READ), loop.io(number, _WRITE)
        try:
            if self._shake_hands(environ):
                self._handler(self)
                if self._taker is None:
                    self.close()
            else:
                self._written.wait(FAREWELL)
        finally:
            if self._taker is None:
                self._free()
        if "gunicorn.socket" in environ:
            raise StopIteration  # how gunicorn is told that the socket was taken over
        self._ended.wait()  # gevent.pywsgi would read on
        return []

    def wait(self) -> str | bytes | None:
        """The next message, complete; None when there will be none."""
        while not self._messages:
            if not self._open:
                return None
            self._news.clear()
            self._idle = True
            self._listen()
            self._news.wait()
            self._idle = False
        return self._messages.pop(0)

    def go_on(self, take: Callable[[str | bytes], None], over: Callable[[], None]) -> None:
        """From now on nobody needs to wait, and the request that opened this may end.

        `take` is called with each message, one after the other, and `over` when there will be none. Both may block.
        """
        self._taker, self._over = take, over
        self._idle = True
        if self._messages or not self._open:
            self._tell()
        else:
            self._listen()

    def send(self, message: str | bytes) -> None:
        """One message, after all that was sent before. None of these blocks or raises."""
        self.write(framed(message.encode(), Opcode.TEXT) if isinstance(message, str) else framed(message))

    def write(self, frame: bytes) -> None:
        """The same, for who has the frame of the message already."""
        if self._open:
            self._write(frame)

    def write_at_once(self, frame: bytes) -> int | None:
        """The same if nothing waits and nobody has said goodbye: how many bytes of it wait now. Else None."""
        if self.ready is None:
            return None
        self._begin_writing(frame)
        return self.waiting

    def write_rest(self, frame: bytes, written: int) -> int:
        """What the system has not taken of a frame waits for the network. Returns how many bytes wait now."""
        self._unwritten = deque((memoryview(frame)[written:],))
        self.waiting += len(frame) - written
        self.moved = time.monotonic()
        self._written.clear()
        self._writable.start(self._write_on)
        self._look_if_ready()
        return self.waiting

    def close(self, code: int = CloseCode.GOING_AWAY) -> None:
        """Say goodbye after all that was sent, wait a moment for the answer, and end the connection."""
        if self._open:
            self._protocol.send_close(code)
            self._flush()
        self._tell()
        while not self._written.wait(FAREWELL) and time.monotonic() - self.moved < STALLED:
            pass
        if not self._ended.is_set():
            self._readable.start(self._read)
            self._ended.wait(FAREWELL)
        self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        with suppress(OSError):  # It may have ended already.
            self._socket.shutdown(sockets.SHUT_RDWR)
        self._end()

    def _end(self) -> None:
        self._open = False
        self._readable.stop()
        self._writable.stop()
        self._unwritten = None
        self.waiting = 0
        self._look_if_ready()
        self._ended.set()
        self._written.set()
        self._tell()

    def _free(self) -> None:
        self.abort()
        self._readable.close()
        self._writable.close()
        self._socket.close()
        alive.discard(self)

    # -- In ------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        # The watcher of a socket that is closed would watch the next one with its number.
        if self.waiting <= MOST_WAITING and not self._ended.is_set():
            self._readable.start(self._read)

    def _tell(self) -> None:
        """Something has come, or nothing will."""
        self._news.set()
        if self._taker is not None and self._idle:
            self._idle = False
            spawn(self._take_all)

    def _take_all(self) -> None:
        assert self._taker is not None
        try:
            while self._messages:
                self._taker(self._messages.pop(0))
        except BaseException:
            self._end()
            raise
        finally:
            if self._open:
                self._idle = True
                self._listen()
            else:
                self._finish()

    def _finish(self) -> None:
        assert self._over is not None
        try:
            self._over()
            self.close()
        finally:
            self._free()

    def _shake_hands(self, environ: dict[str, Any]) -> bool:
        """Answer the upgrade request; False when it was refused."""
        headers = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
        head = [f"GET {environ['PATH_INFO']} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
        self._protocol.receive_data("\r\n".join(head).encode("latin-1"))
        for request in self._protocol.events_received():
            self._protocol.send_response(self._protocol.accept(request))  # type: ignore[attr-defined]
        self._flush()
        if self._open:
            self._protocol = Sansio(Side.SERVER, max_size=MAX_SIZE)  # the other one keeps the request
        return self._open

    def _read(self) -> None:
        """For the loop: take in what has come, unless somebody must take what came before."""
        try:
            data = self._socket.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        self._cut(self._unread + data if self._unread else data)
        if self._messages or not self._open:
            self._tell()
        if self._messages or self.waiting > MOST_WAITING:
            self._readable.stop()

    def _cut(self, data: bytes) -> None:
        """Take whole plain frames here, and have the protocol take the others as they come."""
        at, end, count = 0, len(data), 0
        while at < end:
            if self._inside or not self._open:
                # Who has said goodbye still reads: to end at once would make the network drop our close frame, too.
                piece = data[at : at + self._inside] if self._inside else data[at:]
                self._inside -= min(self._inside, len(piece))
                at += len(piece)
                self._hand_over(piece)
                continue
            header = _header(data, at)
            if header is None:
                break
            start, size = header
            if data[at] == _WORD and _is_pong(data, at) and not self._fragmented:  # all that clients at rest say
                self._engine_socket.schedule_ping()
                at = start + size
                continue
            if data[at] != _PLAIN or self._fragmented or size > READ_SIZE or not data[at + 1] & _MASKED:
                self._inside = start + size - at
                continue
            if start + size > end:
                break
            count += 1
            message = apply_mask(data[start : start + size], data[start - _MASK : start])
            at = start + size
            if self._messages or count > AT_ONCE or self.quick is None or not self.quick(message):
                self._messages.append(message)
        self._unread = data[at:]

    def _hand_over(self, data: bytes) -> None:
        was_open = self._open
        self._protocol.receive_data(data)
        try:
            for frame in self._protocol.events_received():
                if was_open:
                    self._take(frame)  # type: ignore[arg-type]
        except _Refused as refused:
            self._protocol.fail(refused.code, str(refused))
        self._flush()  # pongs, the answer to a close frame, or why the connection fails

    def _take(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._text = frame.opcode is Opcode.TEXT
        elif frame.opcode is not Opcode.CONT:
            return  # The protocol itself answers pings and close frames.
        self._fragments += frame.data
        self._fragmented = not frame.fin
        if self._text and (frame.fin or len(self._fragments) > LONGEST_CONTROL):
            _check_text(self._fragments)
        if frame.fin:
            message = bytes(self._fragments)
            self._messages.append(message.decode() if self._text else message)
            self._fragments = bytearray()

    # -- Out -----------------------------------------------------------------------------------------

    def _flush(self) -> None:
        self._open = self._protocol.state is State.OPEN and not self._ended.is_set()
        self._look_if_ready()
        for data in self._protocol.data_to_send():
            if data:
                self._write(data)
            else:
                self._last = True
                self._shut_if_last()

    def _write(self, data: bytes) -> None:
        """After what waits already."""
        if self._unwritten:
            self._unwritten.append(memoryview(data))
            self.waiting += len(data)
        elif not self._ended.is_set():
            self._begin_writing(data)

    def _begin_writing(self, data: bytes) -> None:
        """As much as the network takes, and the rest as soon as it does."""
        try:
            written = self._socket.send(data)
        except BlockingIOError:
            written = 0
        except OSError:
            self._end()
            return
        if written < len(data):
            self.write_rest(data, written)

    def _look_if_ready(self) -> None:
        ready = self._open and not self._unwritten
        if ready is not (self.ready is not None):
            self.ready = self._socket.send if ready else None
            if self.changed is not None:
                self.changed()

    def _write_on(self) -> None:
        """For the loop: the network takes more."""
        while self._unwritten:
            data = self._unwritten[0]
            try:
                written = self._socket.send(data)
            except BlockingIOError:
                break
            except OSError:
                self._end()
                return
            self.waiting -= written
            self.moved = time.monotonic()
            if written < len(data):
                self._unwritten[0] = data[written:]
                break
            self._unwritten.popleft()
        if self._unwritten:
            if self._engine_socket.last_ping:
                # The client cannot answer a ping before it has all that was sent before it: its time begins anew.
                self._engine_socket.last_ping = time.monotonic()
            return
        self._unwritten = None
        self._writable.stop()
        self._written.set()
        self._look_if_ready()
        if self._idle:
            self._readable.start(self._read)
        self._shut_if_last()
        if self.drained is not None:
            self.drained()

    def _shut_if_last(self) -> None:
        if self._last and not self._unwritten:
            with suppress(OSError):  # It may have ended already.
                self._socket.shutdown(sockets.SHUT_WR)


class _Refused(Exception):
    """Why a connection cannot go on."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def framed(data: bytes, opcode: Opcode = Opcode.BINARY) -> bytes:
    """A message in one frame, as a server writes it."""
    size = len(data)
    if size < 126:
        return bytes((_FIN | opcode, size)) + data
    if size < 1 << 16:
        return struct.pack(">BBH", _FIN | opcode, 126, size) + data
    return struct.pack(">BBQ", _FIN | opcode, 127, size) + data


def _header(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the frame at `at` starts, and its size; None: the header is not all there."""
    if len(data) - at < 2:
        return None
    start, size = at + 2, data[at + 1] & 0x7F
    if size > 125:
        width = 2 if size == 126 else 8
        size = int.from_bytes(data[start : start + width], "big")
        start += width
    if data[at + 1] & _MASKED:
        start += _MASK
    return None if start > len(data) else (start, size)


def _is_pong(data: bytes, at: int) -> bool:
    """Whether the whole frame of a text at `at` is Engine.IO's answer to a ping."""
    start = at + 2 + _MASK
    return start < len(data) and (data[start] ^ data[start - _MASK], data[at + 1]) == _PONG


def _check_text(text: bytearray) -> None:
    # Engine.IO would parse any text as JSON of any depth: only its few control words get that far.
    try:
        if text.decode() not in CONTROL:
            raise _Refused(CloseCode.UNSUPPORTED_DATA, "expected binary messages")
    except UnicodeDecodeError:
        raise _Refused(CloseCode.INVALID_DATA, "text that is not UTF-8") from None


def _taken_over(environ: dict[str, Any]) -> _socket.socket:
    """The socket of a WSGI request: the one below gevent's, where nobody waits."""
    if "gunicorn.socket" in environ:  # gunicorn closes what it has when the request ends
        taken = _socket.socket(fileno=environ["gunicorn.socket"].detach())
        taken.setblocking(False)
        return taken
    stream = environ["wsgi.input"]  # gevent.pywsgi
    below: _socket.socket = getattr(stream, "rfile", stream).raw._sock._sock
    return below


def install() -> None:
    """Have Engine.IO use this transport. Its table of what gevent offers is private: it is pinned."""
    driver._async["websocket"] = WebSocket
