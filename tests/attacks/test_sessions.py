"""People who hold on to what they may not have any more, or never might: on our server, and on it without checks."""

import secrets
from collections.abc import Iterator

import pytest
import requests
import websocket

from sync.messages import Kind
from tests.live import PASSWORD, Server, Visitor
from tests.tab import Tab


@pytest.fixture(scope="module", params=["without the checks", "ours"])
def naive(request: pytest.FixtureRequest) -> bool:
    return str(request.param) == "without the checks"


@pytest.fixture(scope="module")
def server(naive: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("data"), "tests.attacks.naive" if naive else "editor.cli").start()
    Visitor(server).sign_up("Root")
    yield server
    server.kill()
    assert "Traceback" not in server.log


@pytest.fixture
def alice(server: Server) -> Visitor:
    return Visitor(server).sign_up(f"alice-{secrets.token_hex(4)}")


@pytest.fixture
def mallory(server: Server) -> Visitor:
    return Visitor(server).say_name("Mallory")


@pytest.fixture
def note(server: Server, alice: Visitor) -> str:
    """A note of Alice's, with something in it."""
    note = alice.new_note()
    with Tab(server, alice, note) as tab:
        tab.joined()
        assert tab.say(Kind.UPDATE, tab.typed("secret")) == {"seq": 1}
    return note


class Stolen(Visitor):
    """Somebody with the cookies that this one has now."""

    def __init__(self, visitor: Visitor) -> None:
        self._copy = visitor.cookies

    @property
    def cookies(self) -> str:
        return self._copy


def reads(tab: Tab) -> bool:
    """Whether they get what is in the note."""
    answer = tab.say(Kind.SYNC_STEP1, b"\0")
    return "error" not in answer and b"secret" in tab.event("message")[0]


def writes(tab: Tab) -> bool:
    return "error" not in tab.say(Kind.UPDATE, tab.typed("Mallory was here"))


def test_opening_somebodys_note(server: Server, mallory: Visitor, note: str, naive: bool) -> None:
    """By its id, which may be seen in an address bar."""
    for visitor in (mallory, None):
        with Tab(server, visitor, note) as tab:
            let_in = "error" not in tab.join()
            assert let_in is naive
            if let_in:
                assert reads(tab)
                assert writes(tab)


def test_staying_after_the_link_was_revoked(
    server: Server, alice: Visitor, mallory: Visitor, note: str, naive: bool
) -> None:
    mallory.follow(alice.share(note, "editor"))
    with Tab(server, mallory, note) as tab:
        tab.joined()
        alice.unshare(note)
        assert stays(tab) is naive


def test_writing_after_the_link_became_one_to_read(
    server: Server, alice: Visitor, mallory: Visitor, note: str, naive: bool
) -> None:
    mallory.follow(alice.share(note, "editor"))
    with Tab(server, mallory, note) as tab:
        tab.joined()
        alice.share(note, "viewer")
        assert stays(tab) is naive


def test_staying_after_the_session_was_ended(server: Server, alice: Visitor, note: str, naive: bool) -> None:
    """Somebody has taken the cookie along; its owner signs out."""
    with Tab(server, alice, note) as tab:
        tab.joined()
        alice.sign_out()
        assert stays(tab) is naive


def test_coming_back_with_a_cookie_after_its_owner_signed_out(
    server: Server, alice: Visitor, note: str, naive: bool
) -> None:
    """A cookie cannot be called back: somebody may have a copy of it."""
    copy = Stolen(alice)
    alice.sign_out()
    with Tab(server, copy, note) as tab:
        user = tab.join().get("user")
        assert (user is not None) is naive
    boot = requests.get(f"{server.url}/api/me", headers={"Cookie": copy.cookies}, timeout=20).json()
    assert (boot["user"] is not None) is naive


def test_staying_after_the_password_was_changed(server: Server, note: str, alice: Visitor, naive: bool) -> None:
    email = alice.ask("GET", "/api/me")["user"]["email"]
    thief = Visitor(server)
    thief.ask("POST", "/api/auth/login", email=email, password=PASSWORD)
    with Tab(server, thief, note) as tab:
        tab.joined()
        wanted = {"new_password": "another password", "new_password_confirm": "another password"}
        alice.ask("POST", "/api/auth/change", password=PASSWORD, **wanted)
        assert stays(tab) is naive


def stays(tab: Tab) -> bool:
    """Whether they can go on writing."""
    try:
        return writes(tab)
    except (websocket.WebSocketException, OSError):
        return False  # the server ended the connection


def test_merging_a_copy_of_one_note_into_another(server: Server, alice: Visitor, note: str, naive: bool) -> None:
    """A copy that comes with the epoch of another note, or of another history, would be doubled."""
    other = alice.new_note()
    with Tab(server, alice, note) as tab:
        epoch = tab.join()["epoch"]
        assert reads(tab)
    with Tab(server, alice, other) as tab:
        tab.typed("a copy of something else")
        joined = tab.join(epoch=epoch)
        assert ("error" not in joined) is naive
        if not naive:
            assert (joined["error"], joined["erased"]) == ("epoch", False)
            assert tab.say(Kind.UPDATE, tab.doc.get_update())["error"] == "not-joined"
