"""nginx, three workers, PostgreSQL and Redis: what docs/operator.md calls many processes."""

import random
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import redis

from sync.store import Store
from tests.cluster import cluster
from tests.live import Server
from tests.nemesis import old
from tests.nemesis.switches import Deed
from tests.nemesis.topology import SWITCHES, Door, End, Topology
from tests.services import postgres_programs

PATIENCE = 2  # seconds that a database may take to let us in, or to take a lock for us
RECOVERY = 30.0  # seconds
STOP = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}  # PostgreSQL's words for how it ends


class Cluster(Topology):
    workers = ("worker 0", "worker 1", "worker 2")

    def __init__(self, folder: Path, fault: str = "") -> None:
        super().__init__(folder)
        self._folder = folder
        self._parts = cluster.Cluster(
            folder, module="tests.nemesis.inside", TEST_SWITCHES=str(folder / SWITCHES), TEST_FAULT=fault
        )
        self._redis, self._postgres = self._parts.redis, self._parts.postgres
        self._services = {"postgres": self._postgres.process, "redis": self._redis.process, "nginx": self._parts.nginx}
        old.make(self.database_url)
        nginx, first = Door(self._parts.port), self.server.port
        workers = [Door(first + place) for place in range(len(self.workers))]
        # Each note has people whom nginx sends to one worker, and some at two others.
        self.doors = [nginx, workers[0], nginx, workers[1], workers[2]]
        self._away: set[str] = set()  # what nobody is to start again for now
        self._strikes |= {
            "outage": self._take_away,
            "restart": self._restart,
            "cut off": self._cut_off,
            "flush": lambda what, _: self._tell_redis("FLUSHALL"),
            "full": self._fill,
            "lock": self._lock,
        }

    @property
    def server(self) -> Server:
        return self._parts.server

    @property
    def database_url(self) -> str:
        return self._postgres.url

    @property
    def standing(self) -> bool:
        return super().standing and all(service.running for service in self._services.values())

    def tend(self) -> None:
        for name, service in self._services.items():
            if not service.running and name not in self._away:
                service.launch()
        for deed, name in ((Deed.KILL_POSTGRES, "postgres"), (Deed.KILL_REDIS, "redis")):
            service = self._services[name]
            self.switches.aim(deed, service.pid if service.running else 0)
        super().tend()

    def processes(self, what: str) -> list[psutil.Process]:
        if what == "everything":
            return [each for name in ("server", *self._services) for each in self.processes(name)]
        if what == "backend":  # one of those that serve a connection
            found = [each for each in self.processes("postgres")[1:] if "127.0.0.1" in _title(each)]
            return random.sample(found, min(1, len(found)))
        if what not in self._services:
            return super().processes(what)
        return self._services[what].processes

    def heads(self) -> Mapping[str, int]:
        self._have_postgres()
        with psycopg.connect(self.database_url) as connection:
            return dict(connection.execute("SELECT id, head_seq FROM document").fetchall())

    @contextmanager
    def store(self) -> Iterator[Store]:
        self._have_postgres()
        with super().store() as store:
            yield store

    def close(self) -> None:
        self.end()
        self._have_postgres()
        program = postgres_programs() / "pg_dump"
        subprocess.run([program, "-f", self._folder / "database.sql", self.database_url], check=True)
        self._parts.stop()

    def _have_postgres(self) -> None:
        """To read what it holds, nobody being left to look after it."""
        self._send("postgres", signal.SIGCONT)
        deadline = time.monotonic() + RECOVERY
        while not self._postgres.answers():
            if time.monotonic() > deadline:
                raise RuntimeError(f"expected a PostgreSQL that answers within {RECOVERY} s")
            if not self._postgres.process.running:
                self._postgres.process.launch()
            time.sleep(0.05)

    # -- What is done to it --------------------------------------------------------------------------

    def _take_away(self, what: str, _: float) -> End:
        self._away.add(what)
        self.kill(what)
        return lambda: self._away.discard(what)

    def _restart(self, what: str, _: float) -> None:
        """It ends as it does when it is told to; who tends it starts it again."""
        name, *way = what.split()
        service = self._services[name]
        if service.running:
            service.ask(STOP[way[0]] if way else signal.SIGTERM)

    def _cut_off(self, what: str, _: float) -> None:
        if what == "redis":
            self._tell_redis("CLIENT", "KILL", "TYPE", "pubsub")
            self._tell_redis("CLIENT", "KILL", "TYPE", "normal")
        else:
            others = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
            connection = self._ask_postgres(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
            if connection is not None:
                connection.close()

    def _fill(self, what: str, _: float) -> End:
        self._tell_redis("CONFIG", "SET", "maxmemory", "1")
        return lambda: self._tell_redis("CONFIG", "SET", "maxmemory", "0")

    def _lock(self, what: str, _: float) -> End | None:
        """Somebody else holds all notes."""
        connection = self._ask_postgres("SELECT id FROM document ORDER BY id FOR UPDATE")
        return None if connection is None else connection.close

    def _tell_redis(self, *command: str) -> None:
        with suppress(redis.RedisError):  # it is away itself
            self._redis.say(*command)

    def _ask_postgres(self, query: str) -> psycopg.Connection[object] | None:
        """The transaction in which it was asked; None: it did not answer, because it is away itself."""
        with suppress(psycopg.Error):
            connection = psycopg.connect(self.database_url, connect_timeout=PATIENCE)
            try:
                connection.execute(f"SET lock_timeout = '{PATIENCE}s'".encode())
                connection.execute(query.encode())
            except psycopg.Error:
                connection.close()
                raise
            return connection
        return None


def _title(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""
