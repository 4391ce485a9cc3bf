"""People and their notes on a real PostgreSQL: the same as on SQLite."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gevent
import pytest
from flask import Flask
from sqlalchemy import update

from editor import create_app, migrations
from editor.config import Config
from editor.content.schema import ROOTS
from editor.database import session
from editor.erasing import erase_before, keep_since
from editor.models import Document, now
from sync.compaction import compact
from sync.history import groups
from sync.packing import pack
from tests.editor.conftest import Visitor, write
from tests.services import postgres_database


@pytest.fixture
def app(config: Config, built: Path) -> Iterator[Flask]:
    with postgres_database() as url:
        migrations.upgrade(url, lambda line: None)
        app = create_app(replace(config, database_url=url))
        yield app
        app.extensions["store"].close()
        app.extensions["engine"].dispose()


def test_what_postgresql_cannot_store_does_no_harm(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    ada = Visitor(app)
    ada.sign_up("Ada")
    note = ada.new_note()
    write(app, note, ada.who()["id"], "a NUL\0 here", title="and\0 there")
    assert [(each["title"], each["excerpt"]) for each in ada.notes()] == [("and there", "a NUL here")]
    assert "and there" in ada.get(f"/n/{note}").text
    for path in ("/n/%00", f"/n/{note}%00", "/api/documents/%00", "/api/documents/%00/share", "/n/%F0%9F%98%80?s=%00"):
        assert ada.get(path).status_code == 404
    assert Visitor(app).get(f"/n/{note}?s=%00").status_code == 404
    # What follows the notes of earlier tests may be behind for ever: their databases are gone.
    assert [record for record in caplog.records if getattr(record, "document", note) == note] == []


def test_from_the_first_account_to_the_empty_bin(app: Flask) -> None:
    ada, bob, visitor = Visitor(app), Visitor(app), Visitor(app)
    signing_up = [gevent.spawn(ada.sign_up, "Ada"), gevent.spawn(bob.sign_up, "Bob")]
    assert sorted(greenlet.get()["user"]["admin"] for greenlet in signing_up) == [False, True]
    owner = ada.who()["id"]
    note, other = ada.new_note(title="Plans"), ada.new_note()
    write(app, note, owner, "The first line")
    assert "<p>The first line</p>" in ada.get(f"/n/{note}").text
    assert {each["title"] for each in ada.notes()} == {"Plans", ""}

    link = ada.share(note, "viewer")
    assert ada.share(note, "editor") == link
    assert visitor.get(link).status_code == 200
    visitor.say_name("Gus")
    bob.get(link)
    assert [(each["title"], each["excerpt"], each["role"]) for each in bob.notes()] == [
        ("Plans", "The first line", "editor")
    ]
    assert visitor.ask("PATCH", f"/api/documents/{note}", title="Our plans")["title"] == "Our plans"
    assert [person["slot"] for person in ada.notes()[0]["people"]] == [1, 2, 3]
    visitor.sign_up("Gus")
    assert [each["title"] for each in visitor.notes()] == ["Our plans"]

    ada.ask("DELETE", f"/api/documents/{note}/share", 204)
    assert bob.notes() == []
    assert bob.get(link).status_code == 404
    bob.sign_up("Bob", 409)
    ada.ask("DELETE", f"/api/documents/{note}", 204)
    ada.ask("DELETE", f"/api/documents/{note}/forever", 204)
    assert [each["id"] for each in ada.notes()] == [other]
    assert ada.notes(bin=True) == []


def test_a_history_that_several_look_at_while_people_write(app: Flask) -> None:
    ada, bob = Visitor(app), Visitor(app)
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    note = ada.new_note(title="Plans")
    bob.get(ada.share(note, "editor"))
    path = f"/api/documents/{note}"
    looking = [gevent.spawn(who.ask, "GET", f"{path}/history") for who in (ada, bob) for _ in range(3)]
    for number in range(10):
        write(app, note, 1 + number % 2, f"Line {number}")
    gevent.joinall(looking, raise_error=True)
    bob.post(f"{path}/versions", 201, name="Ready")
    bob.post(f"{path}/versions", 409, name="Ready")
    ada.ask("PATCH", path, title="Our plans")
    ada.post(f"{path}/history/looked", 204, seq=12)
    write(app, note, 2, "The last line")
    seen = ada.ask("GET", f"{path}/history")
    assert [(sitting["first"], sitting["last"]) for sitting in reversed(seen["sittings"])] == [(1, 11), (12, 13)]
    assert [[user for user, _, _ in sitting["people"]] for sitting in seen["sittings"]] == [[1, 2], [1, 2]]
    assert (seen["looked"]["seq"], seen["since"]) == (12, 1)
    assert [(each["seq"], each["name"], each["user"]) for each in seen["versions"]] == [(11, "Ready", 2)]
    assert [(each["seq"], each["detail"], each["user"]) for each in seen["acts"]] == [
        (1, {"what": "title"}, 1), (12, {"what": "title"}, 1)
    ]  # fmt: skip
    assert bob.get(f"{path}/versions/1/export?format=txt").text == "Plans\n\n\n"
    bob.ask("DELETE", f"{path}/versions/11", 204)
    assert ada.ask("GET", f"{path}/history")["versions"] == []


def test_history_is_packed_and_erased(app: Flask) -> None:
    ada = Visitor(app)
    ada.sign_up("Ada")
    note = ada.new_note()
    for number in range(4):
        write(app, note, ada.who()["id"], f"Line {number}")
    store = app.extensions["store"]
    with app.app_context():
        session.execute(update(Document).values(sitting_seq=3))
        session.commit()
        assert compact(store, note, ROOTS) is not None
        assert pack(store, note, ROOTS) == 3
        assert [entry.seq for entry in store.entries(note)] == [4]
        erased = erase_before(app.extensions["rooms"], store, note, 2)
        assert (erased.entries, erased.epoch) == (2, store.status(note).epoch)
        assert [(group.first, group.last) for group in groups(store, note)] == [(1, 2), (3, 3), (4, 4)]
        assert keep_since(store, note, now() + 1) is not None
    assert [(group.first, group.last) for group in groups(store, note)] == [(1, 4)]
    write(app, note, ada.who()["id"], "The last line")
    assert ada.get(f"/n/{note}").text.count("<p>") == 5
