"""`python -m tests.cluster.rolling`: all workers are replaced, one after the other, while 200 people type.

They come through nginx. First each instance is stopped and started, as an upgrade does it; then each gets HUP. Nothing
may be lost, and nobody may be shown more than "Reconnecting" and "Saving".
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.cluster import Cluster
from tests.cluster.outcome import Outcome
from tests.live import Visitor

BETWEEN = 3.0  # seconds in which people type in peace
CROWD = {"CONNECTIONS_PER_USER": "5000", "JOINS_PER_PERSON": "100000"}  # all of them are one person here


class Crowd:
    """People who type, in a process of their own."""

    def __init__(self, cluster: Cluster, visitor: Visitor, notes: Sequence[str], clients: int) -> None:
        command = [sys.executable, "-m", "tests.cluster.typists"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        told = {"url": cluster.url, "cookies": visitor.cookies, "notes": list(notes), "clients": clients}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        assert self._line() == "ready\n"

    def stop(self) -> Outcome:
        """They stop typing. What came of it, when all of them have saved."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        outcome = Outcome(**json.loads(self._line()))
        self._process.wait(30)
        return outcome

    def kill(self) -> None:
        with self._process:
            self._process.kill()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def typing(cluster: Cluster, visitor: Visitor, notes: int, clients: int) -> Iterator[Crowd]:
    crowd = Crowd(cluster, visitor, [visitor.new_note() for _ in range(notes)], clients)
    try:
        yield crowd
    finally:
        crowd.kill()


def peace(cluster: Cluster, between: float = BETWEEN) -> None:
    """Nothing happens: what the machine itself takes."""
    time.sleep(between * len(cluster.servers))


def stop_and_start(cluster: Cluster, between: float = BETWEEN) -> None:
    """SIGTERM, and start again when it has ended."""
    for server in cluster.servers:
        server.stop()
        server.start()
        time.sleep(between)


def replace(cluster: Cluster, between: float = BETWEEN) -> None:
    """HUP: a new worker begins, the old one finishes."""
    for server in cluster.servers:
        server.reload()
        time.sleep(between)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--notes", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        cluster = Cluster(Path(home), instances=True, **CROWD)
        try:
            cluster.start()
            ada = Visitor(cluster).sign_up("Ada")
            for way in (peace, stop_and_start, replace):
                with typing(cluster, ada, options.notes, options.clients) as crowd:
                    time.sleep(BETWEEN)
                    way(cluster)
                    time.sleep(BETWEEN)
                    outcome = crowd.stop()
                half, most = outcome.unsaved[len(outcome.unsaved) // 2], outcome.longest_unsaved
                turned_away = sum(line.startswith("127.0.0.1 50") for line in cluster.nginx_log.splitlines())
                print(
                    f"{way.__name__}: {options.clients} people typed {outcome.words} words and reconnected "
                    f"{outcome.reconnects} times; {outcome.lost} lost, {outcome.doubled} twice, {outcome.refused} "
                    f"refused, errors: {', '.join(outcome.errors) or 'none'}, turned away by nginx: {turned_away}; the "
                    f"longest that somebody's word was not saved: {most:.1f} s (half of the people: {half:.1f} s), "
                    f"that somebody was away: {outcome.longest_away:.1f} s",
                    flush=True,
                )
            assert "Traceback" not in cluster.log
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
