"""The store of the engine's tests keeps the same promises as the real ones."""

import itertools

import pytest

from sync.store import NotStored, Store
from tests.contracts_store import StoreContract, World, Writer, change
from tests.memory_store import MemoryStore


class MemoryWorld:
    def __init__(self) -> None:
        self.store: Store = (memory := MemoryStore())
        self.memory = memory
        self._numbers = itertools.count(1)

    def create(self) -> str:
        document_id = f"note{next(self._numbers):018}"
        self.memory.create(document_id)
        return document_id

    def wait(self, *writers: Writer) -> None:
        self.memory.commit()
        assert all(writer.answered for writer in writers)

    def another(self) -> Store:
        return self.memory

    def summarise(self, document_id: str) -> None:
        """Nobody makes summaries here."""

    def name(self, document_id: str, seq: int) -> None:
        self.memory.mark(document_id, seq)

    def turn_a_bit(self, document_id: str, table: str, seq: int, column: str = "") -> None:
        self.memory.turn_a_bit(document_id, table, seq, column)

    def lose_rows(self, document_id: str, table: str, *seqs: int) -> None:
        self.memory.lose_rows(document_id, table, *seqs)


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def world(self) -> World:
        return MemoryWorld()


def test_a_commit_that_fails_writes_nothing_and_tells_everybody() -> None:
    world = MemoryWorld()
    writers = [Writer(world.create(), change()) for _ in range(2)]
    for writer in writers:
        world.memory.append(writer)
    world.memory.begin()
    world.memory.finish(error := NotStored("The disk is full."))
    assert [writer.error for writer in writers] == [error, error]
    assert [world.memory.open(writer.document_id).head for writer in writers] == [0, 0]
