"""A database as the first version left it, with a note in it: what the migrations begin with."""

from typing import Any

from alembic import command
from alembic.config import Config
from pycrdt import Doc, Text
from sqlalchemy import MetaData, insert

from editor import database, migrations
from sync.store import BEFORE_ALL, chain

NOTE = "an-old-note-----------"
WRITER, JOIN, TIME = 1, 1, 1_700_000_000_000
WORDS = "written before the update "


def make(url: str) -> None:
    engine = database.connect(url)
    with engine.connect() as connection:
        config = Config(attributes={"connection": connection, "say": lambda step: None})
        config.set_main_option("script_location", str(migrations.folder()).replace("%", "%%"))
        command.upgrade(config, "0001")
    found = MetaData()
    found.reflect(engine, only=["user", "document", "entry"])
    user, document, entry = (insert(found.tables[name]) for name in ("user", "document", "entry"))
    entries = _entries()
    head, _, head_hash = entries[-1]
    with engine.begin() as connection:
        # The database numbers people, from 1.
        connection.execute(user.values(active=True, fs_uniquifier="x", name="Old", guest=True, created=TIME))
        empty = {"snapshot_seq": 0, "digest_seq": 0, "title": "", "excerpt": "", "created": TIME, "updated": TIME}
        connection.execute(
            document.values(id=NOTE, owner_id=WRITER, epoch="epoch", head_seq=head, head_hash=head_hash, **empty)
        )
        for seq, update, hash in entries:
            connection.execute(
                entry.values(
                    document_id=NOTE, seq=seq, update=update, user_id=WRITER, session_id=JOIN, time=TIME, hash=hash
                )
            )
    engine.dispose()


def _entries() -> list[tuple[int, bytes, bytes]]:
    doc: Doc[Any] = Doc(client_id=1)
    text = doc.get("title", type=Text)
    entries: list[tuple[int, bytes, bytes]] = []
    previous = BEFORE_ALL
    for seq, word in enumerate(WORDS, 1):
        before = doc.get_state()
        text += word
        update = doc.get_update(before)
        previous = chain(previous, seq, WRITER, JOIN, TIME, update)
        entries.append((seq, update, previous))
    return entries
