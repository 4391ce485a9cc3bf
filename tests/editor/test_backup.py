"""Backups are whole, and restoring one loses nothing: neither here nor on the devices of people."""

import os
import re
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from editor.config import Config
from tests.editor.conftest import SECRET, Visitor, write
from tests.editor.test_cli import palimpsest
from tests.live import Server, SocketLink
from tests.live import Visitor as LiveVisitor
from tests.people import Person, same
from tests.services import postgres_database

Command = Callable[..., str]


@pytest.fixture
def note(app: Flask, ada: Visitor) -> str:
    note = ada.new_note()
    write(app, note, 1, "The first line")
    return note


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "notes.sqlite"


def elsewhere(config: Config) -> Config:
    """Another installation on this machine."""
    data = config.data / "elsewhere"
    return Config(data=data, database_url=f"sqlite:///{data / 'palimpsest.sqlite'}", secret_key=SECRET)


def rows(file: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


def updates(file: Path) -> list[bytes]:
    return [update for (update,) in rows(file, 'SELECT "update" FROM entry ORDER BY seq')]


def test_a_backup_is_one_private_file_with_everything_in_it(config: Config, note: str, file: Path) -> None:
    said = palimpsest(config, "backup", str(file))
    assert f"{file}: 1 notes, {file.stat().st_size} bytes." in said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent) == [file.name]
    assert updates(file) == updates(config.data / "palimpsest.sqlite") != []
    assert rows(file, "PRAGMA integrity_check") == [("ok",)]
    assert rows(file, "PRAGMA journal_mode") == [("delete",)]


def test_a_backup_replaces_another_one_only_when_it_is_told_to(config: Config, note: str, file: Path) -> None:
    file.write_text("something else")
    assert "--force" in palimpsest(config, "backup", str(file), status=1)
    assert file.read_text() == "something else"
    palimpsest(config, "backup", str(file), "--force")
    assert updates(file)
    assert os.listdir(file.parent) == [file.name]


def test_a_backup_that_cannot_be_written_leaves_nothing(config: Config, note: str, file: Path) -> None:
    said = palimpsest(config, "backup", str(file.parent / "no folder" / "notes.sqlite"), status=1)
    assert "No such file" in said
    assert "Traceback" not in said
    assert os.listdir(file.parent) == []


def test_a_backup_of_a_damaged_database_says_so(config: Config, note: str, file: Path) -> None:
    with closing(sqlite3.connect(config.data / "palimpsest.sqlite")) as database, database:
        database.execute("UPDATE entry SET time = 0 WHERE seq = 1")
    said = palimpsest(config, "backup", str(file), status=1)
    assert f"{note}: entry 1: expected an entry with the hash" in said
    assert updates(file), "it is all there is"


def test_what_was_backed_up_is_there_after_a_restore(
    config: Config, app: Flask, ada: Visitor, note: str, file: Path
) -> None:
    palimpsest(config, "backup", str(file))
    there = elsewhere(config)
    assert "Restored 1 notes." in palimpsest(there, "restore", str(file))
    database = there.data / "palimpsest.sqlite"
    assert updates(database) == updates(file)
    assert rows(database, "SELECT email FROM user") == [("ada@example.org",)]
    assert rows(database, "SELECT epoch FROM document") != rows(file, "SELECT epoch FROM document")
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    assert "all is well" in palimpsest(there, "check")
    assert not [name for name in os.listdir(there.data) if "draft" in name or "before" in name]


def test_a_restore_puts_aside_what_was_there(config: Config, app: Flask, ada: Visitor, note: str, file: Path) -> None:
    database = config.data / "palimpsest.sqlite"
    palimpsest(config, "backup", str(file))
    write(app, note, 1, "The second line")
    Visitor(app).sign_up("Bob")
    before = updates(database)
    assert "--force puts them aside" in palimpsest(config, "restore", str(file), status=1)
    assert updates(database) == before
    said = palimpsest(config, "restore", str(file), "--force")
    assert updates(database) == updates(file) == before[:1]
    aside = re.search(r"What was there is in (\S+)\.", said)
    assert aside
    assert updates(Path(aside[1])) == before
    assert stat.S_IMODE(Path(aside[1]).stat().st_mode) == 0o600
    assert rows(Path(aside[1]), "SELECT count(*) FROM user") == [(2,)]
    # Bob's number is nobody else's, ever: his devices keep his notes under it.
    eve = Visitor(app)
    eve.sign_up("Eve")
    assert eve.who()["id"] == 3
    assert ada.may_read(note)


def test_what_is_no_good_backup_is_refused_in_words(config: Config, note: str, file: Path) -> None:
    there = elsewhere(config)
    assert "does not exist" in palimpsest(there, "restore", str(file), status=2)
    file.write_bytes(b"not a database" * 1000)
    assert "Expected a backup of Palimpsest" in palimpsest(there, "restore", str(file), status=1)
    palimpsest(config, "backup", str(file), "--force")
    whole = file.read_bytes()
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE entry SET time = 0")
    said = palimpsest(there, "restore", str(file), status=1)
    assert "is damaged" in said
    assert f"{note}: entry 1" in said
    assert not (there.data / "palimpsest.sqlite").exists()
    assert "Restored 1 notes." in palimpsest(there, "restore", str(file), "--force")
    file.write_bytes(whole)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "of a newer version" in palimpsest(there, "restore", str(file), "--force", status=1)
    # All pages but the first, which says what the file is, are not as they were written.
    file.write_bytes(whole[:8192] + bytes(byte ^ 255 for byte in whole[8192:]))
    said = palimpsest(there, "restore", str(file), "--force", status=1)
    assert f"{file} is damaged" in said or f"found something else in {file}" in said
    assert not [name for name in os.listdir(there.data) if "draft" in name]


# While a server is running


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield {}
    else:
        with postgres_database() as url:
            yield {"DATABASE_URL": url}


@pytest.fixture
def server(settings: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data", **settings).start()
    yield server
    server.stop()
    assert "Traceback" not in server.log


@pytest.fixture
def command(server: Server, settings: dict[str, str]) -> Command:
    """What the operator types beside the running server."""
    config = Config(data=server.data, database_url="", secret_key=SECRET)
    return lambda *arguments: palimpsest(config, *arguments, **settings)  # type: ignore[arg-type]


def test_nobody_waits_for_a_backup(server: Server, command: Command, file: Path) -> None:
    alice = LiveVisitor(server).sign_up("Alice")
    note = alice.new_note()
    person = Person(SocketLink(server, alice, note))
    person.type("x" * 100)
    same(person)
    acknowledged = person.saved_seq
    done = threading.Event()
    said: list[str] = []

    def back_up() -> None:
        said.append(command("backup", str(file)))
        done.set()

    thread = threading.Thread(target=back_up)
    thread.start()
    typed = 0
    while not done.is_set():
        person.type("y")
        person.until(lambda: person.saved)
        typed += 1
    thread.join()
    person.leave()
    assert "1 notes" in said[0]
    assert typed > 5
    assert "all is well" in command("check")
    command("restore", str(file), "--force")
    again = Person(SocketLink(server, alice, note))
    again.until(lambda: again.joined is not None and str(again.text).startswith("x" * 100))
    assert again.seq >= acknowledged
    again.leave()


def test_a_backup_is_restored_while_people_write(server: Server, command: Command, file: Path) -> None:
    alice = LiveVisitor(server).sign_up("Alice")
    note = alice.new_note()
    person, reader = Person(SocketLink(server, alice, note)), Person(SocketLink(server, alice, note, "polling"))
    person.type("before")
    same(person, reader)
    assert "1 notes" in command("backup", str(file))
    person.type(" and after")
    same(person, reader)
    said = command("restore", str(file), "--force")
    assert "What was there is in" in said
    assert "The server begins anew with them." in said
    # Both have what is newer, and are told that it belongs to another history; nothing of it gets into the note.
    person.type(" and later")
    for one in (person, reader):
        one.until(lambda one=one: any(refusal["error"] == "epoch" for refusal in one.refusals))  # type: ignore[misc]
        assert [refusal["erased"] for refusal in one.refusals if refusal["error"] == "epoch"] == [False]
        one.leave()
    assert str(person.text) == "before and after and later"
    assert str(reader.text) == "before and after"
    fresh = Person(SocketLink(server, alice, note))
    fresh.until(lambda: str(fresh.text) == "before")
    fresh.type(", and anew")
    assert same(fresh) == "before, and anew"
    fresh.until(lambda: "A backup was restored." in server.log)  # it looks each second
    fresh.leave()
    assert "all is well" in command("check")


# PostgreSQL


def test_a_postgresql_backup_says_what_it_lacks(tmp_path: Path, file: Path) -> None:
    with postgres_database() as url:
        config = Config(data=tmp_path, database_url=url, secret_key=SECRET)
        palimpsest(config, "migrate", DATABASE_URL=url)
        tools = tmp_path / "tools"
        tools.mkdir()
        said = palimpsest(config, "backup", str(file), status=1, DATABASE_URL=url, PATH=str(tools))
        assert "There is no pg_dump here. Install the client programs of PostgreSQL" in said
        old = tools / "pg_dump"
        old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
        old.chmod(0o755)
        said = palimpsest(config, "backup", str(file), status=1, DATABASE_URL=url, PATH=str(tools))
        assert "or newer, found 'pg_dump (PostgreSQL) 9.6.1'" in said
        assert os.listdir(file.parent) == []
        file.write_text("something else")
        assert "cannot be read" in palimpsest(config, "restore", str(file), status=1, DATABASE_URL=url)
