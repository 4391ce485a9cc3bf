"""Copies of an SQLite database, made and put back while a server uses it."""

import os
import secrets
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic.util import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from editor import check, database, epochs, migrations
from editor.backup import NotRestored, Restored, Said, is_empty, is_missing, put

STEPS = 100  # in which a copy is made, between which is said how far it has come


def save(engine: Engine, file: Path, force: bool, said: Said) -> check.Checked:
    """Write a copy of the database as it is now. Nobody waits for it. Returns what a check of the copy has found.

    The file appears complete, or not at all. Raises FileExistsError unless `force`, OSError, sqlite3.Error.
    """
    with put(file, force) as draft:
        with closing(database.driver_connection(engine)) as source, closing(sqlite3.connect(draft)) as target:
            source.execute("PRAGMA query_only = ON")
            _copy(source, target, said)
        checked = _check(draft)
        with closing(sqlite3.connect(draft)) as target:
            target.execute("PRAGMA journal_mode = DELETE")  # one file, without a write-ahead log beside it
    return checked


def restore(engine: Engine, file: Path, force: bool, alone: bool, said: Said) -> Restored:
    """Put a copy in the place of the database, all at once. What was there goes into a file beside it.

    Every note begins a new epoch. Whoever writes meanwhile waits. `alone`: no server uses it. Raises `NotRestored`,
    OSError, sqlite3.Error.
    """
    live = Path(engine.url.database or "")
    draft = live.with_name(f"{live.name}.{secrets.token_hex(4)}.draft")
    try:
        try:
            with closing(_opened(file)) as source, closing(sqlite3.connect(draft)) as target:
                _copy(source, target, lambda done, of: None)
            checked = _prepare(draft, file, engine)
        except (sqlite3.Error, DBAPIError) as error:
            came = error.orig if isinstance(error, DBAPIError) else error
            if type(came) is not sqlite3.DatabaseError:  # all that is not the fault of the file has a class of its own
                raise
            raise NotRestored(f"{file} is damaged, and not even --force can restore it: {came}.") from error
        if checked.findings and not force:
            raise NotRestored(f"{file} is damaged: {checked.findings[0]}. --force restores it as it is.")
        with closing(sqlite3.connect(draft)) as source, closing(database.driver_connection(engine)) as target:
            return Restored(checked, _replace(source, target, engine, said))
    finally:
        for rest in ("", "-wal", "-shm", "-journal"):
            with suppress(FileNotFoundError):
                os.unlink(f"{draft}{rest}")


def _opened(file: Path) -> sqlite3.Connection:
    """To be read. Raises `NotRestored`."""
    connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)
    try:
        connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.Error as error:
        connection.close()
        raise NotRestored(f"Expected a backup of Palimpsest, found something else in {file}: {error}.") from error
    return connection


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, said: Said) -> None:
    """The source as it is now. In steps, between which others may write to it: of that nothing is copied."""
    # Without a transaction the copy would begin anew with each commit of somebody else.
    source.execute("BEGIN")
    (pages,) = source.execute("PRAGMA page_count").fetchone()
    source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    try:
        source.backup(target, pages=_step(pages), progress=lambda _, left, of: said(of - left, of))
    finally:
        source.rollback()


def _step(pages: int) -> int:
    return max(1, pages // STEPS)


def _check(file: Path) -> check.Checked:
    engine = database.connect(f"sqlite:///{file}")
    try:
        return check.check(engine)
    finally:
        engine.dispose()


def _prepare(draft: Path, file: Path, live: Engine) -> check.Checked:
    """Bring a copy of a backup up to date, and begin the new epochs. Returns what a check of it has found."""
    engine = database.connect(f"sqlite:///{draft}")
    try:
        try:
            migrations.upgrade(engine, lambda step: None)
        except CommandError as error:
            raise NotRestored(f"{file} is of a newer version of Palimpsest: {error}.") from error
        with engine.begin() as connection:
            epochs.renew(connection)
            _keep_user_ids(connection.connection.dbapi_connection, live)
        return check.check(engine)
    finally:
        engine.dispose()


def _keep_user_ids(draft: Any, live: Engine) -> None:
    """The id of somebody who came after the backup is never given to somebody else: devices keep notes under it."""
    if is_missing(live):
        return
    with closing(database.driver_connection(live)) as connection:
        try:
            row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'user'").fetchone()
        except sqlite3.OperationalError:
            return  # there are no tables yet
    if row is not None:
        draft.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'user'", row)


def _replace(source: sqlite3.Connection, target: sqlite3.Connection, engine: Engine, said: Said) -> str | None:
    """Returns where what was there is now; None: there was nothing."""
    live = Path(engine.url.database or "")
    aside = live.with_name(f"{live.stem}-before-{time.strftime('%Y%m%d-%H%M%S')}{live.suffix}")
    kept: list[str | None] = []

    def progress(status: int, left: int, of: int) -> None:
        # The target is locked from the first step on: nobody writes to it any more, and all can read what it was.
        if status == sqlite3.SQLITE_OK and not kept:
            kept.append(None if is_empty(engine) else _put_aside(engine, aside))
        said(of - left, of)

    (pages,) = source.execute("PRAGMA page_count").fetchone()
    source.backup(target, pages=_step(pages), progress=progress)
    return kept[0]


def _put_aside(engine: Engine, aside: Path) -> str:
    with (
        put(aside, False) as draft,
        closing(database.driver_connection(engine)) as source,
        closing(sqlite3.connect(draft)) as target,
    ):
        _copy(source, target, lambda done, of: None)
        target.execute("PRAGMA journal_mode = DELETE")
    return str(aside)
