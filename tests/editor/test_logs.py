"""What a server says to its operator, for programs: what it is about, and nothing that anybody wrote."""

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.live import PASSWORD, Server, SocketLink, Visitor
from tests.people import Person

SECRETS = ("plover", "wagtail", "dunnock")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data", LOG="json", LOG_LEVEL="debug", NOTE_BYTES=str(1 << 20)).start()
    yield server
    server.kill()


def lines(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log.splitlines()]


def wait_for(server: Server, words: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for line in lines(server):
            if words in line["message"]:
                return line
        time.sleep(0.05)
    raise AssertionError(f"expected {words!r} in\n{server.log}")


def test_a_whole_session_is_told_with_ids_and_without_a_word(server: Server) -> None:
    ada = Visitor(server).sign_up("Ada")
    ada_id = ada.ask("GET", "/api/me")["user"]["id"]
    note = ada.new_note(f"A title with {SECRETS[0]}")
    link = ada.share(note, "editor")
    ben = Visitor(server)
    ben.follow(link)
    ben.say_name("Benjamin Wren")
    people = [Person(SocketLink(server, visitor, note)) for visitor in (ada, ben)]
    for person in people:
        person.type("x")
        person.until(lambda person=person: person.saved)  # type: ignore[misc]

    # Slow: somebody else holds the database.
    with sqlite3.connect(server.data / "palimpsest.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        people[0].type(f"{SECRETS[1]} ")
        time.sleep(1.3)  # what is slow takes longer than a second
        other.execute("ROLLBACK")
    people[0].until(lambda: people[0].saved)
    slow = wait_for(server, "slow: an update")
    assert (slow["document"], slow["user"], slow["level"]) == (note, ada_id, "warning")
    assert slow["connection"] in slow["message"]
    wait_for(server, "slow: a commit of")

    # Full.
    for _ in range(2):
        people[1].type(f"{SECRETS[2]} " * 60_000)
        people[1].until(lambda: people[1].saved)
    full = wait_for(server, "% full")
    assert full["document"] == note

    # Refused: a page of another site; a wrong password; a link that was revoked; what is no request.
    strange = requests.get(
        f"{server.url}/socket.io/?EIO=4&transport=polling", headers={"Origin": "https://example.org"}, timeout=5
    )
    assert strange.status_code == 403
    wait_for(server, "Refused a page of")
    csrf = ada.ask("GET", "/api/me")["csrf"]
    for body in ({"email": "ada@example.org", "password": "a wrong nightjar"}, ["no", "object"]):
        requests.post(
            f"{server.url}/api/auth/login", json=body, timeout=30, headers={"X-CSRF-Token": csrf, "Cookie": ada.cookies}
        )
    ada.unshare(note)
    requests.get(server.url + link, timeout=5)

    # Damaged, and found so by who reads the log.
    short = ada.new_note()
    people.append(Person(SocketLink(server, ada, short)))
    for secret in SECRETS:
        people[2].type(secret)
        people[2].until(lambda: people[2].saved)
    with sqlite3.connect(server.data / "palimpsest.sqlite") as other:
        other.execute('UPDATE entry SET "update" = zeroblob(5) WHERE seq = 2 AND document_id = ?', [short])
    ada.bytes(f"/api/documents/{short}/history/entries")
    assert wait_for(server, "entries 2 to 2")["document"] == short

    for person in people:
        person.leave()
    server.reload()
    ada.sign_out()
    server.stop()

    said = lines(server)
    assert {line["level"] for line in said} >= {"info", "warning"}
    for line in said:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["time"])
        assert isinstance(line["process"], int)
        assert line["message"]
        assert line.keys() <= {
            "time", "level", "logger", "process", "message", "document", "user", "connection", "route", "exception"
        }  # fmt: skip
        assert "exception" not in line, line
    (token,) = re.findall(r"s=(\S+)", link)
    cookies = [word.partition("=")[2] for word in f"{ada.cookies}; {ben.cookies}".split("; ")]
    for secret in (*SECRETS, token, PASSWORD, "nightjar", "Benjamin", "ada@example.org", csrf, *cookies):
        assert secret, "an empty one would be found everywhere"
        assert secret not in server.log
    kept = (server.data / "secret_key").read_text().strip()
    assert kept not in server.log


def test_lines_for_people_stay_what_they_are(tmp_path: Path) -> None:
    server = Server(tmp_path / "data").start()
    requests.get(
        f"{server.url}/socket.io/?EIO=4&transport=polling", headers={"Origin": "https://example.org"}, timeout=5
    )
    server.stop()
    said = server.log.splitlines()
    assert f"Palimpsest is at {server.url}" in said
    assert said[-1].startswith("Refused a page of 'https://example.org': this server is ")


def test_where_it_is_is_said_to_programs(server: Server) -> None:
    (line,) = [line for line in lines(server) if server.url in line["message"]]
    assert (line["level"], line["logger"]) == ("info", "palimpsest")
