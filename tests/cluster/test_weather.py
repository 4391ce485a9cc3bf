"""People at several workers write one note, over WebSocket and long polling, while what serves them is killed.

Each types words that nobody else types. Nothing is lost if each is there once at the end, for them and for somebody who
comes then; a server that forgot what it had acknowledged would be found out, because that is not sent again.
"""

import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import pytest

from tests.cluster.cluster import SLOWER, WORKERS, Cluster
from tests.cluster.conftest import Arrive
from tests.live import SocketLink, Visitor
from tests.people import Person, same

CONVERGED = 2.0 * SLOWER  # seconds

_words = count()


class Company:
    """Some people, and what they have typed."""

    def __init__(self, people: Sequence[Person]) -> None:
        self.people = people
        self.typed: list[str] = []

    def write(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for person in self.people:
                self.word(person)
                person.tend()
                person.link.wait(0.005)

    def word(self, person: Person) -> None:
        word = f"<{next(_words)}>"
        self.typed.append(word)
        person.type(word)

    def converged(self) -> float:
        """How long it takes until everybody has read and saved everything."""
        began = time.monotonic()
        while not all(person.joined and person.saved and self._read(person) for person in self.people):
            assert time.monotonic() - began < 30, [
                (bool(each.joined), each.saved, self._read(each), each.refusals[-3:]) for each in self.people
            ]
            for person in self.people:
                person.tend()
                person.link.wait(0.005)
        return time.monotonic() - began

    def nothing_is_lost(self, newcomer: Person) -> None:
        text = same(newcomer, *self.people)
        assert sorted(re.findall(r"<\d+>", text)) == sorted(self.typed)
        assert [person.refused for person in self.people] == [[]] * len(self.people)

    def _read(self, person: Person) -> bool:
        return len(str(person.text)) == sum(map(len, self.typed))


@pytest.fixture
def company(arrive: Arrive) -> Company:
    """At each worker one over a WebSocket and one over long polling."""
    return Company([arrive(worker, kind) for worker in range(WORKERS) for kind in ("websocket", "polling")])


def test_people_at_different_workers_write_one_note(company: Company, arrive: Arrive) -> None:
    company.write(1)
    assert company.converged() < CONVERGED
    company.nothing_is_lost(arrive(0))


def without_redis(cluster: Cluster) -> None:
    cluster.redis.process.kill()


def held_still(cluster: Cluster) -> None:
    cluster.redis.process.send(signal.SIGSTOP)


@pytest.mark.parametrize("trouble", [without_redis, held_still])
def test_while_redis_is_away_they_go_on(
    cluster: Cluster, company: Company, arrive: Arrive, trouble: Callable[[Cluster], None]
) -> None:
    company.write(0.5)
    trouble(cluster)
    try:
        company.write(1)
        assert company.converged() < CONVERGED
        company.nothing_is_lost(arrive(1))
    finally:
        cluster.redis.process.send(signal.SIGCONT)
        if not cluster.redis.answers():
            cluster.redis.process.start()
    company.write(1)
    assert company.converged() < CONVERGED
    company.nothing_is_lost(arrive(2))


def test_redis_forgets_everything_cuts_everybody_off_and_is_full(
    cluster: Cluster, company: Company, arrive: Arrive
) -> None:
    for command in (
        ("FLUSHALL",),
        ("CLIENT", "KILL", "TYPE", "pubsub"),
        ("CLIENT", "KILL", "TYPE", "normal"),
        ("CONFIG", "SET", "maxmemory", "1"),
    ):
        cluster.redis.say(*command)
        company.write(0.5)
        assert company.converged() < CONVERGED, command
    cluster.redis.say("CONFIG", "SET", "maxmemory", "0")
    company.nothing_is_lost(arrive(0))


def test_workers_are_killed(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    company.write(0.3)
    for worker in range(WORKERS):
        cluster.kill(worker)
        company.write(0.7)
    cluster.until(lambda: all(cluster.ready(worker) for worker in range(WORKERS)))
    company.converged()
    company.nothing_is_lost(arrive(0))


def test_a_worker_is_held_still(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    company.write(0.3)
    pid = cluster.pid(1)
    os.kill(pid, signal.SIGSTOP)
    company.write(1.5)
    os.kill(pid, signal.SIGCONT)
    company.converged()
    company.nothing_is_lost(arrive(1))


def test_postgresql_is_started_again(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    company.write(0.5)
    cluster.postgres.restart()
    company.write(1)
    company.converged()
    cluster.postgres.process.kill()
    company.write(1)
    cluster.postgres.process.start()
    company.converged()
    company.nothing_is_lost(arrive(2))


def test_postgresql_is_held_still(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    company.write(0.3)
    cluster.postgres.process.send(signal.SIGSTOP)
    company.write(2)
    cluster.postgres.process.send(signal.SIGCONT)
    assert company.converged() < 2 * CONVERGED
    company.nothing_is_lost(arrive(0))


def test_nginx_reads_its_configuration_anew(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    company.write(0.3)
    cluster.nginx.ask(signal.SIGHUP)
    company.write(0.7)
    assert company.converged() < CONVERGED
    cluster.nginx.kill()
    company.write(0.5)
    cluster.nginx.start()
    company.converged()
    company.nothing_is_lost(arrive(1))


def test_all_workers_are_replaced_while_they_write(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    before = [cluster.pid(worker) for worker in range(WORKERS)]
    cluster.server.reload()
    company.write(6)
    cluster.until(lambda: len(cluster.workers()) == WORKERS and not set(before) & set(cluster.workers()))
    company.converged()
    company.nothing_is_lost(arrive(1))
    assert {refusal["error"] for person in company.people for refusal in person.refusals} <= {"not-joined", "moved"}


def test_an_instance_on_another_machine_comes_and_goes(
    cluster: Cluster, arrive: Arrive, ada: Visitor, note: str, tmp_path: Path
) -> None:
    other = cluster.another(tmp_path / "data").start()
    try:
        link = SocketLink(other, ada, note)
        company = Company([arrive(0), arrive(1, "polling"), Person(link)])
        company.write(0.5)
        assert company.converged() < CONVERGED
        company.word(company.people[2])
        other.stop()
        link._server = cluster  # where a proxy would send them now
        company.write(0.5)
        company.converged()
        company.nothing_is_lost(arrive(2))
        company.people[2].leave()
        assert "Traceback" not in other.log
    finally:
        other.kill()
