"""What waits for one connection, counted.

Engine.IO puts every packet for a client into a queue without an end. This is that queue, with a known size. A long poll
takes from it what it can send now; once there is a WebSocket, what is put goes straight to it.
"""

import time
from collections.abc import Callable
from typing import Any

import gevent
from engineio import packet
from engineio.async_drivers import gevent as driver
from gevent.queue import Empty, JoinableQueue

from editor.websocket import WebSocket, framed

BATCH_PACKETS = 16  # clients refuse a poll's answer with more packets
BATCH_BYTES = 64 * 1024  # what was taken but is not yet on the wire is bounded by this and one packet


class Frame(packet.Packet):  # type: ignore[misc]
    """A message for many connections, encoded once for each kind of transport.

    Engine.IO's own packet keeps whatever it was encoded to first: one object for a WebSocket and a polling client would
    give one of them garbage.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(packet.MESSAGE, data)
        self.framed = framed(data)
        self._base64: str | None = None

    def encode(self, b64: bool = False) -> str | bytes:
        if not b64:
            data: bytes = self.data
            return data
        if self._base64 is None:
            self._base64 = packet.Packet(packet.MESSAGE, self.data).encode(b64=True)
        return self._base64


class Outbox(JoinableQueue):  # type: ignore[type-arg]
    """Engine.IO's queue of one connection: packets, and None for the end."""

    def __init__(self) -> None:
        super().__init__()
        self.drained: Callable[[], None] | None = None  # called when nothing waits any more
        # `WebSocket.write_at_once`, once there is one.
        self.send_at_once: Callable[[bytes], int | None] = lambda framed: None
        self._websocket: WebSocket | None = None
        self._queued = 0  # bytes that no poll has taken yet
        self._moved = time.monotonic()  # when something was last taken, or began to wait
        self._packets = self._bytes = 0  # of the batch that is being taken

    @property
    def waiting(self) -> int:
        """Bytes that are not on their way yet."""
        return self._queued if self._websocket is None else self._websocket.waiting

    def stuck(self) -> float:
        """For how many seconds something has been waiting while nothing moved."""
        moved = self._moved if self._websocket is None else self._websocket.moved
        return time.monotonic() - moved if self.waiting else 0.0

    def attach(self, websocket: WebSocket) -> None:
        """From here on everything goes to this, what waits first."""
        waiting = self._take_all()
        self._websocket = websocket
        websocket.drained = self._told_drained
        for item in waiting:
            self.put(item)
        self.send_at_once = websocket.write_at_once

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Never blocks."""
        if self._websocket is None:
            super().put(item, block, timeout)
        elif type(item) is Frame:
            self._websocket.write(item.framed)
        elif item is not None:
            self._websocket.send(item.encode())
        else:
            gevent.spawn(self._websocket.close)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The next packet; without `block`, one more of the batch that a blocking `get` began. Empty ends the batch."""
        if block:
            self._packets = self._bytes = 0
        elif self._packets >= BATCH_PACKETS or self._bytes >= BATCH_BYTES:
            raise Empty
        return super().get(block, timeout)

    def discard(self) -> None:
        """Forget what waits. Of what goes to a WebSocket a part may be gone: nothing can come after that."""
        self._take_all()
        if self._websocket is not None:
            self._websocket.abort()

    def _take_all(self) -> list[Any]:
        items = []
        while self.qsize():
            items.append(self._get())
            self.task_done()
        return items

    def _put(self, item: Any) -> None:
        if not self._queued:
            self._moved = time.monotonic()
        self._queued += _size(item)
        super()._put(item)  # type: ignore[misc]

    def _get(self) -> Any:
        item = super()._get()  # type: ignore[misc]
        size = _size(item)
        self._packets += 1
        self._bytes += size
        self._queued -= size
        self._moved = time.monotonic()
        if not self._queued:
            self._told_drained()
        return item

    def _told_drained(self) -> None:
        if self.drained is not None:
            self.drained()


def _size(item: Any) -> int:
    return len(item.data) if item is not None and isinstance(item.data, bytes | str) else 0


def install() -> None:
    """Have Engine.IO make its queues of this kind. Its table of what gevent offers is private: it is pinned."""
    driver._async["queue"] = Outbox
