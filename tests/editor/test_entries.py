"""The log itself, as the page reads it to show how a note was written."""

from typing import Any

import pytest
from flask import Flask

from tests.editor.conftest import Arrive, Visitor, write
from tests.editor.past import groups, put_away, words


@pytest.fixture
def note(app: Flask, ada: Visitor) -> str:
    """A note of five entries: its title, and four lines by two people."""
    note = ada.new_note(title="Plans")
    for number in range(4):
        write(app, note, 1 + number % 2, f"Line {number}")
    return note


def refused(visitor: Visitor, note: str, query: str, status: int) -> Any:
    return visitor.ask("GET", f"/api/documents/{note}/history/{query}", status)


def test_everything_that_was_written_comes_with_who_and_when(app: Flask, ada: Visitor, note: str) -> None:
    found = groups(ada, note)
    assert [(group.first, group.last, group.user_id) for group in found] == [
        (1, 1, 1), (2, 2, 1), (3, 3, 2), (4, 4, 1), (5, 5, 2)
    ]
    kept = list(app.extensions["store"].entries(note))
    assert [(group.time, group.session_id, group.update) for group in found] == [
        (entry.time, entry.session_id, entry.update) for entry in kept
    ]
    assert words([group.update for group in found]) == "Plans\nLine 0\nLine 1\nLine 2\nLine 3"


def test_a_part_of_the_log(ada: Visitor, note: str) -> None:
    assert [group.first for group in groups(ada, note, "?after=2")] == [3, 4, 5]
    assert [group.first for group in groups(ada, note, "?after=2&until=4")] == [3, 4]
    assert [group.first for group in groups(ada, note, "?until=2")] == [1, 2]
    for nothing in ("?after=5", "?after=3&until=3", "?until=0"):
        assert groups(ada, note, nothing) == []
    assert groups(ada, ada.new_note()) == []


def test_a_part_that_does_not_exist(ada: Visitor, note: str) -> None:
    assert refused(ada, note, "entries?after=4&until=2", 400)["errors"]["until"]
    for query in ("after=6", "until=6", "after=1&until=999999999999999999"):
        assert refused(ada, note, f"entries?{query}", 404)["type"] == "not-found"
    for wrong in ("x", "-1", "", "1.5", "9" * 30):
        assert refused(ada, note, f"entries?after={wrong}", 400)["errors"]["after"]
        assert refused(ada, note, f"entries?until={wrong}", 400)["errors"]["until"]


def test_what_was_put_away_is_still_there(app: Flask, ada: Visitor, note: str) -> None:
    assert put_away(app, note) == 5
    write(app, note, 1, "Line 4")
    found = groups(ada, note)
    assert (found[0].first, found[-1].last) == (1, 6)
    assert words([group.update for group in found]) == "Plans\nLine 0\nLine 1\nLine 2\nLine 3\nLine 4"
    assert {group.last for group in groups(ada, note, "?after=5")} >= {6}
    seen = ada.ask("GET", f"/api/documents/{note}/history")
    assert seen["storage"]["entries"] == 6
    assert seen["storage"]["log"] > 0
    assert [(sitting["first"], sitting["last"]) for sitting in seen["sittings"]] == [(1, 6)]


def test_what_others_did_since_i_looked_is_counted_in_what_was_put_away_too(
    app: Flask, ada: Visitor, note: str
) -> None:
    def since() -> int:
        counted: int = ada.ask("GET", f"/api/documents/{note}/history")["since"]
        return counted

    for seq, expected in ((1, 2), (2, 2), (3, 1)):
        ada.post(f"/api/documents/{note}/history/looked", 204, seq=seq)
        assert since() == expected
    assert put_away(app, note) == 5
    assert since() == 1
    write(app, note, 2, "Line 4")
    assert since() == 2


def test_a_state_to_begin_from(app: Flask, ada: Visitor, note: str) -> None:
    assert ada.ask("GET", f"/api/documents/{note}/history")["bases"] == []
    put_away(app, note)
    write(app, note, 1, "Line 4")
    assert ada.ask("GET", f"/api/documents/{note}/history")["bases"] == [5]
    answer = ada.get(f"/api/documents/{note}/history/state?seq=5")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Epoch"] == ada.ask("GET", f"/api/documents/{note}")["epoch"]
    assert words([answer.data]) == "Plans\nLine 0\nLine 1\nLine 2\nLine 3"
    later = [group.update for group in groups(ada, note, "?after=5") if group.first > 5]
    assert words([answer.data, *later]).endswith("Line 4")


def test_a_state_that_is_not_at_hand(app: Flask, ada: Visitor, note: str) -> None:
    put_away(app, note)
    other = ada.new_note(title="Other")
    for where, seq in ((note, 4), (note, 0), (note, 99), (other, 5)):
        assert refused(ada, where, f"state?seq={seq}", 404)["type"] == "not-found"
    for query in ("state", "state?seq=x", "state?seq=-5"):
        assert refused(ada, note, query, 400)["errors"]["seq"]


def test_only_those_to_whom_the_history_is_shown_may_read_the_log(app: Flask, ada: Visitor, arrive: Arrive) -> None:
    note = ada.new_note(title="Plans")
    put_away(app, note)
    bob, eve = arrive(), arrive()
    bob.get(ada.share(note, "viewer"))
    for query in ("entries", "state?seq=1"):
        assert refused(bob, note, query, 403)["type"] == "denied"
        assert refused(eve, note, query, 404)["type"] == "not-found"
    ada.ask("PUT", f"/api/documents/{note}/share", history=True)
    assert len(groups(bob, note)) == 1
    assert words([bob.get(f"/api/documents/{note}/history/state?seq=1").data]) == "Plans\n"
