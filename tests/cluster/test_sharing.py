"""What one process knows, the others do as well: who is where, who may not be here any more, and what was erased."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests

from sync.awareness import State, decode, encode
from sync.messages import Kind, Message
from tests.cluster.cluster import SLOWER, WORKERS, Cluster
from tests.cluster.conftest import Arrive
from tests.live import PASSWORD, Visitor
from tests.people import Person, same

AT_ONCE = 0.1 * SLOWER  # seconds
SOON = 1.0 * SLOWER
WITHOUT_REDIS = 2.0 * SLOWER
KILLED = 15.0
NOBODY = State(0, 0, b"null")


def place(person: Person, clock: int) -> None:
    assert person.joined is not None
    state = json.dumps({"user": person.joined["user"], "cursor": None}).encode()
    person.say(Message(Kind.AWARENESS, encode([State(person.client_id, clock, state)])))


def sees(person: Person, other: Person) -> State:
    """The newest state of somebody that has arrived; NOBODY if there is none."""
    person.link.wait(0.005)
    states = [state for data in person.states for state in decode(data) if state.client_id == other.client_id]
    return states[-1] if states else NOBODY


def takes(person: Person, reached: Callable[[], bool], most: float) -> None:
    """It is so within so many seconds."""
    began = time.monotonic()
    person.until(reached)
    assert time.monotonic() - began < most


@contextmanager
def without(cluster: Cluster, redis: bool) -> Iterator[None]:
    if redis:
        cluster.redis.process.kill()
    try:
        yield
    finally:
        if redis:
            cluster.redis.process.start()


without_redis = pytest.mark.parametrize("redis_is_away", [False, True], ids=["redis", "no redis"])


def test_a_caret_is_seen_at_other_workers_at_once(arrive: Arrive) -> None:
    ann, bob, cleo = arrive(0), arrive(1), arrive(2, "polling")
    for clock in range(1, 4):
        place(ann, clock)
        for other in (bob, cleo):
            takes(other, lambda other=other, clock=clock: sees(other, ann)[1:2] == (clock,), AT_ONCE)  # type: ignore[misc]
    late = arrive(2)
    takes(late, lambda: sees(late, ann) != NOBODY, AT_ONCE)
    ann.leave()
    takes(bob, lambda: sees(bob, ann) == State(ann.client_id, 3, b"null"), SOON)


def test_the_people_of_a_killed_worker_vanish(cluster: Cluster, arrive: Arrive) -> None:
    ann, bob = arrive(0), arrive(1)
    place(ann, 1)
    bob.until(lambda: sees(bob, ann) != NOBODY)
    ann._wants_in = False  # she closes her laptop at that moment
    cluster.kill(0)
    takes(bob, lambda: sees(bob, ann) == State(ann.client_id, 1, b"null"), KILLED)
    cluster.until(lambda: cluster.ready(0))


@without_redis
def test_who_may_not_come_in_any_more_is_out(
    cluster: Cluster, ada: Visitor, note: str, arrive: Arrive, redis_is_away: bool
) -> None:
    link = ada.share(note, "editor")
    guests = [Visitor(cluster).say_name(f"Guest {number}") for number in range(WORKERS)]
    for guest in guests:
        guest.follow(link)
    inside = [arrive(worker, visitor=guest) for worker, guest in enumerate(guests)]
    owner = arrive(0)
    same(owner, *inside)
    with without(cluster, redis_is_away):
        ada.unshare(note)
        most = WITHOUT_REDIS if redis_is_away else SOON
        for person in inside:
            takes(person, lambda person=person: bool(person.refusals), most)  # type: ignore[misc]
            assert {refusal["error"] for refusal in person.refusals} <= {"access", "not-found"}
            person.until(lambda person=person: person.refusals[-1]["error"] == "not-found")  # type: ignore[misc]
        owner.type("still mine")
        assert same(owner) == "still mine"


@without_redis
def test_another_role_holds_at_all_workers(
    cluster: Cluster, ada: Visitor, note: str, arrive: Arrive, redis_is_away: bool
) -> None:
    gus = Visitor(cluster).say_name("Gus")
    gus.follow(ada.share(note, "editor"))
    inside = [arrive(worker, visitor=gus) for worker in range(WORKERS)]
    with without(cluster, redis_is_away):
        ada.share(note, "viewer")
        for person in inside:
            person.until(lambda person=person: (person.joined or {}).get("role") == "viewer")  # type: ignore[misc]


@without_redis
def test_a_note_in_the_bin_is_closed_everywhere(
    cluster: Cluster, ada: Visitor, note: str, arrive: Arrive, redis_is_away: bool
) -> None:
    inside = [arrive(worker) for worker in range(WORKERS)]
    with without(cluster, redis_is_away):
        ada.ask("DELETE", f"/api/documents/{note}")
        for person in inside:
            takes(person, lambda person=person: bool(person.refusals), WITHOUT_REDIS)  # type: ignore[misc]
            person.until(lambda person=person: person.refusals[-1]["error"] == "not-found")  # type: ignore[misc]


def test_a_note_that_is_deleted_for_ever_is_gone_everywhere(cluster: Cluster, ada: Visitor, note: str) -> None:
    ada.ask("DELETE", f"/api/documents/{note}")
    ada.ask("DELETE", f"/api/documents/{note}/forever")
    for worker in range(WORKERS):
        path = f"{cluster.worker(worker).url}/api/documents/{note}"
        assert requests.get(path, headers={"Cookie": ada.cookies}, timeout=5).status_code == 404


def test_a_new_title_is_seen_everywhere(ada: Visitor, note: str, arrive: Arrive) -> None:
    inside = [arrive(worker) for worker in range(WORKERS)]
    ada.ask("PATCH", f"/api/documents/{note}", title="A new title")
    for person in inside:
        takes(person, lambda person=person: str(person.text) == "A new title", SOON)  # type: ignore[misc]


@without_redis
def test_what_was_erased_is_put_aside_everywhere(
    cluster: Cluster, ada: Visitor, note: str, arrive: Arrive, redis_is_away: bool
) -> None:
    inside = [arrive(worker) for worker in range(WORKERS)]
    for person in inside:
        person.type("word ")
    same(*inside)
    with without(cluster, redis_is_away):
        ada.ask("POST", f"/api/documents/{note}/history/erase", before=3)
        for person in inside:
            takes(person, lambda person=person: bool(person.refusals), WITHOUT_REDIS)  # type: ignore[misc]
            person.until(lambda person=person: person.refusals[-1]["error"] == "epoch")  # type: ignore[misc]


@without_redis
def test_a_new_password_ends_the_tabs_of_other_sessions(cluster: Cluster, arrive: Arrive, redis_is_away: bool) -> None:
    name = f"bob-{redis_is_away}".lower()
    laptop, phone = Visitor(cluster).sign_up(name), Visitor(cluster)
    phone.ask("POST", "/api/auth/login", email=f"{name}@example.org", password=PASSWORD)
    note = laptop.new_note()
    here = [arrive(worker, visitor=laptop, document_id=note) for worker in range(WORKERS)]
    there = [arrive(worker, visitor=phone, document_id=note) for worker in range(WORKERS)]
    with without(cluster, redis_is_away):
        wanted = {"new_password": "another password", "new_password_confirm": "another password"}
        laptop.ask("POST", "/api/auth/change", password=PASSWORD, **wanted)
        for person in there:
            takes(person, lambda person=person: bool(person.refusals), WITHOUT_REDIS)  # type: ignore[misc]
            person.until(lambda person=person: person.refusals[-1]["error"] == "sign-in")  # type: ignore[misc]
        time.sleep(2 if redis_is_away else 0)  # nobody else is sent away, also when the database is looked at
        for person, letter in zip(here, "abc", strict=True):
            person.type(letter)
        here[0].until(lambda: len(same(*here)) == 3)
        if not redis_is_away:
            assert [person.refusals for person in here] == [[], [], []]


@without_redis
def test_who_signs_out_is_out_everywhere(cluster: Cluster, arrive: Arrive, redis_is_away: bool) -> None:
    visitor = Visitor(cluster).sign_up(f"Leaving-{redis_is_away}")
    note = visitor.new_note()
    inside = [arrive(worker, visitor=visitor, document_id=note) for worker in range(WORKERS)]
    with without(cluster, redis_is_away):
        visitor.sign_out()
        for person in inside:
            takes(person, lambda person=person: bool(person.refusals), WITHOUT_REDIS if redis_is_away else SOON)  # type: ignore[misc]


@without_redis
def test_guests_may_not_write_any_more(
    cluster: Cluster, ada: Visitor, note: str, arrive: Arrive, redis_is_away: bool
) -> None:
    gus = Visitor(cluster).say_name("Gus")
    gus.follow(ada.share(note, "editor"))
    inside = [arrive(worker, visitor=gus) for worker in range(WORKERS)]
    with without(cluster, redis_is_away):
        ada.ask("PATCH", "/api/settings", guests=False)
        try:
            for person in inside:
                person.until(lambda person=person: (person.joined or {}).get("role") == "viewer")  # type: ignore[misc]
        finally:
            ada.ask("PATCH", "/api/settings", guests=True)


def test_wrong_passwords_are_counted_together(cluster: Cluster) -> None:
    Visitor(cluster).sign_up("Guessed")
    guesser = Visitor(cluster)
    answers = []
    for number in range(6):
        with pytest.raises(AssertionError, match="POST") as refused:
            guesser.ask("POST", "/api/auth/login", email="guessed@example.org", password=f"wrong number {number}")
        answers.append(str(refused.value).split(": ", 1)[1][:3])
    assert answers == ["401"] * 5 + ["429"]
