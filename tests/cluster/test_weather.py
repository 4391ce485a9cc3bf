"""People at several workers write one note, over WebSocket and long polling, while what serves them is killed.

Each types words that nobody else types. Nothing is lost if each is there once at the end, for them and for somebody who
comes then; a server that forgot what it had acknowledged would be found out, because that is not sent again.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from editor.sockets import PING_INTERVAL, PING_TIMEOUT
from tests.cluster.cluster import WORKERS, Cluster
from tests.cluster.conftest import Arrive
from tests.cluster.weather import CONVERGED, Company
from tests.live import SocketLink, Visitor
from tests.nemesis.line import Network
from tests.people import Person


@pytest.fixture
def company(arrive: Arrive) -> Company:
    """At each worker one over a WebSocket and one over long polling."""
    return Company([arrive(worker, kind) for worker in range(WORKERS) for kind in ("websocket", "polling")])


def test_people_at_different_workers_write_one_note(company: Company, arrive: Arrive) -> None:
    company.write(1)
    company.converges(CONVERGED)
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
        company.converges(CONVERGED)
        company.nothing_is_lost(arrive(1))
    finally:
        cluster.redis.process.send(signal.SIGCONT)
        if not cluster.redis.answers():
            cluster.redis.process.start()
    company.write(1)
    company.converges(CONVERGED)
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
        company.converges(CONVERGED)
    cluster.redis.say("CONFIG", "SET", "maxmemory", "0")
    company.nothing_is_lost(arrive(0))


def test_a_worker_and_redis_do_not_reach_each_other(
    cluster: Cluster, arrive: Arrive, ada: Visitor, note: str, tmp_path: Path
) -> None:
    """No connection ends: what is sent goes nowhere, and nothing comes."""
    network = Network()
    line = network.line(int(cluster.redis.url.rsplit(":", 1)[1].partition("/")[0]))
    cut_off = cluster.another(tmp_path / "data", REDIS_URL=f"redis://{line.url.removeprefix('http://')}/0").start()
    try:
        people = [arrive(0), arrive(1, "polling"), Person(SocketLink(cut_off, ada, note))]
        company = Company(people)
        company.write(0.5)
        company.converges(CONVERGED)
        network.call(line, "half-open")
        company.write(1)
        company.converges(CONVERGED)
        company.nothing_is_lost(arrive(2))
        network.call(line, "plain")
        company.write(1)
        company.converges(CONVERGED)
        company.nothing_is_lost(arrive(0))
        people[2].leave()
        assert "Traceback" not in cut_off.log
    finally:
        cut_off.kill()
        network.close()


def test_workers_are_killed(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    company.write(0.3)
    for worker in range(WORKERS):
        cluster.kill(worker)
        company.write(0.7)
    cluster.until(lambda: all(cluster.ready(worker) for worker in range(WORKERS)))
    company.converges()
    company.nothing_is_lost(arrive(0))


def test_a_worker_is_held_still(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    company.write(0.3)
    pid = cluster.pid(1)
    os.kill(pid, signal.SIGSTOP)
    company.write(1.5)
    os.kill(pid, signal.SIGCONT)
    company.converges()
    company.nothing_is_lost(arrive(1))


def test_a_worker_is_slow(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    """It has a tenth of the time, as on a machine that swaps."""
    company.write(0.3)
    pid = cluster.pid(1)
    try:
        for _ in range(15):
            os.kill(pid, signal.SIGSTOP)
            company.write(0.18)
            os.kill(pid, signal.SIGCONT)
            company.write(0.02)
    finally:
        os.kill(pid, signal.SIGCONT)
    company.converges(2 * CONVERGED)
    company.nothing_is_lost(arrive(1))


@contextmanager
def no_connection_left(cluster: Cluster) -> Iterator[None]:
    """Somebody else has all that PostgreSQL gives; those of the workers are cut, and nobody gets another one."""
    url, taken = cluster.postgres.url, []
    others = "FROM pg_stat_activity WHERE client_port IS NOT NULL AND pid <> ALL(%s)"
    cut = f"SELECT count(pg_terminate_backend(pid)) {others}".encode()

    def take_all() -> None:
        while True:
            taken.append(psycopg.connect(url))

    with psycopg.connect(url, autocommit=True) as admin:
        try:
            alone = False
            while not alone:
                with pytest.raises(psycopg.OperationalError, match="too many clients"):
                    take_all()
                mine = [each.info.backend_pid for each in (admin, *taken)]
                alone = admin.execute(cut, [mine]).fetchone() == (0,)
            yield
        finally:
            for connection in taken:
                connection.close()


def test_postgresql_has_no_connection_left(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    company.write(0.3)
    with no_connection_left(cluster):
        company.write(4)
        assert not all(person.saved for person in company.people)
        assert not cluster.ready(0)
    company.converges(2 * CONVERGED)
    company.nothing_is_lost(arrive(1))
    assert cluster.ready(0)


def test_postgresql_is_started_again(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    company.write(0.5)
    cluster.postgres.restart()
    company.write(1)
    company.converges()
    cluster.postgres.process.kill()
    company.write(1)
    cluster.postgres.process.start()
    company.converges()
    company.nothing_is_lost(arrive(2))


def test_postgresql_is_held_still(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    company.write(0.3)
    cluster.postgres.process.send(signal.SIGSTOP)
    company.write(2)
    cluster.postgres.process.send(signal.SIGCONT)
    company.converges(2 * CONVERGED)
    company.nothing_is_lost(arrive(0))


def test_nginx_reads_its_configuration_anew(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    company.write(0.3)
    cluster.nginx.ask(signal.SIGHUP)
    company.write(0.7)
    # Once, on a busy machine, somebody heard nothing until their client gave the connection up, and then went on. It
    # has not come again in 300 reloads.
    company.converges(PING_INTERVAL + PING_TIMEOUT)
    cluster.nginx.kill()
    company.write(0.5)
    cluster.nginx.start()
    company.converges()
    company.nothing_is_lost(arrive(1))


def test_all_workers_are_replaced_while_they_write(cluster: Cluster, company: Company, arrive: Arrive) -> None:
    before = [cluster.pid(worker) for worker in range(WORKERS)]
    cluster.server.reload()
    company.write(6)
    cluster.until(lambda: len(cluster.workers()) == WORKERS and not set(before) & set(cluster.workers()))
    company.converges()
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
        company.converges(CONVERGED)
        company.word(company.people[2])
        other.stop()
        link._server = cluster  # where a proxy would send them now
        company.write(0.5)
        company.converges()
        company.nothing_is_lost(arrive(2))
        company.people[2].leave()
        assert "Traceback" not in other.log
    finally:
        other.kill()
