"""The server as a process: it stops, is replaced, is killed, and nobody loses a character."""

import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.live import Server, SocketLink, Visitor, until
from tests.people import Person, same
from tests.tab import Tab

UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PING = bytes((0x89, 0x80 | 125, 0, 0, 0, 0)) + b"x" * 125


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data").start()
    yield server
    server.kill()
    assert "Traceback" not in server.log


@pytest.fixture
def alice(server: Server) -> Visitor:
    return Visitor(server).sign_up("Alice")


@pytest.fixture
def note(alice: Visitor) -> str:
    return alice.new_note()


@pytest.fixture
def people(server: Server, alice: Visitor, note: str) -> Iterator[list[Person]]:
    """Two over WebSockets and one over long polling."""
    people = [Person(SocketLink(server, alice, note, kind)) for kind in ("websocket", "websocket", "polling")]
    same(*people)
    yield people
    for person in people:
        person.leave()


def test_a_server_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="unknown setting PALIMPSEST_NONSENSE"):
        Server(tmp_path / "data", NONSENSE="1").start()
    server = Server(tmp_path / "data", TEST_TRACES="is for the tests").start()
    server.kill()
    server.kill()


def test_it_says_where_it_is(server: Server) -> None:
    assert f"Palimpsest is at {server.url}\n" in server.log


def test_a_busy_port_is_one_clear_line(server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "editor.cli", "serve", "--port", str(server.port), "--data", str(tmp_path / "b")]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert "Traceback" not in second.stderr
    assert re.fullmatch(rf"Cannot listen on 127.0.0.1 port {server.port}: .*in use.*\n", second.stderr)
    assert server.answers()


def test_two_servers_do_not_share_a_folder(server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "editor.cli", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert second.stdout == (
        f"Another server is using {tmp_path / 'data'}. Waiting for up to 8 seconds for it to leave.\n"
    )
    assert second.stderr.startswith("Another server is using ")
    assert len(second.stderr.splitlines()) == 1
    assert server.answers()


def test_stopping_sends_everybody_away_and_they_come_back_to_the_next_one(
    server: Server, people: list[Person], alice: Visitor, note: str
) -> None:
    with Tab(server, alice, note) as tab:
        tab.joined()
        for person in people:
            person.type("before ")
        same(*people)
        people[0].type("at the last moment ")
        seconds = server.stop()
        assert seconds < 8
        (news,) = tab.event("drain")
        assert 1 < news["delay"] < 5
        assert tab.ends() == 1001
    for person in people:
        person.until(lambda person=person: person.joined is None)  # type: ignore[misc]
        person.type("while it was away ")
    server.start()
    text = same(*people)
    assert text.count("before") == text.count("away") == 3
    assert text.count("last moment") == 1


def test_a_new_worker_takes_over(server: Server, people: list[Person]) -> None:
    people[0].type("old ")
    same(*people)
    server.reload()
    for person in people:
        person.until(lambda person=person: person.joined is None)  # type: ignore[misc]
        person.type("new ")
    assert same(*people).count("new") == 3
    assert server.answers()


def test_kill_9_while_people_type_loses_nothing_that_was_acknowledged(
    server: Server, people: list[Person], alice: Visitor, note: str
) -> None:
    seed = int(os.environ.get("PALIMPSEST_TEST_SEED", random.randrange(1 << 32)))
    print(f"PALIMPSEST_TEST_SEED={seed}")
    chance = random.Random(seed)
    kills = set(chance.sample(range(20, 280), 4))
    for step in range(300):
        chance.choice(people).type(f"<{step}>")
        for person in people:
            person.link.wait(chance.choice((0, 0, 0.005)))
            person.tend()
        if step in kills:
            server.kill()
            server.start()
    text = same(*people)
    assert sorted(re.findall(r"<\d+>", text)) == sorted(f"<{step}>" for step in range(300))
    # What was acknowledged is not sent again, so this one sees it only if the server has kept it.
    newcomer = Person(SocketLink(server, alice, note, "polling"))
    assert same(newcomer, *people) == text
    newcomer.leave()


def test_a_worker_that_dies_is_replaced(server: Server, people: list[Person]) -> None:
    people[0].type("x")
    same(*people)
    (worker,) = server.workers
    os.kill(worker, signal.SIGKILL)
    for person, letter in zip(people, "abc", strict=True):  # not the same, else all read alike before they have met
        person.until(lambda person=person: person.joined is None)  # type: ignore[misc]
        person.type(letter)
    assert sorted(same(*people)) == ["a", "b", "c", "x"]


def test_what_keeps_the_database_from_being_brought_up_to_date_keeps_it_from_starting(
    server: Server, tmp_path: Path
) -> None:
    server.kill()
    with sqlite3.connect(tmp_path / "data" / "palimpsest.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    command = [sys.executable, "-m", "editor.cli", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    newer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (newer.returncode, newer.stdout) == (1, "")
    assert re.fullmatch(r"Error: Expected a database of version \d+ or an older one, found 9999: .*\n", newer.stderr)


def test_who_starts_workers_has_nothing_in_memory_that_serves(server: Server) -> None:
    (worker,) = server.workers
    assert packages(server.pid).isdisjoint({"gevent", "greenlet", "sqlalchemy", "pycrdt", "psycopg_binary"})
    assert packages(worker) >= {"gevent", "greenlet", "sqlalchemy", "pycrdt"}


def test_on_sqlite_nothing_of_postgres_and_of_migrations_is_in_memory(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from editor import create_app
from editor.config import Config
app = create_app(Config.from_environ(given={"DATA": sys.argv[1]}))
assert "tables" in app.test_client().get("/readyz").get_json()["database"]
print(*sys.modules)
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PALIMPSEST_")}
    said = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True).stdout
    loaded = set(said.split())
    assert {"sqlalchemy", "sqlite3", "editor.log_sqlite"} <= loaded
    postgres = {"psycopg", "editor.log_postgres", "editor.outage_postgres", "editor.backup_postgres"}
    assert loaded.isdisjoint({*postgres, "editor.redis_broker", "editor.watch", "alembic", "mako"})


def test_a_connection_at_rest_takes_little_memory(tmp_path: Path) -> None:
    """Neither the request that opened it nor a greenlet stays with it: that would be 30 KiB more."""
    server = Server(tmp_path / "data", CONNECTIONS_PER_USER="1000", JOINS_PER_PERSON="1000").start()
    try:
        alice = Visitor(server).sign_up("Alice")
        note = alice.new_note()
        (worker,) = server.workers
        with ExitStack() as tabs:
            taken = []
            for count in (100, 200):  # what is needed once is there after the first
                for _ in range(count):
                    tabs.enter_context(Tab(server, alice, note)).joined()
                taken.append(int(Path(f"/proc/{worker}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
            assert (taken[1] - taken[0]) / 200 < 36 * 1024
    finally:
        server.kill()


def packages(pid: int) -> set[str]:
    """Those of which native parts are in a process."""
    return set(re.findall(r"/site-packages/(\w+)/", Path(f"/proc/{pid}/maps").read_text()))


def test_a_client_that_never_finishes_its_request_does_not_keep_it_from_stopping(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: h")
        time.sleep(0.2)
        assert server.stop() < 19


def test_who_leaves_gets_all_that_waited_for_them_and_a_goodbye(server: Server) -> None:
    """A slow client: what was sent to it waits in the server, and is read only after that was told to stop."""
    much = 1_000_000  # bytes, more than the network takes for somebody who does not read
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        slow.connect(("127.0.0.1", server.port))
        slow.settimeout(20)
        slow.sendall(UPGRADE)
        got = bytearray()
        while b"\r\n\r\n" not in got:
            got += slow.recv(1 << 16)
        slow.sendall(PING * 16_000)
        until(lambda: waiting(server) > much)
        os.kill(server.pid, signal.SIGTERM)
        until(lambda: not server.answers())
        time.sleep(4)  # longer than it takes to send everybody away
        while piece := slow.recv(1 << 16):
            got += piece
    frames = bytes(got).split(b"\r\n\r\n", 1)[1]
    kinds = []
    while frames:
        size = frames[1]
        assert len(frames) >= 2 + size, "cut off in the middle of a frame"
        kinds.append(frames[0] & 0x0F)
        frames = frames[2 + size :]
    assert kinds.count(10) * len(PING) > much
    assert kinds[-1] == 8, "goodbye"


def waiting(server: Server) -> int:
    """Bytes that were sent to everybody, and that the network has not taken."""
    metrics = requests.get(f"{server.url}/metrics", timeout=5).text
    return int(re.findall(r"^palimpsest_outbox_bytes (\d+)", metrics, re.MULTILINE)[0])


def test_it_may_be_stopped_while_its_workers_begin(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.launch()
    until(lambda: "Palimpsest is at" in server.log)
    assert server.stop() < 10


def test_who_stops_it_stops_what_it_does_apart() -> None:
    code = "import time; from editor import serve; serve.apart(lambda: (print('begun', flush=True), time.sleep(60)))"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "begun\n"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.terminate()
        assert process.wait(10) == 1
        assert process.stderr.read() == "SIGTERM ended it before it was done.\n"
    assert not any(Path(f"/proc/{child}").exists() for child in children)
