"""A worker whose clock is wrong, and one of another version, among the others."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from tests.cluster.cluster import WORKERS, Cluster
from tests.cluster.conftest import Arrive
from tests.cluster.weather import CONVERGED, Company
from tests.live import Server, SocketLink, Visitor
from tests.people import Person

Odd = Callable[..., Server]


@pytest.fixture
def odd(cluster: Cluster, tmp_path: Path) -> Iterator[Odd]:
    started: list[Server] = []

    def odd(module: str, **settings: str) -> Server:
        started.append(cluster.another(tmp_path / "data", f"tests.cluster.{module}", **settings))
        return started[-1].start()

    yield odd
    for server in started:
        server.kill()
        assert "Traceback" not in server.log


def at(place: Server | Cluster, visitor: Visitor) -> Visitor:
    """The same browser, whose proxy sends it to another worker now."""
    there = Visitor(place)
    there._cookies = visitor._cookies
    return there


def write_together(odd: Server, ada: Visitor, arrive: Arrive, note: str) -> Company:
    stranger = Person(SocketLink(odd, ada, note))
    company = Company([arrive(0), stranger, arrive(1, "polling")])
    company.write(1)
    company.converges(CONVERGED)
    company.nothing_is_lost(arrive(2))
    stranger.leave()
    return company


def wrong_password(place: Server | Cluster, email: str) -> int:
    visitor = Visitor(place)
    csrf = visitor.ask("GET", "/api/me")["csrf"]
    address = f"{place.url}/api/auth/login"
    headers = {"X-CSRF-Token": csrf, "Cookie": visitor.cookies}
    body = {"email": email, "password": "not this one"}
    return requests.post(address, json=body, headers=headers, timeout=30).status_code


@pytest.mark.parametrize("hours", ["5", "-5"])
def test_a_worker_whose_clock_is_wrong_by_hours(
    cluster: Cluster, ada: Visitor, note: str, arrive: Arrive, odd: Odd, hours: str
) -> None:
    wrong = odd("wrong_clock", TEST_CLOCK=hours)
    name = f"Odd{hours.replace('-', 'Behind')}"

    def is_signed_in(place: Server | Cluster, visitor: Visitor) -> None:
        me: dict[str, Any] = at(place, visitor).ask("GET", "/api/me")
        assert me["user"]["name"] in (name, "Ada", "Gus")
        at(place, visitor).new_note("so may write, and the token of the page holds")

    # Whoever signed in at one is somebody at the others: accounts and guests.
    is_signed_in(wrong, ada)
    there = Visitor(wrong).sign_up(name)
    guest = Visitor(wrong)
    guest.follow(ada.share(note, "editor"))
    guest.say_name("Gus")
    for visitor in (there, guest):
        is_signed_in(cluster, visitor)
        is_signed_in(wrong, visitor)

    # What they write is in the order in which it was written, whatever the time says.
    write_together(wrong, ada, arrive, note)
    for place in (cluster, wrong):
        history = at(place, ada).ask("GET", f"/api/documents/{note}/history")
        spans = [(each["first"], each["last"]) for each in history["sittings"]]
        assert spans == sorted(spans, reverse=True)
        assert history["head"] >= spans[0][1]

    # Wrong passwords are counted together, or at worst by each for itself; and never for longer than they should be.
    email = f"{name.lower()}@example.org"
    tries = [wrong_password(wrong, email) for _ in range(6)]
    assert tries == [401] * 5 + [429]
    others = 0
    while wrong_password(cluster, email) == 401:
        others += 1
        assert others <= 5


@pytest.mark.parametrize("version", ["before", "after"])
def test_a_worker_of_another_version(
    cluster: Cluster, ada: Visitor, note: str, arrive: Arrive, odd: Odd, version: str
) -> None:
    write_together(odd("another_version", TEST_VERSION=version), ada, arrive, note)


def test_the_tables_are_of_the_next_version_already(
    cluster: Cluster, ada: Visitor, note: str, arrive: Arrive, tmp_path: Path
) -> None:
    """While one instance after the other is replaced by newer ones, those that are left go on, and their workers."""
    company = Company([arrive(0), arrive(1, "polling"), arrive(2)])
    company.write(0.3)
    with psycopg.connect(cluster.postgres.url, autocommit=True) as connection:
        (before,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
        connection.execute("ALTER TABLE document ADD COLUMN colour text NOT NULL DEFAULT 'green'")
        connection.execute("ALTER TABLE entry ADD COLUMN mood text")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        try:
            company.write(0.5)
            cluster.kill(1)
            company.write(0.5)
            cluster.until(lambda: all(cluster.ready(worker) for worker in range(WORKERS)))
            company.converges(CONVERGED)
            company.nothing_is_lost(arrive(1))
            late = cluster.another(tmp_path / "data")
            with pytest.raises(RuntimeError, match="expected a server that answers"):
                late.start()
            assert "Traceback" not in late.log
            assert "9999" in late.log
        finally:
            connection.execute("ALTER TABLE document DROP COLUMN colour")
            connection.execute("ALTER TABLE entry DROP COLUMN mood")
            connection.execute("UPDATE alembic_version SET version_num = %s", [before])
