"""The WebSocket transport, spoken to by two independent clients and by bare bytes, under both servers it runs in."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import websocket
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from editor.websocket import MAX_SIZE

MIB = 1 << 20
FIN, TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 0x80, 1, 2, 0, 8, 9, 10


@pytest.fixture(scope="module", params=["gunicorn", "pywsgi"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.editor.websocket_server", request.param],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert server.stdout is not None
    with server.stdout:
        yield int(server.stdout.readline())
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def pattern(length: int) -> bytes:
    return bytes(i % 251 for i in range(length))


class Bare:
    """A client that sends what it is told to, right or wrong."""

    def __init__(self, port: int, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(
            b"GET /socket.io/ HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        )
        self.answer = b""
        while not self.answer.endswith(b"\r\n\r\n"):
            self.answer += self.socket.recv(1)

    def __enter__(self) -> "Bare":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, first: int, payload: bytes = b"", length: int | None = None) -> None:
        """A frame, masked with zeros. `length`: what its header claims."""
        length = len(payload) if length is None else length
        if length < 126:
            size = struct.pack(">B", 0x80 | length)
        elif length < 1 << 16:
            size = struct.pack(">BH", 0x80 | 126, length)
        else:
            size = struct.pack(">BQ", 0x80 | 127, length)
        self.socket.sendall(bytes([first]) + size + bytes(4) + payload)

    def wish(self, number: int) -> None:
        self.send(FIN | BINARY, number.to_bytes(8, signed=True))

    def exactly(self, count: int, pause: float = 0.0) -> bytes:
        received = bytearray()
        while len(received) < count:
            part = self.socket.recv(min(count - len(received), 65536))
            if not part:
                raise EOFError(f"the server ended after {len(received)} of {count} bytes")
            received += part
            if pause:
                time.sleep(pause)
        return bytes(received)

    def receive(self, pause: float = 0.0) -> tuple[int, bytes]:
        first, size = self.exactly(2)
        if size >= 126:
            size = int.from_bytes(self.exactly(2 if size == 126 else 8))
        return first, self.exactly(size, pause)

    def close_code(self) -> int:
        first, payload = self.receive()
        assert first == FIN | CLOSE
        return int.from_bytes(payload[:2])


def test_it_is_not_compressed(port: int) -> None:
    with Bare(port) as client:
        assert client.answer.startswith(b"HTTP/1.1 101 ")
        assert b"sec-websocket-extensions" not in client.answer.lower()


def test_fragments_with_a_ping_between_them_are_one_message(port: int) -> None:
    with Bare(port) as client:
        client.send(BINARY, b"one ")
        client.send(FIN | PING, b"there?")
        client.send(CONTINUATION, b"message, ")
        client.send(CONTINUATION)
        client.send(FIN | CONTINUATION, b"four frames")
        assert client.receive() == (FIN | PONG, b"there?")
        assert client.receive() == (FIN | BINARY, b"one message, four frames")


def test_websocket_client_agrees(port: int) -> None:
    client = websocket.create_connection(f"ws://127.0.0.1:{port}/socket.io/", timeout=20)
    try:
        for part, (opcode, fin) in enumerate([(BINARY, 0), (CONTINUATION, 0), (CONTINUATION, 1)]):
            client.send_frame(websocket.ABNF.create_frame(bytes([part]) * 1000, opcode, fin))
            client.ping(b"still there")
        assert client.recv_data_frame(control_frame=True)[0] == PONG
        assert client.recv() == bytes(1000) + b"\1" * 1000 + b"\2" * 1000
        client.send_binary(pattern(MIB))
        assert client.recv() == pattern(MIB)
        client.send("3")
        assert client.recv() == "3"
    finally:
        client.close()


def talk(port: int) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{port}/socket.io/", max_size=None, compression=None)


def test_websockets_agrees(port: int) -> None:
    with talk(port) as client:
        client.send(iter([b"a" * 300_000, b"b" * 300_000, b"c"]))
        assert client.recv() == b"a" * 300_000 + b"b" * 300_000 + b"c"
        assert client.ping(b"are you there").wait(20)
        client.send(pattern(MIB))
        assert client.recv() == pattern(MIB)
        client.close(1000, "enough")
        assert client.protocol.close_rcvd is not None
        assert client.protocol.close_rcvd.code == 1000


def test_the_server_goes_away_with_1001(port: int) -> None:
    with talk(port) as client:
        client.send((-1).to_bytes(8, signed=True))
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001


def test_a_megabyte_arrives_whole_at_a_slow_reader_with_a_small_buffer(port: int) -> None:
    with Bare(port, receive_buffer=4096) as client:
        client.wish(MIB)
        time.sleep(0.5)  # a paused reader: by now the server has written all that it can
        first, payload = client.receive(pause=0.0005)
        assert first == FIN | BINARY
        assert payload == pattern(MIB)


def test_a_megabyte_each_way_through_small_buffers(port: int) -> None:
    with Bare(port, receive_buffer=4096) as client:
        sender = threading.Thread(target=client.send, args=(FIN | BINARY, pattern(MIB)))
        client.wish(MIB)
        sender.start()
        assert client.receive() == (FIN | BINARY, pattern(MIB))
        assert client.receive() == (FIN | BINARY, pattern(MIB))
        sender.join()


def test_a_reader_that_pauses_holds_up_nobody_else(port: int) -> None:
    with Bare(port, receive_buffer=4096) as slow, talk(port) as other:
        slow.wish(MIB)
        other.send(b"hello")
        assert other.recv(timeout=5) == b"hello"
        assert slow.receive()[1] == pattern(MIB)


def test_a_frame_that_is_too_large_is_refused_by_its_header(port: int) -> None:
    with Bare(port) as client:
        client.send(FIN | BINARY, b"", length=MAX_SIZE + 1)  # and not a byte of its payload
        assert client.close_code() == 1009


def test_fragments_are_too_large_together(port: int) -> None:
    with Bare(port) as client:
        client.send(BINARY, bytes(MAX_SIZE - 10))
        client.send(CONTINUATION, b"", length=11)
        assert client.close_code() == 1009


def test_who_goes_on_sending_still_hears_why_it_ended(port: int) -> None:
    with Bare(port) as client:
        client.send(FIN | BINARY, bytes(MIB), length=200 * MIB)
        assert client.close_code() == 1009


@pytest.mark.parametrize(
    ("first", "payload"),
    [
        pytest.param(FIN | CONTINUATION, b"x", id="a continuation of nothing"),
        pytest.param(FIN | 0x40 | BINARY, b"x", id="a reserved bit"),
        pytest.param(FIN | 3, b"x", id="an unknown opcode"),
        pytest.param(PING, b"x", id="a fragmented ping"),
        pytest.param(FIN | PING, bytes(126), id="a long ping"),
        pytest.param(FIN | CLOSE, b"\x03", id="half a close code"),
    ],
)
def test_what_is_not_the_protocol_ends_with_1002(port: int, first: int, payload: bytes) -> None:
    with Bare(port) as client:
        client.send(first, payload)
        assert client.close_code() == 1002


def test_an_unmasked_frame_ends_with_1002(port: int) -> None:
    with Bare(port) as client:
        client.socket.sendall(bytes([FIN | BINARY, 1]) + b"x")
        assert client.close_code() == 1002


def test_text_that_is_not_utf8_ends_with_1007(port: int) -> None:
    with Bare(port) as client:
        client.send(TEXT, b"2pro")
        client.send(FIN | CONTINUATION, b"b\xff")
        assert client.close_code() == 1007


@pytest.mark.parametrize("text", [b"4[[[[[[[[", b"x", b"", b"2" + bytes(1000)])
def test_text_that_engine_io_would_parse_ends_with_1003(port: int, text: bytes) -> None:
    with Bare(port) as client:
        client.send(FIN | TEXT, text)
        assert client.close_code() == 1003


def test_nothing_counts_that_comes_after_the_wrong_text(port: int) -> None:
    with Bare(port) as client:
        client.socket.sendall(
            bytes([FIN | BINARY, 0x81, 0, 0, 0, 0]) + b"a"
            + bytes([FIN | TEXT, 0x81, 0, 0, 0, 0]) + b"x"
            + bytes([FIN | BINARY, 0x81, 0, 0, 0, 0]) + b"b"
        )  # fmt: skip
        assert client.close_code() == 1003
        assert client.socket.recv(1) == b""


def test_a_thousand_tiny_frames_at_once(port: int) -> None:
    with Bare(port) as client:
        frame = bytes([FIN | BINARY, 0x81, 0, 0, 0, 0])
        client.socket.sendall(b"".join(frame + bytes([i % 256]) for i in range(1000)))
        assert [client.receive()[1][0] for _ in range(1000)] == [i % 256 for i in range(1000)]


def test_a_plain_request_is_answered_and_the_server_lives(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(b"GET /socket.io/ HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        assert plain.recv(1000).startswith(b"HTTP/1.1 4")
    with talk(port) as client:
        client.send(b"alive")
        assert client.recv(timeout=5) == b"alive"


@pytest.mark.parametrize("head", [b"X-Large: " + b"a" * 200_000, b"\r\n".join(b"X-%d: a" % n for n in range(2000))])
def test_headers_that_are_too_large_end_the_request(port: int, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        answer = b""
        with suppress(ConnectionError):  # it has heard enough, and does not read the rest
            plain.sendall(b"GET /socket.io/ HTTP/1.1\r\nHost: here\r\n" + head + b"\r\n\r\n")
            answer = plain.recv(1000)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    with talk(port) as client:
        client.send(b"alive")
        assert client.recv(timeout=5) == b"alive"


def test_clients_that_vanish_in_the_middle_of_a_message(port: int) -> None:
    for _ in range(20):
        bare = Bare(port)
        bare.send(BINARY, b"half a mess", length=1000)
        bare.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
        bare.socket.close()
    with talk(port) as client:
        client.send(b"alive")
        assert client.recv(timeout=5) == b"alive"


def test_of_whom_nothing_is_taken_nothing_is_read(port: int) -> None:
    """Each ping is answered: who sends them and reads no answer would fill the server's memory."""
    pings = 200 * (bytes([FIN | PING, 0x80 | 125]) + bytes(4) + bytes(125))
    with Bare(port) as bare:
        bare.socket.settimeout(2)
        sent = 0
        with suppress(TimeoutError):
            while sent < 64 * MIB:
                sent += bare.socket.send(pings)
        assert sent < 32 * MIB
    with talk(port) as client:
        client.send(b"alive")
        assert client.recv(timeout=5) == b"alive"
