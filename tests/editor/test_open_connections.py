"""What happens to open tabs when an account, a link or a note changes, on a real server."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sync.messages import Kind, Message
from tests.live import PASSWORD, Server, SocketLink, Visitor
from tests.people import Person
from tests.tab import Tab


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data: Path = tmp_path_factory.mktemp("data")
    server = Server(data).start()
    yield server
    server.kill()
    assert "Traceback" not in server.log


@pytest.fixture(scope="module", autouse=True)
def ada(server: Server) -> Visitor:
    """The first account, so the administrator's."""
    return Visitor(server).sign_up("Ada")


def still_in(tab: Tab) -> bool:
    answer: object = tab.say(Kind.SYNC_STEP1, b"\0")
    return answer == {}


def test_a_new_password_ends_the_tabs_of_other_sessions(server: Server) -> None:
    laptop = Visitor(server).sign_up("Bob")
    phone = Visitor(server)
    phone.ask("POST", "/api/auth/login", email="bob@example.org", password=PASSWORD)
    note = laptop.new_note()
    with Tab(server, laptop, note) as here, Tab(server, phone, note) as there:
        here.joined()
        there.joined()
        wanted = {"new_password": "another password", "new_password_confirm": "another password"}
        laptop.ask("POST", "/api/auth/change", password=PASSWORD, **wanted)
        assert there.event("expelled")[0]["error"] == "access"
        there.ends()
        assert still_in(here)
    with Tab(server, phone, note) as there:
        assert there.join()["error"] == "sign-in"


def test_a_guest_who_signs_up_goes_on_writing(server: Server, ada: Visitor) -> None:
    gus = Visitor(server).say_name("Gus")
    note = gus.new_note()
    with Tab(server, gus, note) as tab:
        tab.joined()
        gus.sign_up("Augustus")
        assert still_in(tab)
        assert tab.say(Kind.UPDATE, tab.typed("still mine")) == {"seq": 1}


def test_what_a_guest_had_not_sent_comes_from_the_account_they_sign_in_to(server: Server, ada: Visitor) -> None:
    note = ada.new_note()
    link = ada.share(note, "editor")
    Visitor(server).sign_up("Cleo")
    gus = Visitor(server).say_name("Gus")
    gus.follow(link)
    with Tab(server, gus, note) as tab, Tab(server, ada, note) as owner:
        owner.joined()
        tab.joined()
        assert tab.say(Kind.UPDATE, tab.typed("sent ")) == {"seq": 1}
        doc, text, unsent = tab.doc, tab.text, tab.typed("and not sent")
        gus.ask("POST", "/api/auth/login", email="cleo@example.org", password=PASSWORD)
        assert owner.event("expelled")[0]["error"] == "moved"
        tab.ends()
    with Tab(server, gus, note) as tab:
        tab.doc, tab.text = doc, text
        tab.joined()
        assert tab.say(Kind.UPDATE, unsent) == {"seq": 2}
        assert str(tab.text) == "sent and not sent"


def test_nothing_of_a_guest_is_lost_who_signs_in_while_they_type(server: Server, ada: Visitor) -> None:
    """Whatever is on its way at that moment, the first letter of a new tab among it."""
    note = ada.new_note()
    link = ada.share(note, "editor")
    Visitor(server).sign_up("Dora")
    for number in range(4):
        gus = Visitor(server).say_name("Gus")
        gus.follow(link)
        types_while_signing_in(Person(SocketLink(server, gus, note)), gus, 10 * number)
    with Tab(server, ada, note) as tab:
        tab.joined()
        tab.say(Kind.SYNC_STEP1, b"\0")
        tab.doc.apply_update(Message.decode(tab.event("message")[0]).payload)
        assert sorted(str(tab.text)) == ["x"] * 400 + ["y"] * 400


def types_while_signing_in(person: Person, visitor: Visitor, at: int) -> None:
    signing_in = threading.Thread(target=lambda: login(visitor, "dora"))
    for letter in range(200):
        if letter == at:
            signing_in.start()
        person.type("x" if letter % 2 else "y")
        person.tend()
        person.link.wait(0.002)
    signing_in.join()

    def is_in() -> bool:
        person.come()  # a page tries once more, too, if it came back before the answer with the new cookie
        return person.saved and person.joined is not None and person.joined["user"]["name"] == "Dora"

    person.until(is_in)
    assert not person.refused, person.refusals
    person.leave()


def login(visitor: Visitor, name: str) -> None:
    visitor.ask("POST", "/api/auth/login", email=f"{name}@example.org", password=PASSWORD)


def test_a_guest_is_nobody_any_more_after_they_signed_in(server: Server, ada: Visitor) -> None:
    """Also for those who have an older copy of their cookie."""
    Visitor(server).sign_up("Edda")
    gus, copy = Visitor(server).say_name("Gus"), Visitor(server)
    note = gus.new_note()
    copy._cookies.update(gus._cookies)
    with Tab(server, copy, note) as tab:
        tab.joined()
    login(gus, "edda")
    assert copy.ask("GET", "/api/me")["user"] is None
    with Tab(server, copy, note) as tab:
        assert tab.join()["error"] == "sign-in"


def test_an_account_that_was_closed_cannot_join_with_what_it_has_open(server: Server, ada: Visitor) -> None:
    fay = Visitor(server).sign_up("Fay")
    note = fay.new_note()
    with Tab(server, fay, note) as tab:
        with closing(sqlite3.connect(server.data / "palimpsest.sqlite")) as database, database:
            database.execute("UPDATE user SET active = false WHERE name = 'Fay'")
        assert tab.join()["error"] == "access"
        tab.ends()
    with Tab(server, fay, note) as tab:
        assert tab.join()["error"] == "sign-in"


def test_guests_who_may_not_write_any_more_only_read(server: Server, ada: Visitor) -> None:
    note = ada.new_note()
    link = ada.share(note, "editor")
    gus = Visitor(server).say_name("Gus")
    gus.follow(link)
    own = gus.new_note()
    with Tab(server, gus, note) as tab, Tab(server, ada, note) as owner:
        tab.joined()
        owner.joined()
        assert tab.say(Kind.UPDATE, tab.typed("as a guest")) == {"seq": 1}
        ada.ask("PATCH", "/api/settings", guests=False)
        try:
            assert tab.event("expelled")[0]["error"] == "access"
            tab.ends()
            assert still_in(owner)
            for each in (note, own):
                with Tab(server, gus, each) as again:
                    assert again.join()["role"] == "viewer"
                    assert still_in(again)
                    assert again.say(Kind.UPDATE, again.typed("no more"))["error"] == "denied"
                assert {found["role"] for found in gus.ask("GET", "/api/documents")["documents"]} == {"viewer"}
                for method, path, body in (
                    ("POST", "", {}),
                    ("PATCH", f"/{each}", {"title": "Mine"}),
                    ("DELETE", f"/{own}", {}),
                ):
                    with pytest.raises(AssertionError, match="403"):
                        gus.ask(method, f"/api/documents{path}", **body)
        finally:
            ada.ask("PATCH", "/api/settings", guests=True)
    with Tab(server, gus, note) as again:
        assert again.join()["role"] == "editor"


def test_a_note_in_the_bin_is_closed_for_everybody(server: Server, ada: Visitor) -> None:
    note = ada.new_note()
    with Tab(server, ada, note) as tab:
        tab.joined()
        began = time.monotonic()
        ada.ask("DELETE", f"/api/documents/{note}")
        assert tab.event("expelled")[0]["error"] == "not-found"
        assert time.monotonic() - began < 1
        assert tab.events == [["document", {"deleted": True}]], "and they were told why before that"
        assert tab.join()["error"] == "not-found"
    ada.ask("POST", f"/api/documents/{note}/restore")
    with Tab(server, ada, note) as tab:
        assert tab.join()["role"] == "owner"


def test_another_role_is_asked_for_within_a_second(server: Server, ada: Visitor) -> None:
    gus = Visitor(server).say_name("Gus")
    note = ada.new_note()
    gus.follow(ada.share(note, "editor"))
    with Tab(server, gus, note) as tab:
        assert tab.join()["role"] == "editor"
        began = time.monotonic()
        ada.share(note, "viewer")
        assert tab.event("expelled")[0]["error"] == "access"
        assert time.monotonic() - began < 1
        assert tab.join()["role"] == "viewer"
        assert tab.say(Kind.UPDATE, tab.typed("x"))["error"] == "denied"


def test_a_new_title_is_seen_by_who_has_the_note_open(server: Server, ada: Visitor) -> None:
    note = ada.new_note("Old")
    with Tab(server, ada, note) as tab:
        tab.joined()
        assert still_in(tab)
        ada.ask("PATCH", f"/api/documents/{note}", title="New")
        seq = 0
        while seq < 2:
            message, seq = tab.event("message")
            kind, payload = Message.decode(message)
            if kind is not Kind.SYNC_STEP1:
                tab.doc.apply_update(payload)
        assert str(tab.text) == "New"
