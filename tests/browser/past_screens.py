"""Every screen of history there is, and how somebody gets there: for axe and for pictures."""

import re
import time
from collections.abc import Callable, Iterator

from playwright.sync_api import expect

from tests.browser.crowd import LONG, write_crowded_note
from tests.browser.person import Person
from tests.browser.reader import Reader

Someone = Callable[..., Person]
TEXT = """# Before the freeze
Everything older is in its **history**.
- The importer
refuses files above 50 MB

[ ] Read the agreement once more
Stop the server in the middle of a save

> A note I cannot trust is a note I write twice.

See https://example.org and `saved(room)`:
```python
def saved(room):
return room.sent == room.acknowledged  # "not yet"
"""

SENT = "As it was sent to everybody who had been asked, and to some who had not"
HOUR = 60 * 60 * 1000  # milliseconds


def screens(someone: Someone, database_url: str) -> Iterator[tuple[str, Person]]:
    """Each name with a person who looks at that screen now."""
    ana, ben = someone("Ana").signs_up(), someone("Ben").comes_as_guest()
    path = ana.starts_note("Spring release plan")
    ana.types(TEXT)
    ana.sees_saved()
    ben.opens_note(ana.shares(path))
    ben.body.locator("blockquote p").click()
    ben.presses("End")
    ben.types(" Said Ben.")
    ana.sees("Said Ben.")
    yield from _of_a_note(ana, ben, path)
    yield from _of_few(someone)
    yield from _of_many(someone, database_url)


def _of_a_note(ana: Person, ben: Person, path: str) -> Iterator[tuple[str, Person]]:
    """The note as it was: Ana comes back to what Ben did while she was away."""
    ana.page.wait_for_timeout(1300)  # a glance
    ana.opens("/")
    ben.body.locator("h1").click()
    ben.page.keyboard.press("Home")
    ben.page.keyboard.press("Shift+End")
    ben.page.keyboard.press("Control+i")
    ben.page.keyboard.press("End")
    expect(ben.page.get_by_role("toolbar")).to_have_count(0)  # on a phone it lies where the next click goes
    ben.body.locator("li p", has_text="refuses").click()
    ben.page.keyboard.press("Home")
    ben.page.keyboard.press("Shift+End")
    ben.page.keyboard.press("Backspace")
    ben.goes_to_the_end()
    ben.types("\nGuests keep their notes for 90 days.")
    ben.sees_saved()

    ana.opens_note(path)
    expect(ana.page.get_by_text("since you last looked")).to_be_visible()
    yield "note-since", ana
    ana.presses("Control+Alt+h")
    expect(ana.page.get_by_role("slider", name="Moment")).to_be_enabled()
    yield "history", ana
    ana.presses("j")
    expect(ana.page.locator(".card")).to_be_visible()
    yield "history-change", ana
    ana.presses("Control+s")
    ana.page.get_by_role("button", name="Name this version").last.click()
    dialog = ana.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    yield "history-name", ana
    dialog.get_by_label("Name").fill("Sent to the board")
    ana.presses("Enter")
    expect(dialog).to_be_hidden()
    ana.page.locator(".past .bar").get_by_role("button", name="More").click()
    expect(ana.page.get_by_role("menu")).to_be_visible()
    yield "history-menu", ana
    ana.presses("Escape")
    Reader(ana).shows_timeline()
    expect(ana.page.get_by_role("button", name="Sent to the board")).to_be_visible()
    yield "history-timeline", ana
    looked = ana.asks("GET", f"/api/documents/{path.split('/')[2]}/history").json()["looked"]
    ana.opens(f"{path}/history?at={looked['seq']}")
    expect(ana.page.get_by_role("button", name="Restore all of it")).to_be_visible()
    expect(ana.page.get_by_role("slider", name="Moment")).to_be_enabled()
    yield "restore", ana
    ana.page.locator(".past-body > [tabindex='0']").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):  # to the list, in which something was deleted
        ana.presses(key)
    expect(ana.page.get_by_text("This is what the note would be.")).to_be_visible()
    yield "restore-block", ana
    ana.presses("Escape")
    ana.page.locator(".past .bar").get_by_role("button", name="More").click()
    ana.page.get_by_role("menuitem", name="Erase what was before…").click()
    expect(ana.page.get_by_role("checkbox", name="I know that")).to_be_visible()
    yield "erase", ana
    ana.presses("Escape")
    ana.page.get_by_role("button", name="Restore all of it").click()
    expect(ana.page.get_by_role("button", name="Undo")).to_be_visible()
    ana.sees_the_editor()
    yield "restored", ana
    ana.page.get_by_role("button", name="Undo").click()
    ana.sees("Said Ben.")
    ana.presses("Control+Alt+b")
    expect(ana.page.locator(".past-body .by").first).to_be_visible()
    yield "who", ana
    ana.presses("Escape")
    ana.sees_the_editor()
    ana.sees_saved()


def _of_few(someone: Someone) -> Iterator[tuple[str, Person]]:
    """With as little in it as there can be, and what is said when there is nothing to see."""
    ana = someone("Ana").signs_up()
    path = ana.starts_note()
    ana.presses("Control+Alt+h")
    expect(ana.page.get_by_role("heading", name="Nothing has happened here yet")).to_be_visible()
    yield "history-empty", ana
    ana.opens(f"{path}/who")
    expect(ana.page.get_by_role("heading", name="Nothing has happened here yet")).to_be_visible()
    yield "who-empty", ana
    ana.opens_note(path)
    ana.types("a")
    ana.sees_saved()
    ana.presses("Control+Alt+h")
    Reader(ana).is_there()
    yield "history-one", ana
    ana.presses("Escape")
    ana.sees_the_editor()
    ana.context.set_offline(True)
    ana.presses("Control+Alt+h")
    expect(ana.page.get_by_role("heading", name="The history is not here")).to_be_visible()
    yield "history-away", ana
    ana.context.set_offline(False)

    ben = someone("Ben").comes_as_guest()
    ben.opens_note(ana.shares(path, "viewer"))
    ben.excuses("status of 403")
    ben.opens(f"{path}/history")
    expect(ben.page.get_by_role("heading", name="This history is not yours to see")).to_be_visible()
    yield "history-denied", ben
    ana.asks("PUT", f"/api/documents/{path.split('/')[2]}/share", {"history": True})
    ben.opens(f"{path}/history?at=0")
    Reader(ben).is_there()
    yield "restore-reader", ben


def _of_many(someone: Someone, database_url: str) -> Iterator[tuple[str, Person]]:
    """With long names, and more of them than there are colours."""
    ana = someone("Ana").signs_up()
    id = ana.asks("POST", "/api/documents", {"title": ""}).json()["id"]
    owner = ana.asks("GET", "/api/me").json()["user"]["id"]
    write_crowded_note(database_url, id, owner, time.time_ns() // 1_000_000 - HOUR)
    for seq, name in ((1, "First draft"), (20, SENT), (59, "Now")):
        assert ana.asks("POST", f"/api/documents/{id}/versions", {"seq": seq, "name": name}).ok
    ana.opens(f"/n/{id}/history?from=1")
    history = Reader(ana).is_there()
    yield "crowd", ana
    ana.presses("j")
    ana.presses("j")
    expect(history.card).to_contain_text(f"{LONG} deleted this")
    yield "crowd-change", ana
    ana.presses("Escape")
    history.shows_timeline()
    yield "crowd-timeline", ana
    more = history.timeline.get_by_role("button", name=re.compile("^[0-9]+ more$"))
    more.click()
    yield "crowd-people", ana
    history.timeline.get_by_role("button", name=LONG).first.click()
    yield "crowd-person", ana
    ana.opens(f"/n/{id}/history?at=20")
    history.is_there()
    yield "crowd-moment", ana
    ana.opens(f"/n/{id}/who")
    expect(ana.page.locator(".past-body .by").first).to_be_visible()
    yield "crowd-who", ana
    ana.page.get_by_role("button", name=re.compile("Age|By age")).locator("visible=true").click()
    yield "crowd-who-age", ana
