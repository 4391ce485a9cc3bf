"""How many commits at a time pay: `python -m tests.bench.lanes`. A PostgreSQL of our own that syncs to the disk.

Another lane takes batches when a commit is late, as the store has it, or as soon as there are some; or each document
has its lane, by a hash (each a committer of its own).
"""

from gevent import monkey

monkey.patch_all()

import random  # noqa: E402
import statistics  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from functools import partial  # noqa: E402
from time import monotonic, process_time  # noqa: E402
from zlib import crc32  # noqa: E402

import gevent  # noqa: E402
import psycopg  # noqa: E402
from gevent.event import Event  # noqa: E402
from sqlalchemy import Engine  # noqa: E402

from editor import log_postgres  # noqa: E402
from editor.committer import LATE, Committer  # noqa: E402
from editor.log_postgres import PostgresLog, Seen  # noqa: E402
from sync.store import Batch, Change  # noqa: E402
from tests.bench import synced  # noqa: E402
from tests.contracts_store import Writer, change  # noqa: E402

ROUNDS = 5  # each way in turn, so that all have the same weather
SECONDS = 1.5
TYPED = 0.2  # seconds between two updates of somebody who types
KEYSTROKE = change(b"x" * 34)
PASTE = change(b"x" * 500_000)

Append = Callable[[Batch], None]


@contextmanager
def by_need(engine: Engine, lanes: int, late: float = LATE) -> Iterator[Append]:
    seen = Seen()
    logs = [PostgresLog(engine, seen) for _ in range(lanes)]
    committer = Committer(*(partial(log_postgres.write, log) for log in logs), late=late)
    yield committer.append
    committer.close()
    for log in logs:
        log.close()


@contextmanager
def by_hash(engine: Engine, lanes: int) -> Iterator[Append]:
    logs = [PostgresLog(engine) for _ in range(lanes)]
    committers = [Committer(partial(log_postgres.write, log)) for log in logs]
    yield lambda batch: committers[crc32(batch.document_id.encode()) % lanes].append(batch)
    for committer, log in zip(committers, logs, strict=True):
        committer.close()
        log.close()


WAYS = {
    "1": partial(by_need, lanes=1),
    "2 when late": partial(by_need, lanes=2),
    "4 when late": partial(by_need, lanes=4),
    "8 when late": partial(by_need, lanes=8),
    "4 at once": partial(by_need, lanes=4, late=0.0),
    "4 by hash": partial(by_hash, lanes=4),
}


class Crowd:
    """People who write to one document each, for a while."""

    def __init__(self, append: Append) -> None:
        self.waited: list[float] = []  # of those who type
        self._append = append
        self._until = monotonic() + SECONDS
        self._writing: list[gevent.Greenlet[..., None]] = []

    def write(self, document_id: str, what: Change, pause: float, counts: bool = True) -> None:
        self._writing.append(gevent.spawn(self._write, document_id, what, pause, counts))

    def _write(self, document_id: str, what: Change, pause: float, counts: bool) -> None:
        gevent.sleep(random.uniform(0, pause))
        while (began := monotonic()) < self._until:
            writer, done = Writer(document_id, what), Event()
            writer.then = done.set
            self._append(writer)
            done.wait()
            assert writer.error is None, writer.error
            if counts:
                self.waited.append(monotonic() - began)
            gevent.sleep(max(0.0, random.uniform(0.5, 1.5) * pause - (monotonic() - began)) if pause else 0)

    def wait(self) -> None:
        gevent.joinall(self._writing, raise_error=True)


def one(crowd: Crowd, documents: list[str], url: str) -> None:
    """One document, written to as fast as it goes."""
    crowd.write(documents[0], KEYSTROKE, 0)


def many(crowd: Crowd, documents: list[str], url: str) -> None:
    """50 documents, written to as fast as it goes."""
    for document_id in documents[:50]:
        crowd.write(document_id, KEYSTROKE, 0)


def typing(crowd: Crowd, documents: list[str], url: str) -> None:
    """100 people type in a document each."""
    for document_id in documents[:100]:
        crowd.write(document_id, KEYSTROKE, TYPED)


def hot(crowd: Crowd, documents: list[str], url: str) -> None:
    """50 people type, into one more document half a megabyte at a time is pasted."""
    for document_id in documents[:50]:
        crowd.write(document_id, KEYSTROKE, TYPED)
    crowd.write(documents[-1], PASTE, 0, counts=False)


def held(crowd: Crowd, documents: list[str], url: str) -> None:
    """50 people type, and somebody else holds the row of another document for a second."""

    def hold() -> None:
        with psycopg.connect(url) as other:
            other.execute("SELECT FROM document WHERE id = %s FOR UPDATE", [documents[-1]])
            gevent.sleep(1)

    for document_id in documents[:50]:
        crowd.write(document_id, KEYSTROKE, TYPED)
    gevent.spawn(hold)
    crowd.write(documents[-1], KEYSTROKE, TYPED, counts=False)


LOADS = (one, many, typing, hot, held)


def main() -> None:
    with synced.notes(101) as (url, engine, documents):
        compare(url, engine, [each.id for each in documents])


def compare(url: str, engine: Engine, documents: list[str]) -> None:
    print("The best of some rounds, of a machine that has other things to do as well:")
    print("updates/s, CPU of this process for each, median and 99th percentile of the wait for the answer")
    print(" " * 8 + "".join(f"{name:>34}" for name in WAYS))
    for load in LOADS:
        figures: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in WAYS}
        for _ in range(ROUNDS):
            for name, way in WAYS.items():
                with way(engine) as append:
                    cpu, crowd = process_time(), Crowd(append)
                    load(crowd, documents, url)
                    crowd.wait()
                    waited = statistics.quantiles(crowd.waited, n=100)
                    count = len(crowd.waited)
                    figures[name].append((count / SECONDS, (process_time() - cpu) / count, waited[49], waited[98]))
        cells = []
        for measured in figures.values():
            speed = max(row[0] for row in measured)
            cpu, median, worst = (min(row[place] for row in measured) for place in (1, 2, 3))
            cells.append(f"{speed:6.0f}/s {cpu * 1e6:4.0f} µs {median * 1e3:6.2f} {worst * 1e3:7.1f} ms")
        print(f"{load.__name__:8}" + "".join(f"{cell:>34}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
