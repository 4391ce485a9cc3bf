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

    packet_type, binary = packet.MESSAGE, True
    _base64: str | None = None

    def __init__(self, data: bytes) -> None:  # not Engine.IO's own, which finds out first what this is
        self.data = data
        self.framed = framed(data)

    def encode(self, b64: bool = False) -> str | bytes:
        if not b64:
            data: bytes = self.data
            return data
        if self._base64 is None:
            self._base64 = packet.Packet(packet.MESSAGE, self.data).encode(b64=True)
        return self._base64


class Outbox:
    """What Engine.IO has a queue for, of one connection: packets, and None for the end."""

    def __init__(self) -> None:
        self.drained: Callable[[], None] | None = None  # called when nothing waits any more
        self.changed: Callable[[], None] | None = None  # called when `ready` has become None, or something again
        # `WebSocket.write_at_once`, once there is one.
        self.send_at_once: Callable[[bytes], int | None] = lambda framed: None
        self._packets: JoinableQueue[Any] | None = JoinableQueue()  # None: there is a WebSocket
        self._websocket: WebSocket | None = None
        self._queued = 0  # bytes that no poll has taken yet
        self._moved = time.monotonic()  # when something was last taken, or began to wait
        self._batch_packets = self._batch_bytes = 0  # of the batch that is being taken

    @property
    def waiting(self) -> int:
        """Bytes that are not on their way yet."""
        return self._queued if self._websocket is None else self._websocket.waiting

    @property
    def ready(self) -> Callable[[bytes], int] | None:
        """As `WebSocket.ready`, once there is one."""
        return None if self._websocket is None else self._websocket.ready

    def stuck(self) -> float:
        """For how many seconds something has been waiting while nothing moved."""
        moved = self._moved if self._websocket is None else self._websocket.moved
        return time.monotonic() - moved if self.waiting else 0.0

    def attach(self, websocket: WebSocket) -> None:
        """From here on everything goes to this, what waits first."""
        waiting = self._take_all()
        self._packets = None
        self._websocket = websocket
        websocket.drained = self._told_drained
        for item in waiting:
            self.put(item)
        self.send_at_once = websocket.write_at_once
        websocket.changed = self._told_changed
        self._told_changed()

    def put(self, item: Any) -> None:
        """Never blocks."""
        if self._packets is not None:
            if not self._queued:
                self._moved = time.monotonic()
            self._queued += _size(item)
            self._packets.put(item)
            return
        assert self._websocket is not None
        if type(item) is Frame:
            self._websocket.write(item.framed)
        elif item is not None:
            self._websocket.send(item.encode())
        else:
            gevent.spawn(self._websocket.close)

    def take_rest(self, framed: bytes, taken: int) -> int:
        """What `ready` did not take whole. Returns how many bytes wait now."""
        assert self._websocket is not None
        return self._websocket.write_rest(framed, taken)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The next packet; without `block`, one more of the batch that a blocking `get` began. Empty ends the batch."""
        if block:
            self._batch_packets = self._batch_bytes = 0
        elif self._batch_packets >= BATCH_PACKETS or self._batch_bytes >= BATCH_BYTES:
            raise Empty
        if self._packets is None:
            raise Empty
        return self._taken(self._packets.get(block, timeout))

    def task_done(self) -> None:
        """What was taken is on the wire."""
        if self._packets is not None:
            self._packets.task_done()

    def join(self) -> None:
        """Wait until all was taken, and is on the wire."""
        if self._packets is not None:
            self._packets.join()

    def discard(self) -> None:
        """Forget what waits. Of what goes to a WebSocket a part may be gone: nothing can come after that."""
        self._take_all()
        if self._websocket is not None:
            self._websocket.abort()

    def _take_all(self) -> list[Any]:
        items = []
        while self._packets is not None and not self._packets.empty():
            items.append(self._taken(self._packets.get_nowait()))
            self._packets.task_done()
        return items

    def _taken(self, item: Any) -> Any:
        size = _size(item)
        self._batch_packets += 1
        self._batch_bytes += size
        self._queued -= size
        self._moved = time.monotonic()
        if not self._queued:
            self._told_drained()
        return item

    def _told_changed(self) -> None:
        if self.changed is not None:
            self.changed()

    def _told_drained(self) -> None:
        if self.drained is not None:
            self.drained()


def _size(item: Any) -> int:
    return len(item.data) if item is not None and isinstance(item.data, bytes | str) else 0


def install() -> None:
    """Have Engine.IO make its queues of this kind. Its table of what gevent offers is private: it is pinned."""
    driver._async["queue"] = Outbox
