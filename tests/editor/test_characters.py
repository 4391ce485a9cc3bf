"""Names and titles in every script."""

import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from editor import characters
from editor.characters import as_line, is_line, is_seen
from tests.editor.conftest import PASSWORD, Arrive, Visitor, write

ROOT = Path(__file__).parents[2]

GOOD = {
    "a blank that does not break": "Anne\u00a0Marie",
    "an ideographic blank": "山田\u3000太郎",
    "an emoji that is joined of several": "👩\u200d👩\u200d👧",
    "marks for writing from right to left": "\u200fעדה\u200e",
    "a joiner between letters": "می\u200cخواهم",
    "an emoji younger than this Python": "\U0001fabe",
    "a flag": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
}
BAD = {
    "NUL": "a\0b",
    "a line break": "a\nb",
    "a line break of Unicode": "a\u2028b",
    "a paragraph's end": "a\u2029b",
    "a next line": "a\x85b",
    "an escape": "a\x1b[31mb",
    "half a pair": "a\ud83db",
    "a private number": "a\ue000b",
    "no character": "a\ufffeb",
    "no character either": "a\ufdd0b",
    "nor this": "a\U0010ffffb",
}

UNSEEN = {
    "marks of direction": "\u200e\u200f\u202a\u202e",
    "joiners": "\u200d\u200c\u2060",
    "a blank without width": "\u200b \ufeff",
    "isolates": "\u2066\u2069",
    "a filler of Hangul": "\u3164",
    "half a filler": "\uffa0\u115f\u1160",
    "the blank of Braille": "\u2800",
    "a selector of variants": "\ufe0f\U000e0100",
    "tags": "\U000e0067\U000e007f",
    "a soft hyphen": "\u00ad",
}


def register(visitor: Visitor, status: int, name: str) -> Any:
    return visitor.post("/api/auth/register", status, email="ada@example.org", password=PASSWORD, name=name)


def test_the_page_has_the_same_limits() -> None:
    told = re.findall(r"export const (\w+) = (\d+)", (ROOT / "frontend/src/limits.ts").read_text())
    assert {name: int(number) for name, number in told} == {
        "LONGEST_NAME": characters.LONGEST_NAME,
        "LONGEST_TITLE": characters.LONGEST_TITLE,
    }


@pytest.mark.parametrize("name", GOOD.values(), ids=GOOD)
def test_people_and_notes_are_called_so(arrive: Arrive, name: str) -> None:
    ada, gus = arrive(), arrive()
    assert register(ada, 200, name)["user"]["name"] == name
    assert gus.say_name(name)["user"]["name"] == name
    assert ada.post("/api/documents", 201, title=name)["title"] == as_line(name)


@pytest.mark.parametrize("name", BAD.values(), ids=BAD)
def test_nothing_is_called_so(arrive: Arrive, name: str) -> None:
    ada = arrive()
    assert not is_line(name)
    for problem in (register(ada, 400, name), ada.post("/api/guests", 400, name=name)):
        assert "name" in problem["errors"] if "\ud83d" not in name else "JSON" in problem["detail"]


@pytest.mark.parametrize("name", UNSEEN.values(), ids=UNSEEN)
def test_nothing_is_called_what_cannot_be_seen(app: Flask, ada: Visitor, arrive: Arrive, name: str) -> None:
    assert is_line(name)
    assert not is_seen(name)
    assert as_line(name) == ""
    bob = arrive()
    assert "seen" in register(bob, 400, name)["errors"]["name"][0]
    bob.post("/api/guests", 400, name=name)
    told = ada.post("/api/documents", 400, title=name)
    assert told["errors"]["title"] == ["This must have something in it that can be seen."]
    note = ada.new_note(title="Plans")
    ada.ask("PATCH", f"/api/documents/{note}", 400, title=name)
    ada.ask("PATCH", "/api/me", 400, name=name)
    assert "seen" in ada.post(f"/api/documents/{note}/versions", 400, name=name)["errors"]["name"][0]
    ada.ask("PATCH", f"/api/documents/{note}", title="")
    write(app, note, 1, title=name)
    assert [each["title"] for each in ada.notes()] == [""]


def test_what_can_be_seen_may_have_such_characters_in_it() -> None:
    for name in GOOD.values():
        assert is_seen(name)
    assert not is_seen(" \u3000\t")
