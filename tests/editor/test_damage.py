"""A note with a damaged log: what it says over HTTP, and how a copy repairs it. On both databases."""

import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pycrdt import Doc
from sqlalchemy import delete, select, update

from editor import create_app, migrations, pages
from editor.config import Config
from editor.content import schema
from editor.database import session
from editor.models import Chunk, Client, Entry, Quarantine, Snapshot
from sync.codec import var_bytes
from tests.editor.conftest import Arrive, Visitor, write
from tests.editor.past import edit, groups, put_away, words
from tests.services import postgres_database

EMPTY = b"\0\0"


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, config: Config, built: Path, migrated: Path) -> Iterator[Flask]:
    if request.param == "sqlite":
        shutil.copy(migrated, config.data)
        yield from serving(config)
    else:
        with postgres_database() as url:
            migrations.upgrade(url, lambda line: None)
            yield from serving(replace(config, database_url=url))


def serving(config: Config) -> Iterator[Flask]:
    app = create_app(config)
    yield app
    app.extensions["store"].close()
    app.extensions["engine"].dispose()


@pytest.fixture
def bob(arrive: Arrive) -> Visitor:
    bob = arrive()
    bob.sign_up("Bob")
    return bob


@pytest.fixture
def note(app: Flask, ada: Visitor, bob: Visitor) -> str:
    """A note of five entries: its title, and four lines, by two people in turns."""
    note = ada.new_note(title="Plans")
    bob.get(ada.share(note, "editor"))
    ada.ask("PUT", f"/api/documents/{note}/share", history=True)
    for number in range(4):
        write(app, note, 1 + number % 2, f"Line {number}")
    return note


def restart(app: Flask, note: str) -> None:
    """Nobody has it open any more."""
    app.extensions["rooms"].reload(note)


def turn(app: Flask, note: str, *seqs: int) -> None:
    """Bits of these entries turn over."""
    with app.app_context():
        for entry in session.scalars(select(Entry).where(Entry.document_id == note, Entry.seq.in_(seqs))).all():
            entry.update = entry.update[:-1] + bytes([entry.update[-1] ^ 1])
        session.commit()


def lose(app: Flask, note: str, *seqs: int) -> None:
    with app.app_context():
        session.execute(delete(Entry).where(Entry.document_id == note, Entry.seq.in_(seqs)))
        session.commit()


def history(visitor: Visitor, note: str) -> Any:
    return visitor.ask("GET", f"/api/documents/{note}/history")


def damaged(visitor: Visitor, note: str) -> list[tuple[int, int, int | None]]:
    return [(each["first"], each["last"], each["known"]) for each in history(visitor, note)["damaged"]]


def damaged_now(visitor: Visitor, note: str) -> list[tuple[int, int, int | None]]:
    """The same, when somebody has tried to open it."""
    assert visitor.get(f"/n/{note}").status_code == 200
    return damaged(visitor, note)


def export(visitor: Visitor, note: str, seq: int, status: int = 200) -> str:
    answer = visitor.get(f"/api/documents/{note}/versions/{seq}/export?format=txt")
    assert answer.status_code == status
    return answer.text


def repair(visitor: Visitor, note: str, seq: object, copy: bytes, unsent: bytes = EMPTY, status: int = 200) -> Any:
    visitor.ask("GET", "/api/me")
    answer = visitor.client.post(
        f"/api/documents/{note}/history/repair?seq={seq}",
        data=var_bytes(copy) + var_bytes(unsent),
        content_type="application/octet-stream",
        headers={"X-CSRF-Token": visitor.csrf},
    )
    assert answer.status_code == status, answer.text
    return answer.get_json()


def copy_of(app: Flask, note: str, has: bytes) -> bytes:
    """What a tab that has all of the note would send."""
    state, _, _ = app.extensions["rooms"].read(note)
    doc: Doc[Any] = Doc()
    doc.apply_update(state)
    return doc.get_update(has)


def vector(app: Flask, note: str, until: int) -> bytes:
    """What the note has at an entry, as the server tells it to those it does not let in."""
    doc: Doc[Any] = Doc()
    for entry in app.extensions["store"].entries(note, 0, until):
        doc.apply_update(entry.update)
    return doc.get_state()


def test_a_note_that_is_open_loses_nothing(
    app: Flask, ada: Visitor, note: str, caplog: pytest.LogCaptureFixture
) -> None:
    turn(app, note, 3)
    with caplog.at_level(logging.ERROR):
        assert [group.first for group in groups(ada, note)] == [1, 2, 4, 5], "whoever reads sees that it is missing"
    assert f"{note}: entries 3 to 3: expected an entry with the hash" in caplog.text
    assert damaged(ada, note) == [(3, 3, 5)]
    found = groups(ada, note)
    assert [(group.first, group.user_id) for group in found] == [(1, 1), (2, 1), (3, None), (4, 1), (5, 2)]
    assert words([group.update for group in found]) == "Plans\nLine 0\nLine 1\nLine 2\nLine 3"
    restart(app, note)
    write(app, note, 2, "Line 4")
    assert "<p>Line 1</p><p>Line 2</p>" in ada.get(f"/n/{note}").text
    assert export(ada, note, 3) == "Plans\n\nLine 0\nLine 1\n"


def test_a_note_that_nobody_has_open_is_read_up_to_the_damage(
    app: Flask, ada: Visitor, bob: Visitor, note: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    restart(app, note)
    turn(app, note, 3)
    other = ada.new_note(title="Another")
    write(app, other, 1, "Line 0", "Line 1")
    monkeypatch.setattr(pages, "FIRST", 1)
    assert "note-rest" in ada.get(f"/n/{other}").text
    page = ada.get(f"/n/{note}")
    assert page.status_code == 200
    assert "<p>Line 0</p>" in page.text
    assert "Line 1" not in page.text
    assert "note-rest" not in page.text, "no script will show the rest"
    assert ada.get(f"/api/documents/{note}/state").status_code == 204
    assert {each["id"] for each in ada.notes()} == {note, other}
    assert damaged(ada, note) == damaged(bob, note) == [(3, 3, None)]
    assert [group.last for group in groups(ada, note)] == [1, 2, 4, 5]
    refused = ada.ask("PATCH", f"/api/documents/{note}", 409, title="Changed")
    assert refused["type"] == "damaged"
    assert refused["detail"].startswith("Entry 3 of this note is damaged in the server's database.")
    assert caplog.text.count("entries 3 to 3: expected") == 1, "it is said once"
    assert caplog.text.count("Traceback") == 0
    assert ada.ask("PATCH", f"/api/documents/{other}", title="Changed")["title"] == "Changed"


def test_a_damaged_moment_gets_no_name_and_no_file(app: Flask, ada: Visitor, note: str) -> None:
    path = f"/api/documents/{note}/versions"
    ada.post(path, 201, name="Before", seq=4)
    restart(app, note)
    lose(app, note, 3, 4)
    for seq in (3, 4, 5):
        refused = ada.post(path, 409, name="x", seq=seq)
        assert refused["type"] == "damaged"
        assert "Entries 3 to 4 of this note are damaged" in refused["detail"]
        assert ada.ask("GET", f"{path}/{seq}/export", 409)["type"] == "damaged"
    ada.post(path, 409, name="x")
    assert export(ada, note, 2) == "Plans\n\nLine 0\n"
    ada.post(path, 201, name="Still here", seq=2)
    assert [each["seq"] for each in history(ada, note)["versions"]] == [2, 4], "a name stays, until it is taken away"
    ada.ask("PATCH", f"{path}/4", name="Lost")
    ada.ask("DELETE", f"{path}/4", 204)


def test_a_moment_after_the_damage_is_shown_and_one_within_is_not(app: Flask, ada: Visitor, note: str) -> None:
    path = f"/api/documents/{note}/versions"
    with app.app_context():
        app.extensions["rooms"].compact(note)
    restart(app, note)
    lose(app, note, 2, 3)
    assert export(ada, note, 3) == "Plans\n\nLine 0\nLine 1\n"
    assert "Entries 2 to 3" in ada.ask("GET", f"{path}/2/export", 409)["detail"]
    ada.post(path, 409, name="x", seq=2)
    ada.post(path, 201, name="x", seq=3)
    assert damaged(ada, note) == [(2, 3, 5)]


def test_damage_in_what_was_put_away_long_ago(app: Flask, ada: Visitor, note: str) -> None:
    assert put_away(app, note) == 5
    write(app, note, 1, "Line 4")
    restart(app, note)
    with app.app_context():
        session.execute(delete(Chunk).where(Chunk.document_id == note))
        session.commit()
    write(app, note, 2, "Line 5")
    assert [group.first for group in groups(ada, note)] == [6, 7]
    assert damaged(ada, note) == [(1, 5, 5)]
    found = groups(ada, note)
    assert [(group.first, group.last, group.user_id) for group in found] == [(1, 5, None), (6, 6, 1), (7, 7, 2)]
    assert words([group.update for group in found]).endswith("Line 4\nLine 5")


def test_a_lost_snapshot_is_missed_by_nobody(app: Flask, ada: Visitor, note: str) -> None:
    put_away(app, note)
    write(app, note, 1, "Line 4")
    restart(app, note)
    for change in ({"state": b"\1"}, {"hash": b""}):
        with app.app_context():
            session.execute(update(Snapshot).where(Snapshot.document_id == note).values(**change))
            session.commit()
        assert "<p>Line 4</p>" in ada.get(f"/n/{note}").text
    with app.app_context():
        session.execute(delete(Snapshot).where(Snapshot.document_id == note))
        session.commit()
    write(app, note, 1, "Line 5")
    assert "<p>Line 5</p>" in ada.get(f"/n/{note}").text
    assert damaged(ada, note) == []


def test_the_rows_are_kept_as_they_are(app: Flask, ada: Visitor, note: str) -> None:
    turn(app, note, 3)
    with app.app_context():
        app.extensions["rooms"].mend(note)
        row = session.get_one(Entry, (note, 3))
        session.refresh(row)
        (kept,) = session.scalars(select(Quarantine.kept).where(Quarantine.document_id == note))
        assert [(each["seq"], each["user_id"], each["hash"]) for each in kept] == [(3, 2, row.hash.hex())]
    assert put_away(app, note) == 5
    with app.app_context():
        assert session.scalars(select(Quarantine.kept).where(Quarantine.document_id == note)).one() == kept
    assert damaged(ada, note) == [(3, 3, 5)]
    assert [(group.first, group.last) for group in groups(ada, note) if group.user_id is None] == [(3, 3)]


def test_the_owners_copy_repairs_the_note(app: Flask, ada: Visitor, bob: Visitor, note: str) -> None:
    has = vector(app, note, 2)
    copy = copy_of(app, note, has)
    restart(app, note)
    turn(app, note, 3)
    assert damaged_now(ada, note) == [(3, 3, None)]
    assert repair(ada, note, 5, copy) | {"found": 0} == {"first": 3, "last": 3, "found": 0, "known": 5, "user": 1}
    assert damaged(ada, note) == [(3, 3, 5)]
    write(app, note, 2, "Line 4")
    assert "<p>Line 1</p><p>Line 2</p><p>Line 3</p><p>Line 4</p>" in ada.get(f"/n/{note}").text
    assert repair(bob, note, 5, copy)["user"] == 1, "Ada was quicker"
    other = ada.new_note(title="Another")
    assert "Nothing" in repair(ada, other, 1, copy, status=409)["detail"]


def test_others_repair_only_what_they_wrote_themselves(
    app: Flask, ada: Visitor, bob: Visitor, arrive: Arrive, note: str
) -> None:
    has = vector(app, note, 3)
    copy = copy_of(app, note, has)
    restart(app, note)
    turn(app, note, 4)
    assert damaged_now(ada, note) == [(4, 4, None)]
    assert "somebody else" in repair(bob, note, 5, copy, status=409)["detail"]
    assert repair(arrive(), note, 5, copy, status=404)["type"] == "not-found"
    ada.ask("PUT", f"/api/documents/{note}/share", role="viewer")
    assert repair(bob, note, 5, copy, status=403)["type"] == "denied"
    ada.ask("PUT", f"/api/documents/{note}/share", role="editor")
    with app.app_context():  # as if it had been Bob's
        session.execute(update(Client).where(Client.document_id == note).values(user_id=2))
        session.commit()
    assert repair(bob, note, 5, copy)["user"] == 2
    assert [person["name"] for person in history(ada, note)["people"]] == ["Ada", "Bob"]


def test_only_a_copy_repairs(app: Flask, ada: Visitor, note: str) -> None:
    has = vector(app, note, 2)
    copy = copy_of(app, note, has)
    restart(app, note)
    turn(app, note, 3)
    assert damaged_now(ada, note) == [(3, 3, None)]
    for wrong in (b"", b"\xff", copy[:-1], copy + b"\0"):
        assert repair(ada, note, 5, wrong, status=400)["type"] == "invalid"
    for seq, status in (("", 400), ("x", 400), (2, 409), (99, 409)):
        repair(ada, note, seq, copy, status=status)
    path = f"/api/documents/{note}/history/repair"
    assert ada.ask("POST", path, 400)["type"] == "invalid"
    headers = {"X-CSRF-Token": ada.csrf}
    assert ada.client.post(f"{path}?seq=5", data=b"x" * 5_000_000, headers=headers).status_code == 413
    assert ada.client.post(f"{path}?seq=5", data=b"x").status_code == 400, "without the token"
    assert damaged(ada, note) == [(3, 3, None)]


def test_words_are_not_erased_from_what_nobody_can_read(app: Flask, ada: Visitor, note: str) -> None:
    edit(app, note, lambda doc: schema.body(doc).children.__delitem__(0))
    turn(app, note, 3)
    path = f"/api/documents/{note}/history/erase"
    refused = ada.post(path, 409, pieces=[[1, 2, 3]], words="Line 0")
    assert refused["type"] == "damaged"
    assert "Erase what was before entry 4 first" in refused["detail"]
    done = ada.post(path, before=4)
    assert done["entries"] == 4
    assert damaged(ada, note) == []
    assert history(ada, note)["from"] == 4
    assert words([group.update for group in groups(ada, note)]) == "Plans\nLine 1\nLine 2\nLine 3"


def test_what_was_before_a_moment_is_erased_although_something_later_is_damaged(
    app: Flask, ada: Visitor, note: str
) -> None:
    turn(app, note, 4)
    ada.post(f"/api/documents/{note}/history/erase", before=2)
    assert damaged(ada, note) == [(4, 4, 5)]
    found = groups(ada, note)
    assert [(group.first, group.last, group.user_id) for group in found] == [
        (1, 2, None), (3, 3, 2), (4, 4, None), (5, 5, 2),
    ]  # fmt: skip
    with app.app_context():
        assert session.scalars(select(Quarantine.kept)).one() == [], "what was erased may be in it"
    restart(app, note)
    write(app, note, 1, "Line 4")
    assert "<p>Line 2</p><p>Line 3</p><p>Line 4</p>" in ada.get(f"/n/{note}").text
    assert damaged(ada, note) == [(4, 4, 5)]
