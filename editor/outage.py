"""What keeps a database from doing its work, in words for people. It is nobody's mistake and may pass."""

import sqlite3

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from sync.store import Unreachable

BUSY = "The database is busy with something else."

SQLITE = {
    "SQLITE_FULL": "The server's disk is full.",
    "SQLITE_IOERR": "The server's disk does not work.",
    "SQLITE_BUSY": BUSY,
    "SQLITE_LOCKED": BUSY,
    "SQLITE_READONLY": "The server may not write to its database.",
    "SQLITE_PERM": "The server may not write to its database.",
    "SQLITE_CANTOPEN": "The server cannot open its database.",
    "SQLITE_CORRUPT": "The server's database is damaged.",
    "SQLITE_NOTADB": "The server's database is damaged.",
}


class Busy(Exception):
    """Others of this process have been writing for too long."""

    def __str__(self) -> str:
        return BUSY


def words(error: BaseException) -> str | None:
    """What is the matter with the database; None if the error says nothing about it."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    if isinstance(error, Unreachable):
        return str(error)
    if isinstance(error, Busy | NoConnection):
        return BUSY
    if isinstance(error, sqlite3.Error):
        # SQLITE_IOERR_FSYNC and its like are kinds of SQLITE_IOERR.
        return SQLITE.get("_".join(getattr(error, "sqlite_errorname", "").split("_")[:2]))
    if type(error).__module__.startswith("psycopg"):
        from editor import outage_postgres  # where there is no such error its driver need not be in memory

        return outage_postgres.words(error)
    return None
