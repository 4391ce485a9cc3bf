"""What only SQLite goes through."""

import logging
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from sqlalchemy import inspect

from editor import database, log_sqlite, log_writer
from editor.log_sqlite import CHECKPOINT, PAGE, SqliteLog
from editor.log_writer import Work, guess
from editor.sql_store import SqlStore
from sync.store import NotStored, verify
from tests.contracts_store import Writer, change, write
from tests.editor.sql_world import SqlWorld, sqlite_world


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqlWorld]:
    with sqlite_world(tmp_path) as world:
        yield world


def test_sqlite_commits_survive_a_power_loss(sqlite: SqlWorld) -> None:
    log = SqliteLog(sqlite.engine)
    connection = log._connected()
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    log.close()


def test_a_full_disk_is_called_one_and_room_on_it_is_used_again(sqlite: SqlWorld) -> None:
    works = [Work(sqlite.create(), [change(bytes(1_000_000))])]
    log = SqliteLog(sqlite.engine)
    log._connected().execute("PRAGMA max_page_count = 1")  # SQLite takes the file's size instead: not a page more
    with pytest.raises(NotStored, match="disk is full"):
        log_writer.write(log, works)
    log._connected().execute("PRAGMA max_page_count = 1000000")
    (entries,) = log_writer.write(log, works)
    assert not isinstance(entries, Exception)
    assert [entry.seq for entry in entries] == [1]
    log.close()


def test_commits_find_the_write_ahead_log_as_long_as_they_need_it(sqlite: SqlWorld) -> None:
    note = sqlite.create()
    wal = Path(f"{sqlite.engine.url.database}-wal")
    write(sqlite, note, change())
    write(sqlite, note, change())  # what one commit leaves to be done is done before the next one
    length = wal.stat().st_size
    assert length >= CHECKPOINT * PAGE
    for _ in range(20):
        write(sqlite, note, change())
    assert wal.stat().st_size == length
    assert len(list(sqlite.store.entries(note))) == 22
    with sqlite.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert "filler" not in inspect(connection).get_table_names()


def test_a_write_ahead_log_that_cannot_have_its_length_is_used_as_it_is(
    sqlite: SqlWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    works = [Work(sqlite.create(), [change()])]
    log = SqliteLog(sqlite.engine)
    log._connected().execute("PRAGMA max_page_count = 100")
    for _ in range(2):
        log_writer.write(log, works)
        log.checkpoint()
    assert "grows as it is written: database or disk is full" in caplog.text
    assert sqlite.store.status(works[0].document_id).head == 2
    assert log._connected().execute("PRAGMA cache_size").fetchone() == (-2000,)
    log.close()


def test_nobody_waits_for_another_process_to_give_the_write_ahead_log_its_length(
    sqlite: SqlWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    other = sqlite3.connect(str(sqlite.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    log = SqliteLog(sqlite.engine)
    with gevent.Timeout(database.BUSY_TIMEOUT / 2):
        log.checkpoint()
    assert "grows as it is written: database is locked" in caplog.text
    connection = log._connected()
    assert connection.execute("PRAGMA cache_size").fetchone() == (-2000,)
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (database.BUSY_TIMEOUT * 1000,)
    other.execute("COMMIT")
    other.close()
    log.close()


@pytest.mark.parametrize("name", ["a link", "file:{}?uri=true"])
def test_a_database_by_another_name_is_written_as_well(sqlite: SqlWorld, tmp_path: Path, name: str) -> None:
    note, path = sqlite.create(), Path(str(sqlite.engine.url.database))
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "a link"
    link.symlink_to(path)
    store = SqlStore(database.connect(f"sqlite:///{link if name == 'a link' else name.format(path)}"))
    for _ in range(3):
        writer = Writer(note, change())
        store.append(writer)
        sqlite.wait(writer)
        assert writer.error is None
    store.close()
    assert Path(f"{path}-wal").stat().st_size >= CHECKPOINT * PAGE


def test_what_another_process_wrote_in_between_is_continued(sqlite: SqlWorld) -> None:
    notes = [sqlite.create() for _ in range(3)]
    here, there = sqlite.store, sqlite.another()
    for turn in range(9):
        writers = [Writer(note, change(b"%d" % turn)) for note in notes]
        for writer in writers[: 1 + turn % 3] if turn % 2 else writers:
            (there if turn % 4 == 3 else here).append(writer)
            sqlite.wait(writer)
            assert writer.error is None
    for note in notes:
        entries = list(here.entries(note))
        assert verify(entries) == here.status(note).hash
        assert here.status(note).head == len(entries)


def test_of_a_commit_nothing_is_written_if_one_note_is_elsewhere(sqlite: SqlWorld) -> None:
    one, other = sqlite.create(), sqlite.create()
    log = SqliteLog(sqlite.engine)
    works = [Work(one, [change()]), Work(other, [change()])]
    for _ in range(2):
        log_sqlite.write(log, works)
    write(sqlite, other, change())
    assert not log.write_at_once(guess(log.seen, works))
    assert [sqlite.store.status(note).head for note in (one, other)] == [2, 3]
    outcomes = log_sqlite.write(log, works)
    assert [entries[0].seq for entries in outcomes if not isinstance(entries, Exception)] == [3, 4]
    log.close()


def test_a_damaged_database_is_called_one(sqlite: SqlWorld, tmp_path: Path) -> None:
    (tmp_path / "damaged").write_bytes(b"not a database" * 1000)
    log = SqliteLog(database.connect(f"sqlite:///{tmp_path / 'damaged'}"))
    with pytest.raises(NotStored, match="damaged"), log.transaction():
        pass
    log.close()


def test_the_loop_runs_on_while_sqlite_waits_for_another_process(sqlite: SqlWorld) -> None:
    note = sqlite.create()
    other = sqlite3.connect(str(sqlite.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer = Writer(note, change())
    sqlite.store.append(writer)
    turns = 0
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        gevent.sleep(0)
        turns += 1
    assert turns > 100
    assert not writer.answered
    other.execute("COMMIT")
    other.close()
    sqlite.wait(writer)
    assert [entry.seq for entry in writer.entries] == [1]


def test_the_write_ahead_log_does_not_grow_for_ever(sqlite: SqlWorld) -> None:
    note = sqlite.create()
    for _ in range(60):
        write(sqlite, note, change(random.randbytes(400_000)))
    size = Path(f"{sqlite.engine.url.database}-wal").stat().st_size
    assert size < 12_000_000, "more than half of what was written is still in it"
