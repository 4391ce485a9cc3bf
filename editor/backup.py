"""Copies of everything that is kept, and the way back. What is done depends on the database."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, inspect, select

from editor.check import Checked
from editor.models import Document, User

Said = Callable[[int, int], None]  # how much is done, and of how much


class NotRestored(Exception):
    """Nothing was changed; the text says why."""


class Restored(NamedTuple):
    """What came of it."""

    checked: Checked  # of what is there now
    aside: str | None  # where what was there is now; None: there was nothing


def is_empty(engine: Engine) -> bool:
    """Whether nobody has ever used this database."""
    if is_missing(engine):
        return True
    tables = inspect(engine).get_table_names()
    with engine.connect() as connection:
        return not any(
            model.__tablename__ in tables and connection.execute(select(model.id).limit(1)).first()
            for model in (User, Document)
        )


def is_missing(engine: Engine) -> bool:
    """Whether it is an SQLite that whoever opens it would make."""
    return engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists()


@contextmanager
def put(file: Path, force: bool) -> Iterator[Path]:
    """A file to write to, for its owner only, that becomes `file` at once and complete if nothing is raised.

    Raises FileExistsError if there is one already, unless `force`.
    """
    if not force and file.exists():
        raise FileExistsError(f"{file} exists already")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield draft
        _sync(draft)
        if force:
            os.replace(draft, file)
        else:
            os.link(draft, file)  # which never takes the place of another one
        _sync(file.parent)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
