"""What the server answers on a socket: to people, to clients that get it wrong, and to hostile ones."""

import sqlite3
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack
import pytest
import requests
import websocket
from pycrdt import Doc, Text

from sync.messages import Kind, Message
from tests.live import Server, SocketLink, Visitor
from tests.people import Person, same
from tests.tab import Tab

MIB = 1 << 20
TRANSPORTS = ("websocket", "polling")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[Server]:
    server = Server(data).start()
    yield server
    server.kill()
    assert "Traceback" not in server.log


@pytest.fixture(scope="module")
def alice(server: Server) -> Visitor:
    return Visitor(server).sign_up("Alice")


@pytest.fixture(scope="module")
def bob(server: Server, alice: Visitor) -> Visitor:
    return Visitor(server).sign_up("Bob")


@pytest.fixture
def note(alice: Visitor, bob: Visitor) -> str:
    """A note of Alice's that Bob may write, too."""
    note = alice.new_note()
    bob.follow(alice.share(note, "editor"))
    return note


@pytest.fixture
def people(server: Server, alice: Visitor, bob: Visitor, note: str) -> Iterator[list[Person]]:
    """Alice over a WebSocket, Bob over long polling, and Alice again."""
    people = [
        Person(SocketLink(server, alice, note, "websocket")),
        Person(SocketLink(server, bob, note, "polling")),
        Person(SocketLink(server, alice, note, "websocket")),
    ]
    for person in people:
        person.until(lambda person=person: person.joined is not None)  # type: ignore[misc]
    yield people
    for person in people:
        person.leave()


def error(answer: Any) -> str:
    assert set(answer) >= {"error", "message"}, answer
    name: str = answer["error"]
    return name


# -- People ------------------------------------------------------------------------------------------


def test_both_transports_in_one_room(people: list[Person]) -> None:
    for turn in range(5):
        for person in people:
            person.type(f"{turn}")
    assert sorted(same(*people)) == sorted("01234" * 3)
    people[1].write("from long polling")
    people[0].write("from a WebSocket")
    same(*people)


def test_joining_says_who_one_is(people: list[Person]) -> None:
    owner, editor, _ = people
    assert owner.joined is not None
    assert editor.joined is not None
    assert (owner.joined["role"], editor.joined["role"]) == ("owner", "editor")
    assert owner.joined["user"]["name"] == "Alice"
    assert owner.joined["user"]["slot"] != editor.joined["user"]["slot"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_megabyte_goes_both_ways(server: Server, alice: Visitor, bob: Visitor, note: str, transport: Any) -> None:
    writer = Person(SocketLink(server, alice, note, transport))
    reader = Person(SocketLink(server, bob, note, transport))
    text = "x" * (MIB - 1000)
    writer.type(text)
    assert same(writer, reader) == text
    late = Person(SocketLink(server, bob, note, transport))
    assert same(writer, reader, late) == text
    for person in (writer, reader, late):
        person.leave()


def test_what_was_typed_offline_arrives(people: list[Person]) -> None:
    first, second, _ = people
    with second.offline():
        second.type("B")
        first.type("A")
    assert sorted(same(*people)) == ["A", "B"]


def test_an_ack_comes_when_it_is_in_the_database(server: Server, alice: Visitor, note: str, data: Path) -> None:
    with Tab(server, alice, note) as tab, sqlite3.connect(data / "palimpsest.sqlite") as database:
        tab.joined()
        for _ in range(50):
            answer = tab.say(Kind.UPDATE, tab.typed("x"))
            (seq,) = database.execute("SELECT max(seq) FROM entry WHERE document_id = ?", (note,)).fetchone()
            assert answer == {"seq": seq}
    database.close()


def test_who_has_seen_it_sees_what_is_in_the_database(
    server: Server, alice: Visitor, bob: Visitor, note: str, data: Path
) -> None:
    with Tab(server, alice, note) as writer, Tab(server, bob, note) as reader:
        writer.joined()
        reader.joined()
        reader.say(Kind.SYNC_STEP1, b"\0")
        reader.hears(0.1)
        reader.events.clear()
        database = sqlite3.connect(data / "palimpsest.sqlite")
        for _ in range(20):
            writer.emit("message", Message(Kind.UPDATE, writer.typed("x")).encode())
            _, seq = reader.event("message")
            (newest,) = database.execute("SELECT max(seq) FROM entry WHERE document_id = ?", (note,)).fetchone()
            assert 0 < seq <= newest
        database.close()


# -- Access ------------------------------------------------------------------------------------------


def test_a_revoked_share_ends_the_connection_within_a_second(
    server: Server, alice: Visitor, bob: Visitor, note: str
) -> None:
    with Tab(server, bob, note) as tab:
        tab.joined()
        began = time.monotonic()
        alice.unshare(note)
        (reason,) = tab.event("expelled")
        assert time.monotonic() - began < 1
        assert error(reason) == "access"
        assert error(tab.join()) == "not-found"


def test_a_viewer_sees_but_does_not_write(server: Server, alice: Visitor, bob: Visitor, note: str) -> None:
    alice.share(note, "viewer")
    with Tab(server, bob, note) as tab:
        assert tab.join()["role"] == "viewer"
        assert tab.say(Kind.SYNC_STEP1, b"\0") == {}
        assert error(tab.say(Kind.UPDATE, tab.typed("x"))) == "denied"
        assert tab.say(Kind.SYNC_STEP1, b"\0") == {}


def test_signing_out_ends_the_connections_of_that_session(server: Server, alice: Visitor, note: str) -> None:
    carol = Visitor(server).say_name("Carol")
    carol.follow(alice.share(note, "editor"))
    with Tab(server, alice, note) as other, Tab(server, carol, note) as tab:
        other.joined()
        tab.joined()
        carol.sign_out()
        assert error(tab.event("expelled")[0]) == "access"
        tab.ends()
        assert other.say(Kind.SYNC_STEP1, b"\0") == {}


def test_without_a_session_one_is_asked_to_sign_in(server: Server, note: str) -> None:
    with Tab(server, None, note) as tab:
        assert error(tab.join()) == "sign-in"


def test_a_cookie_of_somebody_elses_making_is_no_session(server: Server, alice: Visitor, note: str) -> None:
    class Forger:
        cookies = alice.cookies[:-4] + "AAAA"

    with Tab(server, Forger(), note) as tab:  # type: ignore[arg-type]
        assert error(tab.join()) == "sign-in"


def test_a_link_lets_in_who_has_no_name(server: Server, alice: Visitor, note: str) -> None:
    nobody = Visitor(server)
    nobody.follow(alice.share(note, "viewer"))
    with Tab(server, nobody, note) as tab:
        answer = tab.join()
        assert (answer["role"], answer["user"]) == ("viewer", None)


@pytest.mark.parametrize("document_id", ["A" * 22, "x", "", "'; --" + "x" * 17, "é" * 22])
def test_an_unknown_document_is_not_found(server: Server, alice: Visitor, document_id: str) -> None:
    with Tab(server, alice) as tab:
        assert error(tab.join(document=document_id)) == "not-found"


def test_a_note_of_somebody_else_is_not_found(server: Server, alice: Visitor, bob: Visitor) -> None:
    with Tab(server, bob, alice.new_note()) as tab:
        assert error(tab.join()) == "not-found"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_page_of_another_origin_is_refused(server: Server, alice: Visitor, transport: str) -> None:
    url = f"{server.url}/socket.io/?EIO=4&transport=polling"
    headers = {"Cookie": alice.cookies, "Origin": "https://evil.example"}
    if transport == "websocket":
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            Tab(server, alice, origin="https://evil.example")
        assert refused.value.status_code == 403
    else:
        answer = requests.get(url, headers=headers, timeout=10)
        assert (answer.status_code, answer.json()["type"]) == (403, "denied")
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_our_own_page_is_welcome(server: Server, alice: Visitor, note: str) -> None:
    with Tab(server, alice, note, origin=server.url) as tab:
        assert tab.join()["role"] == "owner"


# -- Clients that get it wrong -----------------------------------------------------------------------


@pytest.fixture
def tab(server: Server, alice: Visitor, note: str) -> Iterator[Tab]:
    with Tab(server, alice, note) as tab:
        yield tab


def test_a_message_before_the_join(tab: Tab) -> None:
    assert error(tab.say(Kind.UPDATE, tab.typed("x"))) == "not-joined"
    tab.joined()


def test_two_joins(tab: Tab) -> None:
    tab.joined()
    assert error(tab.join()) == "malformed"
    assert tab.say(Kind.SYNC_STEP1, b"\0") == {}


def test_what_needs_no_wait_waits_for_what_was_sent_before_it(server: Server, alice: Visitor, note: str) -> None:
    """A keystroke is acted on by the loop itself, a join and a question for the document are not."""
    with Tab(server, alice, note) as tab:
        join = {"document": note, "client": tab.doc.client_id, "schema": 1, "epoch": None}
        joined = tab.emit("join", join)
        greeted = tab.emit("message", Message(Kind.SYNC_STEP1, b"\0").encode())
        typed = [tab.emit("message", Message(Kind.UPDATE, tab.typed(letter)).encode()) for letter in "abc"]
        left = tab.emit("leave")
        assert tab.answer(joined)["seq"] == 0
        assert tab.answer(greeted) == {}
        assert all("seq" in tab.answer(id) for id in typed)
        assert tab.answer(left) == {}
        after = tab.emit("message", Message(Kind.UPDATE, tab.typed("d")).encode())
        assert tab.answer(after)["error"] == "not-joined"


def test_a_message_after_leaving(tab: Tab) -> None:
    tab.joined()
    assert tab.ask("leave") == {}
    assert error(tab.say(Kind.SYNC_STEP1, b"\0")) == "not-joined"
    tab.joined()


def test_an_event_before_socket_io_is_connected(tab: Tab) -> None:
    tab.packet({"type": 1, "nsp": "/"})
    assert error(tab.join()) == "not-joined"


@pytest.mark.parametrize(
    "wrong",
    [
        {"document": 5},
        {"document": None},
        {"client": "5"},
        {"client": 0},
        {"client": -1},
        {"client": 1 << 53},
        {"client": 1.5},
        {"client": True},
        {"schema": "1"},
        {"schema": True},
        {"epoch": 5},
        {"epoch": ["x"]},
    ],
)
def test_a_join_of_wrong_types(tab: Tab, wrong: dict[str, object]) -> None:
    assert error(tab.join(**wrong)) == "malformed"
    tab.joined()


@pytest.mark.parametrize("event", [["join"], ["join", 1], ["join", {}], ["join", {}, {}], ["nonsense"], ["connect"]])
def test_events_that_are_not_ours(tab: Tab, event: list[object]) -> None:
    assert error(tab.ask(*event)) == "malformed"
    tab.joined()


@pytest.mark.parametrize(
    "arguments",
    [[], ["text"], [5], [None], [b""], [b"\x07"], [b"\0\2\5ab"], [b"\0\2\1a", 1], [b"\0\2\0"], [b"\0\0\1\xff"]],
)
def test_messages_that_are_none(tab: Tab, arguments: list[object]) -> None:
    tab.joined()
    assert error(tab.ask("message", *arguments)) == "malformed"
    assert tab.say(Kind.UPDATE, tab.typed("x")) == {"seq": 1}


def test_another_schema_and_another_epoch(tab: Tab) -> None:
    assert error(tab.join(schema=2)) == "schema"
    for unknown in ("another", "A" * 22, "\0"):
        refused = tab.join(epoch=unknown)
        assert (refused["error"], refused["erased"]) == ("epoch", False)
    epoch = tab.join()["epoch"]
    tab.ask("leave")
    assert tab.join(epoch=epoch)["epoch"] == epoch


def test_a_foreign_client_id(server: Server, alice: Visitor, bob: Visitor, note: str) -> None:
    with Tab(server, alice, note) as owner, Tab(server, bob, note) as other:
        owner.joined()
        other.joined()
        assert owner.say(Kind.UPDATE, owner.typed("mine")) == {"seq": 1}
        forged = owner.typed(" and yours")
        assert error(other.say(Kind.UPDATE, forged)) == "denied"
        assert owner.say(Kind.UPDATE, forged) == {"seq": 2}


def test_an_update_that_does_not_continue(tab: Tab) -> None:
    tab.joined()
    tab.typed("never sent")
    assert error(tab.say(Kind.UPDATE, tab.typed("x"))) == "resync"


def test_a_little_more_than_a_megabyte(tab: Tab) -> None:
    tab.joined()
    assert error(tab.say(Kind.UPDATE, bytes(MIB + 1))) == "too-large"
    assert error(tab.say(Kind.UPDATE, bytes(MIB + 5000))) == "too-large"
    assert tab.say(Kind.UPDATE, tab.typed("x")) == {"seq": 1}


def test_much_more_than_a_megabyte_ends_the_connection_with_1009(tab: Tab) -> None:
    tab.joined()
    tab.websocket.send_frame(websocket.ABNF.create_frame(bytes(3 * MIB), websocket.ABNF.OPCODE_BINARY))
    assert tab.ends() == 1009


def test_a_large_join_is_refused(tab: Tab) -> None:
    assert error(tab.join(epoch="x" * 5000)) == "too-large"
    tab.joined()


def test_who_is_too_fast_is_told_when_to_go_on(tab: Tab) -> None:
    tab.joined()
    ids = [tab.emit("message", Message(Kind.UPDATE, b"\0\0").encode()) for _ in range(200)]
    answers = [tab.answer(id) for id in ids]
    refused = [answer for answer in answers if answer.get("error") == "rate"]
    assert 40 < len(refused) <= 80
    assert all(0 < answer["retry_after"] < 1 for answer in refused)
    deadline = time.monotonic() + 5
    while "error" in tab.say(Kind.UPDATE, b"\0\0"):
        assert time.monotonic() < deadline


# -- Hostile ones: they are out, and nobody else notices -----------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\xff",
        b"\x83\xa4type\x02\xa4data\xdd\x00\x10\x00\x00" + b"\x80" * MIB,
        b"\x83\xa4type\x04\xa4data\xa1x\xa3nsp\xa1/",
        b"\x83\xa4type\x05\xa4data\x91\xa1x\xa3nsp\xa1/",
        b"\x83\xa4type\x02\xa4data\x91\xa4join\xa3nsp\x05",
    ],
)
def test_packets_that_are_none(server: Server, alice: Visitor, bob: Visitor, note: str, sent: bytes) -> None:
    with Tab(server, alice, note) as other, Tab(server, bob, note) as tab:
        other.joined()
        tab.joined()
        tab.raw(sent)
        assert error(tab.event("expelled")[0]) in ("malformed", "too-large")
        tab.ends()
        assert other.say(Kind.UPDATE, other.typed("x")) == {"seq": 1}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"4[[[[[[", 400),
        (b"", 400),
        (b"b!!!", 400),
        (b"\xff\xff", 400),
        (b"d=4", 400),
        (b"\x1e".join([b"3"] * 100), 413),
        (b"b" + b"A" * (4 * MIB), 413),
    ],
)
def test_polls_that_are_none(server: Server, alice: Visitor, body: bytes, status: int) -> None:
    url = f"{server.url}/socket.io/?EIO=4&transport=polling"
    opened = requests.get(url, headers={"Cookie": alice.cookies}, timeout=10)
    sid = opened.text.split('"sid":"')[1].split('"')[0]
    answer = requests.post(f"{url}&sid={sid}", data=body, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert requests.post(f"{url}&sid={sid}", data=b"1", timeout=10).ok


@pytest.mark.parametrize("word", [b"2probe", b"5", b"6", b"3"])
def test_a_word_of_another_time_hangs_nothing(server: Server, alice: Visitor, word: bytes) -> None:
    url = f"{server.url}/socket.io/?EIO=4&transport=polling"
    opened = requests.get(url, headers={"Cookie": alice.cookies}, timeout=10)
    url += "&sid=" + opened.text.split('"sid":"')[1].split('"')[0]
    assert requests.post(url, data=word, timeout=10).text == "OK"
    assert requests.post(url, data=b"1", timeout=10).text == "OK"
    for answer in (requests.post(url, data=b"3", timeout=10), requests.get(url, timeout=10)):
        assert (answer.status_code, "Invalid session" in answer.text) == (400, True)


def test_a_poll_with_as_many_packets_as_may_be_is_heard_to_its_end(server: Server, alice: Visitor) -> None:
    """Browsers post all that waited for the last answer at once. Engine.IO heard none of more than 16, and said OK."""
    url = f"{server.url}/socket.io/?EIO=4&transport=polling"
    opened = requests.get(url, headers={"Cookie": alice.cookies}, timeout=10)
    url += "&sid=" + opened.text.split('"sid":"')[1].split('"')[0]
    packets = [{"type": 0, "nsp": "/"}, *({"type": 2, "data": ["leave"], "nsp": "/", "id": id} for id in range(63))]
    body = b"\x1e".join(b"b" + b64encode(msgpack.packb(packet)) for packet in packets)
    assert requests.post(url, data=body, timeout=10).ok
    answered: set[int] = set()
    began = time.monotonic()
    while len(answered) < 63:
        assert time.monotonic() - began < 5, f"heard only {sorted(answered)}"
        for packet in requests.get(url, timeout=10).text.split("\x1e"):
            if packet.startswith("b"):
                answered.add(msgpack.unpackb(b64decode(packet[1:])).get("id"))
        answered.discard(None)


def test_one_connection_moves_from_polling_to_a_websocket_once(server: Server, alice: Visitor) -> None:
    """Others beside it would be counted by nobody."""
    url = f"{server.url}/socket.io/?EIO=4&transport=polling"
    opened = requests.get(url, headers={"Cookie": alice.cookies}, timeout=10)
    sid = opened.text.split('"sid":"')[1].split('"')[0]
    address = f"ws://127.0.0.1:{server.port}/socket.io/?EIO=4&transport=websocket&sid={sid}"
    first, second = (websocket.create_connection(address, timeout=10) for _ in range(2))
    assert second.recv() == "", "while one of them is about to move over, no other may"
    second.shutdown()  # type: ignore[no-untyped-call]
    first.send("2probe")
    assert first.recv() == "3probe"
    first.send("5")
    for _ in range(1000):
        first.send("5")
    first.send_binary(msgpack.packb({"type": 0, "nsp": "/"}))
    while isinstance(answer := first.recv(), str):
        assert answer == "6", "said once more, it says nothing"
    assert msgpack.unpackb(answer)["type"] == 0
    first.shutdown()  # type: ignore[no-untyped-call]


def test_who_never_joins_is_sent_away(server: Server, alice: Visitor, note: str) -> None:
    with Tab(server, alice, note) as idle, Tab(server, alice, note) as busy:
        busy.joined()
        began = time.monotonic()
        idle.ends()
        assert 9 < time.monotonic() - began < 13
        assert busy.say(Kind.SYNC_STEP1, b"\0") == {}


def test_a_slow_reader_gets_one_catch_up_instead_of_every_update(
    server: Server, alice: Visitor, bob: Visitor, note: str
) -> None:
    with Tab(server, alice, note) as writer, Tab(server, bob, note, receive_buffer=4096) as slow:
        writer.joined()
        slow.joined()
        assert slow.say(Kind.SYNC_STEP1, b"\0") == {}
        slow.event("message")
        for number in range(100):  # while the other does not read
            assert "seq" in writer.say(Kind.UPDATE, writer.typed(f"{number} " * 8000))
        updates = []
        doc: Doc[Any] = Doc()
        text = doc.get("title", type=Text)
        while str(text) != str(writer.text):
            data, _ = slow.event("message")
            message = Message.decode(data)
            if message.kind in (Kind.UPDATE, Kind.SYNC_STEP2):
                updates.append(message.kind)
                doc.apply_update(message.payload)
        assert updates.count(Kind.UPDATE) < 50
        assert updates.count(Kind.SYNC_STEP2) == 1
        assert slow.say(Kind.SYNC_STEP1, b"\0") == {}


def test_who_asks_for_everything_again_and_again_without_reading_is_sent_away(
    server: Server, alice: Visitor, bob: Visitor, note: str
) -> None:
    with Tab(server, alice, note) as writer, Tab(server, bob, note, receive_buffer=4096) as greedy:
        writer.joined()
        assert "seq" in writer.say(Kind.UPDATE, writer.typed("x" * (MIB - 1000)))
        greedy.joined()
        with suppress(ConnectionError):  # perhaps it is sent away before it has asked so often
            for _ in range(30):
                greedy.emit("message", Message(Kind.SYNC_STEP1, b"\0").encode())
        assert writer.say(Kind.UPDATE, writer.typed("x")) == {"seq": 2}
        greedy.ends()
        received = [event for event in greedy.events if event[0] == "message"]
        assert len(received) < 20
