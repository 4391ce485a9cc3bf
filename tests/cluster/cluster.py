"""The whole of it on this machine: nginx with the configuration that is shipped, workers, PostgreSQL and Redis."""

import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import NamedTuple

import requests

from tests.live import Server
from tests.services import Postgres, Redis, Service, free_port, nginx_program, postgres_programs

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy"
WORKERS = 3
SLOWER = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # than a machine that has nothing else to do
SECRET = "the same secret for all the workers"


class Worker(NamedTuple):
    """One of them, without nginx."""

    url: str


class Cluster:
    """`url` is nginx's."""

    def __init__(
        self, home: Path, instances: bool = False, module: str = "editor.cli", **settings: str
    ) -> None:
        """`instances`: the workers are servers of their own, as on machines of their own; else one server has them.

        `module`: the program of the workers. `settings`: more of theirs.
        """
        # What is acknowledged must outlive a kill of PostgreSQL itself.
        self.postgres = Postgres(postgres_programs(), synchronous_commit="on")
        self.redis = Redis()
        self._settings = {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "SECRET_KEY": SECRET,
            "TRUSTED_PROXIES": "1",
            "SECURE_COOKIES": "no",
        } | settings
        if instances:
            self.servers = [Server(home / f"data-{number}", module, **self._settings) for number in range(WORKERS)]
        else:
            self.servers = [Server(home / "data", module, WORKERS=str(WORKERS), **self._settings)]
        self.server = self.servers[0]
        for port, server in enumerate(self.servers, _free_ports(WORKERS)):
            server.port = port
            server.url = f"http://127.0.0.1:{port}"
        self._routes: dict[int, str] = {}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.nginx = Service(self._nginx(home / "nginx"), home / "nginx", self._answers)

    def start(self) -> "Cluster":
        for server in self.servers:
            server.start()
        self.until(lambda: all(self.ready(worker) for worker in range(WORKERS)))
        self.nginx.start()
        return self

    def stop(self) -> None:
        self.nginx.stop()
        for server in self.servers:
            server.kill()
        self.redis.close()
        self.postgres.close()

    @property
    def log(self) -> str:
        """What the workers have said so far."""
        return "".join(server.log for server in self.servers)

    def another(self, data: Path, module: str = "editor.cli", **settings: str) -> Server:
        """One more instance, as if on another machine. nginx does not know it."""
        return Server(data, module, **self._settings | settings)

    def ready(self, worker: int) -> bool:
        try:
            return requests.get(f"{self.worker(worker).url}/readyz", timeout=2).ok
        except requests.RequestException:
            return False

    def worker(self, number: int) -> Worker:
        return Worker(f"http://127.0.0.1:{self.server.port + number}")

    def serves(self, document_id: str) -> int:
        """The worker to which nginx sends those who open this document."""
        return self.served(f"/healthz?doc={document_id}")

    def served(self, path: str, cookies: str = "") -> int:
        """Which worker answers a request for this."""
        before = len(self._requests(path))
        requests.get(self.url + path, headers={"Cookie": cookies}, timeout=5)
        self.until(lambda: len(self._requests(path)) > before)  # nginx writes it down after it has answered
        return int(self._requests(path)[before].rsplit(":", 1)[1]) - self.server.port

    def route(self, worker: int) -> str:
        """What nginx sends to this worker."""
        if worker not in self._routes:
            self._routes[worker] = next(
                name for name in map("route-{}".format, count()) if self.serves(name) == worker
            )
        return self._routes[worker]

    def pid(self, worker: int) -> int:
        """The process that listens on a worker's port."""
        inode = next(
            fields[9]
            for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
            if fields[1] == f"0100007F:{self.server.port + worker:04X}" and fields[3] == "0A"
        )
        for child in self.workers():
            if any(_link(file) == f"socket:[{inode}]" for file in Path(f"/proc/{child}/fd").iterdir()):
                return child
        raise LookupError(f"nobody serves worker {worker}")

    def workers(self) -> list[int]:
        """Their processes: more than there are places while they are replaced."""
        return self.server.workers

    def kill(self, worker: int) -> None:
        os.kill(self.pid(worker), signal.SIGKILL)

    def until(self, reached: Callable[[], bool], seconds: float = 30.0) -> float:
        """Wait until something is so, or fail. Returns how long it took."""
        began = time.monotonic()
        while not reached():
            assert time.monotonic() - began < seconds, f"waited {seconds} s in vain; the workers said:\n{self.log}"
            time.sleep(0.02)
        return time.monotonic() - began

    @property
    def nginx_log(self) -> str:
        return (self._home / "log").read_text()

    def _requests(self, path: str) -> list[str]:
        """Lines of nginx's log."""
        return re.findall(rf'"GET {re.escape(path.partition("?")[0])}".*', self.nginx_log)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).ok
        except requests.RequestException:
            return False

    def _nginx(self, home: Path) -> list[Path | str]:
        self._home = home
        home.mkdir(parents=True)
        shutil.copy(DEPLOY / "nginx.conf", home)
        ports = range(self.server.port, self.server.port + WORKERS)
        servers = [f"server 127.0.0.1:{port} max_fails=0;\n" for port in ports]
        (home / "servers.conf").write_text("".join(servers))
        site = (DEPLOY / "site.conf").read_text()
        assert "listen 8080;" in site
        (home / "site.conf").write_text(site.replace("8080", f"127.0.0.1:{self.port}"))
        user = "user root;" if os.geteuid() == 0 else ""  # else its workers are nobody, who may not enter this folder
        return [nginx_program(), "-p", home, "-c", home / "nginx.conf", "-g", f"daemon off; {user}"]


def _free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    while True:
        first = free_port()
        try:
            for port in range(first, first + count):
                with socket.socket() as free:
                    free.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first


def _link(file: Path) -> str:
    try:
        return os.readlink(file)
    except OSError:
        return ""  # it was closed meanwhile
