"""`python -m tests.nemesis.inside serve ...`: Palimpsest, with the nemesis inside.

It is the program as it is, but for what is wrapped here from the outside: at named points of the pipeline the process
may be killed, the clock may go wrong and the database may be full. Thresholds are so low that a short run gets to what
otherwise takes an hour of writing.
"""
# ruff: noqa: E402

import os
import time
from pathlib import Path

from tests.nemesis.switches import Deed, Switches

SWITCHES = "PALIMPSEST_TEST_SWITCHES"  # the file they are in
FAULT = "PALIMPSEST_TEST_FAULT"  # what is broken on purpose, to see whether it is noticed (tests.nemesis.faults)

switches = Switches(Path(os.environ[SWITCHES]))
place = 0  # which worker this is
real_time, real_time_ns = time.time, time.time_ns
time.time = lambda: real_time() + switches.clock(place) / 1000
time.time_ns = lambda: real_time_ns() + switches.clock(place) * 1_000_000

from sync import limits

limits.COMPACT_ENTRIES = 15  # type: ignore[misc]
limits.COMPACT_IDLE = 5  # type: ignore[misc]
limits.IDLE = 1000  # type: ignore[misc]

# What workers import after this, each for itself, is wrapped here in the process that makes them.
from gevent import monkey

monkey.patch_all()

import functools
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from alembic.operations import Operations

from editor import cli, connection, log_postgres, log_sqlite, redis_broker, serve, sittings, sockets, websocket
from editor.log_postgres import PostgresLog
from editor.log_sqlite import SqliteLog
from sync.broker import Hint
from sync.gate import Gate

COMMIT = 0.003  # seconds that one takes, about

sittings.DELAY = 1.0
sockets.PING_INTERVAL = sockets.PING_TIMEOUT = 2
_start_thread: Callable[..., object] = monkey.get_original("_thread", "start_new_thread")
_sleep: Callable[[float], None] = monkey.get_original("time", "sleep")


def reached(point: str) -> None:
    _do(switches.reach(point))


def _do(deed: Deed) -> None:
    if deed is Deed.KILL_SERVER:
        os.killpg(os.getpgrp(), signal.SIGKILL)
    elif deed is Deed.KILL_WORKER:
        os.kill(os.getpid(), signal.SIGKILL)
    elif deed is not Deed.NOTHING and (first := switches.victim(deed)):
        with suppress(ProcessLookupError, FileNotFoundError):  # it has just been killed
            children = Path(f"/proc/{first}/task/{first}/children").read_text()
            for pid in (first, *map(int, children.split())):
                os.kill(pid, signal.SIGKILL)


def _reached_soon(point: str) -> None:
    """It is a call into the database that cannot be wrapped: another thread strikes while it lasts."""
    deed = switches.reach(point)
    if deed is not Deed.NOTHING:
        wait = random.uniform(0, COMMIT)

        def strike() -> None:
            _sleep(wait)
            _do(deed)

        _start_thread(strike, ())


def _after(owner: Any, name: str, then: Callable[..., None]) -> None:
    """Call `then` with the same arguments after each call of `owner.name`."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        then(*args, **kwargs)
        return result

    setattr(owner, name, wrapped)


def _before(owner: Any, name: str, first: Callable[..., None]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        first(*args, **kwargs)
        return original(*args, **kwargs)

    setattr(owner, name, wrapped)


def _at_its_place(arbiter: object, worker: Any) -> None:
    global place
    place = worker.place
    switches.set_worker(place, os.getpid())


def _about_to_commit(log: SqliteLog | PostgresLog, *_: object) -> None:
    reached("before commit")
    _reached_soon("during commit")


def _sent(socket: websocket.WebSocket, frame: bytes) -> None:
    # The others have not got it yet. An ack is none of these.
    if b"message" in frame[:42]:
        reached("during fan-out")


def _published(broker: object, document_id: str, hint: Hint, *_: object) -> None:
    if hint.first:  # somebody's words, which are in the log by now
        reached("during publication")


def _limit(log: SqliteLog, *_: object) -> None:
    """Within the transaction, before the first row: whether there is room for more pages than there are."""
    log._connected().execute(f"PRAGMA max_page_count = {1 if switches.full else 1 << 30}")


_after(serve, "_keep_own_listener", _at_its_place)
_after(Gate, "admit", lambda *_, **__: reached("after gate"))
_before(SqliteLog, "lock", _limit)
_before(SqliteLog, "_move_on", _limit)
_after(SqliteLog, "insert", _about_to_commit)
_after(PostgresLog, "advance", _about_to_commit)
_before(PostgresLog, "_append", _about_to_commit)  # all in one statement
_after(log_sqlite, "write", lambda *_, **__: reached("after commit"))
_after(log_postgres, "write", lambda *_, **__: reached("after commit"))
_after(websocket.WebSocket, "write", _sent)
_before(redis_broker.RedisBroker, "publish", _published)
_after(redis_broker._Outgoing, "take", lambda *_, **__: reached("during publication"))
for log in (SqliteLog, PostgresLog):
    _after(log, "keep", lambda *_, **__: reached("during compaction"))
    _after(log, "pack", lambda *_, **__: reached("during packing"))
_after(connection.Connection, "emit", lambda *_, **__: reached("during drain"))
_before(cli, "_migrate", lambda *_, **__: reached("during migration"))
_before(Operations, "invoke", lambda *_, **__: reached("during migration"))

if fault := os.environ.get(FAULT):
    from tests.nemesis import faults

    faults.FAULTS[fault]()

if __name__ == "__main__":
    cli.main()
