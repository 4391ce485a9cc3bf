"""Bring the tables of a database to what `models` says, whichever version made them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from editor import database


def upgrade(target: Engine | str, say: Callable[[str], None] = print) -> None:
    """Once this returns, the tables are the newest; if it raises, they are what they were. Says each step it takes."""
    engine = database.connect(target) if isinstance(target, str) else target
    try:
        with engine.connect() as connection:
            command.upgrade(_config(connection=connection, say=say), "head")
    finally:
        if engine is not target:
            engine.dispose()
    say("The database is up to date.")


def version(engine: Engine) -> str | None:
    """Which version made the tables of a database; None: there are none."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The version that `upgrade` brings tables to."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def is_older(version: str | None) -> bool:
    """Whether tables of this version lack something. Newer ones, which a later program made, do not."""
    return version is None or (version != newest() and not is_newer(version))


def is_newer(version: str | None) -> bool:
    """Whether a later program made tables of this version."""
    script = ScriptDirectory.from_config(_config())
    return version is not None and version not in {each.revision for each in script.walk_revisions()}


def _config(**attributes: Any) -> Config:
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    return config


def folder() -> Path:
    """The migrations: inside the installed package, or beside it in a checkout."""
    installed = Path(__file__).parent / "_alembic"
    return installed if installed.exists() else Path(__file__).parent.parent / "alembic"
