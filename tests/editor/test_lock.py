"""Who may serve a database: one server, or several that hear of each other."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from editor import lock
from tests.live import Server, until
from tests.services import free_port, postgres_database

LEAVING = 10.0  # seconds in which PostgreSQL notices that somebody has left


@pytest.fixture
def url() -> Iterator[str]:
    with postgres_database() as url:
        yield url


def test_servers_that_hear_of_each_other_share_a_database_and_nobody_else_does(url: str) -> None:
    alone = lock.take_database(url, shared=False)
    assert alone is not None
    assert lock.take_database(url, shared=False) is lock.take_database(url, shared=True) is None
    with alone:
        pass
    together = [lock.take_database(url, shared=True, patience=LEAVING) for _ in range(3)]
    assert all(together)
    assert lock.take_database(url, shared=False) is None
    for each in together:
        assert each is not None
        with each:
            pass
    alone = lock.take_database(url, shared=False, patience=LEAVING)
    assert alone is not None
    with alone:
        pass


def test_a_second_server_without_redis_says_what_to_set(url: str, tmp_path: Path) -> None:
    first = Server(tmp_path / "first", DATABASE_URL=url).start()
    try:
        command = [sys.executable, "-m", "editor.cli", "serve", "--port", "0", "--data", str(tmp_path / "second")]
        environ = {"PATH": "/bin", "PALIMPSEST_DATABASE_URL": url}
        second = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 1
        said = "Another server is using this database. Stop it, or set PALIMPSEST_REDIS_URL for both.\n"
        assert second.stderr == said
        assert first.answers()
        before = set(first.workers)
        first.reload()
        until(lambda: before.isdisjoint(first.workers))
        # The worker that has ended had the connection as well.
        second = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert second.stderr == said
    finally:
        first.kill()


def test_a_database_that_does_not_answer_is_one_clear_line(tmp_path: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    with pytest.raises(psycopg.OperationalError):
        lock.take_database(url, shared=False)
    command = [sys.executable, "-m", "editor.cli", "serve", "--port", "0", "--data", str(tmp_path)]
    environ = {"PATH": "/bin", "PALIMPSEST_DATABASE_URL": url}
    said = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 1
    assert said.stderr.startswith("The database does not answer. It said: ")
    assert "Traceback" not in said.stderr


def test_a_lock_that_was_deleted_is_none(tmp_path: Path) -> None:
    """Whoever waits for it would otherwise have something that the next one does not find."""
    first = lock.take(tmp_path)
    assert first is not None

    def delete() -> None:
        time.sleep(0.2)
        (tmp_path / "lock").unlink()
        first.close()

    thread = threading.Thread(target=delete)
    thread.start()
    second = lock.take(tmp_path, patience=10)
    thread.join()
    assert second is not None
    assert lock.take(tmp_path) is None
    second.close()
