"""What nginx adds: it sends each note to one worker, keeps what is for everybody, and lets in no more than is good."""

import re
import secrets
from collections import Counter
from pathlib import Path

import requests

from tests.cluster.cluster import WORKERS, Cluster
from tests.cluster.conftest import Arrive
from tests.live import Visitor
from tests.people import same

DIST = Path(__file__).parents[2] / "frontend" / "dist"


def test_everything_of_a_note_goes_to_one_worker(cluster: Cluster, ada: Visitor) -> None:
    notes = {note: cluster.serves(note) for note in (ada.new_note() for _ in range(12))}
    for note, worker in notes.items():
        for path in (f"/n/{note}", f"/n/{note}/history", f"/api/documents/{note}", f"/api/documents/{note}/share"):
            assert cluster.served(path, ada.cookies) == worker, path
        assert cluster.serves(note) == worker


def test_notes_are_spread(cluster: Cluster) -> None:
    served = Counter(cluster.serves(secrets.token_urlsafe(16)) for _ in range(60))
    assert len(served) == WORKERS, served  # by chance once in ten million runs


def test_what_belongs_to_no_note_is_spread(cluster: Cluster) -> None:
    assert len({cluster.served("/healthz") for _ in range(50)}) == WORKERS


def test_a_polling_session_stays_where_it_is(cluster: Cluster, arrive: Arrive) -> None:
    people = [arrive(worker, "polling") for worker in range(WORKERS)]
    letters = "abc"[:WORKERS]
    for _ in range(20):
        for person, letter in zip(people, letters, strict=True):
            person.type(letter)
            person.link.wait(0.01)
    assert Counter(same(*people)) == dict.fromkeys(letters, 20)
    assert [person.refusals for person in people] == [[]] * WORKERS


def test_scripts_are_kept_and_pages_are_not(cluster: Cluster, ada: Visitor) -> None:
    name = next(DIST.glob("assets/*.js")).name
    answers = [requests.get(f"{cluster.url}/assets/{name}", timeout=5) for _ in range(3)]
    assert [answer.headers["X-Cache"] for answer in answers][1:] == ["HIT", "HIT"]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"public, max-age=31536000, immutable"}
    assert len({answer.content for answer in answers}) == 1
    plain = requests.get(f"{cluster.url}/assets/{name}", headers={"Accept-Encoding": "identity"}, timeout=5)
    assert plain.content == answers[0].content, "packed for those who can unpack it, and for no others"
    for path in ("/", f"/n/{ada.new_note()}", "/api/me"):
        answer = requests.get(cluster.url + path, headers={"Cookie": ada.cookies}, timeout=5)
        assert answer.status_code == 200
        assert "no-store" in answer.headers.get("Cache-Control", "no-store")
        assert "X-Cache" not in answer.headers


def test_too_much_is_refused_before_a_worker_reads_it(cluster: Cluster) -> None:
    for path, most in (("/api/guests", 128 * 1024), ("/socket.io/?EIO=4&transport=polling", 3 << 20)):
        answer = requests.post(cluster.url + path, data=bytes(most + 1), timeout=5)
        assert answer.status_code == 413


def test_nobody_can_pretend_to_come_from_elsewhere(cluster: Cluster) -> None:
    """The limits count by address: whoever could choose theirs had none."""
    Visitor(cluster).sign_up("Victim")
    seen = []
    for number in range(7):
        visitor = Visitor(cluster)
        csrf = visitor.ask("GET", "/api/me")["csrf"]
        answer = requests.post(
            f"{cluster.url}/api/auth/login",
            json={"email": "victim@example.org", "password": f"a wrong one {number}"},
            headers={"X-CSRF-Token": csrf, "Cookie": visitor.cookies, "X-Forwarded-For": f"192.0.2.{number}"},
            timeout=30,
        )
        seen.append(answer.status_code)
    assert seen == [401] * 5 + [429] * 2


def test_what_is_for_operators_is_not_for_the_world(cluster: Cluster) -> None:
    assert requests.get(f"{cluster.url}/metrics", timeout=5).status_code == 403


def test_links_are_not_in_its_log(cluster: Cluster, ada: Visitor, note: str) -> None:
    link = ada.share(note, "viewer")
    Visitor(cluster).follow(link)
    (token,) = re.findall(r"s=(\S+)", link)
    cluster.until(lambda: f"GET /n/{note}" in cluster.nginx_log)
    assert token not in cluster.nginx_log


def test_who_comes_while_no_worker_is_there_is_told_to_wait(cluster: Cluster) -> None:
    cluster.server.kill()
    try:
        answer = requests.get(cluster.url, timeout=20)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "2"
        assert "kept on your device" in answer.text
    finally:
        cluster.server.start()
    cluster.until(lambda: all(cluster.ready(worker) for worker in range(WORKERS)))
    cluster.until(lambda: requests.get(f"{cluster.url}/readyz", timeout=5).ok)
