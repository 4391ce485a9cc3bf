"""One client of Engine.IO, over both transports, without a greenlet for writing and one for pings."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from engineio import exceptions, packet, socket
from gevent import Timeout, get_hub, spawn

from editor.outbox import Outbox
from editor.websocket import WebSocket

TOGETHER = 0.1  # seconds: pings of this time go at once, so that many clients at rest wake us up seldom
PROBING = 10.0  # seconds from the opening of a WebSocket beside a poll until the client has moved over to it


class EngineSocket(socket.Socket):  # type: ignore[misc]
    """Engine.IO's own, which has a greenlet for each of these, and a line in its log for each packet."""

    queue: Outbox
    last_ping: float | None  # monotonic, when the client was asked whether it is there; None: it has answered
    connected: bool
    upgrading: bool
    upgraded: bool

    def __init__(self, server: Any, sid: str) -> None:
        super().__init__(server, sid)
        self.quick: Callable[[bytes], bool] | None = None  # as `WebSocket.quick`, once the client is known
        self._timer: Any = None

    def receive(self, received: packet.Packet) -> None:
        match received.packet_type:
            case packet.MESSAGE:
                self.server._trigger_event("message", self.sid, received.data, run_async=False)
            case packet.PONG | packet.CLOSE:
                super().receive(received)
            case _:
                pass  # words of an upgrade: at another time they say nothing, and are not worth an answer

    def close(self, wait: bool = True, abort: bool = False, reason: Any = None) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        # Nobody waits for what a poll is to take: none is let in any more, and it would be for ever.
        super().close(False, abort, reason)
        self.server.sockets.pop(self.sid, None)

    def schedule_ping(self) -> None:
        """When the client has answered the last one. For the loop as well."""
        if self.last_ping and not self.closing:
            self.last_ping = None
            interval = self.server.ping_interval
            self._call_in(interval - (monotonic() + interval) % TOGETHER, self._ping)

    def check_ping_timeout(self) -> bool:
        """Engine.IO asks before it sends something. A timer of ours looks after silent clients."""
        if self.closed:
            raise exceptions.SocketIsClosedError
        return True

    def _ping(self) -> None:
        if not self.closing:
            self.last_ping = monotonic()
            self.queue.put(packet.Packet(packet.PING))
            self._call_in(self.server.ping_timeout, self._miss)

    def _miss(self) -> None:
        """It has not answered, unless what was sent before the ping took so long that its time began anew."""
        if self.last_ping and not self.closing:
            left = self.last_ping + self.server.ping_timeout - monotonic()
            if left > 0:
                self._call_in(left, self._miss)
            else:
                spawn(self.close, wait=False, reason=self.server.reason.PING_TIMEOUT)

    def _call_in(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.close()
        self._timer = get_hub().loop.timer(max(0.0, seconds))
        self._timer.start(then)

    def _websocket_handler(self, websocket: WebSocket) -> list[object]:
        if self.connected and not self._upgrade(websocket):
            return []
        self.connected = self.upgraded = True
        websocket.quick = self.quick
        self.queue.attach(websocket)
        websocket.go_on(self._take, self._over)
        return []

    def _take(self, message: str | bytes) -> None:
        if not self.closed:
            self.receive(packet.Packet(encoded_packet=message))

    def _over(self) -> None:
        self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)

    def _upgrade(self, websocket: WebSocket) -> bool:
        """From polling, once and before long: until then nobody counts this one. What is sent meanwhile waits."""
        if self.upgrading or self.upgraded:
            return False
        self.upgrading = True
        try:
            with Timeout(PROBING, False):  # type: ignore[arg-type]
                if websocket.wait() != "2probe":
                    return False
                websocket.send("3probe")
                self.queue.put(packet.Packet(packet.NOOP))  # ends the poll
                return websocket.wait() == "5" and not self.closed
            return False
        finally:
            self.upgrading = False


def install() -> None:
    """Have Engine.IO make these. That it does so by this name is private: it is pinned."""
    socket.Socket = EngineSocket
