"""Bring the tables of a database to what `models` says, whichever version made them."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from editor import database


def upgrade(target: Engine | str, say: Callable[[str], None] = print) -> None:
    """Once this returns, the tables are the newest; if it raises, they are what they were. Says each step it takes."""
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


def folder() -> Path:
    """The migrations: inside the installed package, or beside it in a checkout."""
    installed = Path(__file__).parent / "_alembic"
    return installed if installed.exists() else Path(__file__).parent.parent / "alembic"
