"""The command `palimpsest`."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from editor.config import Config

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from editor.check import Checked
    from sync.store import Snapshot


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Palimpsest: shared notes in the browser. Settings are PALIMPSEST_* in the environment."""
    os.umask(0o077)  # what people write is nobody else's on this machine


DATA = click.option(
    "--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of the database and the secret."
)


@main.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0: a free one.")
@DATA
def serve(host: str | None, port: int | None, data: Path | None) -> None:
    """Bring the database up to date, then serve until stopped."""
    config = _config(HOST=host, PORT=port, DATA=data)
    from editor import logs
    from editor import serve as server

    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    logs.install(config)
    with server.alone(config):
        server.apart(lambda: _migrate(config, logs.say))
        server.serve(config)


@main.command()
@DATA
def migrate(data: Path | None) -> None:
    """Bring the database up to date."""
    _migrate(_config(DATA=data))


@main.command("create-user")
@click.argument("email")
@click.option("--name", help="What others see; otherwise the part of EMAIL before the @.")
@click.option("--admin", is_flag=True, help="Make them an administrator. The first account always is.")
@DATA
def create_user(email: str, name: str | None, admin: bool, data: Path | None) -> None:
    """Create an account. The password is asked for, or read from the standard input when that is not a terminal."""
    password = _password()
    config = _config(DATA=data)
    _migrate(config)
    from editor import create_app
    from editor.auth import create_account
    from editor.errors import Invalid

    with create_app(config).test_request_context():
        try:
            user = create_account(email, password, name or email.partition("@")[0], admin)
        except Invalid as error:
            sentences = [sentence for told in (error.errors or {}).values() for sentence in told]
            raise click.ClickException(" ".join(sentences)) from error
        click.echo(f"Created {user.name} <{user.email}>{', administrator' if user.has_role('admin') else ''}.")


@main.command()
@click.argument("document_id", required=False)
@DATA
def compact(document_id: str | None, data: Path | None) -> None:
    """Write a snapshot of every note, or of one, so that it opens faster, and put its old entries into chunks.

    What is older than the administrator's setting allows is erased; otherwise history stays.
    """
    config = _config(DATA=data)
    _migrate(config)
    from sqlalchemy import or_, select

    from editor import create_app, retention, sittings
    from editor.database import session
    from editor.models import Document
    from sync.rooms import Rooms
    from sync.store import Broken, UnknownDocument

    app = create_app(config)
    store = app.extensions["store"]
    rooms: Rooms = app.extensions["rooms"]
    with app.app_context():
        behind = or_(Document.head_seq > Document.snapshot_seq, Document.head_seq > Document.packed_seq)
        names = [document_id] if document_id else list(session.scalars(select(Document.id).where(behind)))
        session.rollback()
        for number, name in enumerate(names, start=1):
            try:
                sittings.catch_up(name)  # what is in no sitting is not packed
                said = _compacted(*rooms.compact(name))
            except UnknownDocument as error:
                raise click.ClickException(f"There is no note {name}.") from error
            except Broken as error:
                said = f"damaged, {error}"
            click.echo(f"{number}/{len(names)} {name}: {said}")
        erased = retention.sweep()
    store.close()
    app.extensions["engine"].dispose()
    if erased:
        click.echo(f"Old history was erased from {erased} notes.")
    click.echo("All notes have their snapshot." if not names else "Done.")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Say what was found as one JSON object.")
@DATA
def check(as_json: bool, data: Path | None) -> None:
    """Check every note: its chain of hashes, its snapshots against its entries, rows that belong to nothing.

    Nothing is changed, and a server may be running. Exits with 1 when something is not as it should be.
    """
    config = _config(keep=False, DATA=data)
    from editor import check as checks

    with _opened(config) as engine, _progress("Checking") as said:
        checked = checks.check(engine, said)
    if as_json:
        findings = [finding._asdict() for finding in checked.findings]
        click.echo(json.dumps({"notes": checked.notes, "findings": findings}))
    else:
        _tell(checked)
        click.echo(f"Checked {checked.notes} notes: {checked.outcome}")
    if checked.findings:
        sys.exit(1)


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@DATA
def backup(file: Path, force: bool, data: Path | None) -> None:
    """Write a copy of all notes and people to FILE, for `restore`. A server may be running; nobody waits for it.

    The secret key is not in it: keep `secret_key` from the folder of the data as well. Exits with 1 when something in
    the copy is not as it should be.
    """
    config = _config(keep=False, DATA=data)
    with _opened(config) as engine, _backing_up(), _progress("Copying") as said:
        checked = _keeper(engine).save(engine, file.absolute(), force, said)
    _tell(checked)
    click.echo(f"{file}: {checked.notes} notes, {file.stat().st_size} bytes.")
    if checked.findings:
        sys.exit(1)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace what is there: it is put aside. Take FILE even if it is damaged.")
@DATA
def restore(file: Path, force: bool, data: Path | None) -> None:
    """Put a copy that `backup` wrote in the place of what is there now. A server may be running.

    What is there now is put aside, not deleted. Every note begins a new history: what devices have of it that is newer
    is kept there and offered, never merged.
    """
    from editor import lock, migrations
    from editor.backup import is_empty

    config = _config(keep=False, DATA=data)
    with (
        _connected(config) as engine,
        _backing_up(),
        lock.tried(config) as alone,
        _progress("Restoring") as said,
    ):
        if not force and not is_empty(engine):
            raise click.ClickException("There are people and notes already. --force puts them aside and restores FILE.")
        if not alone and migrations.version(engine) != migrations.newest():
            raise click.ClickException("The server that is running is of another version. Stop it first.")
        done = _keeper(engine).restore(engine, file.absolute(), force, alone, said)
    _tell(done.checked)
    if done.aside is not None:
        click.echo(f"What was there is in {done.aside}.")
    click.echo(f"Restored {done.checked.notes} notes." + ("" if alone else " The server begins anew with them."))


@contextmanager
def _backing_up() -> Iterator[None]:
    """What is in the way is a sentence."""
    import sqlite3

    from editor import outage
    from editor.backup import NotRestored
    from editor.backup_postgres import NoTool

    try:
        yield
    except (NotRestored, NoTool) as error:
        raise click.ClickException(str(error)) from error
    except FileExistsError as error:
        raise click.ClickException(f"{error}. --force replaces it.") from error
    except sqlite3.Error as error:
        words = outage.words(error) or "The database does not work."
        raise click.ClickException(f"{words} It said: {error}") from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


def _keeper(engine: "Engine") -> Any:
    from editor import backup_postgres, backup_sqlite

    return backup_sqlite if engine.dialect.name == "sqlite" else backup_postgres


def _tell(checked: "Checked") -> None:
    for finding in checked.findings:
        click.echo(str(finding))


def _compacted(snapshot: "Snapshot | None", packed: int) -> str:
    said = "no snapshot, see above" if snapshot is None else f"{snapshot.seq} entries in {len(snapshot.state)} bytes"
    return f"{said}, {packed} packed"


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Shows on a terminal how far something has come: how much is done, and of how much."""
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def said(done: int, of: int) -> None:
            bar.length = of
            bar.update(done - bar.pos)

        yield said


def _config(keep: bool = True, **options: object) -> Config:
    given = {name: str(value) for name, value in options.items() if value is not None}
    try:
        return Config.from_environ(given=given, keep=keep)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"Cannot use the folder of the data: {error.filename}: {error.strerror}") from error


@contextmanager
def _opened(config: Config) -> Iterator["Engine"]:
    """The database as it is, which must be there and of this version."""
    from editor import migrations

    with _connected(config) as engine:
        if engine.dialect.name == "sqlite" and not Path(file := engine.url.database or "").exists():
            raise click.ClickException(f"Expected a folder with {Path(file).name} in it: there is no {file}.")
        version = migrations.version(engine)
        if version != migrations.newest():
            raise click.ClickException(
                f"Expected a database of version {migrations.newest()}, found {version or 'none'}. "
                "Bring it up to date first: palimpsest migrate."
            )
        yield engine


@contextmanager
def _connected(config: Config) -> Iterator["Engine"]:
    """The database. What keeps it from working is a sentence."""
    from sqlalchemy.exc import DBAPIError

    from editor import database, outage

    try:
        engine = database.connect(config.database_url)
    except ValueError as error:
        raise click.ClickException(f"PALIMPSEST_DATABASE_URL: {error}") from error
    try:
        yield engine
    except DBAPIError as error:
        words = outage.words(error)
        if words is None:
            raise
        raise click.ClickException(f"{words} It said: {str(error.orig).strip()}") from error
    finally:
        engine.dispose()


def _migrate(config: Config, say: Callable[[str], None] = click.echo) -> None:
    from editor import migrations

    with _connected(config) as engine:
        version = migrations.version(engine)
        if migrations.is_newer(version):
            raise click.ClickException(
                f"Expected a database of version {migrations.newest()} or an older one, found {version}: a newer "
                "Palimpsest has used it. Start that one."
            )
        migrations.upgrade(engine, say)


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


if __name__ == "__main__":
    main()
