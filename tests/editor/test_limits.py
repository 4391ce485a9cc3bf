"""What each may have of everything: who has more is told so, keeps their text, and catches up."""

import base64
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import msgpack
import pytest
import requests
import websocket
from pycrdt import get_update

from editor.config import Config
from editor.limits import RANGES, Limits
from sync.awareness import State, encode
from sync.messages import Kind
from tests.live import PASSWORD, Server, SocketLink, Visitor
from tests.people import Person, same
from tests.sync.handmade import section, struct, text, update
from tests.tab import Tab

SMALL = {
    "UPDATE_BYTES": "600000",
    "UPDATES_PER_SECOND": "5",
    "AWARENESS_BYTES": "1024",
    "AWARENESS_PER_SECOND": "2",
    "JOINS_PER_MINUTE": "60",
    "JOINS_PER_PERSON": "60",
    "SECONDS_TO_JOIN": "2",
    "CONNECTIONS_PER_USER": "6",
    "CONNECTIONS_PER_ADDRESS": "10",
    "PEOPLE_PER_NOTE": "3",
    "NOTE_BYTES": "2000000",
    "NOTE_STRUCTS": "1000",
    "LOGINS_PER_MINUTE": "2",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("data"), **SMALL).start()
    yield server
    server.kill()
    assert "Traceback" not in server.log


@pytest.fixture
def somebody(server: Server, request: pytest.FixtureRequest) -> Visitor:
    return Visitor(server).say_name(request.node.name[:40])


@pytest.fixture
def note(somebody: Visitor) -> str:
    return somebody.new_note()


@pytest.fixture
def tab(server: Server, somebody: Visitor, note: str) -> Iterator[Tab]:
    with Tab(server, somebody, note) as tab:
        yield tab


def filler(client: int, clock: int, count: int) -> bytes:
    """So many pieces that no two of which can be put together."""
    parts = [text("x", parent="title")] if clock == 0 else []
    first = 1 if clock == 0 else clock
    # Each stands before the one before: what is typed backwards stays apart.
    parts += [struct(4, b"\1x", right=(client, number - 1)) for number in range(first, clock + count)]
    return update(section(client, clock, *parts))


def test_every_limit_can_be_set_and_nonsense_is_named(tmp_path: Path) -> None:
    assert set(RANGES) == {name.lower() for name in SMALL} == set(Limits.__dataclass_fields__)
    for name, (least, most) in RANGES.items():
        variable = f"PALIMPSEST_{name.upper()}"
        for number in (least, most):
            config = Config.from_environ({"PALIMPSEST_DATA": str(tmp_path), variable: str(number)})
            assert getattr(config.limits, name) == number
        for value in (str(least - 1), str(most + 1), "many"):
            with pytest.raises(ValueError, match=f"{variable}: expected a number from {least} to {most}, not"):
                Config.from_environ({"PALIMPSEST_DATA": str(tmp_path), variable: value})
        assert least <= getattr(Limits, name) <= most


def test_who_types_too_fast_loses_nothing(server: Server, somebody: Visitor, note: str) -> None:
    """Five updates a second are taken from one who types two hundred letters as fast as they can."""
    person = Person(SocketLink(server, somebody, note))
    person.until(lambda: person.joined is not None)
    for number in range(200):
        person.type(chr(97 + number % 26))
        person.tend()
        person.link.wait(0.001)
    person.until(lambda: person.saved)
    typed = "".join(chr(97 + number % 26) for number in range(200))
    assert "rate" in {refusal["error"] for refusal in person.refusals}, "they were not too fast"
    assert same(person) == typed
    person.leave()
    other = Person(SocketLink(server, somebody, note))
    other.until(lambda: str(other.text) == typed)
    other.leave()


def test_an_update_that_is_too_large(tab: Tab) -> None:
    tab.joined()
    answer = tab.say(Kind.UPDATE, tab.typed("x" * 600_001))
    assert answer["error"] == "too-large"
    assert "600000" in answer["message"]


def test_too_many_updates_and_too_much_awareness(tab: Tab) -> None:
    tab.joined()
    for kind, payload, at_once in ((Kind.UPDATE, b"\0\0", 10), (Kind.AWARENESS, b"\0", 4)):
        answers = [tab.say(kind, payload) for _ in range(at_once + 3)]
        assert "rate" not in {answer.get("error") for answer in answers[:at_once]}
        assert answers[-1]["error"] == "rate"
        assert 0 < answers[-1]["retry_after"] <= 1


def test_awareness_that_is_too_large(tab: Tab) -> None:
    tab.joined()
    answer = tab.say(Kind.AWARENESS, encode([State(tab.doc.client_id, 1, b'{"a": "' + b"x" * 1024 + b'"}')]))
    assert answer["error"] == "too-large"
    assert "1024" in answer["message"]


def test_too_many_joins(server: Server, somebody: Visitor, note: str) -> None:
    with Tab(server, somebody, note) as tab:
        answers = []
        for _ in range(12):
            answers.append(tab.join())
            tab.ask("leave")
        assert [answer["error"] for answer in answers if "error" in answer] == ["rate", "rate"]
        assert 0 < answers[-1]["retry_after"] <= 1


def test_too_many_joins_through_ever_new_connections(server: Server, somebody: Visitor, note: str) -> None:
    errors = []
    for _ in range(36):
        with Tab(server, somebody, note) as tab:
            errors.append(tab.join().get("error"))
    assert errors[:20] == [None] * 20
    assert "rate" in errors[30:]


def test_two_documents_through_one_connection(tab: Tab, somebody: Visitor) -> None:
    tab.joined()
    answer = tab.join(document=somebody.new_note())
    assert (answer["error"], "once" in answer["message"]) == ("malformed", True)


def test_too_many_people_in_a_note(server: Server, somebody: Visitor, note: str) -> None:
    with ExitStack() as tabs:
        for _ in range(3):
            tabs.enter_context(Tab(server, somebody, note)).joined()
        with Tab(server, somebody, note) as one_more:
            answer = one_more.join()
            assert answer["error"] == "full"
            assert "3 people" in answer["message"]
    with Tab(server, somebody, note) as later:
        later.joined()


def test_too_many_connections_of_one_person(server: Server, somebody: Visitor, note: str) -> None:
    with ExitStack() as tabs:
        several = [tabs.enter_context(Tab(server, somebody, note)) for _ in range(6)]
        with Tab(server, somebody, note) as one_more:
            (reason,) = one_more.event("expelled")
            assert reason["error"] == "rate"
            assert "6 connections" in reason["message"]
            one_more.ends()
        several[0].joined()


def test_connections_that_end_while_they_say_who_they_are_do_not_count(
    server: Server, somebody: Visitor, note: str
) -> None:
    say = base64.b64encode(msgpack.packb({"type": 0, "nsp": "/"})).decode()
    url, headers = f"{server.url}/socket.io/?EIO=4&transport=polling", {"Cookie": somebody.cookies}

    def come_and_go(_: int) -> None:
        sid = requests.get(url, headers=headers, timeout=20).text.split('"sid":"')[1].split('"')[0]
        with ThreadPoolExecutor(2) as both:
            for body in (f"b{say}", "1"):
                both.submit(requests.post, f"{url}&sid={sid}", body, headers=headers, timeout=20)

    with ThreadPoolExecutor(4) as several:
        list(several.map(come_and_go, range(24)))
    with Tab(server, somebody, note) as later:
        later.joined()


def test_too_many_connections_of_one_address(server: Server, note: str) -> None:
    with ExitStack() as tabs:
        several = [tabs.enter_context(Tab(server, None, note)) for _ in range(10)]
        answer = requests.get(f"{server.url}/socket.io/?EIO=4&transport=polling", timeout=20)
        assert answer.status_code == 429
        assert answer.json()["type"] == "rate"
        with pytest.raises(websocket.WebSocketBadStatusException, match="429"):
            Tab(server, None, note)
        assert several[0].join()["error"] == "sign-in", "who is in already may go on"
    deadline = time.monotonic() + 10
    while requests.get(f"{server.url}/socket.io/?EIO=4&transport=polling", timeout=20).status_code == 429:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_connection_that_joins_nothing(tab: Tab) -> None:
    began = time.monotonic()
    tab.ends()
    assert 1 < time.monotonic() - began < 6


def test_too_many_tries_to_sign_in(server: Server) -> None:
    visitor = Visitor(server)
    visitor.ask("GET", "/api/me")
    answers = []
    for _ in range(3):
        body = {"email": "nobody@example.org", "password": PASSWORD + "?"}
        headers = {"X-CSRF-Token": visitor._csrf}
        answers.append(visitor._request("POST", "/api/auth/login", json=body, headers=headers))
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[-1].json()["type"] == "rate"


def test_a_note_of_too_many_pieces(server: Server, somebody: Visitor, note: str) -> None:
    client = 4711
    with Tab(server, somebody, note) as tab, Tab(server, somebody, note) as other:
        tab.joined()
        assert other.join()["filled"] == 0
        assert "error" not in tab.say(Kind.UPDATE, filler(client, 0, 790))
        assert "error" not in tab.say(Kind.UPDATE, filler(client, 790, 60))
        (news,) = other.event("document")
        assert news == {"filled": 0.85}
        assert "error" not in tab.say(Kind.UPDATE, filler(client, 850, 150))
        assert tab.event("document") == [{"filled": 0.85}]
        assert tab.event("document") == [{"filled": 1.0}]
        full = tab.say(Kind.UPDATE, filler(client, 1000, 1))
        assert (full["error"], "full" in full["message"]) == ("quota", True)
        # What is known already is acknowledged, and people may delete.
        assert "error" not in tab.say(Kind.UPDATE, filler(client, 850, 150))
        assert "error" not in tab.say(Kind.UPDATE, update(deleted={client: [(0, 10)]}))
    with Tab(server, somebody, note) as tab:
        assert tab.join()["filled"] == 1
    assert f"{note} is 85 % full" in server.log


def test_a_note_of_too_many_bytes(server: Server, somebody: Visitor, note: str) -> None:
    with Tab(server, somebody, note) as tab:
        tab.joined()
        for _ in range(4):
            assert "error" not in tab.say(Kind.UPDATE, tab.typed("x" * 500_000))
        assert tab.event("document")[0]["filled"] >= 1
        assert tab.say(Kind.UPDATE, tab.typed("one letter more"))["error"] == "quota"


def test_typing_on_does_not_fill_a_note_with_what_is_put_together(server: Server, somebody: Visitor, note: str) -> None:
    """Each letter comes as an update of its own; the note holds one piece."""
    with Tab(server, somebody, note) as tab:
        tab.joined()
        before = tab.doc.get_state()
        for number in range(1100):
            tab.typed("x")
            if number % 100 == 99:
                assert "error" not in tab.say(Kind.UPDATE, get_update(tab.doc.get_update(), before))
                before = tab.doc.get_state()
                time.sleep(0.15)
        tab.ask("leave")
        assert tab.join()["filled"] < 0.1
