"""Several who use one database at once, in one process and in several."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from editor import database, migrations, outage
from editor.models import Setting


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = database.connect(f"sqlite:///{tmp_path / 'notes.sqlite'}")
    migrations.upgrade(engine, say=lambda step: None)
    yield engine
    engine.dispose()


@pytest.fixture
def other(engine: Engine) -> Iterator[sqlite3.Connection]:
    """Another process, one that does not wait."""
    connection = sqlite3.connect(str(engine.url.database), isolation_level=None, timeout=0)
    yield connection
    connection.close()


def write(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO setting VALUES (hex(randomblob(8)), '1')")


def test_who_opens_a_new_file_waits_for_the_other_who_does(tmp_path: Path) -> None:
    engine = database.connect(f"sqlite:///{tmp_path / 'new.sqlite'}")
    other = sqlite3.connect(str(engine.url.database), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE one (number INTEGER)")
    end = threading.Timer(0.3, other.execute, ["COMMIT"])
    end.start()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("SELECT count(*) FROM one").scalar() == 0
    end.join()
    other.close()
    engine.dispose()


def test_who_has_read_can_write_although_somebody_else_wrote_in_between(
    engine: Engine, other: sqlite3.Connection
) -> None:
    with Session(engine) as session:
        assert session.scalars(select(Setting)).all() == []
        write(other)
        session.add(Setting(key="guests", value=True))
        session.commit()
        assert len(session.scalars(select(Setting)).all()) == 2


def test_who_reads_keeps_nobody_from_writing_and_sees_what_they_wrote(
    engine: Engine, other: sqlite3.Connection
) -> None:
    with Session(engine) as session:
        assert session.scalars(select(Setting)).all() == []
        write(other)
        assert len(session.scalars(select(Setting)).all()) == 1


def test_who_writes_or_selects_for_update_is_alone_until_the_end(engine: Engine, other: sqlite3.Connection) -> None:
    with Session(engine) as session:
        session.add(Setting(key="guests", value=True))
        session.flush()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            write(other)
        session.commit()
        write(other)
        session.scalars(select(Setting).with_for_update()).all()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            write(other)
        session.rollback()
        write(other)


def test_who_leaves_without_a_word_or_fails_is_in_nobodys_way(engine: Engine, other: sqlite3.Connection) -> None:
    with Session(engine) as session:
        session.add(Setting(key="guests", value=True))
        session.flush()
    write(other)
    with pytest.raises(ZeroDivisionError), Session(engine) as session, session.begin():
        session.add(Setting(key="guests", value=1 / 0))
    with Session(engine) as session:
        session.add(Setting(key="guests", value=True))
        session.commit()
    write(other)


GREENLETS = """
from gevent import monkey; monkey.patch_all()
import sys, gevent
from sqlalchemy.orm import Session
from editor import database
from editor.models import Setting

engine = database.connect(sys.argv[1])
story = []

def first():
    with Session(engine) as session:
        session.add(Setting(key="first", value=1))
        session.flush()
        for _ in range(10):
            gevent.sleep(0.01)
        session.commit()
        story.append("first")

def second():
    with Session(engine) as session:
        session.add(Setting(key="second", value=1))
        session.commit()
        story.append("second")

gevent.joinall([gevent.spawn(first), gevent.spawn(second)], raise_error=True, timeout=5)
print(*story)
"""


def test_a_greenlet_that_waits_to_write_lets_the_other_one_finish(engine: Engine) -> None:
    command = [sys.executable, "-c", GREENLETS, engine.url.render_as_string()]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout == "first second\n"


MEANWHILE = """
from gevent import monkey; monkey.patch_all()
import sys, time, gevent
from sqlalchemy.orm import Session
from editor import database
from editor.models import Setting

engine = database.connect(sys.argv[1])
longest = 0.0

def write():
    with Session(engine) as session:
        session.add(Setting(key="first", value=1))
        session.commit()

def look_at_the_clock():
    global longest
    while True:
        before = time.monotonic()
        gevent.sleep(0.001)
        longest = max(longest, time.monotonic() - before)

gevent.spawn(look_at_the_clock)
writing = gevent.spawn(write)
gevent.sleep(0.5)
print("waiting" if not writing.ready() else writing.exception, flush=True)
sys.stdin.readline()
writing.get(timeout=5)
print(longest)
"""


def test_while_another_process_writes_the_loop_turns(engine: Engine, other: sqlite3.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")
    command = [sys.executable, "-c", MEANWHILE, engine.url.render_as_string()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "waiting\n"
        other.execute("COMMIT")
        told, _ = writer.communicate("\n", timeout=30)
    assert float(told) < 0.25


def test_who_waits_too_long_is_told_that_the_database_is_busy(
    engine: Engine, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.05)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        with Session(engine) as session, pytest.raises(OperationalError) as busy:
            session.execute(insert(Setting).values(key="guests", value=True))
        assert outage.words(busy.value) == "The database is busy with something else."
    other.execute("COMMIT")
    with Session(engine) as session:
        session.add(Setting(key="guests", value=True))
        session.commit()


def test_a_full_disk_has_words(engine: Engine) -> None:
    with Session(engine) as session:
        session.connection().exec_driver_sql("PRAGMA max_page_count = 1")
        with pytest.raises(OperationalError) as full:
            session.execute(insert(Setting).values(key="guests", value="x" * 1_000_000))
    assert outage.words(full.value) == "The server's disk is full."
    assert "xxx" not in str(full.value), "errors end in the log, which is not to know what people write"
    assert outage.words(ValueError("a mistake of ours")) is None


def test_each_app_context_has_a_session_of_its_own_that_ends_with_it(engine: Engine) -> None:
    app = Flask("notes")
    database.install(app, engine)
    with app.app_context():
        database.session.add(Setting(key="guests", value=True))
        database.session.flush()
        outer = database.session()
        with app.app_context():
            assert database.session() is not outer
            assert database.session.scalars(select(Setting)).all() == [], "not committed, so not seen by others"
        assert database.session() is outer
    with app.app_context():
        assert database.session() is not outer
        assert database.session.scalars(select(Setting)).all() == [], "nobody said that it should stay"


def test_two_apps_in_one_process_do_not_mix_up_their_databases(engine: Engine, tmp_path: Path) -> None:
    first, second = Flask("first"), Flask("second")
    elsewhere = database.connect(f"sqlite:///{tmp_path / 'elsewhere.sqlite'}")
    migrations.upgrade(elsewhere, say=lambda step: None)
    database.install(first, engine)
    database.install(second, elsewhere)
    with first.app_context():
        database.session.add(Setting(key="guests", value=True))
        database.session.commit()
    with second.app_context():
        assert database.session.scalars(select(Setting)).all() == []
    elsewhere.dispose()
