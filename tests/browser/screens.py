"""Every screen but those of history (past_screens.py), and how somebody gets there: for axe and for pictures."""

from collections.abc import Callable, Iterator

from playwright.sync_api import expect

from tests.browser.past_screens import TEXT
from tests.browser.person import Person

Someone = Callable[..., Person]


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
    expect(ana.page.get_by_role("toolbar", name="Format")).to_be_visible()
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
