"""What waits for one connection, counted.

Engine.IO puts every packet for a client into a queue without an end. This is that queue, with a known size, for both
transports: a WebSocket's writer and a long poll take from it what they can send now.
"""

import time
from collections.abc import Callable
from typing import Any

from engineio import packet
from engineio.async_drivers import gevent as driver
from gevent.queue import Empty, JoinableQueue

BATCH_PACKETS = 16  # clients refuse a poll's answer with more packets
BATCH_BYTES = 64 * 1024  # what was taken but is not yet on the wire is bounded by this and one packet


class Frame(packet.Packet):  # type: ignore[misc]
    """A message for many connections, encoded once for each kind of transport.

    Engine.IO's own packet keeps whatever it was encoded to first: one object for a WebSocket and a polling client would
    give one of them garbage.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(packet.MESSAGE, data)
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
        self.waiting = 0  # bytes that nobody has taken yet
        self.moved = time.monotonic()  # when something was last taken, or began to wait
        self.drained: Callable[[], None] | None = None  # called when nothing waits any more
        self._packets = self._bytes = 0  # of the batch that is being taken

    def stuck(self) -> float:
        """For how many seconds something has been waiting while nothing moved."""
        return time.monotonic() - self.moved if self.waiting else 0.0

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The next packet; without `block`, one more of the batch that a blocking `get` began. Empty ends the batch."""
        if block:
            self._packets = self._bytes = 0
        elif self._packets >= BATCH_PACKETS or self._bytes >= BATCH_BYTES:
            raise Empty
        return super().get(block, timeout)

    def discard(self) -> None:
        """Forget what waits."""
        while self.qsize():
            self._get()
            self.task_done()

    def _put(self, item: Any) -> None:
        if not self.waiting:
            self.moved = time.monotonic()
        self.waiting += _size(item)
        super()._put(item)  # type: ignore[misc]

    def _get(self) -> Any:
        item = super()._get()  # type: ignore[misc]
        size = _size(item)
        self._packets += 1
        self._bytes += size
        self.waiting -= size
        self.moved = time.monotonic()
        if not self.waiting and self.drained is not None:
            self.drained()
        return item


def _size(item: Any) -> int:
    return len(item.data) if item is not None and isinstance(item.data, bytes | str) else 0


def install() -> None:
    """Have Engine.IO make its queues of this kind. Its table of what gevent offers is private: it is pinned."""
    driver._async["queue"] = Outbox
