"""Connections to the database, and the session of a request.

SQLite and PostgreSQL behave alike here: a reading statement sees what is committed now, and a transaction that writes
holds its locks from its first writing statement (or `SELECT ... FOR UPDATE`) to its commit.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Flask, current_app
from flask.globals import app_ctx
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from editor.outage import Busy

BUSY_TIMEOUT = 10.0  # seconds that a writer waits for another one, with SQLite
# A PostgreSQL that has vanished is noticed within seconds, not when the system gives up after a quarter of an hour.
NOTICED = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}
HURRIED = "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
# Another one once a standby has been promoted: PostgreSQL begins a new line of history then.
TIMELINE = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)"
GLANCE = 0.001  # seconds for which SQLite may put the loop to sleep while it waits


def connect(url: str | URL, hurried: bool = False) -> Engine:
    """An engine for `sqlite:///<file>` or `postgresql://...`. Opens nothing yet. Raises ValueError.

    `hurried`: on PostgreSQL a statement may take no longer than a server's people would wait for it.
    """
    try:
        url = make_url(url)
    except ArgumentError:  # which may quote the password
        raise ValueError("expected sqlite:///<file> or postgresql://<user>@<host>/<name>, not this") from None
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        url = _with(url.set(drivername="postgresql+psycopg"), NOTICED | ({"options": HURRIED} if hurried else {}))
    elif url.drivername != "sqlite" or url.database in (None, "", ":memory:"):
        shown = url.render_as_string(hide_password=True)
        raise ValueError(f"expected sqlite:///<file> or postgresql://<user>@<host>/<name>, not {shown}")
    # More than one even for SQLite: a request keeps its connection while it waits for something else (the hash of a
    # password, a slow reader), and others must not wait for that. What SQLite has but one of is a writer: `_Writers`.
    engine = create_engine(
        url,
        pool_size=10,
        max_overflow=10,
        pool_pre_ping=url.drivername != "sqlite",
        hide_parameters=True,  # what people wrote, and their links: errors end in the log
    )
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, record: _open_sqlite(connection, GLANCE))
        _Writers(engine)
    return engine


def _with(url: URL, parameters: Mapping[str, str]) -> URL:
    """With these parameters of the connection, unless the operator has given others."""
    return url.update_query_dict({name: value for name, value in parameters.items() if name not in url.query})


def driver_connection(engine: Engine) -> Any:
    """A connection of the driver's own (`sqlite3`, `psycopg`), outside the pool, for SQL written for one database.

    SQLite's puts its thread to sleep while another process writes: that must not be the loop's.
    """
    arguments, options = engine.dialect.create_connect_args(engine.url)
    connection = engine.dialect.loaded_dbapi.connect(*arguments, **options)
    if engine.dialect.name == "sqlite":
        _open_sqlite(connection, BUSY_TIMEOUT)
    return connection


@contextmanager
def at_one_moment(engine: Engine) -> Iterator[Connection]:
    """A connection that sees the database as it is now, whatever is committed meanwhile, and holds up nobody.

    SQLite cannot use its write-ahead log anew until then, which grows: not for long.
    """
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            return
        sqlite = connection.connection.dbapi_connection
        assert sqlite is not None
        sqlite.cursor().execute("BEGIN")  # not through SQLAlchemy, where `_Writers` would take it for a writer
        try:
            yield connection
        finally:
            sqlite.rollback()


def _open_sqlite(connection: Any, busy_timeout: float) -> None:
    # Else the driver begins transactions by itself, but not for every statement: a failed migration would leave half.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {round(busy_timeout * 1000)}")
    _keep_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")  # what is committed survives a power loss
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten: erased is erased
    # The log's own thread copies what was written into the database (`log_sqlite`): a request that did it would hold up
    # the loop. This is for processes without such a thread.
    connection.execute("PRAGMA wal_autocheckpoint = 10000")


def _keep_wal(connection: Any) -> None:
    # The first of all connections to a new file changes the file. Another one that asks at that moment is told at once
    # that it is locked: the busy timeout does not count for this.
    _insist(connection, "PRAGMA journal_mode = WAL", time.monotonic() + BUSY_TIMEOUT)


def _insist(connection: Any, statement: str, deadline: float) -> None:
    """Execute it as soon as no other process is in its way. Greenlets run in between, where gevent has patched."""
    wait = 0.001
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(wait)
        wait = min(2 * wait, 0.02)


class _Writers:
    """One writing SQLite transaction at a time among an engine's connections, begun by its first writing statement.

    A transaction that reads first and writes later would fail at once, whatever the timeout, if another process or the
    log's own thread committed in between; so reads run outside, and BEGIN IMMEDIATE comes right before the first write.
    SQLite waits for its write lock by putting the whole thread to sleep: a greenlet that waits for another one's lock
    would keep that one from ever letting go, and while another process writes everybody would stand still. They wait
    here, where gevent can switch.
    """

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        self._holder: object | None = None
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "commit", self._after)
        event.listen(engine, "rollback", self._after)

    def _before(
        self, connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        if cursor.connection.in_transaction or not _writes(statement, context):
            return
        deadline = time.monotonic() + BUSY_TIMEOUT
        if not self._lock.acquire(timeout=BUSY_TIMEOUT):
            raise Busy
        self._holder = cursor.connection
        try:
            _insist(cursor.connection, "BEGIN IMMEDIATE", deadline)
        except BaseException:
            self._release(cursor.connection)
            raise

    def _after(self, connection: Connection) -> None:
        # Shortly before the commit itself, which does not switch: nobody runs into the lock in between.
        self._release(connection.connection.dbapi_connection)

    def _release(self, dbapi_connection: object) -> None:
        if self._holder is dbapi_connection:
            self._holder = None
            self._lock.release()


def _writes(statement: str, context: Any) -> bool:
    words = statement.split(None, 1)
    if words and words[0].upper() in ("SELECT", "PRAGMA", "EXPLAIN"):
        # SQLite has no FOR UPDATE and SQLAlchemy leaves it out; whoever wrote it wants to write next.
        selected = getattr(context.compiled, "statement", None)
        return getattr(selected, "_for_update_arg", None) is not None
    return True


class _AppSession(Session):
    """Talks to the database of the app whose context it is used in."""

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine:
        engine: Engine = current_app.extensions["engine"]
        return engine


# One for each app context: a request, a socket's event, a command. What was committed can be read without a query.
session: scoped_session[Session] = scoped_session(
    sessionmaker(class_=_AppSession, expire_on_commit=False),
    scopefunc=lambda: id(app_ctx._get_current_object()),  # type: ignore[attr-defined]
)


def install(app: Flask, engine: Engine) -> None:
    """Give the app its database: `session` works within its contexts and is closed when they end."""
    app.extensions["engine"] = engine

    @app.teardown_appcontext
    def close(error: BaseException | None) -> None:
        session.remove()
