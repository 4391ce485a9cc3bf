"""A process that writes until it is killed, and says what it was told is saved: `<document> <seq>` lines."""

import sys

if patched := sys.argv[1] == "--patched":
    from gevent import monkey

    monkey.patch_all()
    del sys.argv[1]

import gevent

from editor import database
from editor.sql_store import SqlStore
from tests.contracts_store import Writer, change


def type_into(store: SqlStore, document_id: str) -> None:
    written = 0
    while True:
        written += 1
        writer = Writer(document_id, *[change(b"%d" % written)] * (1 + written % 5))
        done = gevent.event.Event()
        writer.then = done.set
        store.append(writer)
        done.wait()
        print(document_id, writer.entries[-1].seq, flush=True)


def main(url: str, *document_ids: str) -> None:
    store = SqlStore(database.connect(url))
    typists = [gevent.spawn(type_into, store, document_id) for document_id in document_ids]
    if patched:
        for _ in range(100):
            gevent.sleep(0.002)
        print("the loop turned 100 times", flush=True)
    gevent.joinall(typists, raise_error=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
