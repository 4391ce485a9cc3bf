"""A database as the first version left it, with a note in it: what the migrations begin with."""

import sqlite3
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from pycrdt import Doc, Text

from editor import database, migrations
from sync.store import BEFORE_ALL, chain

NOTE = "an-old-note-----------"
WRITER, JOIN, TIME = 1, 1, 1_700_000_000_000
WORDS = "written before the update "


def make(path: Path) -> None:
    engine = database.connect(f"sqlite:///{path}")
    with engine.connect() as connection:
        config = Config(attributes={"connection": connection, "say": lambda step: None})
        config.set_main_option("script_location", str(migrations.folder()).replace("%", "%%"))
        command.upgrade(config, "0001")
    engine.dispose()
    with sqlite3.connect(path) as old:
        old.execute(
            "INSERT INTO user (id, active, fs_uniquifier, name, guest, created) VALUES (?, 1, 'x', 'Old', 1, ?)",
            (WRITER, TIME),
        )
        entries = _entries()
        head, head_hash = entries[-1][0], entries[-1][-1]
        old.execute(
            "INSERT INTO document (id, owner_id, epoch, head_seq, head_hash, snapshot_seq, title, excerpt, digest_seq, "
            "created, updated) VALUES (?, ?, 'epoch', ?, ?, 0, '', '', 0, ?, ?)",
            (NOTE, WRITER, head, head_hash, TIME, TIME),
        )
        old.executemany(
            'INSERT INTO entry (document_id, seq, "update", user_id, session_id, time, hash) '
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(NOTE, seq, update, WRITER, JOIN, TIME, hash) for seq, update, hash in entries],
        )
    old.close()


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
