"""An owner erases history over HTTP; what erasing does to the log is in test_forgetting.py."""

from typing import Any

import pytest
from flask import Flask

from editor.content import schema
from tests.editor.conftest import Arrive, Visitor, write
from tests.editor.past import edit, groups, pieces, put_away, words


@pytest.fixture
def note(app: Flask, ada: Visitor) -> str:
    """A note with a line that was taken out again."""
    note = ada.new_note(title="Plans")
    write(app, note, 1, "the secret word")
    edit(app, note, lambda doc: schema.body(doc).children.__delitem__(0))
    write(app, note, 1, "The first line")
    return note


def erase(visitor: Visitor, note: str, status: int = 200, **body: object) -> Any:
    return visitor.post(f"/api/documents/{note}/history/erase", status, **body)


def secret(app: Flask, note: str) -> list[list[int]]:
    """Where the secret word stood, as the page finds it."""
    found = pieces(app.extensions["store"], note, "the secret word")
    assert found
    return [list(piece) for piece in found]


def test_what_was_before_a_moment_goes_and_the_text_stays(app: Flask, ada: Visitor, note: str) -> None:
    ada.post(f"/api/documents/{note}/versions", 201, name="Begun", seq=1)
    epoch = ada.ask("GET", f"/api/documents/{note}")["epoch"]
    told = erase(ada, note, before=3, dry=True)
    assert (told["entries"], told["versions"], told["epoch"]) == (3, 1, epoch)
    assert ada.ask("GET", f"/api/documents/{note}/history")["from"] == 0, "it was only asked"
    done = erase(ada, note, before=3)
    assert done | {"epoch": ""} == told | {"epoch": ""}
    assert done["epoch"] != epoch
    seen = ada.ask("GET", f"/api/documents/{note}/history")
    assert (seen["epoch"], seen["from"], seen["head"], seen["versions"]) == (done["epoch"], 3, 4, [])
    assert [(sitting["first"], sitting["last"]) for sitting in seen["sittings"]] == [(4, 4)]
    found = groups(ada, note)
    assert words([group.update for group in found]) == "Plans\nThe first line"
    assert not any(b"secret" in group.update for group in found)
    assert "<p>The first line</p>" in ada.get(f"/n/{note}").text
    for gone in (1, 2):
        ada.ask("GET", f"/api/documents/{note}/versions/{gone}/export", 404)
    assert "<p>The first line</p>" in ada.get(f"/api/documents/{note}/versions/4/export").text
    write(app, note, 1, "And on")
    assert ada.ask("GET", f"/api/documents/{note}/history")["head"] == 5


@pytest.mark.parametrize("packed", [False, True])
def test_words_go_from_all_of_history(app: Flask, ada: Visitor, note: str, packed: bool) -> None:
    stood = secret(app, note)
    if packed:
        put_away(app, note)
    told = erase(ada, note, pieces=stood, words="secret", dry=True)
    assert told["bytes"] == len("the secret word")
    assert erase(ada, note, pieces=stood, words="secret")["entries"] == told["entries"] == 1
    assert not any(b"secret" in group.update for group in groups(ada, note))
    assert "secret" not in ada.get(f"/api/documents/{note}/versions/2/export?format=txt").text
    assert words([group.update for group in groups(ada, note)]) == "Plans\nThe first line"


def test_words_go_from_the_names_of_moments_and_from_what_acts_say(app: Flask, ada: Visitor, note: str) -> None:
    ada.post(f"/api/documents/{note}/versions", 201, name="with the secret in it", seq=2)
    ada.post(f"/api/documents/{note}/history/acts", 201, seq=4, kind="restore", detail={"what": "“the secret”"})
    told = erase(ada, note, pieces=secret(app, note), words="secret", dry=True)
    assert told["versions"] == 1
    seen = ada.ask("GET", f"/api/documents/{note}/history")
    assert seen["versions"][0]["name"] == "with the secret in it", "it was only asked"
    assert erase(ada, note, pieces=secret(app, note), words="secret")["versions"] == 1
    seen = ada.ask("GET", f"/api/documents/{note}/history")
    assert [version["name"] for version in seen["versions"]] == ["with the ██████ in it"]
    assert [act["detail"] for act in seen["acts"] if act["kind"] == "restore"] == [{"what": "“the ██████”"}]


def test_what_was_erased_is_counted_no_more(app: Flask, ada: Visitor, note: str) -> None:
    (before,) = ada.ask("GET", f"/api/documents/{note}/history")["sittings"]
    erase(ada, note, before=3)
    (after,) = ada.ask("GET", f"/api/documents/{note}/history")["sittings"]
    assert before["people"] == [[1, len("Plans" + "the secret word" + "The first line"), len("the secret word")]]
    assert after["people"] == [[1, len("The first line"), 0]]


def test_what_is_still_in_the_note_or_elsewhere_is_not_erased(app: Flask, ada: Visitor, note: str) -> None:
    stood = secret(app, note)
    write(app, note, 1, "another secret")
    before = ada.ask("GET", f"/api/documents/{note}/history")
    assert erase(ada, note, 409, pieces=stood, words="secret")["type"] == "conflict"
    assert ada.ask("GET", f"/api/documents/{note}/history") == before


def test_only_what_can_be_understood_is_erased(ada: Visitor, note: str) -> None:
    before = ada.ask("GET", f"/api/documents/{note}/history")
    for wrong in (
        {}, {"dry": True}, {"before": 3, "words": "x"}, {"words": "x"}, {"pieces": [[1, 2, 3]]},
        {"before": 3, "pieces": [[1, 2, 3]], "words": "x"},
    ):  # fmt: skip
        assert erase(ada, note, 400, **wrong)["type"] == "invalid"
    for name, value in (("before", "3"), ("dry", 1), ("words", 5), ("pieces", {}), ("pieces", "x"), ("colour", "red")):
        others = {"before": {"before": 3}, "dry": {"before": 3}}.get(name, {"pieces": [[1, 2, 3]], "words": "x"})
        assert erase(ada, note, 400, **{**others, name: value})["errors"][name]
    for unclear in ([], [1], [[1, 2]], [[1, 2, 3, 4]], [[1, 2, "3"]], [[1, 2, True]], [[1, 2, 0.5]]):
        assert erase(ada, note, 400, pieces=unclear, words="x")["errors"]["pieces"]
    assert erase(ada, note, 400, pieces=[[1, 2, 3]], words="")["errors"]["words"]
    for nobodys in ([1, 2, 3], [1, -2, 3], [1, 2, 0], [1 << 70, 2, 3]):
        assert "xpected" in erase(ada, note, 400, pieces=[nobodys], words="x")["detail"]
    for seq in (0, -1, 5, 1 << 70):
        assert erase(ada, note, 404, before=seq)["type"] == "not-found"
    assert ada.ask("GET", f"/api/documents/{note}/history") == before


def test_only_the_owner_erases(ada: Visitor, arrive: Arrive, note: str) -> None:
    bob, visitor = arrive(), arrive()
    bob.sign_up("Bob")
    link = ada.share(note, "editor")
    bob.get(link)
    visitor.get(link)
    assert erase(bob, note, 403, before=3)["type"] == "denied"
    assert erase(visitor, note, 401, before=3)["type"] == "sign-in"
    assert erase(arrive(), note, 404, before=3)["type"] == "not-found"
    assert ada.ask("GET", f"/api/documents/{note}/history")["from"] == 0
