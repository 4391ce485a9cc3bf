"""`python -m tests.bench.storage`: how many bytes a keystroke takes in the database, for recorded sessions.

Three people take turns of 1 to 40 keystrokes, five a second with some unevenness, each keystroke an update and an entry
of its own. Snapshots are taken and entries packed as the server does it while people write. Counted are all columns of
the rows, without indexes; in SQLite numbers take as many bytes as they need.
"""

import argparse
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gevent
from pycrdt import Doc, Text
from sqlalchemy import text
from sqlalchemy.orm import Session

from editor import database, migrations
from editor.content.schema import ROOTS
from editor.models import Document, User
from editor.sql_store import SqlStore
from sync.compaction import compact
from sync.limits import COMPACT_ENTRIES
from sync.packing import pack
from sync.store import Change
from tests.contracts_store import Writer
from tests.replay import trace
from tests.replay.trace import Patch, Trace

TRACES = Path(__file__).parents[3] / "shared" / "traces"
PEOPLE = 3
LONGEST_TURN = 40  # keystrokes
INTERVAL = (120, 280)  # milliseconds between two keystrokes: five a second
SEED = 1


def typed(session: Trace) -> list[Change]:
    """What the people send."""
    rng = random.Random(SEED)
    docs: list[Doc[Any]] = [Doc(client_id=rng.getrandbits(32)) for _ in range(PEOPLE)]
    joins = [rng.getrandbits(63) for _ in docs]
    news: list[bytes] = []
    subscriptions = [doc.observe(lambda event: news.append(event.update)) for doc in docs]
    changes: list[Change] = []
    content, who, left, time = "", 0, 0, 1_700_000_000_000
    for keystroke in [[Patch(0, 0, session.start)], *session.keystrokes]:
        if not left:
            who, left = rng.randrange(PEOPLE), rng.randrange(1, LONGEST_TURN + 1)
        left -= 1
        time += rng.randrange(*INTERVAL)
        with docs[who].transaction():
            content = edit(docs[who].get("title", type=Text), content, keystroke)
        if not news:
            continue
        update = news[0]
        for doc in docs:
            if doc is not docs[who]:
                doc.apply_update(update)
        news.clear()
        changes.append(Change(update, who + 1, joins[who], time))
    assert str(docs[0].get("title", type=Text)) == session.end
    for doc, subscription in zip(docs, subscriptions, strict=True):
        doc.unobserve(subscription)
    return changes


def edit(into: Text, content: str, keystroke: Sequence[Patch]) -> str:
    for position, deleted, inserted in keystroke:
        start = len(content[:position].encode())  # pycrdt counts bytes
        if deleted:
            del into[start : start + len(content[position : position + deleted].encode())]
        if inserted:
            into.insert(start, inserted)
        content = content[:position] + inserted + content[position + deleted :]
    return content


def measure(name: str, session: Trace, folder: Path) -> None:
    engine = database.connect(f"sqlite:///{folder / name}.sqlite")
    migrations.upgrade(engine, say=lambda step: None)
    with Session(engine) as rows:
        rows.add(owner := User(name="Ann"))
        rows.flush()
        rows.add(document := Document(owner_id=owner.id))
        rows.commit()
        document_id = document.id
    changes = typed(session)
    raw = write(engine, SqlStore(engine), document_id, changes)
    with engine.connect() as connection:
        chunks, count, left, snapshots = connection.execute(text(SIZES), {"id": document_id}).one()
    each = len(changes)
    print(
        f"| {name} | {each:,} | {raw / each:.1f} | {count} | {(chunks + left) / each:.2f} | {snapshots / each:.2f} "
        f"| {(chunks + left + snapshots) / each:.2f} |",
        flush=True,
    )
    engine.dispose()


def write(engine: Any, store: SqlStore, document_id: str, changes: Sequence[Change]) -> int:
    """All of it, with snapshots and packing on the way. How many bytes the entries' rows took before that."""
    raw = 0
    rows = text(f"SELECT coalesce(sum({ENTRY}), 0) FROM entry WHERE document_id = :id")
    for start in range(0, len(changes), COMPACT_ENTRIES):
        writer = Writer(document_id, *changes[start : start + COMPACT_ENTRIES])
        store.append(writer)
        while not writer.answered:
            gevent.sleep(0.001)
        if writer.error is not None:
            raise writer.error
        with engine.begin() as connection:
            connection.execute(text("UPDATE document SET sitting_seq = head_seq"))
            raw += connection.scalar(rows, {"id": document_id})
        compact(store, document_id, ROOTS)
        pack(store, document_id, ROOTS)
    store.close()
    return raw


def number(column: str) -> str:
    """How many bytes SQLite takes for a number."""
    sizes = " ".join(f"WHEN abs({column}) < {1 << (8 * size - 1)} THEN {size}" for size in (1, 2, 3, 4, 6))
    return f"(CASE WHEN {column} IS NULL OR {column} IN (0, 1) THEN 0 {sizes} ELSE 8 END)"


def columns(lengths: str, numbers: str) -> str:
    return " + ".join([*(f'length("{name}")' for name in lengths.split()), *map(number, numbers.split())])


ENTRY = columns("document_id update hash", "seq user_id session_id time inserted deleted")
CHUNK = columns("document_id data entry_hash hash", "first_seq last_seq")
SNAPSHOT = columns("document_id state state_vector hash", "seq deflated")
SIZES = f"""
SELECT (SELECT coalesce(sum({CHUNK}), 0) FROM chunk WHERE document_id = :id),
       (SELECT count(*) FROM chunk WHERE document_id = :id),
       (SELECT coalesce(sum({ENTRY}), 0) FROM entry WHERE document_id = :id),
       (SELECT coalesce(sum({SNAPSHOT}), 0) FROM snapshot WHERE document_id = :id)
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.storage", description=__doc__)
    parser.add_argument("traces", nargs="*", type=Path, help=f"recorded sessions; otherwise those in {TRACES.name}/")
    traces = parser.parse_args().traces or sorted(TRACES.glob("*.json.gz"))
    print("| session | keystrokes | as entries | chunks | packed | snapshot | total | (bytes for each keystroke)")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        for path in traces:
            measure(path.name.removesuffix(".json.gz"), trace.load(path), Path(folder).absolute())
        if not traces:
            measure("generated", trace.generate(20_000, SEED), Path(folder).absolute())


if __name__ == "__main__":
    main()
