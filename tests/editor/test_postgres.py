"""People and their notes on a real PostgreSQL: the same as on SQLite."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gevent
import pytest
from flask import Flask

from editor import create_app, migrations
from editor.config import Config
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
    assert caplog.text == ""


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
