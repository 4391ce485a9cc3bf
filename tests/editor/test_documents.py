"""Notes: making them, finding them, naming them, throwing them away."""

import time
from typing import Any

import gevent
import pytest
from flask import Flask
from sqlalchemy import event, select, update

from editor import digest, documents
from editor.content import schema
from editor.database import session
from editor.models import Client, Document, Entry, Member, Share
from sync.room import Room
from tests.editor.conftest import Arrive, write


def test_a_new_note_is_mine(arrive: Arrive) -> None:
    ada = arrive()
    user = ada.sign_up("Ada")["user"]
    note = ada.post("/api/documents", 201)
    assert len(note["id"]) == 22
    assert note | {"id": "", "epoch": "", "created": 0, "updated": 0} == {
        "id": "",
        "title": "",
        "excerpt": "",
        "role": "owner",
        "epoch": "",
        "created": 0,
        "updated": 0,
        "deleted": None,
        "owner": {"id": user["id"], "name": "Ada"},
        "shared": False,
        "people": [{"id": user["id"], "name": "Ada", "slot": 1}],
        "history": True,
    }
    assert abs(note["created"] - time.time() * 1000) < 60_000
    assert ada.notes() == [note]
    assert ada.ask("GET", f"/api/documents/{note['id']}") == note


def test_a_guest_may_write_and_nobody_may_not(arrive: Arrive) -> None:
    visitor = arrive()
    visitor.post("/api/documents", 401)
    visitor.ask("GET", "/api/documents", 401)
    visitor.say_name("Gus")
    assert visitor.notes() == []
    note = visitor.new_note(title="A guest's note")
    assert [each["id"] for each in visitor.notes()] == [note]


def test_the_newest_note_comes_first(app: Flask, arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    first, second = ada.new_note(), ada.new_note()
    gevent.sleep(0.002)  # times are milliseconds
    write(app, first, 1, "something newer")
    assert [note["id"] for note in ada.notes()] == [first, second]


def test_renaming_waits_out_a_room_that_is_thrown_away_and_says_when_nothing_is_saved(
    app: Flask, arrive: Arrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note(title="Before")
    rooms = app.extensions["rooms"]
    edit = rooms.edit
    thrown_away: list[Room] = []

    def throwing_away(*arguments: Any) -> None:
        edit(*arguments)
        if len(thrown_away) < 2:
            thrown_away.append(rooms._open[note])
            thrown_away[-1].close()

    monkeypatch.setattr(rooms, "edit", throwing_away)
    assert ada.ask("PATCH", f"/api/documents/{note}", title="After")["title"] == "After"
    assert len(thrown_away) == 2
    monkeypatch.setattr(documents, "COMMIT_TIMEOUT", 0.01)
    monkeypatch.setattr(rooms, "edit", lambda *arguments: None)
    assert ada.ask("PATCH", f"/api/documents/{note}", 503, title="Never")["type"] == "unavailable"


def test_a_note_that_cannot_be_read_hides_no_other(
    app: Flask, arrive: Arrive, caplog: pytest.LogCaptureFixture
) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    broken, fine = ada.new_note(), ada.new_note()
    for note in (broken, fine):
        write(app, note, 1, "some words", title=note)
    with app.app_context():
        session.execute(update(Entry).where(Entry.document_id == broken).values(update=b"no update"))
        session.execute(update(Document).values(digest_seq=0, title="", excerpt=""))
        session.commit()
    for room in list(app.extensions["rooms"]._open.values()):
        room.close()
    assert {note["id"]: note["title"] for note in ada.notes()} == {broken: "", fine: fine}
    assert f"{broken}: entries 1 to 1: expected an entry with the hash" in caplog.text


def test_renaming_is_an_edit_that_the_log_keeps(app: Flask, arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note(title="Old")
    for title in ("New", "Ünïcödé 😀 title", ""):
        answer = ada.ask("PATCH", f"/api/documents/{note}", title=title)
        assert answer["title"] == title
        state, *_ = app.extensions["rooms"].read(note)
        assert str(schema.title(schema.load(state))) == title
    entries = list(app.extensions["store"].entries(note))
    assert [entry.user_id for entry in entries] == [1, 1, 1, 1]


def test_a_title_is_one_line_of_at_most_500_characters(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note(title="  kept  ")
    path = f"/api/documents/{note}"
    assert ada.ask("PATCH", path, 400, title="x" * 501)["errors"] == {
        "title": ["This must have at most 500 characters; it has 501."]
    }
    assert ada.ask("PATCH", path, 400, title="a\nb")["errors"] == {
        "title": ["This must be one line, without control characters."]
    }
    assert ada.ask("PATCH", path, 400, title=5)["errors"] == {"title": ["This must be a text."]}
    assert ada.ask("PATCH", path, 400)["errors"] == {"title": ["This must be a text."]}
    ada.post("/api/documents", 400, title="x" * 501)
    assert [each["title"] for each in ada.notes()] == ["kept"]


def test_the_list_is_right_even_after_a_crash(app: Flask, arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    app.extensions["rooms"].on_committed = None  # whoever should have followed is gone
    write(app, note, 1, "The first words", title="Typed title")
    assert [(each["title"], each["excerpt"]) for each in ada.notes()] == [("Typed title", "The first words")]


def test_a_digest_never_goes_back(app: Flask, arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note(title="New")
    with app.app_context():
        session.get_one(Document, note).digest_seq = 100
        session.commit()
        session.get_one(Document, note).title = "what entry 100 says"
        session.commit()
        digest.refresh(note)
        assert session.scalars(select(Document.title)).all() == ["what entry 100 says"]


def test_throwing_away_and_bringing_back(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note(title="Old plans")
    path = f"/api/documents/{note}"
    ada.ask("DELETE", path, 204)
    ada.ask("DELETE", path, 204)
    assert ada.notes() == []
    (binned,) = ada.notes(bin=True)
    assert (binned["id"], binned["title"]) == (note, "Old plans")
    assert binned["deleted"] >= binned["created"]
    assert ada.ask("PATCH", path, 409, title="x")["type"] == "conflict"
    assert ada.post(f"{path}/restore")["deleted"] is None
    assert [each["id"] for each in ada.notes()] == [note]
    assert ada.notes(bin=True) == []


def test_a_note_in_the_bin_is_open_to_nobody_else(arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    note = ada.new_note()
    bob.get(ada.share(note, "editor"))
    assert len(bob.notes()) == 1
    ada.ask("DELETE", f"/api/documents/{note}", 204)
    assert bob.notes() == []
    assert bob.notes(bin=True) == []
    bob.ask("GET", f"/api/documents/{note}", 404)
    assert not bob.may_read(note)
    ada.post(f"/api/documents/{note}/restore")
    assert bob.may_read(note)


def test_deleting_for_ever_leaves_nothing(app: Flask, arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    note, other = ada.new_note(title="Gone"), ada.new_note(title="Kept")
    bob.get(ada.share(note, "editor"))
    ada.ask("DELETE", f"/api/documents/{note}/forever", 409)
    ada.ask("DELETE", f"/api/documents/{note}", 204)
    bob.ask("DELETE", f"/api/documents/{note}/forever", 404)
    ada.ask("DELETE", f"/api/documents/{note}/forever", 204)
    ada.ask("GET", f"/api/documents/{note}", 404)
    with app.app_context():
        for model in (Entry, Client, Member, Share):
            assert set(session.scalars(select(model.document_id))) <= {other}
    assert [each["title"] for each in ada.notes()] == ["Kept"]


def test_a_long_list_costs_as_few_questions_as_a_short_one(app: Flask, arrive: Arrive) -> None:
    ada = arrive()
    user_id = ada.sign_up("Ada")["user"]["id"]

    def questions() -> int:
        asked = []

        def count(connection: object, cursor: object, statement: str, *rest: object) -> None:
            asked.append(statement)

        event.listen(app.extensions["engine"], "before_cursor_execute", count)
        ada.notes()
        event.remove(app.extensions["engine"], "before_cursor_execute", count)
        return len(asked)

    ada.new_note()
    few = questions()
    with app.app_context():
        session.add_all(Document(owner_id=user_id) for _ in range(500))
        session.commit()
    assert questions() == few
    assert len(ada.notes()) == 501


def test_a_note_shows_the_first_who_came(app: Flask, arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    link = ada.share(note, "viewer")
    for number in range(13):
        guest = arrive()
        guest.say_name(f"Guest {number}")
        guest.get(link)
    (listed,) = ada.notes()
    assert [person["name"] for person in listed["people"]] == ["Ada"] + [f"Guest {number}" for number in range(7)]
    assert [person["slot"] for person in listed["people"]] == list(range(1, 9))
    # The thirteenth and fourteenth share the colours of the first two.
    people = ada.ask("GET", f"/api/documents/{note}/share")["people"]
    assert [person["slot"] for person in people] == [*range(1, 13), 1, 2]


def test_an_unreadable_request_is_answered_in_words(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    headers = {"X-CSRF-Token": ada.csrf}
    for body, kind in ((b"{", "application/json"), (b"[1]", "application/json"), (b"title=x", "text/plain")):
        answer = ada.client.post("/api/documents", data=body, content_type=kind, headers=headers)
        assert answer.status_code == 400
        assert answer.content_type == "application/problem+json"
        assert answer.get_json()["type"] == "invalid"
    assert ada.post("/api/documents", 400, colour="red")["errors"] == {"colour": ["This field is not known here."]}
    assert ada.notes() == []
