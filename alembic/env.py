"""How migrations run, started by `editor.migrations`: all that are missing together, by one process at a time."""

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script
from sqlalchemy import Connection, func, literal, select

from editor.models import Base

LOCK = 0x70616C696D707365  # any number that nobody else locks in this database


def run(connection: Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        # To change a table SQLite makes it anew and drops the old one, and whatever refers to that would go with it.
        # Said outside of a transaction: inside one it does nothing.
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
            lock = select(literal(1)).with_for_update() if sqlite else select(func.pg_advisory_xact_lock(LOCK))
            connection.execute(lock)
            context.run_migrations()
            if sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()):
                raise RuntimeError(f"rows that refer to nothing after the migration: {broken[:10]}")
    finally:
        if sqlite:
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            connection.rollback()


def _say(ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]) -> None:
    script = step.up_revision
    assert isinstance(script, Script)
    context.config.attributes["say"](f"{script.revision}: {script.doc}")


run(context.config.attributes["connection"])
