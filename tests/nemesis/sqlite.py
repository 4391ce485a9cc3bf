"""One server with SQLite: the README's command."""

import resource
import sqlite3
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

import psutil

from tests.live import Server
from tests.nemesis import old
from tests.nemesis.topology import SWITCHES, Door, End, Topology

SLACK = 4096  # bytes that a full disk still takes


class Sqlite(Topology):
    def __init__(self, folder: Path, fault: str = "") -> None:
        super().__init__(folder)
        self._data = folder / "data"
        self._data.mkdir()
        self._database = self._data / "palimpsest.sqlite"
        old.make(self.database_url)
        self._server = Server(
            self._data, "tests.nemesis.inside", TEST_SWITCHES=str(folder / SWITCHES), TEST_FAULT=fault
        )
        self.doors = [Door(self._server.port)]
        self._strikes |= {"disk": self._fill, "lock": self._lock}

    @property
    def server(self) -> Server:
        return self._server

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self._database}"

    def processes(self, what: str) -> list[psutil.Process]:
        return super().processes("server" if what == "everything" else what)

    def heads(self) -> Mapping[str, int]:
        # A copy: whoever opens a database after a crash repairs it, and that is the server's to do. Made by another
        # process: one that closes a file has no lock in it any more, and we may have the database open to lock it.
        # Then it would be taken for closed, and close itself later as the last one: and delete the log of others.
        paths = [path for path in self._data.glob(f"{self._database.name}*") if not path.name.endswith("-shm")]
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cp", *paths, folder], check=True)
            with closing(sqlite3.connect(Path(folder) / self._database.name)) as copy:
                return dict(copy.execute("SELECT id, head_seq FROM document").fetchall())

    def _fill(self, what: str, _: float) -> End:
        """Have the disk full: no page is left in the database (`inside` sees to it), or the system refuses to write."""
        if what == "pages":
            self.switches.full = True
            return lambda: setattr(self.switches, "full", False)
        log = self._database.with_name(self._database.name + "-wal")
        self._limit_files(log.stat().st_size + SLACK if log.exists() else resource.RLIM_INFINITY)
        return lambda: self._limit_files(resource.RLIM_INFINITY)

    def _limit_files(self, most: int) -> None:
        for process in self.processes("worker"):
            with suppress(psutil.NoSuchProcess):
                process.rlimit(psutil.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def _lock(self, what: str, _: float) -> End:
        """Write to the database from elsewhere."""
        connection = sqlite3.connect(self._database, isolation_level=None)
        with suppress(sqlite3.OperationalError):  # the server itself has it for longer than we want to wait
            connection.execute("BEGIN IMMEDIATE")
        return connection.close
