"""What a long history costs: `python -m tests.bench.history`, with `--entries 260000` for its length.

Two people type letter by letter, in sittings with pauses between them. For each request: how long it took, what came,
and how long it held up everybody else at most.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import gevent
from flask import Flask

from editor import create_app, migrations
from editor.config import Config
from editor.content.schema import ROOTS
from editor.sittings import PAUSE
from sync.codec import uint_bytes, var_bytes
from sync.compaction import compact
from sync.packing import pack
from sync.store import Change
from tests.bench.gate import keystroke
from tests.contracts_store import Writer
from tests.editor.conftest import SECRET, Visitor

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
        self.longest = 0.0
        gevent.spawn(self._tick)

    def _tick(self) -> None:
        before = time.perf_counter()
        while True:
            gevent.sleep(0)
            now = time.perf_counter()
            self.longest = max(self.longest, now - before)
            before = now


def measure(what: str, ada: Visitor, path: str, clock: Clock) -> None:
    gevent.sleep(0)
    clock.longest = 0.0
    start = time.perf_counter()
    answer = ada.get(path)
    size = len(answer.data)
    took = time.perf_counter() - start
    gevent.sleep(0)
    assert answer.status_code == 200, f"{path}: {answer.status} {answer.text}"
    print(f"{what:45} {took * 1000:7.0f} ms  held {clock.longest * 1000:5.0f} ms  {size / 1024:8.0f} KiB")


def measure_all(ada: Visitor, path: str, entries: int, clock: Clock) -> None:
    measure("history", ada, f"{path}/history", clock)
    measure("older sittings", ada, f"{path}/history/sittings?before={entries // 2}", clock)
    measure("all entries", ada, f"{path}/history/entries", clock)
    measure("the newest 1000 entries", ada, f"{path}/history/entries?after={entries - 1000}", clock)
    measure("the note as it was in the middle, as a file", ada, f"{path}/versions/{entries // 2}/export", clock)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=260_000)
    entries = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/palimpsest.sqlite"
        migrations.upgrade(url, lambda step: None)
        app = create_app(Config(data=Path(folder), database_url=url, secret_key=SECRET))
        ada, bob = Visitor(app), Visitor(app)
        ada.sign_up("Ada")
        bob.sign_up("Bob")
        note = ada.new_note()
        fill(app, note, entries)
        path, clock = f"/api/documents/{note}", Clock()
        measure("history, that nobody has summarised yet", ada, f"{path}/history", clock)
        measure_all(ada, path, entries, clock)
        ada.post(f"{path}/history/looked", 204, seq=entries // 2)
        compact(app.extensions["store"], note, ROOTS)
        pack(app.extensions["store"], note, ROOTS)
        print("looked at in the middle, and put into chunks:")
        measure_all(ada, path, entries, clock)
        app.extensions["store"].close()
        app.extensions["engine"].dispose()


if __name__ == "__main__":
    main()
