"""The broker between processes: hints through Redis, one channel for each open document.

Redis may lose, double, delay or forget them, or be away: what a hint says is in the database as well, and `watch` looks
there. So nothing here waits for Redis, and what cannot be sent is dropped.
"""

import logging
import random
import secrets
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, NamedTuple

import gevent
import msgpack
from gevent.event import Event
from redis.backoff import NoBackoff
from redis.connection import ConnectionPool
from redis.exceptions import RedisError
from redis.retry import Retry

from sync.broker import Hint, LocalBroker
from sync.peer import Refusal

PREFIX = b"palimpsest:"
LARGEST_MESSAGE = 64 * 1024  # bytes; what is larger is read from the log
MOST_WAITING = 4 << 20  # bytes that wait for Redis; then the oldest hints are dropped
MOST_AT_ONCE = 100  # hints in one write
KEPT = 60.0  # seconds for which changes of access wait for a Redis that is away

ASK_EVERY = 0.4  # seconds between two questions whether Redis is there
SILENT = 1.0  # seconds without a word from it after which hints may be missing
DEAD = 5.0  # seconds after which the connection is given up
CONNECT = 2.0  # seconds that a connection may take
SLOWEST = 2.0  # seconds between two tries to connect
ALL_BACK = 5.0  # seconds after which all who lost Redis at the same time have it again, or have another trouble
FAREWELL = 1.0  # seconds for the last hints of a process that stops

log = logging.getLogger(__name__)


def encode(origin: bytes, hint: Hint) -> bytes:
    """What is not as usual in it, by the names of its fields: another version may know others."""
    said = {name: value for name, value in hint._asdict().items() if value != Hint._field_defaults[name]}
    return bytes(msgpack.packb({"origin": origin, **said}))


def decode(data: bytes) -> tuple[bytes, Hint]:
    """Who said it, and what. Raises ValueError."""
    try:
        said: dict[str, Any] = msgpack.unpackb(data, use_list=False)
        hint = Hint(**{name: value for name, value in said.items() if name in Hint._fields})
        if hint.expel is not None:
            hint = hint._replace(expel=Refusal(*hint.expel))
        return said["origin"], hint
    except (TypeError, KeyError, AttributeError, ValueError, msgpack.UnpackException) as error:
        raise ValueError(f"expected a hint, not {data[:40]!r}") from error


class RedisBroker:
    """A `sync.broker.Broker`. Hints go to the rooms of this process at once, to the others when Redis takes them."""

    def __init__(self, url: str) -> None:
        """`redis://[[user]:password@]host[:port][/number]`, `rediss://` or `unix://`. Opens nothing yet.

        Raises ValueError.
        """
        self._pool = ConnectionPool.from_url(
            url,
            socket_connect_timeout=CONNECT,
            socket_timeout=DEAD,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
            protocol=2,
        )
        self._origin = secrets.token_bytes(8)
        self._local = LocalBroker()
        self._ears: dict[bytes, int] = {}  # channel -> how many hear it here
        self._heard_by: set[bytes] = set()  # channels of which Redis says that we hear them
        self._asked: deque[tuple[bytes, bytes]] = deque()  # what the listening connection must tell Redis
        self._ask_now = Event()
        self._outgoing = _Outgoing()
        self._greenlets: list[gevent.Greenlet[..., Any]] = []
        self._last_word = -DEAD  # when Redis was heard last
        self._complained = False
        self.lost = 0  # how often hints may have been missed: the connection was silent or cut

    @property
    def silent(self) -> bool:
        """Whether hints may be missing now."""
        return monotonic() - self._last_word > SILENT or not self._heard_by.issuperset(self._ears)

    @property
    def dropped(self) -> int:
        """How many hints were not sent, because Redis did not take them in time."""
        return self._outgoing.dropped

    def start(self) -> None:
        """From now on, until `close`, the other processes are heard and told."""
        for work in (self._listen, self._talk):
            self._greenlets.append(gevent.spawn(self._again_and_again, work))

    def close(self) -> None:
        """Say what is still to be said, if Redis takes it within a second."""
        until = monotonic() + FAREWELL
        while self._greenlets and self._outgoing and monotonic() < until:
            gevent.sleep(0.01)
        gevent.killall(self._greenlets)
        self._greenlets = []

    def subscribe(self, document_id: str, deliver: Callable[[Hint], None]) -> Callable[[], None]:
        channel = PREFIX + document_id.encode()
        forget = self._local.subscribe(document_id, deliver)
        self._ears[channel] = self._ears.get(channel, 0) + 1
        if self._ears[channel] == 1:
            self._ask(b"SUBSCRIBE", channel)

        def unsubscribe() -> None:
            forget()
            self._ears[channel] -= 1
            if not self._ears[channel]:
                del self._ears[channel]
                self._heard_by.discard(channel)
                self._ask(b"UNSUBSCRIBE", channel)

        return unsubscribe

    def publish(self, document_id: str, hint: Hint, sender: Callable[[Hint], None] | None = None) -> None:
        self._local.publish(document_id, hint, sender)
        if len(hint.message) > LARGEST_MESSAGE:
            hint = hint._replace(message=b"")
        self._outgoing.put(PREFIX + document_id.encode(), encode(self._origin, hint), keep=_matters(hint))

    # -- Two connections ---------------------------------------------------------------------------

    def _again_and_again(self, work: Callable[[Any], None]) -> None:
        failures = 0
        while True:
            connection: Any = self._pool.make_connection()  # the pool only knows how; it does not keep them
            try:
                connection.connect()
                failures = 0
                work(connection)
            except (RedisError, OSError) as error:
                self._complain(error)
            except Exception:
                log.exception("a mistake in what is said to Redis, or in what it says; a new connection is made")
            finally:
                connection.disconnect()
            failures += 1
            gevent.sleep(random.uniform(0.02, min(SLOWEST, 0.1 * 2 ** min(failures, 6))))

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            log.warning("Redis is away (%s): the database is asked for news until it is back", error)

    def _listen(self, connection: Any) -> None:
        self._heard_by.clear()
        self._asked.clear()
        self._asked.extend((b"SUBSCRIBE", channel) for channel in self._ears)
        asking = gevent.spawn(self._ask_on, connection)
        try:
            while connection.is_connected:  # else redis-py would connect by itself, to nothing that we asked for
                if not connection.can_read(timeout=DEAD):
                    raise RedisError(f"not a word in {DEAD:.0f} s")
                self._take(connection.read_response())
        finally:
            asking.kill()
            self._heard_by.clear()
            self.lost += 1

    def _ask_on(self, connection: Any) -> None:
        while connection.is_connected:
            self._ask_now.clear()
            commands: list[tuple[bytes, ...]] = [self._asked.popleft() for _ in range(len(self._asked))]
            try:
                connection.send_packed_command(connection.pack_commands([*commands, (b"PING",)]))
            except (RedisError, OSError) as error:
                self._complain(error)
                return  # the connection is closed by that, which the one who listens notices
            self._ask_now.wait(ASK_EVERY)

    def _ask(self, command: bytes, channel: bytes) -> None:
        self._asked.append((command, channel))
        self._ask_now.set()

    def _take(self, said: list[Any]) -> None:
        self._last_word = monotonic()
        match said:
            case [b"message", bytes(channel), bytes(data)]:
                self._hear(channel, data)
            case [b"subscribe", bytes(channel), _] if channel in self._ears:
                self._heard_by.add(channel)
                # Only now would the answer be heard.
                self._outgoing.put(channel, encode(self._origin, Hint(who=True)))
        if self._complained and not self.silent:
            self._complained = False
            log.warning("Redis is back")

    def _hear(self, channel: bytes, data: bytes) -> None:
        try:
            origin, hint = decode(data)
            if origin != self._origin:
                self._local.publish(channel.removeprefix(PREFIX).decode(), hint)
        except ValueError as error:  # of a hint, or of the message in it; the next one may be sensible
            log.error("%s: %s", channel.decode(errors="replace"), error)

    def _talk(self, connection: Any) -> None:
        began = monotonic()
        while True:
            hints = self._outgoing.take(MOST_AT_ONCE)
            try:
                connection.send_packed_command(
                    connection.pack_commands([(b"PUBLISH", channel, data) for channel, data in hints])
                )
                for _ in hints:
                    connection.read_response()
            except BaseException:
                self._outgoing.failed()
                raise
            kept = self._outgoing.sent()
            if monotonic() - began < ALL_BACK:
                for channel, data in kept:  # those whom it is meant for may not be back yet
                    gevent.spawn_later(ALL_BACK, self._outgoing.put, channel, data)


def _matters(hint: Hint) -> bool:
    """It is still worth telling after a while."""
    return hint.expel is not None or hint.reload or hint.notice != b""


class _Told(NamedTuple):
    channel: bytes
    data: bytes
    until: float  # when it is not worth sending any more
    keep: bool


class _Outgoing:
    """What waits for Redis: bounded, oldest first."""

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: deque[_Told] = deque()
        self._size = 0
        self._taken: list[_Told] = []
        self._something = Event()

    def __bool__(self) -> bool:
        return bool(self._waiting or self._taken)

    def put(self, channel: bytes, data: bytes, keep: bool = False) -> None:
        self._waiting.append(_Told(channel, data, monotonic() + (KEPT if keep else SILENT), keep))
        self._size += len(data)
        while self._size > MOST_WAITING:
            self._size -= len(self._waiting.popleft().data)
            self.dropped += 1
        self._something.set()

    def take(self, most: int) -> list[tuple[bytes, bytes]]:
        """At least one; waits for it."""
        while not self._taken:
            while not self._waiting:
                self._something.clear()
                self._something.wait()
            now = monotonic()
            while self._waiting and len(self._taken) < most:
                told = self._waiting.popleft()
                self._size -= len(told.data)
                if told.until >= now:
                    self._taken.append(told)
                else:
                    self.dropped += 1
        return [(told.channel, told.data) for told in self._taken]

    def sent(self) -> list[tuple[bytes, bytes]]:
        """What was taken is with Redis. Returns those that are to be kept."""
        taken, self._taken = self._taken, []
        return [(told.channel, told.data) for told in taken if told.keep]

    def failed(self) -> None:
        """Perhaps they were sent: what is worth it is sent again."""
        for told in reversed(self._taken):
            self._waiting.appendleft(told)
            self._size += len(told.data)
        self._taken = []
