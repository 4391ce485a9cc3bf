"""What keeps a PostgreSQL from doing its work, in the words of `outage`."""

import psycopg
from psycopg import errors

from editor.outage import BUSY

WORDS: tuple[tuple[type[psycopg.Error], str], ...] = (
    (errors.DiskFull, "The database's disk is full."),
    (errors.ReadOnlySqlTransaction, "The database may not be written to at the moment."),
    (errors.InsufficientPrivilege, "The server may not write to its database."),
    (errors.LockNotAvailable, BUSY),
    (errors.DeadlockDetected, BUSY),
    (errors.OutOfMemory, "The database is out of memory."),
    (psycopg.OperationalError, "The database does not answer."),
)


def words(error: BaseException) -> str | None:
    """What is the matter with it; None if this error of its driver says nothing about it."""
    return next((told for kind, told in WORDS if isinstance(error, kind)), None)
