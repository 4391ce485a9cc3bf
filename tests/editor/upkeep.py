"""A patched process that writes and looks after its notes at once, for a while; then it prints, for each note, how many
entries it was told are saved."""

import sys

from gevent import monkey

monkey.patch_all()

from contextlib import suppress  # noqa: E402
from itertools import count  # noqa: E402

import gevent  # noqa: E402
from gevent.event import Event  # noqa: E402

from editor import database  # noqa: E402
from editor.sql_store import SqlStore  # noqa: E402
from sync.store import UnknownDocument  # noqa: E402
from tests.contracts_store import Writer, change, snapshot  # noqa: E402

TURNS = 150


def write(store: SqlStore, document_id: str) -> None:
    for turn in range(TURNS):
        writer, done = Writer(document_id, change(b"%d" % turn)), Event()
        writer.then = done.set
        store.append(writer)
        done.wait()
        assert writer.error is None, writer.error


def tend(store: SqlStore, document_id: str) -> None:
    """What is refused is rolled back: that must not take along what others write at the same time."""
    for turn in count():
        with suppress(ValueError):
            store.compact(document_id, snapshot(1_000_000))
        with suppress(UnknownDocument):
            store.compact("A" * 22, snapshot(1))
        if turn % 10 == 9:
            store.compact(document_id, snapshot(min(turn // 10, 5)))
        gevent.sleep(0)


def main(url: str, *document_ids: str) -> None:
    store = SqlStore(database.connect(url))
    tending = [gevent.spawn(tend, store, document_id) for document_id in document_ids]
    gevent.joinall([gevent.spawn(write, store, document_id) for document_id in document_ids], raise_error=True)
    gevent.killall(tending)
    store.close()
    for document_id in document_ids:
        print(document_id, TURNS)


if __name__ == "__main__":
    main(*sys.argv[1:])
