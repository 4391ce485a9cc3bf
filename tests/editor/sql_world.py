"""A store in its database, for the tests of the log."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent
from sqlalchemy import text
from sqlalchemy.orm import Session

from editor import database, migrations
from editor.models import Document, User, Version
from editor.sql_store import SqlStore
from sync.store import Store
from tests.contracts_store import Writer
from tests.services import postgres_database

PATIENCE = 20  # seconds
TYPIST = [sys.executable, "-m", "tests.editor.typist"]


class SqlWorld:
    """A migrated database, one account, and a store as the server has it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = database.connect(url)
        migrations.upgrade(self.engine, say=lambda step: None)
        self._stores: list[SqlStore] = []
        self.store: Store = self.another()
        with Session(self.engine) as session:
            session.add(owner := User(name="Ann"))
            session.commit()
            self._owner_id = owner.id

    def create(self) -> str:
        with Session(self.engine) as session:
            session.add(document := Document(owner_id=self._owner_id))
            session.commit()
            return document.id

    def wait(self, *writers: Writer) -> None:
        with gevent.Timeout(PATIENCE):
            while not all(writer.answered for writer in writers):
                gevent.sleep(0.001)

    def another(self) -> SqlStore:
        self._stores.append(SqlStore(self.engine))
        return self._stores[-1]

    def summarise(self, document_id: str) -> None:
        self._update("UPDATE document SET sitting_seq = head_seq WHERE id = :id", id=document_id)

    def name(self, document_id: str, seq: int) -> None:
        with Session(self.engine) as session:
            session.add(Version(document_id=document_id, seq=seq, name="A name", user_id=1, time=1))
            session.commit()

    def turn_a_bit(self, document_id: str, table: str, seq: int, column: str = "") -> None:
        whole, key = {"chunk": ("data", "last_seq"), "entry": ('"update"', "seq"), "snapshot": ("state", "seq")}[table]
        column = column or whole
        where = f"WHERE document_id = :id AND {key} = :seq"
        with self.engine.connect() as connection:
            data = connection.scalar(text(f"SELECT {column} FROM {table} {where}"), {"id": document_id, "seq": seq})
        turned = bytes([data[0] ^ 1]) + data[1:]
        self._update(f"UPDATE {table} SET {column} = :data {where}", data=turned, id=document_id, seq=seq)

    def lose_rows(self, document_id: str, table: str, *seqs: int) -> None:
        key = {"chunk": "last_seq", "entry": "seq"}[table]
        for seq in seqs:
            self._update(f"DELETE FROM {table} WHERE document_id = :id AND {key} = :seq", id=document_id, seq=seq)

    def _update(self, statement: str, **values: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def reopen(self) -> None:
        """As a restart of the server does."""
        self.close()
        self.engine = database.connect(self.url)
        self.store = self.another()

    def close(self) -> None:
        for store in self._stores:
            store.close()
        self._stores = []
        self.engine.dispose()


@contextmanager
def sqlite_world(folder: Path) -> Iterator[SqlWorld]:
    world = SqlWorld(f"sqlite:///{folder / 'notes.sqlite'}")
    yield world
    world.close()


@contextmanager
def postgres_world() -> Iterator[SqlWorld]:
    with postgres_database() as url:
        world = SqlWorld(url)
        yield world
        world.close()
