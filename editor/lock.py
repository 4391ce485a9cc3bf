"""Who has the folder of the data: one server, or a command that needs it for itself."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def take(data: Path, patience: float = 0.0) -> IO[str] | None:
    """Keep others off this folder until the answer is closed: with the process, and the workers it has made.

    None: somebody else has it, and has kept it for so many seconds.
    """
    lock = (data / "lock").open("a")
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() > deadline:
                lock.close()
                return None
        time.sleep(0.05)


@contextmanager
def tried(data: Path) -> Iterator[bool]:
    """Keep servers off while this lasts, if there is none. Whether there is none."""
    lock = take(data)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.close()
