"""Ways to commit to PostgreSQL, compared: `python -m tests.bench.commits`. A server of our own that syncs to the disk.

`transaction` reads the heads, then writes (what a document takes that another process wrote to in between); `statement`
is one statement with arrays; `pipeline` sends the transaction's statements without waiting for their answers; `copy` is
that with COPY for the entries. All but the first need to know the heads beforehand.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from editor import log_writer
from editor.log_postgres import PostgresLog
from editor.log_writer import Head, Work, number
from sync.store import BEFORE_ALL, Entry
from tests.bench import synced
from tests.contracts_store import change

ROUNDS = 7  # each way in turn, so that all have the same weather
SECONDS = 0.5
UPDATE = b"x" * 34  # what a keystroke is
COLUMNS = 'document_id, seq, "update", user_id, session_id, time, hash, inserted, deleted'
TYPES = ["text", "bigint", "bytea", "bigint", "bigint", "bigint", "bytea", "bigint", "bigint"]
ARRAYS = ", ".join(f"%s::{kind}[]" for kind in TYPES)

Way = Callable[[PostgresLog, dict[str, Head], list[Work]], dict[str, Head]]


def transaction(log: PostgresLog, heads: dict[str, Head], works: list[Work]) -> dict[str, Head]:
    outcomes = log_writer.write(log, works)
    return {work.document_id: after(heads, work, outcome) for work, outcome in zip(works, outcomes, strict=True)}


def statement(log: PostgresLog, heads: dict[str, Head], works: list[Work]) -> dict[str, Head]:
    guesses = {work.document_id: (heads[work.document_id], number(heads[work.document_id], work)) for work in works}
    assert log.write_at_once(guesses) == guesses.keys()
    return {work.document_id: after(heads, work, guesses[work.document_id][1]) for work in works}


def pipeline(log: PostgresLog, heads: dict[str, Head], works: list[Work], copy: bool = False) -> dict[str, Head]:
    connection = log._connection
    assert connection is not None
    numbered = {work.document_id: number(heads[work.document_id], work) for work in works}
    rows = [(name, *entry) for name, entries in numbered.items() for entry in entries]
    changed = [
        (entries[-1].seq, entries[-1].hash, entries[-1].time, name, heads[name].seq, heads[name].hash)
        for name, entries in numbered.items()
    ]
    if copy:  # which a pipeline cannot hold
        connection.execute("BEGIN")
        with connection.cursor().copy(f"COPY entry ({COLUMNS}) FROM STDIN (FORMAT BINARY)") as rows_in:
            rows_in.set_types([kind.replace("bigint", "int8") for kind in TYPES])
            for row in rows:
                rows_in.write_row(row)
    with connection.pipeline(), connection.cursor(binary=True) as cursor:
        if not copy:
            cursor.execute("BEGIN")
            columns = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(f"INSERT INTO entry ({COLUMNS}) SELECT * FROM unnest({ARRAYS})".encode(), columns)
        names, *new = ([each[place] for each in changed] for place in (3, 0, 1, 2, 4, 5))
        cursor.execute(
            "UPDATE document SET head_seq = n.seq, head_hash = n.hash, updated = n.time "
            "FROM unnest(%s::text[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bytea[]) "
            "AS n (id, seq, hash, time, was, was_hash) "
            "WHERE document.id = n.id AND head_seq = n.was AND head_hash = n.was_hash",
            [names, *new],
        )
        cursor.execute("COMMIT")
    return {work.document_id: after(heads, work, numbered[work.document_id]) for work in works}


def copied(log: PostgresLog, heads: dict[str, Head], works: list[Work]) -> dict[str, Head]:
    return pipeline(log, heads, works, copy=True)


def after(heads: dict[str, Head], work: Work, outcome: Any) -> Head:
    last: Entry = outcome[-1]
    return heads[work.document_id]._replace(seq=last.seq, hash=last.hash)


WAYS: dict[str, Way] = {"transaction": transaction, "statement": statement, "pipeline": pipeline, "copy": copied}


def main() -> None:
    with synced.notes(10) as (_, engine, documents):
        compare(engine, {each.id: Head(0, BEFORE_ALL, 0, 0, each.epoch) for each in documents})


def compare(engine: Engine, heads: dict[str, Head]) -> None:
    log = PostgresLog(engine)
    with log.transaction():
        pass
    print("the quickest tenth (of a machine that has other things to do as well: what the way itself takes), median")
    print("documents x entries  " + "".join(f"{name:>24}" for name in WAYS))
    for documents_in, entries in ((1, 1), (1, 10), (10, 1), (10, 10), (10, 100)):
        works = [Work(name, [change(UPDATE)] * entries) for name in list(heads)[:documents_in]]
        times: dict[str, list[float]] = {name: [] for name in WAYS}
        for _ in range(ROUNDS):
            for name, way in WAYS.items():
                until = time.perf_counter() + SECONDS
                while time.perf_counter() < until:
                    began = time.perf_counter()
                    heads |= way(log, heads, works)
                    times[name].append(time.perf_counter() - began)
        cells = [
            f"{statistics.quantiles(taken, n=10)[0] * 1000:8.2f} {statistics.median(taken) * 1000:8.2f} ms"
            for taken in times.values()
        ]
        print(f"{documents_in:3} x {entries:3}            " + " ".join(f"{cell:>24}" for cell in cells))
    log.close()


if __name__ == "__main__":
    main()
