"""Hints through a real Redis, which is killed, held still, flushed and cut off."""

import signal
import time
from collections.abc import Callable, Iterator

import gevent
import gevent.socket
import pytest
import redis.connection

from editor.redis_broker import SILENT, RedisBroker, decode, encode
from sync.broker import Hint
from sync.peer import Refusal
from tests.contracts_broker import EVERYTHING, NOTE, BrokerContract, Ear
from tests.services import Redis

PATIENCE = 10.0  # seconds


class Processes:
    """Two brokers, as two processes have them."""

    def __init__(self, url: str) -> None:
        self.here, self.there = RedisBroker(url), RedisBroker(url)
        for broker in (self.here, self.there):
            broker.start()

    def until(self, reached: Callable[[], bool]) -> None:
        with gevent.Timeout(PATIENCE):
            while not reached():
                gevent.sleep(0.001)

    def settle(self) -> None:
        self.until(lambda: not (self.here.silent or self.there.silent or self.here._outgoing or self.there._outgoing))

    def close(self) -> None:
        self.here.close()
        self.there.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    server = Redis()
    yield server
    server.close()


@pytest.fixture
def pair(server: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    monkeypatch.setattr(redis.connection, "socket", gevent.socket)  # as `palimpsest serve` has it
    pair = Processes(server.url)
    yield pair
    pair.close()


class TestRedisBroker(BrokerContract):
    pass


def test_a_hint_may_have_fields_that_this_version_does_not_know() -> None:
    hint = Hint(1, 2, b"x", expel=Refusal("access", "Why."))
    assert decode(encode(b"me", hint)) == (b"me", hint)
    assert decode(b"\x83\xa6origin\xc4\x01x\xa5first\x01\xa6future\x02") == (b"x", Hint(1))
    for wrong in (b"", b"\xc1", b"\x01", b"\x80", b"\x81\xa6origin", b"not msgpack"):
        with pytest.raises(ValueError, match="expected a hint"):
            decode(wrong)


def test_whatever_else_is_said_on_a_channel_harms_nobody(
    pair: Processes, server: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    there = Ear(pair.there)
    pair.settle()
    server.say("PUBLISH", f"palimpsest:{NOTE}", "nonsense")
    pair.here.publish(NOTE, EVERYTHING[0])
    pair.until(lambda: bool(there.hints))
    assert "expected a hint" in caplog.text


@pytest.mark.parametrize("how", ["killed", "flushed", "cut off"])
def test_redis_comes_back(pair: Processes, server: Redis, how: str) -> None:
    there = Ear(pair.there)
    pair.settle()
    if how == "killed":
        server.process.kill()
        pair.until(lambda: pair.there.silent)
        pair.here.publish(NOTE, EVERYTHING[0])
        server.process.start()
    elif how == "cut off":
        server.say("CLIENT", "KILL", "TYPE", "pubsub")
        server.say("CLIENT", "KILL", "TYPE", "normal")
    else:
        server.say("FLUSHALL")
    pair.settle()
    pair.here.publish(NOTE, EVERYTHING[1])
    pair.until(lambda: EVERYTHING[1] in there.hints)


def test_who_must_go_is_told_when_redis_is_back(pair: Processes, server: Redis) -> None:
    there = Ear(pair.there)
    pair.settle()
    server.process.kill()
    pair.until(lambda: pair.here.silent and pair.there.silent)
    pair.here.publish(NOTE, EVERYTHING[3])
    pair.here.publish(NOTE, EVERYTHING[6])
    server.process.start()
    pair.until(lambda: {EVERYTHING[3], EVERYTHING[6]} <= set(there.hints))


def test_a_redis_that_is_held_still_holds_nobody_up(pair: Processes, server: Redis) -> None:
    there = Ear(pair.there)
    pair.settle()
    server.process.send(signal.SIGSTOP)
    try:
        began = time.monotonic()
        for seq in range(1, 3001):
            pair.here.publish(NOTE, Hint(seq, seq, bytes(4000)))
        late = Ear(pair.there, "x" * 22)
        assert time.monotonic() - began < 1
        pair.until(lambda: pair.here.silent)
        assert time.monotonic() - began < SILENT + 0.5
        pair.until(lambda: pair.here.dropped > 1000)
        assert pair.here._outgoing._size <= 4 << 20
    finally:
        server.process.send(signal.SIGCONT)
    pair.settle()
    pair.here.publish(NOTE, EVERYTHING[0])
    pair.here.publish("x" * 22, EVERYTHING[0])
    pair.until(lambda: EVERYTHING[0] in there.hints and EVERYTHING[0] in late.hints)


def test_it_says_once_that_redis_is_away_and_once_that_it_is_back(
    pair: Processes, server: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    pair.settle()
    server.process.kill()
    pair.until(lambda: "Redis is away" in caplog.text)
    gevent.sleep(0.5)
    server.process.start()
    pair.until(lambda: caplog.text.count("Redis is back") == 2)
    assert caplog.text.count("Redis is away") == 2, "each process"
    assert "Traceback" not in caplog.text
