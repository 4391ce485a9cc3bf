"""How fast the store commits: `python -m tests.bench.store`, with `--postgres` for PostgreSQL as well.

The PostgreSQL is PALIMPSEST_TEST_DATABASE_URL, else one that is started here, in a hurry (no fsync), and called so.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import gevent
from gevent.event import Event
from sqlalchemy.orm import Session

from editor import database, migrations
from editor.models import Document, User
from editor.sql_store import SqlStore
from tests.contracts_store import Writer, change
from tests.services import postgres_database

SECONDS = 3
UPDATE = b"x" * 34  # what a keystroke is


def measure(name: str, url: str) -> None:
    engine = database.connect(url)
    migrations.upgrade(engine, say=lambda step: None)
    with Session(engine) as session:
        session.add(owner := User(name="Ann"))
        session.flush()
        session.add(document := Document(owner_id=owner.id))
        session.commit()
        document_id = document.id
    store = SqlStore(engine)
    for entries in (1, 10, 100):
        times = commits(store, document_id, entries)
        percentile = statistics.quantiles(times, n=100)
        rows = entries * len(times) / sum(times)
        print(
            f"{name:12} {entries:4} entries a commit  {rows:9,.0f} rows/s  "
            f"p50 {percentile[49] * 1000:6.2f} ms  p99 {percentile[98] * 1000:6.2f} ms  max {max(times) * 1000:6.2f} ms"
        )
    store.close()
    engine.dispose()


def commits(store: SqlStore, document_id: str, entries: int) -> list[float]:
    """How long each took, in seconds: one after the other, from `append` to `committed`."""
    times = []
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        writer, done = Writer(document_id, *[change(UPDATE)] * entries), Event()
        writer.then = done.set
        started = time.perf_counter()
        store.append(writer)
        done.wait()
        times.append(time.perf_counter() - started)
        if writer.error:
            raise writer.error
        gevent.sleep(0)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        measure("SQLite", f"sqlite:///{Path(folder).absolute() / 'bench.sqlite'}")
    if arguments.postgres:
        hurried = "PALIMPSEST_TEST_DATABASE_URL" not in os.environ
        with postgres_database() as url:
            measure("PG, no fsync" if hurried else "PostgreSQL", url)


if __name__ == "__main__":
    main()
