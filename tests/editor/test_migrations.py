"""Any database becomes what the models say, or stays what it was."""

import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine.interfaces import ReflectedIndex
from sqlalchemy.orm import Session

from editor import database, migrations
from editor.models import Base, Document, Entry, User
from tests.services import postgres_database

NEWEST = "0005"  # the newest of our migrations


def quietly(step: str) -> None:
    pass


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'notes.sqlite'}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, sqlite: str) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite
    else:
        with postgres_database() as url:
            yield url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = database.connect(url)
    yield engine
    engine.dispose()


def index_facts(index: ReflectedIndex) -> dict[str, Any]:
    conditions = {name: str(condition) for name, condition in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": conditions}


def facts(engine: Engine) -> dict[str, Any]:
    """What the database says about each table, in an order of its own."""
    inspector = inspect(engine)
    tables = [name for name in inspector.get_table_names() if name != "alembic_version"]
    return {
        table: [
            sorted(map(str, rows))
            for rows in (
                inspector.get_columns(table),
                map(index_facts, inspector.get_indexes(table)),
                inspector.get_unique_constraints(table),
                inspector.get_check_constraints(table),
                inspector.get_foreign_keys(table),
                inspector.get_pk_constraint(table).items(),
                inspector.get_table_options(table).items(),
            )
        ]
        for table in tables
    }


def test_a_migrated_database_is_what_the_models_say(engine: Engine) -> None:
    migrations.upgrade(engine, quietly)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    migrated = facts(engine)
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        Base.metadata.create_all(connection)
    assert migrated == facts(engine)
    assert "entry" in migrated


def test_each_step_is_said_and_the_second_time_there_is_none(url: str) -> None:
    said: list[str] = []
    migrations.upgrade(url, said.append)
    assert said == [
        "0001: people, notes and their log",
        "0002: history: sittings, acts, chunks, and who may see it",
        "0003: epochs that ended because something was erased",
        "0004: sign-ins that have ended, and guests who have an account now",
        "0005: quarantine: entries that are damaged, and what they did",
        "The database is up to date.",
    ]
    said.clear()
    migrations.upgrade(url, said.append)
    assert said == ["The database is up to date."]


def test_the_files_are_called_after_the_versions_that_they_make() -> None:
    """By their names a server knows them, which has no Alembic in memory."""
    config = Config()
    config.set_main_option("script_location", str(migrations.folder()).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    for revision in script.walk_revisions():
        assert Path(revision.path).name.startswith(f"{revision.revision}_")
        assert not migrations.is_newer(revision.revision)
        assert migrations.is_older(revision.revision) is (revision.revision != NEWEST)
    assert script.get_current_head() == migrations.newest() == NEWEST
    assert migrations.is_newer("9999")
    assert not migrations.is_older("9999")
    assert migrations.is_older(None)


@pytest.fixture
def add_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make it so that after ours comes one more, which does this."""

    def add(body: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(migrations.folder(), folder)
        head = f'import sqlalchemy as sa\nfrom alembic import op\nrevision, down_revision = "more", "{NEWEST}"\n'
        (folder / "versions" / "more.py").write_text(f'"""more"""\n{head}def upgrade():\n{indent(body, "    ")}')
        monkeypatch.setattr(migrations, "folder", lambda: folder)

    return add


BROKEN = """
with op.batch_alter_table("document") as document:
    document.add_column(sa.Column("pinned", sa.BigInteger()))
    document.alter_column("title", new_column_name="heading")
op.create_table("more", sa.Column("id", sa.Integer(), primary_key=True))
raise RuntimeError("half way")
"""


def fill(engine: Engine) -> None:
    """A note with a line in it."""
    with Session(engine) as session:
        session.add(ann := User(name="Ann"))
        session.flush()
        session.add(Document(id="A" * 22, owner_id=ann.id, title="Plans"))
        session.flush()
        session.add(Entry(document_id="A" * 22, seq=1, session_id=1, time=1, update=b"", hash=b""))
        session.commit()


def test_what_is_in_it_stays(engine: Engine) -> None:
    migrations.upgrade(engine, quietly)
    fill(engine)
    migrations.upgrade(engine, quietly)
    with Session(engine) as session:
        assert session.get_one(Document, "A" * 22).title == "Plans"


def test_a_migration_that_fails_leaves_an_empty_database_empty(
    engine: Engine, add_migration: Callable[[str], None]
) -> None:
    add_migration(BROKEN)
    with pytest.raises(RuntimeError, match="half way"):
        migrations.upgrade(engine, quietly)
    assert inspect(engine).get_table_names() == []


def test_a_migration_that_fails_leaves_everything_as_it_was(
    engine: Engine, add_migration: Callable[[str], None]
) -> None:
    migrations.upgrade(engine, quietly)
    fill(engine)
    was = facts(engine)
    add_migration(BROKEN)
    with pytest.raises(RuntimeError, match="half way"):
        migrations.upgrade(engine, quietly)
    assert facts(engine) == was
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == NEWEST
        assert connection.scalar(text("SELECT count(*) FROM entry")) == 1


def test_changing_a_table_keeps_what_refers_to_it(engine: Engine, add_migration: Callable[[str], None]) -> None:
    # SQLite makes the table anew and drops the old one; the rows that refer to it must not go along.
    migrations.upgrade(engine, quietly)
    fill(engine)
    add_migration(
        'with op.batch_alter_table("document") as table:\n    table.alter_column("title", new_column_name="head")'
    )
    migrations.upgrade(engine, quietly)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT head FROM document")) == "Plans"
        assert connection.scalar(text("SELECT count(*) FROM entry")) == 1


def test_a_migration_that_leaves_rows_without_what_they_refer_to_fails(
    sqlite: str, add_migration: Callable[[str], None]
) -> None:
    engine = database.connect(sqlite)
    migrations.upgrade(engine, quietly)
    fill(engine)
    add_migration('op.execute("DELETE FROM document")')
    with pytest.raises(RuntimeError, match="refer to nothing"):
        migrations.upgrade(engine, quietly)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM document")) == 1
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()


def upgrade_quietly(url: str) -> None:
    migrations.upgrade(url, quietly)


def test_processes_that_start_together_do_not_stumble_over_each_other(url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(upgrade_quietly, [url] * 2, chunksize=1)


def test_a_database_that_nobody_knows_is_refused() -> None:
    for url in ("mysql://localhost/notes", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(ValueError, match="expected sqlite:///<file> or postgresql://"):
            database.connect(url)
    with pytest.raises(ValueError, match=r"not mysql://ann:\*\*\*@localhost/notes"):
        database.connect("mysql://ann:hush@localhost/notes")
