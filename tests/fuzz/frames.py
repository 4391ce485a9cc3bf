"""The WebSocket: frames right and wrong, and what wsproto, another implementation of the protocol, makes of the same
bytes: the same messages, and what it refuses we refuse."""

import random
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import gevent
import wsproto
from gevent import socket
from wsproto.events import BytesMessage, CloseConnection, Ping, Request, TextMessage
from wsproto.utilities import RemoteProtocolError

from editor.websocket import CONTROL, LONGEST_CONTROL, MAX_SIZE, WebSocket
from tests.fuzz.meter import Meter
from tests.fuzz.mutation import mutate
from tests.fuzz.targets import Broke, Input

FIN, TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 0x80, 1, 2, 0, 8, 9, 10
HELLO: Final = (
    b"GET /socket.io/ HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
HEADERS = {  # the same, as WSGI has it
    "HTTP_HOST": "here",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
}
ANSWER = "3"  # to a ping of Engine.IO
PATIENCE = 10.0  # seconds
WRONG = {1002, 1003, 1007, 1009}  # close codes that say that somebody made a mistake

Message = str | bytes


def frame(first: int, payload: bytes, mask: bytes | None = b"\x01\x02\x03\x04", claim: int | None = None) -> bytes:
    """`claim`: the length that its header says."""
    length = len(payload) if claim is None else claim
    masked = 0 if mask is None else 0x80
    if length < 126:
        size = struct.pack(">B", masked | length)
    elif length < 1 << 16:
        size = struct.pack(">BH", masked | 126, length)
    else:
        size = struct.pack(">BQ", masked | 127, length)
    if mask is not None:
        payload = bytes(byte ^ mask[at & 3] for at, byte in enumerate(payload))
    return bytes([first]) + size + (mask or b"") + payload


class Frames:
    name, share, in_process = "frames", 0.04, True

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()

    def case(self, meter: Meter) -> "Connection":
        client = socket.create_connection(self._listener.getsockname())
        server, _ = self._listener.accept()
        return Connection(client, server)

    def close(self) -> None:
        self._listener.close()


class Connection:
    last_ping = None  # as Engine.IO's socket has it

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self._client, self._server = client, server
        self._received: list[Message] = []  # but for the answers to pings, which are heard before what waits
        self._pongs = 0
        self._sent = bytearray()
        environ = {"gunicorn.socket": server, "PATH_INFO": "/socket.io/", **HEADERS}
        self._serving = gevent.spawn(self._serve, environ)
        self._answer = b""
        self._client.settimeout(PATIENCE)
        while not self._answer.endswith(b"\r\n\r\n"):
            self._answer += client.recv(1)

    def _serve(self, environ: dict[str, object]) -> Exception | None:
        try:
            WebSocket(self._listen, None)(environ, None)
        except StopIteration:
            return None
        except Exception as error:
            return error
        return None

    def _listen(self, websocket: WebSocket) -> None:
        while (message := websocket.wait()) is not None:
            if message == ANSWER:
                self.schedule_ping()
            else:
                self._received.append(message)

    def schedule_ping(self) -> None:
        self._pongs += 1

    def inputs(self, dice: random.Random) -> Iterator[Input]:
        hostile = dice.random() < 0.7
        inside = False  # in the middle of a message in fragments
        for _ in range(20):
            data = b""
            for _ in range(dice.choice((1, 1, 2, 5))):
                if inside and dice.random() < 0.7:
                    fin = dice.choice((0, FIN))
                    data += frame(fin | CONTINUATION, dice.randbytes(dice.choice((0, 3, 200))), dice.randbytes(4))
                    inside = not fin
                elif inside or dice.random() < 0.2:
                    data += frame(
                        FIN | dice.choice((PING, PONG)), dice.randbytes(dice.choice((0, 4, 125))), dice.randbytes(4)
                    )
                else:
                    fin = dice.choice((0, FIN, FIN))
                    data += self._first(dice, fin)
                    inside = not fin
            if hostile and dice.random() < 0.2:
                data = self._hostile(dice) if dice.random() < 0.6 else mutate(dice, data)
            yield 1, data

    def _first(self, dice: random.Random, fin: int) -> bytes:
        if fin and dice.random() < 0.2:
            return frame(FIN | TEXT, dice.choice(sorted(CONTROL)).encode(), dice.randbytes(4))
        return frame(
            fin | BINARY,
            dice.randbytes(dice.choice((0, 1, 125, 126, 127, 300, 70_000 if dice.random() < 0.05 else 9))),
            dice.randbytes(4),
        )

    def _hostile(self, dice: random.Random) -> bytes:
        return dice.choice(
            (
                lambda: frame(FIN | BINARY, b"x", None),
                lambda: frame(FIN | BINARY | dice.choice((16, 32, 64)), b"x"),
                lambda: frame(FIN | dice.choice((3, 7, 11, 15)), b"x"),
                lambda: frame(dice.choice((PING, PONG, CLOSE)), b"x"),
                lambda: frame(FIN | PING, bytes(126)),
                lambda: frame(FIN | CONTINUATION, b"x"),
                lambda: frame(
                    FIN | TEXT, dice.choice((b"4[[[", b"2pro\xff", b"\xff", b"x", b"\xf0\x9f", b"2" + bytes(500)))
                ),
                lambda: frame(0 | TEXT, b"2pro") + frame(FIN | CONTINUATION, dice.choice((b"be", b"b\xff", b"xx"))),
                lambda: frame(
                    FIN | BINARY, b"", claim=dice.choice((MAX_SIZE + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1))
                ),
                lambda: frame(
                    FIN | CLOSE,
                    struct.pack(">H", dice.choice((1000, 1001, 1005, 1006, 999, 1004, 2000, 3000, 4999, 5000, 0))),
                ),
                lambda: frame(
                    FIN | CLOSE,
                    dice.choice(
                        (b"", b"\x03", struct.pack(">H", 1000) + b"\xff", struct.pack(">H", 1000) + "é".encode())
                    ),
                ),
                lambda: dice.randbytes(dice.randrange(1, 40)),
            )
        )()

    def take(self, user: int, data: bytes) -> None:
        try:
            self._client.sendall(data)
        except OSError:
            pass  # the server has ended the connection, as it may
        else:
            self._sent += data
        gevent.sleep(0)
        gevent.sleep(0)

    def end(self) -> None:
        with suppress(OSError):  # the server has ended it already
            self._client.shutdown(socket.SHUT_WR)
        heard = bytearray()
        try:
            while part := self._client.recv(65536):
                heard += part
        except OSError as error:
            raise Broke(f"expected an end of the connection, got {error!r} after {bytes(heard[-20:])!r}") from error
        finally:
            self._client.close()
        self._serving.join(PATIENCE)
        self._server.close()
        if not self._serving.ready() or self._serving.value is not None or not self._serving.successful():
            raise Broke(f"the connection's greenlet: {self._serving!r} {self._serving.value!r}")
        judged, fails = _judge(bytes(self._sent))
        expected = [message for message in judged if message != ANSWER]
        code = _code(bytes(heard))
        both = min(len(expected), len(self._received))
        if self._received[:both] != expected[:both] or (fails is False and len(self._received) != len(expected)):
            raise Broke(f"expected messages {_short(expected)}, got {_short(self._received)}")
        if fails is False and self._pongs != judged.count(ANSWER):
            raise Broke(f"expected {judged.count(ANSWER)} answers to pings, got {self._pongs}")
        if fails and code not in WRONG and bytes(self._sent).find(b"\x88") < 0:
            raise Broke(f"expected an end with one of {sorted(WRONG)}, got {code}")
        if fails is False and code in WRONG:
            raise Broke(f"expected that this may be sent, got an end with {code}")


def _short(messages: list[Message]) -> list[str]:
    return [repr(message)[:30] for message in messages][-5:]


def _code(heard: bytes) -> int | None:
    """The close code of the server, if there was one; raises `Broke` for anything that is not frames of a server."""
    at, code = 0, None
    while at < len(heard):
        if code is not None:
            raise Broke("something came after the close frame")
        first, size = heard[at], heard[at + 1]
        at += 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size = int.from_bytes(heard[at : at + width])
            at += width
        if first == FIN | CLOSE:
            code = int.from_bytes(heard[at : at + 2]) if size else 1005
        elif first != FIN | PONG:
            raise Broke(f"expected pongs and a close frame, got {first:#x}")
        at += size
    return code


def _judge(sent: bytes) -> tuple[list[Message], bool | None]:
    """What wsproto makes of it, and our own rules on top: which messages, and whether it must be refused; None: may."""
    judge = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    judge.receive_data(HELLO)
    assert isinstance(next(judge.events()), Request)
    judge.send(wsproto.events.AcceptConnection())
    messages: list[Message] = []
    pieces: list[Message] = []
    try:
        judge.receive_data(sent)
        for event in judge.events():
            if isinstance(event, BytesMessage | TextMessage):
                pieces.append(event.data if isinstance(event, TextMessage) else bytes(event.data))
                if isinstance(event, TextMessage):
                    words = "".join(map(str, pieces))
                    if len(words) > LONGEST_CONTROL or (event.message_finished and words not in CONTROL):
                        return messages, True
                if sum(map(len, pieces)) > MAX_SIZE:
                    return messages, True
                if event.message_finished:
                    empty: Message = "" if isinstance(event, TextMessage) else b""
                    messages.append(empty.join(pieces))  # type: ignore[arg-type]
                    pieces = []
            elif isinstance(event, Ping):
                judge.send(event.response())
            elif isinstance(event, CloseConnection):
                # It answers with the code of the close frame, or says what was wrong: with a close frame in it that
                # may be what came before, or (to us) that a message has not ended.
                return messages, True if event.code in WRONG else None
    except RemoteProtocolError:
        return messages, True
    return messages, _too_large(sent)


def _too_large(sent: bytes) -> bool:
    """wsproto waits for the payload of a frame that is too large for us; we refuse it by its header."""
    at = 0
    while at + 2 <= len(sent):
        size, masked = sent[at + 1] & 0x7F, sent[at + 1] & 0x80
        at += 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(sent) < at + width:
                return False
            size = int.from_bytes(sent[at : at + width])
            at += width
        if size > MAX_SIZE:
            return True
        at += (4 if masked else 0) + size
    return False
