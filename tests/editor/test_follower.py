"""Copies and summaries follow what people type."""

from collections.abc import Callable

import gevent
import pytest
from flask import Flask, current_app
from sqlalchemy import select

from editor import digest, loop, sittings
from editor.database import session
from editor.follower import REST, Follower
from editor.models import Document, Sitting
from sync.store import UnknownDocument
from tests.editor.conftest import Visitor, write


def until(reached: Callable[[], object]) -> None:
    with gevent.Timeout(5):
        while not reached():
            gevent.sleep(0.005)


def test_title_excerpt_and_sittings_follow_what_people_type(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (digest, sittings):
        monkeypatch.setattr(module, "DELAY", 0.01)
    app: Flask = request.getfixturevalue("app")
    ada = Visitor(app)
    ada.sign_up("Ada")
    note = ada.new_note()
    write(app, note, 1, "The first words", title="Typed title")

    def copied() -> Document:
        with app.app_context():
            return session.get_one(Document, note)

    until(lambda: copied().digest_seq and copied().sitting_seq)
    assert (copied().title, copied().excerpt) == ("Typed title", "The first words")
    with app.app_context():
        assert session.scalars(select(Sitting.last_seq).where(Sitting.document_id == note)).all() == [1]


def test_many_changes_are_followed_at_once(app: Flask) -> None:
    followed: list[str] = []
    follower = Follower(app, loop.later, followed.append, delay=0.01)
    for seq in range(5):
        follower.committed("note", seq)
        follower.committed("other", seq)
    assert followed == [], "whoever typed does not wait for it"
    until(lambda: len(followed) == 2)
    assert followed == ["note", "other"]
    follower.committed("note", 6)
    until(lambda: len(followed) == 3)


def test_what_fails_is_told_and_tried_with_the_next_change(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    tried: list[str] = []

    def fail(document_id: str) -> None:
        assert current_app
        tried.append(document_id)
        if document_id == "gone":
            raise UnknownDocument(document_id)
        raise RuntimeError("the database is away")

    follower = Follower(app, loop.later, fail, delay=0.01)
    follower.committed("note", 1)
    until(lambda: len(tried) == 1)
    follower.committed("note", 2)
    until(lambda: len(tried) == 2)
    assert caplog.text.count("note is behind") == 2
    follower.committed("gone", 1)
    until(lambda: len(tried) == 3)
    assert "gone" not in caplog.text, "a note that was deleted for ever has no copies"


def test_it_rests_after_each_document_for_as_long_as_others_need(app: Flask) -> None:
    waits: list[float] = []
    followed: list[str] = []

    def later(seconds: float, then: Callable[[], None]) -> object:
        waits.append(seconds)
        return loop.later(seconds / 10, then)

    def slow(document_id: str) -> None:
        gevent.sleep(0.02)
        followed.append(document_id)

    follower = Follower(app, later, slow, delay=0)
    for note in ("one", "two", "three"):
        follower.committed(note, 1)
    until(lambda: len(followed) == 3)
    assert followed == ["one", "two", "three"]
    assert waits[0] == 0
    assert [wait >= REST * 0.02 for wait in waits[1:]] == [True, True]
    follower.committed("one", 2)
    until(lambda: len(followed) == 4)
