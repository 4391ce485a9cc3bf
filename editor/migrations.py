"""Bring the tables of a database to what `models` says, whichever version made them.

Alembic does it. To know which version that is needs no Alembic: a server that is asked whether it is ready has none.
"""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, inspect, text

from editor import database


def upgrade(target: Engine | str, say: Callable[[str], None] = print) -> None:
    """Once this returns, the tables are the newest; if it raises, they are what they were. Says each step it takes."""
    from alembic import command
    from alembic.config import Config

    engine = database.connect(target) if isinstance(target, str) else target
    try:
        with engine.connect() as connection:
            config = Config(attributes={"connection": connection, "say": say})
            config.set_main_option("script_location", str(folder()).replace("%", "%%"))
            command.upgrade(config, "head")
    finally:
        if engine is not target:
            engine.dispose()
    say("The database is up to date.")


def version(engine: Engine) -> str | None:
    """Which version made the tables of a database; None: there are none."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return version


def newest() -> str:
    """The version that `upgrade` brings tables to."""
    return max(_known())


def is_older(version: str | None) -> bool:
    """Whether tables of this version lack something. Newer ones, which a later program made, do not."""
    return version is None or (version != newest() and not is_newer(version))


def is_newer(version: str | None) -> bool:
    """Whether a later program made tables of this version."""
    return version is not None and version not in _known()


def _known() -> set[str]:
    """The versions that there are migrations to: their files begin with these, in their order."""
    return {file.name.partition("_")[0] for file in (folder() / "versions").glob("[0-9]*.py")}


def folder() -> Path:
    """The migrations: inside the installed package, or beside it in a checkout."""
    installed = Path(__file__).parent / "_alembic"
    return installed if installed.exists() else Path(__file__).parent.parent / "alembic"
