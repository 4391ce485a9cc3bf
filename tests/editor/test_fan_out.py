"""What is shown to many reaches each of them whole and in order, however much their sockets take."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from editor.fan_out import FanOut
from editor.outbox import Frame
from sync.peer import Peer


class Reader:
    """Somebody at the other end of a real socket. What it does not take at once waits here, as with a WebSocket."""

    def __init__(self, fan_out: FanOut, here: socket.socket) -> None:
        self.peer = Peer(self._send, lambda refusal: None, 1, 1, 1, None, True)
        self.waiting = b""
        self.asked: list[bytes] = []  # what it was asked to send itself
        self._fan_out, self._here = fan_out, here
        fan_out.open(self.peer, here.send, self._rest)

    def _send(self, message: bytes, seq: int) -> None:
        self.asked.append(message)
        self.waiting += self._fan_out.frame(message, seq).framed

    def _rest(self, message: bytes, frame: Frame, taken: int) -> None:
        self._fan_out.shut(self.peer)
        self.waiting += frame.framed[taken:]


@contextmanager
def sockets(count: int) -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    pairs = [socket.socketpair() for _ in range(count)]
    for here, _ in pairs:
        here.setblocking(False)
    yield pairs
    for pair in pairs:
        for end in pair:
            end.close()


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_each_gets_all_of_it_however_much_the_sockets_take(size: int) -> None:
    fan_out = FanOut()
    messages = [b"\0\2" + bytes([number]) * size for number in range(3)]
    expected = b"".join(fan_out.frame(message, seq).framed for seq, message in enumerate(messages))
    with sockets(3) as pairs:
        readers = [Reader(fan_out, here) for here, _ in pairs]
        for seq, message in enumerate(messages):
            fan_out.show([reader.peer for reader in readers], message, seq)
        for reader, (here, there) in zip(readers, pairs, strict=True):
            here.shutdown(socket.SHUT_WR)
            came = b"".join(iter(lambda there=there: there.recv(1 << 16), b""))  # type: ignore[misc]
            assert came + reader.waiting == expected
            assert reader.asked == (messages[1:] if reader.waiting else [])
    assert fan_out.sent == sum(len(messages) - len(reader.asked) for reader in readers)


def test_whose_connection_has_ended_holds_up_nobody() -> None:
    fan_out = FanOut()
    with sockets(3) as pairs:
        readers = [Reader(fan_out, here) for here, _ in pairs]
        pairs[1][0].close()
        fan_out.show([reader.peer for reader in readers], b"\0\2x", 1)
        for number in (0, 2):
            assert pairs[number][1].recv(100) == fan_out.frame(b"\0\2x", 1).framed
        assert readers[1].waiting == fan_out.frame(b"\0\2x", 1).framed
