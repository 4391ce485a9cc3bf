"""A PostgreSQL of our own that syncs each commit to the disk, with notes in it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from editor import database, migrations
from editor.models import Document, User
from tests.services import Postgres, postgres_programs


@contextmanager
def notes(count: int) -> Iterator[tuple[str, Engine, Sequence[Document]]]:
    """Its URL, an engine, and so many notes, empty ones. It is gone afterwards."""
    server = Postgres(postgres_programs(), fsync="on", synchronous_commit="on", full_page_writes="on")
    engine = database.connect(server.url)
    try:
        migrations.upgrade(engine, lambda line: None)
        with Session(engine, expire_on_commit=False) as session:
            session.add(owner := User(name="Ann"))
            session.flush()
            documents = [Document(owner_id=owner.id) for _ in range(count)]
            session.add_all(documents)
            session.commit()
        yield server.url, engine, documents
    finally:
        engine.dispose()
        server.close()
