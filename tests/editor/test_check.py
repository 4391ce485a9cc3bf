"""`palimpsest check` finds what is not as it was written, and names it."""

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest
from flask import Flask

from editor import check, create_app, database, migrations, sittings
from editor.config import Config
from editor.content.schema import ROOTS
from sync import packing
from sync.compaction import compact
from tests.editor.conftest import SECRET, Visitor, write
from tests.editor.test_cli import palimpsest
from tests.services import postgres_database

Spoil = Callable[[str], None]


@pytest.fixture
def note(app: Flask, ada: Visitor) -> str:
    """Five entries: three in a chunk, with a snapshot, and two after it."""
    return five_entries(app, ada)


def five_entries(app: Flask, ada: Visitor) -> str:
    note = ada.new_note()
    for number in range(3):
        write(app, note, 1, f"Line {number}")
    store = app.extensions["store"]
    compact(store, note, ROOTS)
    with app.app_context():
        sittings.catch_up(note)
    assert packing.pack(store, note, ROOTS) == 3
    for number in range(3, 5):
        write(app, note, 1, f"Line {number}")
    return note


@pytest.fixture
def spoil(config: Config) -> Iterator[Spoil]:
    """Do something to the database that the server never does."""
    connection = sqlite3.connect(config.data / "palimpsest.sqlite", isolation_level=None)
    connection.create_function("turned", 1, lambda data: bytes([data[0] ^ 1]) + data[1:])
    connection.create_function("another", 1, lambda data: zlib.compress(b"\0\0"))

    def execute(statement: str) -> None:
        connection.execute(statement)

    yield execute
    connection.close()


def found(config: Config) -> list[str]:
    engine = database.connect(config.database_url)
    try:
        return [str(finding) for finding in check.check(engine).findings]
    finally:
        engine.dispose()


def test_nothing_is_found_where_nothing_is_wrong(config: Config, ada: Visitor, note: str) -> None:
    ada.post(f"/api/documents/{note}/versions", 201, name="Five lines")
    ada.new_note()
    assert "Checked 2 notes: all is well." in palimpsest(config, "check")
    said = json.loads(palimpsest(config, "check", "--json").splitlines()[0])
    assert said == {"notes": 2, "findings": []}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ('UPDATE entry SET "update" = turned("update") WHERE seq = 4', "entry 4: expected an entry with the hash"),
        ("UPDATE entry SET time = time + 1 WHERE seq = 5", "entry 5: expected an entry with the hash"),
        ("UPDATE entry SET user_id = 2 WHERE seq = 5", "entry 5: expected an entry with the hash"),
        ("DELETE FROM entry WHERE seq = 4", "entry 4: expected entry 4, found entry 5"),
        ("DELETE FROM entry WHERE seq = 5", "the head: expected entry 5, found entry 4 as the newest"),
        ("DELETE FROM chunk", "entries 1 to 3: expected entry 1, found entry 4"),
        ("UPDATE chunk SET data = turned(data)", "entries 1 to 3: expected a chunk with the hash"),
        ("DELETE FROM snapshot", "the snapshots: expected one of entry 3 as the newest, found 0"),
        ("UPDATE snapshot SET state = turned(state)", "the snapshot of entry 3: expected deflated bytes"),
        ("UPDATE snapshot SET state = another(state)", "the snapshot of entry 3: expected a state with the hash"),
        ("UPDATE snapshot SET seq = 4", "the snapshot of entry 4: expected clocks of client"),
        ("UPDATE document SET head_hash = turned(head_hash)", "the head: expected an entry 5 with the hash"),
        ("UPDATE document SET head_seq = 6", "the head: expected entry 6, found entry 5"),
        ("UPDATE document SET packed_seq = 2", "the chunks: expected entries up to 2, found entries up to 3"),
        ("UPDATE sitting SET last_seq = 9", "the sitting of entry 9: expected an entry from 0 to 5"),
        ("DELETE FROM document", "expected a row of document with id"),
        ("DELETE FROM user", "the row of document with id"),
    ],
)
def test_what_was_changed_is_named(config: Config, note: str, spoil: Spoil, statement: str, expected: str) -> None:
    assert found(config) == []
    spoil(statement)
    findings = found(config)
    assert any(expected in finding for finding in findings), findings
    assert all(note in finding or "roles_users" in finding for finding in findings), findings
    assert expected in palimpsest(config, "check", status=1)


def test_what_is_known_of_damage_is_said(config: Config, app: Flask, note: str, spoil: Spoil) -> None:
    spoil("UPDATE entry SET hash = turned(hash) WHERE seq = 4")
    (finding,) = found(config)
    assert finding.startswith(f"{note}: entry 4: expected an entry with the hash ")
    assert finding.endswith(" (only its hash)")
    spoil("UPDATE entry SET hash = turned(hash) WHERE seq = 4")
    spoil('UPDATE entry SET "update" = turned("update") WHERE seq = 4')
    app.extensions["rooms"].mend(note)  # somebody has it open
    (finding,) = found(config)
    assert finding.endswith(" (what it did is told by entry 5)")


def test_a_snapshot_that_reads_differently_is_found_though_its_hash_is_right(
    config: Config, app: Flask, ada: Visitor, note: str, spoil: Spoil
) -> None:
    other = five_entries(app, ada)
    columns = "state, state_vector, hash"
    spoil(
        f"UPDATE snapshot SET ({columns}) = (SELECT {columns} FROM snapshot WHERE document_id = '{other}') "
        f"WHERE document_id = '{note}'"
    )
    (finding,) = found(config)
    assert finding.startswith(f"{note}: the snapshot of entry 3: expected clocks of client")


def test_a_page_that_was_overwritten_is_found(config: Config, app: Flask, note: str) -> None:
    app.extensions["store"].close()
    app.extensions["engine"].dispose()
    file = config.data / "palimpsest.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'entry'").fetchone()[0]
    connection.close()
    with file.open("r+b") as bytes:
        bytes.seek((page - 1) * 4096)
        bytes.write(b"\xff" * 64)
    findings = found(config)
    assert findings
    assert any("can read" in finding for finding in findings), findings
    assert "expected" in palimpsest(config, "check", status=1)


def test_it_sees_one_moment_of_a_note_that_is_written_in(config: Config, app: Flask, note: str) -> None:
    """Whatever is committed and packed while it looks."""

    def write_on() -> None:
        for number in range(60):
            write(app, note, 1, f"More {number}")

    def pack_on() -> None:
        for _ in range(10):
            pack_again(app, note)

    writer, packer = gevent.spawn(write_on), gevent.spawn(pack_on)
    checks = 0
    while not (writer.ready() and packer.ready()):
        assert found(config) == []
        checks += 1
        gevent.sleep(0.001)
    writer.get()
    packer.get()
    assert checks > 1


def pack_again(app: Flask, note: str) -> None:
    store = app.extensions["store"]
    compact(store, note, ROOTS)
    with app.app_context():
        sittings.catch_up(note)
    packing.pack(store, note, ROOTS)
    gevent.sleep(0.01)


def test_it_checks_postgresql(built: Path, tmp_path: Path) -> None:
    with postgres_database() as url:
        config = Config(data=tmp_path, database_url=url, secret_key=SECRET)
        migrations.upgrade(url, lambda line: None)
        app = create_app(config)
        ada = Visitor(app)
        ada.sign_up("Ada")
        note = five_entries(app, ada)
        assert found(config) == []
        with app.extensions["engine"].begin() as connection:
            connection.exec_driver_sql("UPDATE entry SET time = time + 1 WHERE seq = 5")
        (finding,) = found(config)
        assert finding.startswith(f"{note}: entry 5: expected an entry with the hash")
        app.extensions["store"].close()
        app.extensions["engine"].dispose()


def test_a_database_that_is_not_there_or_of_another_version_is_one_sentence(config: Config) -> None:
    said = palimpsest(config, "check", status=1)
    assert "Expected a folder with palimpsest.sqlite in it" in said
    assert not (config.data / "palimpsest.sqlite").exists()
    sqlite3.connect(config.data / "palimpsest.sqlite").execute("CREATE TABLE other (id INTEGER)")
    assert "palimpsest migrate" in palimpsest(config, "check", status=1)
