"""The history of a note: who may see it, and what it says."""

from typing import Any

import gevent
import pytest
from flask import Flask
from sqlalchemy import update

import editor.history
from editor import acts, sittings
from editor.acts import CLAIM
from editor.database import session
from editor.documents import retitle
from editor.models import Entry
from editor.sittings import PAUSE
from tests.editor.conftest import Arrive, Visitor, write
from tests.editor.past import log


def history(visitor: Visitor, note: str, status: int = 200) -> Any:
    return visitor.ask("GET", f"/api/documents/{note}/history", status)


def test_the_history_says_who_wrote_how_much_and_when(app: Flask, arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    note = ada.new_note(title="Plans")
    bob.get(ada.share(note, "editor"))
    write(app, note, 2, "The first line")
    write(app, note, 1, "Another")
    ada.ask("PATCH", f"/api/documents/{note}", title="Plan")
    seen = history(ada, note)
    assert (seen["head"], seen["from"], seen["looked"], seen["more"]) == (4, 0, None, None)
    assert seen["epoch"] == ada.ask("GET", f"/api/documents/{note}")["epoch"]
    (sitting,) = seen["sittings"]
    assert (sitting["first"], sitting["last"]) == (1, 4)
    assert sitting["people"] == [[1, len("Plans" + "Another" + "Plan"), len("Plans")], [2, len("The first line"), 0]]
    assert seen["people"] == [
        {"id": 1, "name": "Ada", "slot": 1, "guest": False, "gone": False},
        {"id": 2, "name": "Bob", "slot": 2, "guest": False, "gone": False},
    ]
    assert history(bob, note)["sittings"] == [sitting]


def test_a_note_in_which_nothing_is_written_has_an_empty_history(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    seen = history(ada, note)
    assert (seen["head"], seen["sittings"], seen["people"], seen["versions"], seen["acts"]) == (0, [], [], [], [])
    look(ada, note, 0)
    assert history(ada, note)["looked"]["seq"] == 0


def look(visitor: Visitor, note: str, seq: object, status: int = 204) -> Any:
    return visitor.post(f"/api/documents/{note}/history/looked", status, seq=seq)


def act(visitor: Visitor, note: str, status: int = 201, **body: object) -> Any:
    fields: dict[str, object] = {"seq": 1, "kind": "restore", "detail": {"what": "The first line"}}
    return visitor.post(f"/api/documents/{note}/history/acts", status, **{**fields, **body})


def test_only_those_to_whom_it_is_shown_see_it(arrive: Arrive) -> None:
    ada, bob, eve, visitor = arrive(), arrive(), arrive(), arrive()
    for who, name in ((ada, "Ada"), (bob, "Bob"), (eve, "Eve")):
        who.sign_up(name)
    note = ada.new_note(title="Plans")
    link = ada.share(note, "viewer")
    bob.get(link)
    visitor.get(link)
    paths = ("", "/sittings")
    for path in paths:
        eve.ask("GET", f"/api/documents/{note}/history{path}", 404)
        for who in (bob, visitor):
            refused = who.ask("GET", f"/api/documents/{note}/history{path}", 403)
            assert refused["type"] == "denied"
            assert refused["detail"] == "The owner does not show the history of this note."
    for who in (bob, visitor):
        look(who, note, 1, 403)
        act(who, note, 403)
    ada.ask("PUT", f"/api/documents/{note}/share", history=True)
    for path in paths:
        for who in (bob, visitor):
            who.ask("GET", f"/api/documents/{note}/history{path}")
        eve.ask("GET", f"/api/documents/{note}/history{path}", 404)
    ada.ask("DELETE", f"/api/documents/{note}", 204)
    history(ada, note, 409)
    history(bob, note, 404)


def test_what_others_did_since_i_looked(app: Flask, arrive: Arrive) -> None:
    ada, bob, visitor = arrive(), arrive(), arrive()
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    note = ada.new_note(title="Plans")
    link = ada.share(note, "editor")
    bob.get(link)
    visitor.get(link)
    write(app, note, 1, "Ada's line")
    write(app, note, 2, "Bob's line")
    assert (history(ada, note)["looked"], history(ada, note)["since"]) == (None, 1)
    assert (history(bob, note)["looked"], history(bob, note)["since"]) == (None, 2)
    assert history(visitor, note)["since"] == 3
    look(ada, note, 3)
    seen = history(ada, note)
    assert (seen["looked"]["seq"], seen["since"]) == (3, 0)
    assert abs(seen["looked"]["time"] - seen["sittings"][0]["ended"]) < 60_000
    write(app, note, 2, "Bob's next line")
    write(app, note, 1, "Ada's next line")
    assert history(ada, note)["since"] == 1
    assert history(bob, note)["looked"] is None, "looking is everybody's own affair"


def test_looking_goes_only_forward(app: Flask, arrive: Arrive) -> None:
    ada, visitor = arrive(), arrive()
    ada.sign_up("Ada")
    note = ada.new_note(title="Plans")
    visitor.get(ada.share(note, "editor"))
    write(app, note, 1, "A line")
    look(ada, note, 2)
    first = history(ada, note)["looked"]
    gevent.sleep(0.002)  # times are milliseconds
    look(ada, note, 1)
    second = history(ada, note)["looked"]
    assert (first["seq"], second["seq"]) == (2, 2)
    assert second["time"] > first["time"]
    for seq in (0, -1, 3, 1 << 70):
        look(ada, note, seq, 404)
    for wrong in ("2", None, 1.5, True):
        assert look(ada, note, wrong, 400)["errors"]["seq"]
    assert look(visitor, note, 2, 401)["type"] == "sign-in"


def test_who_restored_something_says_so_once(app: Flask, arrive: Arrive) -> None:
    ada, bob = arrive(), arrive()
    ada.sign_up("Ada")
    bob.sign_up("Bob")
    note = ada.new_note(title="Plans")
    bob.get(ada.share(note, "editor"))
    write(app, note, 2, "Bob's line")
    said = act(bob, note, seq=2)
    assert said["time"] == history(ada, note)["sittings"][0]["ended"]
    assert said | {"time": 0} == {
        "seq": 2, "kind": "restore", "detail": {"what": "The first line"}, "user": 2, "time": 0
    }
    titled, acted = history(ada, note)["acts"]
    assert acted == said
    assert act(bob, note, 409, seq=2)["type"] == "conflict"
    assert act(bob, note, 403, seq=1)["type"] == "denied"
    for seq in (0, -1, 3, 1 << 70):
        assert act(bob, note, 404, seq=seq)["type"] == "not-found"
    assert history(ada, note)["acts"] == [titled, said]


def test_nobody_says_long_afterwards_what_a_change_of_theirs_was(app: Flask, ada: Visitor) -> None:
    note = ada.new_note()
    write(app, note, 1, "A line", "Another")
    with app.app_context():
        session.execute(update(Entry).values(time=Entry.time - CLAIM - 1))
        session.commit()
    assert "too late" in act(ada, note, 409)["detail"]


def test_an_act_is_said_in_the_words_that_are_known(app: Flask, arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    write(app, note, 1, "A line")
    for kind in ("api", "import", "", "RESTORE", 1):
        assert act(ada, note, 400, kind=kind)["errors"]["kind"]
    for what in (1, "", "x" * 201, "a\nb"):
        assert act(ada, note, 400, detail={"what": what})["errors"]["detail"]
    others: tuple[object, ...] = ({}, {"why": "x"}, {"what": "x", "why": "y"}, [], "x")
    for detail in others:
        assert act(ada, note, 400, detail=detail)["errors"]["detail"]
    assert ada.post(f"/api/documents/{note}/history/acts", 400, colour="red")["errors"].keys() == {
        "seq", "kind", "detail", "colour"
    }
    assert history(ada, note)["acts"] == []


def test_a_title_that_a_program_set_is_marked(arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note(title="Old")
    for title in ("New", "New", "  New "):
        ada.ask("PATCH", f"/api/documents/{note}", title=title)
    marked = history(ada, note)["acts"]
    assert [each | {"time": 0} for each in marked] == [
        {"seq": seq, "kind": "api", "detail": {"what": "title"}, "user": 1, "time": 0} for seq in (1, 2)
    ]


def test_what_a_program_did_is_not_what_somebody_claims_of_it(app: Flask, ada: Visitor) -> None:
    note = ada.new_note()
    with app.app_context():
        seq = retitle(note, 1, "Plans")
        assert seq == 1
        act(ada, note)
        acts.know(note, seq, 1, "api", {"what": "title"})
    assert [each["kind"] for each in history(ada, note)["acts"]] == ["api"]
    assert act(ada, note, 409)["type"] == "conflict"


def test_who_is_gone_or_never_opened_the_note_is_still_somebody(app: Flask, arrive: Arrive) -> None:
    ada, gus = arrive(), arrive()
    ada.sign_up("Ada")
    gus.say_name("Gus")
    note = ada.new_note(title="Plans")
    write(app, note, 2, "A line of somebody who never came")
    write(app, note, 31, "A line of somebody who is gone")
    assert history(ada, note)["people"] == [
        {"id": 1, "name": "Ada", "slot": 1, "guest": False, "gone": False},
        {"id": 2, "name": "Gus", "slot": 2, "guest": True, "gone": False},
        {"id": 31, "name": "Somebody who is gone", "slot": 7, "guest": False, "gone": True},
    ]


def test_a_long_log_that_was_never_summed_up_keeps_nobody_waiting(
    app: Flask, arrive: Arrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    with app.app_context():
        log(note, [(seq % 2 + 1, seq, 1, 0) for seq in range(50)])
    monkeypatch.setattr(sittings, "PAGE", 10)
    monkeypatch.setattr(sittings, "PAGES", 2)
    monkeypatch.setattr(editor.history, "PATIENCE", 0)
    seen = [history(ada, note) for _ in range(3)]
    assert [one["behind"] for one in seen] == [30, 10, 0]
    assert [one["head"] for one in seen] == [50, 50, 50]
    assert [(one["sittings"], one["more"], one["since"]) for one in seen[:2]] == [([], None, 0)] * 2
    assert (seen[2]["sittings"][0]["last"], seen[2]["since"]) == (50, 25)


def test_older_sittings_come_page_by_page(app: Flask, arrive: Arrive) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    with app.app_context():
        log(note, [(1, number * PAUSE, 1, 0) for number in range(60)])
    seen = history(ada, note)
    assert [sitting["first"] for sitting in seen["sittings"]] == list(range(60, 10, -1))
    path = f"/api/documents/{note}/history/sittings"
    rest = ada.ask("GET", f"{path}?before={seen['more']}")
    assert [sitting["first"] for sitting in rest["sittings"]] == list(range(10, 0, -1))
    assert rest["more"] is None
    assert ada.ask("GET", path) == {"sittings": seen["sittings"], "more": seen["more"]}
    assert ada.ask("GET", f"{path}?before=0") == {"sittings": [], "more": None}
    for wrong in ("x", "-1", "", "1.5", "9" * 30, "²"):
        assert ada.ask("GET", f"{path}?before={wrong}", 400)["errors"]["before"]
