"""The history of a note: who may see it, and what it says."""

from typing import Any

from flask import Flask

from tests.editor.conftest import Arrive, Visitor, write


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
    seen = history(ada, note)
    assert (seen["head"], seen["from"], seen["looked"], seen["more"]) == (3, 0, None, None)
    assert seen["epoch"] == ada.ask("GET", f"/api/documents/{note}")["epoch"]
    (sitting,) = seen["sittings"]
    assert (sitting["first"], sitting["last"]) == (1, 3)
    assert [user for user, _, _ in sitting["people"]] == [1, 2]
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
