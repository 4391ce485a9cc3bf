"""Names and titles in every script."""

import re
from pathlib import Path
from typing import Any

import pytest

from editor import characters
from editor.characters import as_line, is_line
from tests.editor.conftest import PASSWORD, Arrive, Visitor

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
