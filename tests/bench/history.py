"""What a long history costs: `python -m tests.bench.history`, with `--entries 260000` for its length.

Two people type letter by letter, in sittings with pauses between them. For each request: how long it took, what came,
and how long it held up everybody else at most, by the clock and in time of the processor. (On a machine that has
nothing else to do these are the same.)
"""

# ruff: noqa: E402

from gevent import monkey

monkey.patch_all()  # as the server does

import argparse
import gc
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import gevent
from flask import Flask
from sqlalchemy import Engine, event, update

from editor import create_app, migrations, models, sittings
from editor.config import Config
from editor.content.schema import ROOTS
from editor.database import session
from editor.loop import pause
from editor.sittings import PAUSE
from sync.codec import uint_bytes, var_bytes
from sync.compaction import compact
from sync.packing import pack
from sync.store import Change
from tests.bench.gate import keystroke
from tests.contracts_store import Writer
from tests.editor.conftest import SECRET, Visitor
from tests.services import postgres_database

CLIENT = 3_921_544_321
NOON = 1_800_000_000_000


def typed(entries: int) -> Iterator[Change]:
    """A paragraph, then one letter after the other; every tenth is taken out again."""
    rng = random.Random(1)
    own = uint_bytes(CLIENT)
    paragraph = b"\x07\1" + var_bytes(b"body") + b"\3" + var_bytes(b"paragraph")
    text = b"\x07\0" + own + b"\0\6" + b"\x04\0" + own + b"\1" + var_bytes(b"x")
    yield Change(b"\1\3" + own + b"\0" + paragraph + text + b"\0", 1, 1, NOON, (CLIENT,), inserted=1)
    now, clock = NOON, 3
    for number in range(2, entries + 1):
        now += PAUSE if rng.random() < 0.002 else 150
        user_id = 1 + number // 500 % 2
        if number % 10 == 0:
            yield Change(b"\0\1" + own + b"\1" + uint_bytes(clock - 1) + b"\1", user_id, user_id, now, deleted=1)
        else:
            yield Change(keystroke(clock, clock - 1, b"x", None), user_id, user_id, now, inserted=1)
            clock += 1


def fill(app: Flask, document_id: str, entries: int) -> None:
    changes = typed(entries)
    while together := list(islice(changes, 1000)):
        writer = Writer(document_id, *together)
        app.extensions["store"].append(writer)
        while not writer.answered:
            gevent.sleep(0.001)
        assert writer.error is None, writer.error


class Clock:
    """Somebody else on the loop, who notices how long they had to wait."""

    def __init__(self) -> None:
        self.longest = self.work = 0.0
        gevent.spawn(self._tick)

    def start(self) -> None:
        gevent.sleep(0)
        self.longest = self.work = 0.0

    def _tick(self) -> None:
        before, worked = time.perf_counter(), time.thread_time()
        while True:
            pause()  # not sleep(0): whoever waits for a time would wait for fifty of these
            now, work = time.perf_counter(), time.thread_time()
            self.longest, self.work = max(self.longest, now - before), max(self.work, work - worked)
            before, worked = now, work


class Statements:
    """How long the longest statement took. What the log's own connection executes is in the time of the whole."""

    def __init__(self) -> None:
        self.longest, self.text = 0.0, ""
        self._began: dict[int, float] = {}
        event.listen(Engine, "before_cursor_execute", self._begin)
        event.listen(Engine, "after_cursor_execute", self._end)

    def _begin(self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        self._began[id(cursor)] = time.perf_counter()

    def _end(self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        took = time.perf_counter() - self._began.pop(id(cursor))
        if took > self.longest:
            self.longest, self.text = took, " ".join(statement.split())


class Bench:
    """A note with a long history, and what is asked of it."""

    def __init__(self, app: Flask, entries: int) -> None:
        self.app = app
        self.store = app.extensions["store"]
        self.entries = entries
        self.ada, bob = Visitor(app), Visitor(app)
        self.ada.sign_up("Ada")
        bob.sign_up("Bob")
        self.note = self.ada.new_note()
        fill(app, self.note, entries)
        gc.collect()
        gc.freeze()  # as the server does
        self._path = f"/api/documents/{self.note}"
        self._clock, self._statements = Clock(), Statements()

    def time(self, what: str, work: Callable[[], int]) -> None:
        """`work` says how many bytes came of it."""
        self._clock.start()
        self._statements.longest = 0.0
        start = time.perf_counter()
        size = work()
        took = time.perf_counter() - start
        gevent.sleep(0)
        held = f"held {self._clock.longest * 1000:5.0f} ms, {self._clock.work * 1000:4.0f} ms of work"
        longest = f"longest statement {self._statements.longest * 1000:4.0f} ms"
        print(f"{what:45} {took * 1000:7.0f} ms  {held}  {longest}  {size / 1024:8.0f} KiB", flush=True)

    def get(self, what: str, path: str) -> None:
        def work() -> int:
            answer = self.ada.get(self._path + path)
            assert answer.status_code == 200, f"{path}: {answer.status} {answer.text}"
            return len(answer.data)

        self.time(what, work)

    def get_all(self) -> None:
        entries = self.entries
        self.get("history", "/history")
        self.get("older sittings", f"/history/sittings?before={entries // 2}")
        self.get("all entries", "/history/entries")
        self.get("the newest 1000 entries", f"/history/entries?after={entries - 1000}")
        self.get("the note as it was in the middle, as a file", f"/versions/{entries // 2}/export")

    def sum_up(self) -> int:
        with self.app.app_context():
            sittings.catch_up(self.note)
        return 0

    def take_snapshot(self) -> int:
        snapshot = compact(self.store, self.note, ROOTS, pause)
        assert snapshot is not None
        return len(snapshot.state)

    def pack(self) -> int:
        assert pack(self.store, self.note, ROOTS, pause) == self.entries
        return sum(size for _, _, size in self.store.sizes(self.note))

    def look(self) -> None:
        self.ada.post(f"{self._path}/history/looked", 204, seq=self.entries // 2)

    def erase(self) -> int:
        done = self.ada.post(f"{self._path}/history/erase", before=self.entries // 2)
        assert done["entries"] > 0
        return int(done["bytes"])

    def mend(self) -> int:
        """One entry of the packed ones, and all that were packed with it, is lost."""
        with self.app.app_context():
            session.execute(update(models.Chunk).values(hash=b""))
            session.commit()
            return len(self.app.extensions["rooms"].mend(self.note))


def measure(app: Flask, entries: int) -> None:
    bench = Bench(app, entries)
    bench.get("history, that nobody has summarised yet", "/history")
    bench.time("to sum it up", bench.sum_up)
    bench.get_all()
    bench.look()
    bench.time("a snapshot", bench.take_snapshot)
    bench.time("to put it into chunks", bench.pack)
    print("looked at in the middle, and put into chunks:")
    bench.get_all()
    bench.time("to erase the first half", bench.erase)
    bench.get("history after that", "/history")
    bench.time("to find damage, and what it did", bench.mend)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=260_000)
    parser.add_argument("--postgresql", action="store_true", help="in a PostgreSQL of its own instead of SQLite")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = f"sqlite:///{folder}/palimpsest.sqlite"
        if arguments.postgresql:
            url = stack.enter_context(postgres_database())
        migrations.upgrade(url, lambda step: None)
        app = create_app(Config(data=Path(folder), database_url=url, secret_key=SECRET))
        measure(app, arguments.entries)
        app.extensions["store"].close()
        app.extensions["engine"].dispose()


if __name__ == "__main__":
    main()
