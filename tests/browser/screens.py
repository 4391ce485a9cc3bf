"""Every screen there is, and how somebody gets there: for axe and for pictures."""

from collections.abc import Callable, Iterator

from playwright.sync_api import expect

from tests.browser.person import Person

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


def screens(someone: Someone) -> Iterator[tuple[str, Person]]:
    """Each name with a person who looks at that screen now. Wants a server on which nobody has been yet."""
    nobody = someone("Nobody")
    nobody.excuses("status of 404")
    nobody.opens("/")
    expect(nobody.page.get_by_role("heading", name="Start a note")).to_be_visible()
    yield "first", nobody
    nobody.opens("/signup")
    expect(nobody.page.get_by_role("heading", name="Make the first account")).to_be_visible()
    yield "signup-first", nobody

    ana = someone("Ana").signs_up()
    nobody.opens("/signup")
    expect(nobody.page.get_by_role("heading", name="Make an account")).to_be_visible()
    yield "signup", nobody
    nobody.opens("/signin")
    expect(nobody.page.get_by_role("heading", name="Sign in")).to_be_visible()
    yield "signin", nobody
    nobody.opens("/n/nothing-is-here")
    expect(nobody.page.get_by_role("heading", name="There is no note here for you")).to_be_visible()
    yield "missing", nobody
    nobody.opens("/")
    nobody.page.get_by_role("button", name="New note").first.click()
    expect(nobody.page.get_by_role("dialog")).to_be_visible()
    yield "guest", nobody

    ana.opens("/")
    expect(ana.page.get_by_role("heading", name="Start a note")).to_be_visible()
    yield "list-empty", ana
    ana.opens("/?view=bin")
    expect(ana.page.get_by_role("heading", name="The bin is empty")).to_be_visible()
    yield "bin-empty", ana
    ana.opens("/settings")
    expect(ana.page.get_by_role("heading", name="Settings")).to_be_visible()
    yield "settings", ana

    path = ana.starts_note()
    yield "note-empty", ana
    ana.title.click()
    ana.page.keyboard.type("Spring release plan")
    ana.goes_to_the_end()
    ana.types("/")
    expect(ana.page.get_by_role("listbox")).to_be_visible()
    yield "note-slash", ana
    ana.presses("Escape")
    ana.presses("Backspace")
    ana.types(TEXT)
    ana.sees_saved()
    yield "note", ana
    ana.body.locator("h1").dblclick()
    expect(ana.page.get_by_role("toolbar")).to_be_visible()
    yield "note-bubble", ana

    ben = someone("Ben").comes_as_guest()
    ben.opens_note(ana.shares(path))
    ben.body.locator("blockquote p").click()
    ben.page.keyboard.press("End")
    ben.types(" Said Ben.")
    expect(ana.page.locator(".caret-name")).to_be_visible()
    yield "note-together", ana
    ana.page.get_by_role("button", name="Share").click()
    expect(ana.page.get_by_role("dialog")).to_be_visible()
    expect(ana.page.get_by_role("textbox", name="Link")).to_be_visible()
    yield "share", ana
    ana.presses("Escape")
    ana.presses("Control+k")
    expect(ana.page.get_by_role("dialog")).to_be_visible()
    yield "palette", ana
    ana.presses("Escape")
    ana.page.get_by_role("button", name="More").click()
    ana.page.get_by_role("menuitem", name="Shortcuts").click()
    expect(ana.page.get_by_role("dialog")).to_be_visible()
    yield "shortcuts", ana
    ana.presses("Escape")

    yield from _past(ana, ben, path)

    reader = someone("Reader")
    reader.opens(path if reader.asks("GET", path).ok else ana.shares(path))
    expect(reader.page.get_by_role("dialog")).to_be_visible()
    yield "note-asked-for-a-name", reader
    ana.shares(path, "viewer")
    expect(ben.state).to_have_text("Read only")
    yield "note-read-only", ben
    ana.asks("DELETE", f"/api/documents/{path.split('/')[2]}/share")
    expect(ben.page.get_by_role("button", name="Copy text")).to_be_visible()
    yield "note-access-taken", ben

    ana.context.set_offline(True)
    ana.goes_to_the_end()
    ana.types("Typed offline. ")
    expect(ana.state).to_contain_text("kept on this device")
    yield "note-offline", ana
    ana.context.set_offline(False)
    ana.sees_saved()
    ana.opens("/")
    expect(ana.page.get_by_role("link", name="Spring release plan")).to_be_visible()
    yield "list", ana


def _past(ana: Person, ben: Person, path: str) -> Iterator[tuple[str, Person]]:
    """The note as it was: Ana comes back to what Ben did while she was away."""
    ana.page.wait_for_timeout(1300)  # a glance
    ana.opens("/")
    ben.body.locator("h1").click()
    ben.page.keyboard.press("Home")
    ben.page.keyboard.press("Shift+End")
    ben.page.keyboard.press("Control+i")
    ben.page.keyboard.press("End")
    ben.body.locator("li p", has_text="refuses").click()
    expect(ben.page.get_by_role("toolbar")).to_have_count(0)
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
    timeline = ana.page.get_by_role("button", name="Timeline")
    if timeline.is_visible():
        timeline.click()
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
