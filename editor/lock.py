"""Who has the data: one server, or several that hear of each other, or a command that needs it for itself."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

from editor.config import Config

SERVING = 0x70616C73  # any number that nobody else locks in this database


def take(data: Path, patience: float = 0.0) -> IO[str] | None:
    """Keep others off this folder until the answer is closed: with the process, and the workers it has made.

    None: somebody else has it, and has kept it for so many seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        lock = (data / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(data / "lock", lock):
                return lock
        except BlockingIOError:
            if time.monotonic() > deadline:
                lock.close()
                return None
            time.sleep(0.05)
        lock.close()


def _is(path: Path, file: IO[str]) -> bool:
    """Whether this is what is called so, and not what somebody has deleted since it was opened."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def take_database(url: str, shared: bool, patience: float = 0.0) -> AbstractContextManager[object] | None:
    """The same for a PostgreSQL, which many may share. One that is started again forgets who was there."""
    from editor import database  # a folder needs nothing of it

    connection = database.driver_connection(database.connect(url))
    connection.autocommit = True
    deadline = time.monotonic() + patience
    kind = "_shared" if shared else ""
    while True:
        (taken,) = connection.execute(f"SELECT pg_try_advisory_lock{kind}({SERVING})").fetchone()
        if taken:
            return _held(connection)
        if time.monotonic() > deadline:
            connection.close()
            return None
        time.sleep(0.05)


@contextmanager
def _held(connection: Any) -> Iterator[object]:
    """Close it at the end of this process. One that was forked has it, too, and would say goodbye for both."""
    process = os.getpid()
    try:
        yield connection
    finally:
        if os.getpid() == process:
            connection.close()


@contextmanager
def tried(config: Config) -> Iterator[bool]:
    """Keep servers off while this lasts, if there is none. Whether there is none.

    SQLite's folder is made for it; and goes again, if what it is made for is refused.
    """
    if not config.database_url.startswith("sqlite"):
        database = take_database(config.database_url, shared=False)
        with database or nullcontext():
            yield database is not None
        return
    made = [each for each in (config.data / "lock", config.data) if not each.exists()]
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = take(config.data)
    with folder or nullcontext():
        try:
            yield folder is not None
        except BaseException:
            for each in made if folder is not None else ():
                if each.is_file():
                    each.unlink()
                elif not any(each.iterdir()):
                    each.rmdir()
            raise
