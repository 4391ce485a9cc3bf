"""The command `palimpsest`, as an operator runs it."""

import os
import subprocess
import sys
import time
from pathlib import Path

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from editor import create_app
from editor.config import Config
from editor.models import Document, Entry, new_id
from sync.history import groups
from sync.store import BEFORE_ALL, chain
from tests.editor.conftest import PASSWORD, SECRET, Visitor, write

ROOT = Path(__file__).parents[2]
SLOWER = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # than a machine that has nothing else to do


def palimpsest(config: Config, *arguments: str, typed: str = "", status: int = 0, **settings: str) -> str:
    """Run the command with this input. Returns what it said."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PALIMPSEST_")}
    environ |= {"PALIMPSEST_DATA": str(config.data), "PALIMPSEST_SECRET_KEY": SECRET}
    environ |= {"PATH" if name == "PATH" else f"PALIMPSEST_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "editor.cli", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environ, input=typed, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_help_names_every_command(config: Config) -> None:
    said = palimpsest(config, "--help")
    for command in ("serve", "migrate", "create-user", "compact", "check", "backup", "restore"):
        assert command in said
        assert palimpsest(config, command, "--help")


def test_migrating_an_empty_folder_makes_the_tables(config: Config) -> None:
    said = palimpsest(config, "migrate")
    assert "0001" in said
    assert (config.data / "palimpsest.sqlite").exists()
    again = palimpsest(config, "migrate")
    assert "0001" not in again
    assert "up to date" in again


def test_an_account_made_here_can_sign_in_there(config: Config, app: Flask) -> None:
    assert "administrator" in palimpsest(config, "create-user", "ada@example.org", typed=f"{PASSWORD}\n")
    said = palimpsest(config, "create-user", "bob@example.org", "--name", "Bob B.", typed=f"{PASSWORD}\n")
    assert "Bob B. <bob@example.org>" in said
    assert "administrator" not in said
    assert "administrator" in palimpsest(config, "create-user", "eve@example.org", "--admin", typed=f"{PASSWORD}\n")
    for name, admin in [("Ada", True), ("Bob", False), ("Eve", True)]:
        visitor = Visitor(app)
        assert visitor.sign_in(name)["user"]["admin"] is admin


def test_each_command_works_on_the_folder_it_is_given(config: Config, tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "elsewhere")
    palimpsest(config, "migrate", "--data", elsewhere)
    said = palimpsest(config, "create-user", "ada@example.org", "--data", elsewhere, typed=f"{PASSWORD}\n")
    assert "0001" not in said
    assert "All notes" in palimpsest(config, "compact", "--data", elsewhere)
    assert not (config.data / "palimpsest.sqlite").exists()


def test_what_cannot_be_used_is_one_sentence(config: Config, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for command in ("serve", "migrate"):
        for folder in (file, file / "below"):
            said = palimpsest(config, command, "--data", str(folder), status=(2 if folder is file else 1))
            assert "Traceback" not in said
            assert str(file) in said
        for url in ("mysql://ada:secret@x/y", "postgresql://ada:secret@127.0.0.1:1/y", "no address"):
            said = palimpsest(config, command, status=1, DATABASE_URL=url)
            assert "Traceback" not in said
            assert "secret" not in said
            assert len(said.splitlines()) < 5


def test_looking_makes_nothing(config: Config, tmp_path: Path) -> None:
    """A folder with a typo in its name must not become a place of its own."""
    nowhere = tmp_path / "nowhere"
    for command in (["check"], ["check", "--json"], ["backup", str(tmp_path / "file")]):
        said = palimpsest(config, *command, "--data", str(nowhere), status=1)
        file = nowhere / "palimpsest.sqlite"
        assert said == f"Error: Expected a folder with palimpsest.sqlite in it: there is no {file}.\n"
        assert not nowhere.exists()
    palimpsest(config, "migrate")
    (config.data / "secret_key").unlink(missing_ok=True)
    assert "Checked 0 notes" in palimpsest(config, "check", SECRET_KEY="")
    assert not (config.data / "secret_key").exists()


def test_a_restore_that_is_refused_leaves_nothing_behind(config: Config, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    palimpsest(config, "migrate")
    palimpsest(config, "backup", str(good))
    bad.write_bytes(good.read_bytes()[:5000])
    fresh, empty = tmp_path / "fresh", tmp_path / "empty"
    empty.mkdir()
    for folder in (fresh, empty):
        assert "Error: " in palimpsest(config, "restore", str(bad), "--data", str(folder), status=1)
    assert not fresh.exists()
    assert list(empty.iterdir()) == []
    palimpsest(config, "restore", str(good), "--data", str(fresh))
    assert {path.name for path in fresh.iterdir()} >= {"palimpsest.sqlite"}
    assert "Checked 0 notes" in palimpsest(config, "check", "--data", str(fresh))


def test_a_database_of_another_kind_is_refused_before_anything_is_made(config: Config, tmp_path: Path) -> None:
    for command in ("serve", "migrate", "check", "backup", "restore", "compact"):
        file = [str(tmp_path / "file")] if command in ("backup", "restore") else []
        if command == "restore":
            (tmp_path / "file").touch()
        folder = tmp_path / "new"
        began = time.monotonic()
        url = "mysql://ada:secret@x/y"
        said = palimpsest(config, command, *file, "--data", str(folder), status=1, DATABASE_URL=url, SECRET_KEY="")
        assert said == (
            "Error: PALIMPSEST_DATABASE_URL: expected sqlite:///<file> or postgresql://<user>@<host>/<name>, "
            "not mysql://...\n"
        )
        assert time.monotonic() - began < 5 * SLOWER
        assert not folder.exists()


def test_what_it_writes_is_for_its_owner_only(config: Config) -> None:
    palimpsest(config, "migrate")
    assert (config.data / "palimpsest.sqlite").stat().st_mode & 0o077 == 0


def test_an_account_that_cannot_be_is_refused_in_words(config: Config) -> None:
    palimpsest(config, "create-user", "ada@example.org", typed=f"{PASSWORD}\n")
    assert "8 characters" in palimpsest(config, "create-user", "bob@example.org", typed="short\n", status=1)
    assert "password is needed" in palimpsest(config, "create-user", "bob@example.org", typed="", status=1)
    assert "not an e-mail" in palimpsest(config, "create-user", "bob", typed=f"{PASSWORD}\n", status=1)
    assert "already" in palimpsest(config, "create-user", "ada@example.org", typed=f"{PASSWORD}\n", status=1)


def test_the_operator_can_make_accounts_while_sign_ups_are_closed(config: Config, app: Flask) -> None:
    ada = Visitor(app)
    ada.sign_up("Ada")
    ada.ask("PATCH", "/api/settings", signups=False)
    palimpsest(config, "create-user", "bob@example.org", typed=f"{PASSWORD}\n")
    Visitor(app).sign_in("Bob")


def test_no_id_begins_like_an_option() -> None:
    assert not any(new_id().startswith("-") for _ in range(1000))


def test_an_older_note_whose_id_does_is_named_after_two_hyphens(config: Config) -> None:
    palimpsest(config, "migrate")
    said = palimpsest(config, "compact", "--", "-RzeehN7hhOHtGH7Rs69MQ", status=1)
    assert "There is no note -RzeehN7hhOHtGH7Rs69MQ." in said


def test_compacting_writes_a_snapshot_and_keeps_the_log(config: Config, app: Flask) -> None:
    ada = Visitor(app)
    ada.sign_up("Ada")
    notes = [ada.new_note() for _ in range(2)]
    for note in notes:
        for number in range(5):
            write(app, note, 1, f"Line {number}")
    before, *_ = app.extensions["rooms"].read(notes[0])
    said = palimpsest(config, "compact")
    assert all(note in said for note in notes)
    later = create_app(config)
    log = later.extensions["store"].open(notes[0])
    assert log.snapshot is not None
    assert log.snapshot.seq == log.head == 5
    assert sum(1 for _ in groups(later.extensions["store"], notes[0])) == 5
    assert list(later.extensions["store"].entries(notes[0])) == []
    assert later.extensions["rooms"].read(notes[0])[0] == before
    assert notes[1] not in palimpsest(config, "compact", notes[0])
    assert "There is no note" in palimpsest(config, "compact", "nothing", status=1)
    later.extensions["store"].close()
    later.extensions["engine"].dispose()


def test_compacting_erases_what_is_older_than_the_administrator_wants(config: Config, app: Flask) -> None:
    ada = Visitor(app)
    ada.sign_up("Ada")
    note, fresh = ada.new_note(), ada.new_note()
    for each in (note, fresh):
        for number in range(3):
            write(app, each, 1, f"Line {number}")
    with Session(app.extensions["engine"]) as session:
        session.get_one(Document, note).created -= 10 * 24 * 3600 * 1000
        session.commit()
    age(app, note, 1, 2)
    assert "erased" not in palimpsest(config, "compact")
    ada.ask("PATCH", "/api/settings", retention=9)
    said = palimpsest(config, "compact")
    assert "Old history was erased from 1 notes." in said
    assert "erased" not in palimpsest(config, "compact")
    store = app.extensions["store"]
    assert [(group.first, group.last) for group in groups(store, note)] == [(1, 2), (3, 3)]
    assert [(group.first, group.last) for group in groups(store, fresh)] == [(1, 1), (2, 2), (3, 3)]
    assert ada.get(f"/n/{note}").text.count("<p>Line") == 3


def age(app: Flask, note: str, *seqs: int) -> None:
    """These entries were written ten days ago."""
    with Session(app.extensions["engine"]) as session:
        previous = BEFORE_ALL
        for entry in session.scalars(select(Entry).where(Entry.document_id == note).order_by(Entry.seq)):
            if entry.seq in seqs:
                entry.time -= 10 * 24 * 3600 * 1000
            entry.hash = previous = chain(
                previous, entry.seq, entry.user_id, entry.session_id, entry.time, entry.update
            )
        session.get_one(Document, note).head_hash = previous
        session.commit()


def test_a_wrong_setting_is_named(config: Config) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "editor.cli", "migrate"],
        cwd=ROOT,
        env={**os.environ, "PALIMPSEST_PROT": "80"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "PALIMPSEST_PROT" in done.stderr
    assert "Traceback" not in done.stderr
