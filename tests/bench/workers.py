"""Several processes of ours with PostgreSQL and Redis, as docs/operator.md has it; each commit is synced to the disk.

The driver goes to the processes directly, where nginx would send it: each note is at one of them, unless `scattered`.
"""

from collections.abc import Callable
from pathlib import Path

from tests.bench import machine
from tests.bench.servers import LIMITS, Contender, Notes, notes
from tests.cluster.cluster import SECRET, _free_ports
from tests.live import Server
from tests.services import Postgres, Redis, postgres_programs


class Workers:
    """So many, on any of the cores with all that they need."""

    adapter = "palimpsest"
    cores = machine.ALL

    def __init__(self, count: int, scattered: bool = False) -> None:
        self._count = count
        self.scattered = scattered
        self._postgres: Postgres | None = None
        self._redis: Redis | None = None
        self._server: Server | None = None

    def start(self, folder: Path) -> None:
        self._postgres = Postgres(postgres_programs(), fsync="on", synchronous_commit="on", full_page_writes="on")
        self._redis = Redis()
        settings = {"DATABASE_URL": self._postgres.url, "REDIS_URL": self._redis.url, "SECRET_KEY": SECRET}
        self._server = Server(folder / "data", WORKERS=str(self._count), **settings, **LIMITS)
        self._server.port = _free_ports(self._count)
        self._server.url = f"http://127.0.0.1:{self._server.port}"
        self._server.start()

    @property
    def urls(self) -> list[str]:
        assert self._server is not None
        return [f"ws://127.0.0.1:{self._server.port + number}" for number in range(self._count)]

    @property
    def pids(self) -> list[int]:
        assert self._server is not None
        return [self._server.pid]

    @property
    def beside(self) -> dict[str, list[int]]:
        assert self._postgres is not None
        assert self._redis is not None
        return {"postgres": [self._postgres.process.pid], "redis": [self._redis.process.pid]}

    @property
    def database_url(self) -> str:
        assert self._postgres is not None
        return self._postgres.url

    def notes(self, count: int, people: int, viewers: bool) -> Notes:
        assert self._server is not None
        return notes(self._server, count, people, viewers)

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()

    def close(self) -> None:
        self.kill()
        for service in (self._redis, self._postgres):
            if service is not None:
                service.close()


WORKERS: dict[str, Callable[[], Contender]] = {
    "1 process": lambda: Workers(1),
    "2 processes": lambda: Workers(2),
    "3 processes": lambda: Workers(3),
    "4 processes": lambda: Workers(4),
    "3, notes at all": lambda: Workers(3, scattered=True),
}
ONE = "1 process"
