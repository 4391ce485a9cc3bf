"""Copies of a PostgreSQL database by its own programs, made and put back while servers use it."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

from sqlalchemy import Engine, inspect, text

from editor import check, migrations
from editor.backup import NotRestored, Restored, Said, is_empty, put
from editor.epochs import RESTORED
from editor.models import Base, new_id

OURS = {*Base.metadata.tables, "alembic_version"}
CONNECTING = ("pg_dump", "psql")


class NoTool(Exception):
    """A program of PostgreSQL's is missing, or older than the server, or it failed; the text says which."""


def save(engine: Engine, file: Path, force: bool, said: Said) -> check.Checked:
    """Write a copy of the database as it is now, for `pg_restore`. Nobody waits for it.

    The file appears complete, or not at all. Returns what a check of the database has found. Raises FileExistsError
    unless `force`, OSError, `NoTool`.
    """
    with put(file, force) as draft:
        schema = _schema(engine)
        options = "--format=custom", "--no-owner", "--no-privileges", f"--schema={schema}"
        _run(engine, "pg_dump", *options, f"--file={draft}")
        listed = _run(engine, "pg_restore", "--list", str(draft))
        missing = {name for name in OURS if f" TABLE DATA {schema} {name} " not in listed}
        if missing:
            raise NoTool(f"pg_dump has left out {', '.join(sorted(missing))}.")
        _run(engine, "pg_restore", f"--file={os.devnull}", str(draft))  # it can be read to its end
        said(1, 1)
    return check.check(engine)


def restore(engine: Engine, file: Path, force: bool, alone: bool, said: Said) -> Restored:
    """Put a copy in the place of the database, all at once. What was there goes into a schema beside it.

    Every note begins a new epoch. `alone`: no server uses it, so that a copy of an older version can be brought up to
    date. Raises `NotRestored`, OSError, `NoTool`.
    """
    schema = _schema(engine)
    version = _version(engine, file, schema)
    if version > migrations.newest():
        raise NotRestored(f"{file} is of a newer version of Palimpsest: {version} instead of {migrations.newest()}.")
    if version != migrations.newest() and not alone:
        raise NotRestored(f"{file} is of an older version of Palimpsest. Stop the server to restore it.")
    there = set(inspect(engine).get_table_names())
    if there - OURS:
        raise NotRestored(f"The schema {schema} holds tables of somebody else: {', '.join(sorted(there - OURS))}.")
    aside = f"{schema}_before_{time.strftime('%Y%m%d_%H%M%S')}" if there else None
    empty = is_empty(engine)
    with tempfile.TemporaryFile("w+b") as script:
        script.write(_before(schema, aside).encode())
        script.flush()
        options = "--no-owner", "--no-privileges", f"--schema={schema}", "--file=-"
        _run(engine, "pg_restore", *options, str(file), into=script)
        script.seek(0, os.SEEK_END)
        script.write(_after(schema, aside, empty).encode())
        script.seek(0)
        _run(engine, "psql", "--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1", given=script)
    migrations.upgrade(engine, lambda step: None)
    said(1, 1)
    return Restored(check.check(engine), None if empty else f"the schema {aside}")


def _before(schema: str, aside: str | None) -> str:
    return "" if aside is None else f'ALTER SCHEMA "{schema}" RENAME TO "{aside}";\nCREATE SCHEMA "{schema}";\n'


def _after(schema: str, aside: str | None, empty: bool) -> str:
    """In the same transaction: nobody may write to the restored notes as if they were what they had before."""
    # 22 characters like those of `models.new_id`.
    epoch = "rtrim(translate(encode(uuid_send(gen_random_uuid()), 'base64'), '+/', '-_'), '=')"
    statements = [
        f'UPDATE "{schema}".document SET epoch = {epoch}',
        f"DELETE FROM \"{schema}\".setting WHERE key = '{RESTORED}'",
        f"INSERT INTO \"{schema}\".setting (key, value) VALUES ('{RESTORED}', '\"{new_id()}\"')",
    ]
    if aside is not None:
        # The id of somebody who came after the backup is never given to somebody else: devices keep notes under it.
        ids = [f"pg_get_serial_sequence('\"{name}\".\"user\"', 'id')" for name in (schema, aside)]
        newest = ", ".join(f"pg_sequence_last_value({id}::regclass)" for id in ids)
        statements.append(f"SELECT setval({ids[0]}, greatest({newest}, 1))")
        if empty:
            statements.append(f'DROP SCHEMA "{aside}" CASCADE')
    return "\n" + "".join(f"{statement};\n" for statement in statements)


def _schema(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(text("SELECT current_schema()")))


def _version(engine: Engine, file: Path, schema: str) -> str:
    """Which version of Palimpsest made the backup. Raises `NotRestored` if none did."""
    try:
        listed = _run(engine, "pg_restore", "--list", str(file))
        options = "--data-only", f"--schema={schema}", "--table=alembic_version", "--file=-"
        data = _run(engine, "pg_restore", *options, str(file))
    except NoTool as error:
        raise NotRestored(f"{file} cannot be read: {error}") from error
    found = re.search(r"^COPY [^\n]*;\n(\w+)$", data, re.MULTILINE)
    if found is None or f" TABLE DATA {schema} document " not in listed:
        raise NotRestored(f"Expected a backup of Palimpsest's schema {schema}, found something else in {file}.")
    return found[1]


def _run(
    engine: Engine, tool: str, *options: str, given: IO[bytes] | None = None, into: IO[bytes] | None = None
) -> str:
    """What a program of PostgreSQL's says, if that does not go into a file. Raises `NoTool`."""
    with tempfile.NamedTemporaryFile("w") as passwords:  # everybody on this machine may see the arguments
        command = [_found(engine, tool), *options]
        if tool in CONNECTING:
            url = engine.url.set(drivername="postgresql", password=None)
            if engine.url.password:
                passwords.write("*:*:*:*:" + str(engine.url.password).replace("\\", "\\\\").replace(":", "\\:") + "\n")
                passwords.flush()
                url = url.update_query_dict({"passfile": passwords.name})
            command.insert(1, f"--dbname={url.render_as_string(hide_password=False)}")
        done = subprocess.run(
            command, stdin=given or subprocess.DEVNULL, stdout=into or subprocess.PIPE, stderr=subprocess.PIPE
        )
    if done.returncode:
        raise NoTool(f"{tool} failed: {done.stderr.decode(errors='replace').strip()}")
    return "" if into else done.stdout.decode()


def _found(engine: Engine, tool: str) -> str:
    path = shutil.which(tool)
    with engine.connect() as connection:
        server = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10000
    advice = f"Install the client programs of PostgreSQL {server}."
    if path is None:
        raise NoTool(f"There is no {tool} here. {advice}")
    said = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"\) (\d+)", said)
    if version is None or int(version[1]) < server:
        raise NoTool(f"Expected {tool} of version {server} or newer, found {said.strip()!r}. {advice}")
    return path
