"""What only PostgreSQL goes through."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from editor import database
from editor.log_postgres import PostgresLog
from editor.log_postgres import write as write_log
from editor.log_writer import Work
from sync.store import Rewritten, UnknownDocument, verify
from tests.contracts_store import Writer, change, write
from tests.editor.sql_world import PATIENCE, TYPIST, SqlWorld, postgres_world
from tests.services import administer

STANDS_STILL = """
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$;
CREATE TRIGGER wait BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION wait();
"""
KILL_WHO_WAITS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture
def postgres() -> Iterator[SqlWorld]:
    with postgres_world() as world:
        yield world


def test_postgres_commits_survive_a_power_loss_even_if_the_server_is_in_a_hurry(postgres: SqlWorld) -> None:
    with postgres.engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {postgres.engine.url.database} SET synchronous_commit = off"))
    log = PostgresLog(postgres.engine)
    with log.transaction():
        assert log._execute("SHOW synchronous_commit").fetchone() == ("on",)
    log.close()


def backends(world: SqlWorld) -> list[int]:
    """The processes that serve the log's own connections."""
    with psycopg.connect(world.url) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = 'COMMIT'"
        )
        return [pid for (pid,) in rows]


def test_a_restart_of_an_idle_postgres_is_not_noticed(postgres: SqlWorld) -> None:
    note = postgres.create()
    write(postgres, note, change())
    (pid,) = backends(postgres)
    administer(postgres.url, f"SELECT pg_terminate_backend({pid}, 10000)")
    assert [entry.seq for entry in write(postgres, note, change())] == [2]


def test_a_connection_that_is_cut_in_the_middle_fails_the_commit(postgres: SqlWorld) -> None:
    note = postgres.create()

    def cut() -> None:
        with psycopg.connect(postgres.url) as connection:
            connection.execute("SELECT * FROM document FOR UPDATE")
            locked.set()
            with psycopg.connect(postgres.url, autocommit=True) as killer:
                while killer.execute(KILL_WHO_WAITS).fetchone() == (0,):
                    pass

    locked = threading.Event()
    thread = threading.Thread(target=cut)
    thread.start()
    locked.wait(PATIENCE)
    writer = Writer(note, change())
    postgres.store.append(writer)
    postgres.wait(writer)
    thread.join()
    assert str(writer.error) == "The database does not answer."
    assert [entry.seq for entry in write(postgres, note, change())] == [1]


def test_the_loop_runs_on_while_postgres_waits(postgres: SqlWorld) -> None:
    note = postgres.create()
    command = [*TYPIST, "--patched", postgres.url, note]
    with psycopg.connect(postgres.url) as other:
        other.execute("SELECT * FROM document FOR UPDATE")
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as typist:
            assert typist.stdout is not None
            assert typist.stdout.readline() == "the loop turned 100 times\n"
            other.commit()
            assert typist.stdout.readline().startswith(note)
            typist.kill()


def test_what_looks_after_a_note_takes_nothing_away_that_is_written_meanwhile(postgres: SqlWorld) -> None:
    notes = [postgres.create() for _ in range(3)]
    command = [sys.executable, "-m", "tests.editor.upkeep", postgres.url, *notes]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    for line in done.stdout.splitlines():
        note, acknowledged = line.split()
        entries = list(postgres.store.entries(note))
        assert len(entries) == int(acknowledged)
        verify(entries)
    assert len(done.stdout.splitlines()) == 3


class Counted(PostgresLog):
    """Knows how often it has asked the database."""

    asked = 0

    def _execute(self, query: str, *parameters: object) -> psycopg.Cursor[Any]:
        self.asked += 1
        return super()._execute(query, *parameters)


def work(note: str, *updates: bytes, epoch: str | None = None, clients: tuple[int, ...] = ()) -> Work:
    return Work(note, [change(update, clients=clients) for update in updates], epoch)


def written(outcome: object) -> list[int]:
    assert isinstance(outcome, list), outcome
    return [entry.seq for entry in outcome]


def test_a_commit_is_one_round_trip(postgres: SqlWorld) -> None:
    notes = [postgres.create() for _ in range(3)]
    log = Counted(postgres.engine)
    write_log(log, [work(note, b"1") for note in notes])
    before = log.asked
    outcomes = write_log(log, [work(note, b"2", b"3") for note in notes])
    assert log.asked == before + 1
    assert [written(outcome) for outcome in outcomes] == [[2, 3]] * 3
    for note in notes:
        entries = list(postgres.store.entries(note))
        assert [entry.update for entry in entries] == [b"1", b"2", b"3"]
        verify(entries)
    log.close()


def test_where_another_process_wrote_in_between_the_log_goes_on(postgres: SqlWorld) -> None:
    note, other = postgres.create(), postgres.create()
    here, there = PostgresLog(postgres.engine), PostgresLog(postgres.engine)
    for number in range(4):
        for log in (here, there):
            mine, others = write_log(log, [work(note, b"%d" % number), work(other, b"x")])
            assert len(written(mine)) == len(written(others)) == 1
    for each in (note, other):
        entries = list(postgres.store.entries(each))
        assert [entry.seq for entry in entries] == list(range(1, 9))
        verify(entries)
    here.close()
    there.close()


def test_what_stands_for_the_head_must_be_all_of_it(postgres: SqlWorld) -> None:
    note = postgres.create()
    epoch = postgres.store.status(note).epoch
    log = PostgresLog(postgres.engine)
    write_log(log, [work(note, b"1", epoch=epoch)])
    with postgres.engine.begin() as connection:
        connection.execute(text("UPDATE document SET epoch = 'another'"))
    (outcome,) = write_log(log, [work(note, b"2", epoch=epoch)])
    assert isinstance(outcome, Rewritten)
    (outcome,) = write_log(log, [work(note, b"2", epoch="another")])
    assert written(outcome) == [2]
    with postgres.engine.begin() as connection:
        connection.execute(text("DELETE FROM document"))
    (outcome,) = write_log(log, [work(note, b"3")])
    assert isinstance(outcome, UnknownDocument)
    log.close()


def test_who_brings_a_new_client_id_is_bound(postgres: SqlWorld) -> None:
    note = postgres.create()
    log = PostgresLog(postgres.engine)
    for number, clients in enumerate([(7,), (), (8, 9), ()], start=1):
        (outcome,) = write_log(log, [work(note, b"x", clients=clients)])
        assert written(outcome) == [number]
    assert postgres.store.open(note).owners == {7: 1, 8: 1, 9: 1}
    log.close()


def test_a_title_that_is_written_at_that_moment_stays(postgres: SqlWorld) -> None:
    note = postgres.create()
    log = PostgresLog(postgres.engine)
    write_log(log, [work(note, b"1")])
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(postgres.url) as other, psycopg.connect(postgres.url, autocommit=True) as watcher:
        other.execute("UPDATE document SET title = 'new'")

        def commit() -> None:
            while watcher.execute(waiting).fetchone() == (0,):
                pass
            other.commit()

        thread = threading.Thread(target=commit)
        thread.start()
        (outcome,) = write_log(log, [work(note, b"2")])
        thread.join()
    assert written(outcome) == [2]
    with postgres.engine.connect() as connection:
        assert connection.execute(text("SELECT title, head_seq FROM document")).one() == ("new", 2)
    log.close()


@pytest.mark.parametrize("before", [True, False], ids=["not written", "written"])
def test_a_commit_whose_answer_is_lost_is_there_once(postgres: SqlWorld, before: bool) -> None:
    class Cut(PostgresLog):
        cut = False

        def _append(self, guesses: Any, patient: bool = False) -> set[str]:
            assert self._connection is not None
            if not self.cut:
                return super()._append(guesses, patient)
            self.cut = False
            if not before:
                super()._append(guesses)
            self._connection.close()
            raise psycopg.OperationalError("cut")

    notes = [postgres.create() for _ in range(2)]
    log = Cut(postgres.engine)
    write_log(log, [work(note, b"1") for note in notes])
    log.cut = True
    outcomes = write_log(log, [work(note, b"2") for note in notes])
    assert [written(outcome) for outcome in outcomes] == [[2], [2]]
    outcomes = write_log(log, [work(note, b"3") for note in notes])
    assert [written(outcome) for outcome in outcomes] == [[3], [3]]
    for note in notes:
        entries = list(postgres.store.entries(note))
        assert [entry.update for entry in entries] == [b"1", b"2", b"3"]
        verify(entries)
    log.close()


def test_a_commit_that_goes_on_when_its_connection_is_cut_is_there_once(postgres: SqlWorld) -> None:
    """The network fails; PostgreSQL does not notice it, and writes."""
    note = postgres.create()
    log = PostgresLog(postgres.engine)
    write_log(log, [work(note, b"1")])
    with psycopg.connect(postgres.url) as other, psycopg.connect(postgres.url, autocommit=True) as watch:
        # It would not wait for the note's row, so it stands still when it has that.
        watch.execute(STANDS_STILL)
        other.execute("SELECT pg_advisory_xact_lock(1)")

        def waiting(count: int) -> None:
            while watch.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone() != (
                count,
            ):
                time.sleep(0.01)

        def cut() -> None:
            waiting(1)
            assert log._connection is not None
            with socket.socket(fileno=os.dup(log._connection.fileno())) as connection:
                connection.shutdown(socket.SHUT_RDWR)
            waiting(2)
            other.rollback()

        thread = threading.Thread(target=cut)
        thread.start()
        (outcome,) = write_log(log, [work(note, b"2")])
        thread.join()
    assert written(outcome) == [2]
    assert [entry.update for entry in postgres.store.entries(note)] == [b"1", b"2"]
    assert written(write_log(log, [work(note, b"3")])[0]) == [3]
    log.close()


def test_who_is_held_still_in_the_middle_of_a_transaction_lets_go(postgres: SqlWorld) -> None:
    log = PostgresLog(postgres.engine)
    with log.transaction():
        assert log._execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("5s",)
    log.close()
    engine = database.connect(postgres.url, hurried=True)
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "30s"
        assert connection.scalar(text("SHOW lock_timeout")) == "10s"
    engine.dispose()
    mine = database.connect(f"{postgres.url}?options=-c%20statement_timeout%3D1min&connect_timeout=2", hurried=True)
    with mine.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "1min"
    mine.dispose()
