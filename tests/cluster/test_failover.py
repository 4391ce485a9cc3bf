"""PostgreSQL on two machines: one that is written to, and a standby that has what that has."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from tests.cluster.cluster import SECRET, SLOWER
from tests.cluster.weather import CONVERGED, Company
from tests.live import Server, SocketLink, Visitor
from tests.people import Person, same
from tests.services import Postgres, Redis, postgres_programs


class Pair(NamedTuple):
    primary: Postgres
    standby: Postgres
    servers: list[Server]
    ada: Visitor
    note: str

    def arrive(self, server: int) -> Person:
        person = Person(SocketLink(self.servers[server], self.ada, self.note))
        person.until(lambda: person.joined is not None)
        return person

    def promote(self) -> None:
        with psycopg.connect(self.standby.url, autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")

    def replay(self, what: str) -> None:
        """`pause` or `resume` taking in what the primary has written."""
        with psycopg.connect(self.standby.url, autocommit=True) as connection:
            connection.execute(f"SELECT pg_wal_replay_{what}()".encode())


Start = Callable[[bool], Pair]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    ends: list[Callable[[], None]] = []

    def start(synchronous: bool) -> Pair:
        """Two servers without a proxy, that are told of both: the standby first, so that it is found not to do."""
        redis = Redis()
        ends.append(redis.close)
        names = "*" if synchronous else ""
        primary = Postgres(postgres_programs(), synchronous_commit="on", synchronous_standby_names=names)
        ends.append(primary.close)
        standby = Postgres(postgres_programs(), primary, synchronous_commit="on")
        ends.append(standby.close)
        hosts = "&".join(f"host=127.0.0.1:{each.port}" for each in (standby, primary))
        settings = {
            "DATABASE_URL": f"postgresql://postgres@/postgres?{hosts}&target_session_attrs=read-write",
            "REDIS_URL": redis.url,
            "SECRET_KEY": SECRET,
        }
        servers = []
        for name in ("a", "b"):
            servers.append(Server(tmp_path / name, **settings))
            ends.append(servers[-1].kill)
            servers[-1].start()
        ada = Visitor(servers[0]).sign_up("Ada")
        return Pair(primary, standby, servers, ada, ada.new_note())

    yield start
    for end in reversed(ends):
        end()


def test_nothing_acknowledged_is_lost_when_a_synchronous_standby_takes_over(start: Start) -> None:
    pair = start(True)
    company = Company([pair.arrive(0), pair.arrive(1), pair.arrive(1)])
    company.write(0.5)
    # It has all on its disk and shows none of it: whoever read there would miss it.
    pair.replay("pause")
    company.write(0.5)
    company.converges(CONVERGED)
    company.nothing_is_lost(pair.arrive(1))
    pair.replay("resume")

    company.write(0.5)
    pair.primary.process.kill()
    company.write(1)
    assert not all(person.saved for person in company.people)
    pair.promote()
    company.write(0.5)
    company.converges(2 * CONVERGED)
    company.nothing_is_lost(pair.arrive(0))
    assert all(server.answers() for server in pair.servers)
    assert all("Traceback" not in server.log for server in pair.servers)
    for person in company.people:
        person.leave()


def test_what_a_late_standby_never_got_leaves_no_hole(start: Start) -> None:
    """Without `synchronous_standby_names` the last words may be lost; what people write next does not build on them."""
    pair = start(False)
    ann, ben = pair.arrive(0), pair.arrive(1)
    ann.type("kept ")
    same(ann, ben)
    _caught_up(pair)
    pair.standby.process.kill()
    ann.type("lost ")
    assert same(ann, ben) == "kept lost "
    pair.primary.process.kill()
    pair.standby.process.start()
    pair.promote()
    # Who comes now has only what there is, and writes as many entries as were lost.
    cleo = pair.arrive(1)
    cleo.until(lambda: str(cleo.text) == "kept ")
    cleo.type("new ")
    cleo.until(lambda: cleo.saved)
    # Ann and Ben still see the lost word, until they are put out.
    deadline = time.monotonic() + 5 * SLOWER
    while not all(person.refusals for person in (ann, ben)):
        assert time.monotonic() < deadline, "expected that their rooms are thrown away"
        for person in (ann, ben):
            person.link.wait(0.02)
    dora = pair.arrive(0)
    dora.until(lambda: str(dora.text) == "kept new ")
    for person in (ann, ben, cleo, dora):
        person.leave()


def _caught_up(pair: Pair) -> None:
    query = "SELECT bool_and(replay_lsn = pg_current_wal_lsn()) FROM pg_stat_replication"
    with psycopg.connect(pair.primary.url, autocommit=True) as connection:
        while connection.execute(query).fetchone() != (True,):
            time.sleep(0.02)
