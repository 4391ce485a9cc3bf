"""How migrations run: all that are missing in one transaction, one process at a time. Started by `editor.migrations`."""

from collections.abc import Mapping
from typing import Any

from alembic import context
from sqlalchemy import Connection, func, literal, select

from editor.models import Base

LOCK = 0x70616C696D707365  # any number that nobody else locks in this database


def run(connection: Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        # To change a table SQLite makes it anew and drops the old one, which would take everything with it that refers to it.
        # Outside of a transaction: inside one it does nothing.
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.rollback()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transactional_ddl=True,
        render_as_batch=sqlite,
        on_version_apply=_say,
    )
    try:
        with connection.begin():
            # Wait for another process that does the same before looking at what there is to do.
            connection.execute(
                select(literal(1)).with_for_update() if sqlite else select(func.pg_advisory_xact_lock(LOCK))
            )
            context.run_migrations()
            if sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()):
                raise RuntimeError(f"rows that refer to nothing after the migration: {broken[:10]}")
    finally:
        if sqlite:
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            connection.rollback()


def _say(*, step: Any, **_: object) -> None:
    script = step.up_revision
    context.config.attributes["say"](f"{script.revision}: {script.doc}")


run(context.config.attributes["connection"])
