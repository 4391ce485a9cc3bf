"""People come to the limits of the server: nothing they typed is dropped, and they are told."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import expect

from sync.messages import Kind
from tests.browser.conftest import Someone
from tests.browser.person import Person
from tests.editor.test_limits import filler
from tests.live import Server, Visitor
from tests.tab import Tab


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data", UPDATES_PER_SECOND="2", NOTE_STRUCTS="1000").start()
    yield server
    server.stop()


class Cookies:
    """Another tab of somebody's."""

    def __init__(self, person: Person) -> None:
        self.cookies = "; ".join(f"{each['name']}={each['value']}" for each in person.context.cookies())


def test_who_types_faster_than_the_server_takes_catches_up(someone: Someone, own_server: Server) -> None:
    ana, ben = someone("Ana").signs_up(), someone("Ben").signs_up()
    path = ana.starts_note("Fast")
    ben.opens_note(ana.shares(path))
    words = "the quick brown fox jumps over the lazy dog " * 3
    ana.goes_to_the_end()
    for word in words.split():
        ana.page.keyboard.type(f"{word} ", delay=15)
    ben.sees(words.strip())
    ana.sees_saved()
    ana.sees_kept(words.strip())


def test_people_are_told_before_a_note_is_full(someone: Someone, own_server: Server) -> None:
    ana = someone("Ana").signs_up()
    path = ana.starts_note()
    line = ana.page.get_by_role("status").filter(has_text="full")
    with Tab(own_server, cast(Visitor, Cookies(ana)), path.split("/")[2]) as tab:
        tab.joined()
        assert "error" not in tab.say(Kind.UPDATE, filler(4711, 0, 700))
        expect(line).to_have_count(0)
        assert "error" not in tab.say(Kind.UPDATE, filler(4711, 700, 150))
        expect(line).to_have_text("This note is 85 % full. Go on in another one soon.")
        assert ana.barriers() == []
        assert "error" not in tab.say(Kind.UPDATE, filler(4711, 850, 150))
    expect(line).to_have_text("This note is full. Go on in another one: here you can only delete.")
    ana.types("too late")
    expect(ana.state).to_have_text("Not saved: this note is full, go on in another one")
    ana.sees("too late")
    expect(ana.page.get_by_role("button", name="Copy text").first).to_be_visible()
    assert "is 85 % full" in own_server.log
