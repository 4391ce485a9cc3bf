"""What only PostgreSQL goes through."""

import subprocess
import sys
import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text

from editor.log_postgres import PostgresLog
from sync.store import verify
from tests.contracts_store import Writer, change, write
from tests.editor.sql_world import PATIENCE, TYPIST, SqlWorld, postgres_world
from tests.services import administer

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
