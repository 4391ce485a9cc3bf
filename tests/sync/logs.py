"""Logs that people wrote at random."""

import random
from collections.abc import Sequence

from sync.compaction import compact
from sync.packing import pack
from sync.store import Change, Entry
from tests.engine import DOCUMENT, ROOTS
from tests.memory_store import MemoryStore
from tests.sync.writers import YrsWriter


def written(rng: random.Random, rounds: int) -> tuple[MemoryStore, list[Entry]]:
    """A log that three people wrote at random, some of it packed; and all its entries."""
    store = MemoryStore(hold=False)
    store.create(DOCUMENT)
    writers = [YrsWriter(rng, rng.randrange(1, 2**53), user_id=n) for n in range(3)]
    raw: list[Entry] = []
    time = 1_700_000_000_000
    for _ in range(rounds):
        writer = rng.choice(writers)
        writer.edit()
        time += rng.choice((0, 10, 200, 900))
        for update in writer.take():
            store.append(Written(Change(update, writer.user_id or None, writer.client_id, time), raw))
            for other in writers:
                other.hear(update)
        if rng.random() < 0.05:
            compact(store, DOCUMENT, ROOTS)
            if rng.random() < 0.7:
                pack(store, DOCUMENT, ROOTS)
    return store, raw


class Written:
    """One change that goes into the log as it is."""

    document_id = DOCUMENT
    epoch = None
    seq = 0

    def __init__(self, change: Change, told: list[Entry]) -> None:
        self._change = change
        self._told = told

    def take(self) -> list[Change]:
        return [self._change]

    def committed(self, entries: Sequence[Entry]) -> None:
        self._told += entries

    def failed(self, error: Exception) -> None:
        raise error
