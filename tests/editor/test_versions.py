"""Named moments, and moments as files."""

from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from sqlalchemy import update

from editor.database import session
from editor.models import Document
from tests.editor.conftest import Arrive, Visitor, write


@pytest.fixture
def note(app: Flask, ada: Visitor) -> str:
    """A note of three moments: its title, and two lines."""
    note = ada.new_note(title="Plans")
    write(app, note, 1, "The first line")
    write(app, note, 1, "A second <line> & more")
    return note


def name(visitor: Visitor, note: str, status: int = 201, **body: object) -> Any:
    return visitor.post(f"/api/documents/{note}/versions", status, **body)


def versions(visitor: Visitor, note: str) -> list[tuple[int, str]]:
    found = visitor.ask("GET", f"/api/documents/{note}/history")["versions"]
    return [(version["seq"], version["name"]) for version in found]


def test_the_note_as_it_is_now_gets_a_name_and_so_does_an_earlier_moment(ada: Visitor, note: str) -> None:
    version = name(ada, note, name="  Ready ")
    assert version | {"time": 0} == {"seq": 3, "name": "Ready", "user": 1, "time": 0}
    name(ada, note, name="Begun", seq=1)
    assert versions(ada, note) == [(1, "Begun"), (3, "Ready")]


def test_a_name_can_be_changed_and_taken_away(ada: Visitor, note: str) -> None:
    version = name(ada, note, name="Redy")
    path = f"/api/documents/{note}/versions/3"
    assert ada.ask("PATCH", path, name="Ready") == version | {"name": "Ready"}
    assert versions(ada, note) == [(3, "Ready")]
    ada.ask("DELETE", path, 204)
    assert versions(ada, note) == []
    ada.ask("DELETE", path, 404)
    ada.ask("PATCH", path, 404, name="Again")
    name(ada, note, name="Again", seq=3)


def test_a_name_is_one_line_of_1_to_200_characters(ada: Visitor, note: str) -> None:
    name(ada, note, name="x" * 200)
    path = f"/api/documents/{note}/versions/3"
    for wrong in ("", "  ", "x" * 201, "a\nb", 5, None):
        assert name(ada, note, 400, name=wrong, seq=1)["errors"]["name"]
        assert ada.ask("PATCH", path, 400, name=wrong)["errors"]["name"]
    assert name(ada, note, 400, seq=1)["errors"]["name"]
    assert name(ada, note, 400, name="x", seq="1")["errors"]["seq"]
    assert name(ada, note, 400, name="x", seq=True)["errors"]["seq"]
    assert name(ada, note, 400, name="x", colour="red")["errors"]["colour"]
    assert versions(ada, note) == [(3, "x" * 200)]


def test_a_moment_that_does_not_exist_gets_no_name(ada: Visitor, note: str) -> None:
    for seq in (0, -1, 4, 1 << 70):
        assert name(ada, note, 404, name="x", seq=seq)["type"] == "not-found"
    assert name(ada, ada.new_note(), 404, name="x")["type"] == "not-found"


def test_a_moment_whose_past_was_erased_gets_no_name(app: Flask, ada: Visitor, note: str) -> None:
    with app.app_context():
        session.execute(update(Document).where(Document.id == note).values(history_from=2))
        session.commit()
    assert "2 to 3" in name(ada, note, 404, name="x", seq=1)["detail"]
    name(ada, note, name="x", seq=2)


def test_a_moment_has_one_name(ada: Visitor, note: str) -> None:
    name(ada, note, name="Ready")
    assert name(ada, note, 409, name="Ready")["type"] == "conflict"
    assert versions(ada, note) == [(3, "Ready")]


def test_a_version_belongs_to_its_note(ada: Visitor, note: str) -> None:
    name(ada, note, name="Ready")
    other = ada.new_note(title="Other")
    for seq in (3, 1 << 70):
        ada.ask("PATCH", f"/api/documents/{other}/versions/{seq}", 404, name="x")
        ada.ask("DELETE", f"/api/documents/{other}/versions/{seq}", 404)
        ada.ask("GET", f"/api/documents/{other}/versions/{seq}/export", 404)
    assert versions(ada, note) == [(3, "Ready")]


def test_editors_give_names_if_they_may_see_the_history_and_readers_do_not(
    ada: Visitor, arrive: Arrive, note: str
) -> None:
    bob, visitor = arrive(), arrive()
    bob.sign_up("Bob")
    share, path = f"/api/documents/{note}/share", f"/api/documents/{note}/versions/3"
    link = ada.share(note, "editor")
    bob.get(link)
    visitor.get(link)
    assert name(visitor, note, 401, name="x")["type"] == "sign-in"
    assert name(bob, note, name="Bob's")["user"] == 2
    for change in ({"history": False}, {"role": "viewer", "history": True}):
        ada.ask("PUT", share, **change)
        assert name(bob, note, 403, name="x", seq=1)["type"] == "denied"
        bob.ask("PATCH", path, 403, name="x")
        bob.ask("DELETE", path, 403)
    assert bob.get(f"{path}/export").status_code == 200, "a reader of the history may keep what it shows"
    ada.ask("PUT", share, history=False)
    bob.ask("GET", f"{path}/export", 403)
    ada.ask("DELETE", share, 204)
    bob.ask("GET", f"{path}/export", 404)
    assert versions(ada, note) == [(3, "Bob's")]


def test_a_moment_is_a_page_that_shows_itself_anywhere(ada: Visitor, note: str) -> None:
    answer = ada.get(f"/api/documents/{note}/versions/3/export")
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''Plans.html"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<title>Plans</title>" in answer.text
    assert "<h1>Plans</h1>" in answer.text
    assert "<p>The first line</p><p>A second &lt;line&gt; &amp; more</p>" in answer.text
    assert "<script" not in answer.text


def test_a_moment_holds_what_was_there_then(ada: Visitor, note: str) -> None:
    path = f"/api/documents/{note}/versions"
    texts = [ada.get(f"{path}/{seq}/export?format=txt").text for seq in (1, 2, 3)]
    assert texts == [
        "Plans\n\n\n",
        "Plans\n\nThe first line\n",
        "Plans\n\nThe first line\nA second <line> & more\n",
    ]


def test_a_file_is_called_after_the_note_and_its_moment(app: Flask, ada: Visitor) -> None:
    note = ada.new_note(title="Ünïcödé / \"😀\"; x=1")
    name(ada, note, name="Erste: Fassung.")
    disposition = ada.get(f"/api/documents/{note}/versions/1/export?format=txt").headers["Content-Disposition"]
    start = "attachment; filename*=UTF-8''"
    assert disposition.startswith(start)
    assert disposition.isascii()
    assert not set(disposition[len(start) :]) & set('";/ ')
    assert unquote(disposition[len(start) :]) == "Ünïcödé 😀 ; x=1 – Erste Fassung.txt"
    untitled = ada.new_note()
    write(app, untitled, 1, "x" * 5)
    answer = ada.get(f"/api/documents/{untitled}/versions/1/export")
    assert answer.headers["Content-Disposition"].endswith("''Untitled.html")
    assert "<h1>Untitled</h1>" in answer.text


def test_only_known_files_of_moments_that_exist(ada: Visitor, note: str) -> None:
    path = f"/api/documents/{note}/versions"
    for form in ("pdf", "", "HTML"):
        assert ada.ask("GET", f"{path}/3/export?format={form}", 400)["errors"]["format"]
    for seq in (0, 4, 1 << 70):
        assert ada.ask("GET", f"{path}/{seq}/export", 404)["type"] == "not-found"
    for wrong in ("-1", "x"):
        assert ada.ask("GET", f"{path}/{wrong}/export", 404)["type"] == "not-found"
