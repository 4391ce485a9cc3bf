"""Whether what the server promised is in its log: every edit that it acknowledged, or showed to anybody."""

from collections.abc import Mapping

from editor import database
from editor.sql_store import SqlStore
from sync.codec import state_vector
from sync.history import replay
from sync.store import Broken

Promises = Mapping[str, Mapping[str, int]]  # document -> Yjs client -> the clock after the last such edit


def lost(url: str, promises: Promises) -> list[str]:
    """Sentences about what is not in the log of this database."""
    engine = database.connect(url)
    store = SqlStore(engine)
    try:
        found = []
        for document, clients in promises.items():
            try:
                clocks = state_vector(replay(store, document).get_state())
            except Broken as broken:
                found.append(f"{document}: {broken}")
                continue
            for client, promised in clients.items():
                if (there := clocks.get(int(client), 0)) < promised:
                    found.append(f"{document}: {client} was promised {promised} clocks, the log has {there}")
        return found
    finally:
        store.close()
        engine.dispose()
