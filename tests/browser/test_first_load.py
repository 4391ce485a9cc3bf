"""What a page fetches before one can write in it, by bytes, and what comes when it is quiet."""

import gzip
import re
from collections.abc import Iterable
from pathlib import Path

from playwright.sync_api import expect

from editor.assets import dist
from tests.browser.conftest import Someone
from tests.browser.large import write_long_text
from tests.browser.person import Person, edits_on_device, eventually, same
from tests.live import Server

MOST = 230 * 1024  # bytes of script, compressed, before a note can be written in
MOST_REQUESTS = 9  # after the page itself: scripts, a style, an icon, the note, who wrote it
MOST_HTML = 120_000  # bytes of the page of a note of any length
STATIC = re.compile(r"""(?:\bfrom|\bimport)\s*["'`]\./([\w.-]+\.js)["'`]""")

# What is asked for by hand; it must be here by then, with or without a network.
LATER = {
    *("Confirm", "Guest", "MenuList", "NameNow", "Palette", "ShareDialog", "Shortcuts", "SinceLine", "Tools"),
    *("highlighter", "linkify"),
}

# A device that answers only when `letGo` is set: all else waits for this transaction.
SLOW_DEVICE = """(async () => {
    const [{ name }] = await indexedDB.databases()
    indexedDB.open(name).onsuccess = ({ target }) => {
        const notes = target.result.transaction(['notes', 'updates'], 'readwrite').objectStore('notes')
        const hold = () => { if (!window.letGo) notes.count().onsuccess = hold }
        hold()
    }
})();"""

# Reading the note takes longer than a device may.
BUSY = """(() => {
    const { arrayBuffer } = Response.prototype
    Response.prototype.arrayBuffer = async function () {
        const bytes = await arrayBuffer.call(this)
        for (const end = performance.now() + 3200; this.url.endsWith('/state') && performance.now() < end;);
        window.letGo = true
        return bytes
    }
})()"""

# What had come when the editor came.
WATCH = """new MutationObserver((_, observer) => {
    if (!document.querySelector('.note-body .ProseMirror')) return
    observer.disconnect()
    window.cameFirst = performance.getEntriesByType('resource').map(({ name }) => name)
}).observe(document, { childList: true, subtree: true })"""


def _scripts() -> Path:
    return dist() / "assets"


def _with_imports(names: Iterable[str]) -> set[str]:
    """These scripts, and all that they cannot run without."""
    found, left = set(), list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += STATIC.findall((_scripts() / name).read_text())
    return found


def _first() -> set[str]:
    page = (dist() / "index.html").read_text()
    (note,) = (path.name for path in _scripts().glob("Note-*.js"))
    return _with_imports([*re.findall(r"assets/([\w.-]+\.js)", page), note])


def _name(script: str) -> str:
    """Tools of Tools-Dn9McYh_.js"""
    return re.sub(r"-.{8}\.js$", "", script.rsplit("/", 1)[-1])


def test_a_note_can_be_written_in_after_few_bytes_of_script() -> None:
    sizes = {name: len(gzip.compress((_scripts() / name).read_bytes())) for name in _first()}
    largest = sorted(sizes.items(), key=lambda item: -item[1])
    assert sum(sizes.values()) <= MOST, f"{sum(sizes.values()) / 1024:.1f} KiB: {largest[:10]}"
    assert not LATER & {_name(name) for name in sizes}


def test_nothing_else_is_fetched_before_the_editor_is_there_and_the_rest_when_it_is(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    path = ana.starts_note("Plan")
    ana.context.add_init_script(WATCH)
    ana.opens_note(path)
    came = {name.rsplit("/", 1)[-1] for name in ana.page.evaluate("window.cameFirst") if name.endswith(".js")}
    assert came <= _first(), came - _first()
    _waits_for_the_rest(ana)


def test_without_a_network_all_of_it_still_opens(someone: Someone) -> None:
    """Also where the browser keeps nothing for the page."""
    ana = someone("Ana").signs_up()
    ana.starts_note("Plan")
    _waits_for_the_rest(ana)
    ana.page.evaluate("async () => { for (const name of await caches.keys()) await caches.delete(name) }")
    ana.context.set_offline(True)
    dialog = ana.page.get_by_role("dialog")
    ana.types("See https://example.org ")
    expect(ana.body.get_by_role("link")).to_have_attribute("href", "https://example.org")
    ana.types("\n/")
    expect(ana.page.get_by_role("listbox")).to_be_visible()
    ana.presses("Escape")
    ana.presses("Backspace")
    ana.types("words")
    ana.presses("Shift+Home")
    expect(ana.page.get_by_role("toolbar")).to_be_visible()
    ana.presses("End")
    for keys in ("Control+k", "Control+Alt+s"):
        ana.presses(keys)
        expect(dialog).to_be_visible()
        ana.presses("Escape")
        expect(dialog).to_be_hidden()
    for _ in range(2):
        ana.presses("Control+s")
    expect(dialog).to_contain_text("Name this version")
    ana.presses("Escape")
    ana.page.get_by_role("button", name="More").click()
    ana.page.get_by_role("menuitem", name="Shortcuts").click()
    expect(dialog).to_contain_text("To the toolbar")


def test_a_long_note_comes_ahead_and_in_few_requests(own_server: Server, someone: Someone) -> None:
    """Whoever opens it for the first time has its beginning in the page, and all of it before a connection is made."""
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben").comes_as_guest()
    user_id = ana.asks("GET", "/api/me").json()["user"]["id"]
    note = ana.asks("POST", "/api/documents", {"title": ""}).json()["id"]
    write_long_text(own_server.database_url, note, user_id, 500_000)
    link = ana.shares(f"/n/{note}")
    page = ben.context.request.get(link, max_retries=3).text()
    assert len(page) < MOST_HTML
    assert page.count("<p>") > 100

    ben.context.add_init_script(WATCH)
    connections: list[str] = []
    ben.page.on("websocket", lambda socket: connections.append(socket.url))
    ben.page.route_web_socket("**/socket.io/**", lambda route: None)  # nobody answers
    ben.opens_note(link)
    assert ben.body.get_attribute("contenteditable") == "true"
    whole = ben.body.evaluate("body => body.editor.state.doc.textContent.length")
    assert 500_000 <= whole < 510_000
    came = ben.page.evaluate("window.cameFirst")
    assert len(came) <= MOST_REQUESTS, came
    assert [name for name in came if name.endswith("/state")] == [f"{own_server.url}/api/documents/{note}/state"]


def test_a_long_note_that_is_loaded_again_stands_where_it_stood(own_server: Server, someone: Someone) -> None:
    ana = someone("Ana").comes_as_guest()
    user_id = ana.asks("GET", "/api/me").json()["user"]["id"]
    note = ana.asks("POST", "/api/documents", {"title": ""}).json()["id"]
    write_long_text(own_server.database_url, note, user_id, 500_000)
    ana.opens_note(f"/n/{note}")
    ana.page.evaluate("scrollTo(0, 60000)")
    ana.page.reload()
    ana.sees_the_editor()
    eventually(ana.page, lambda: ana.page.evaluate("scrollY") == 60000, lambda: "the page where it was")
    ana.opens_note(f"/n/{note}?again")
    assert ana.page.evaluate("scrollY") == 0


def test_a_note_that_is_on_the_device_is_not_fetched_ahead(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    path = ana.starts_note("Plan")
    ana.types("Kept here.")
    ana.keeps_the_note()
    asked: list[str] = []
    ana.page.on("request", lambda request: asked.append(request.url))
    ana.opens_note(path)
    ana.sees("Kept here.")
    ana.sees_saved()
    assert not [url for url in asked if url.endswith("/state")]


def test_what_the_device_has_of_a_note_that_it_does_not_remember_is_not_lost(someone: Someone) -> None:
    """It remembers the last 200 by name. What comes ahead is read before it has said that it has this one after all."""
    ana, ben = (someone(name).comes_as_guest() for name in ("Ana", "Ben"))
    path = ana.starts_note("Plan")
    ana.types("Saved. ")
    ana.keeps_the_note()
    ana.context.set_offline(True)
    ana.types("Only here. ")
    expect(ana.state).to_have_text(re.compile("Offline"))
    eventually(ana.page, lambda: edits_on_device(ana.page) > 0, lambda: "an edit on the device")
    ana.page.evaluate("localStorage.clear()")
    ana.page.close()
    ana.context.set_offline(False)
    ben.opens_note(ana.shares(path))
    ben.types("Meanwhile. ")
    ben.sees_saved()

    ana.page = ana.context.new_page()
    ana.page.add_init_script(SLOW_DEVICE)
    with ana.page.expect_response("**/state") as state:
        ana.opens(path)
    state.value.finished()
    # It has been read when the page has had a moment for it; nothing is shown before the device has answered.
    ana.page.evaluate("() => new Promise((done) => requestIdleCallback(done))")
    expect(ana.body).to_have_count(0)
    ana.page.evaluate("window.letGo = true")
    for person in (ana, ben):
        for words in ("Saved. ", "Only here. ", "Meanwhile. "):
            person.sees(words)
        person.sees_saved()
    same(ana, ben)


def test_a_page_that_is_busy_with_reading_does_not_give_up_the_device(someone: Someone) -> None:
    """Its answer waits to be heard meanwhile, longer than a device may take."""
    ana, ben = (someone(name).comes_as_guest() for name in ("Ana", "Ben"))
    path = ana.starts_note("Plan")
    ana.types("Long. ")
    ana.sees_saved()
    ben.starts_note("His own")
    ben.keeps_the_note()
    ben.page.add_init_script(SLOW_DEVICE + BUSY)
    ben.opens_note(ana.shares(path))
    ben.sees_saved()
    ben.keeps_the_note()
    ben.context.set_offline(True)
    ben.types("Offline. ")
    expect(ben.state).to_have_text(re.compile("Offline"))
    eventually(ben.page, lambda: edits_on_device(ben.page) > 0, lambda: "an edit on the device")
    ben.context.set_offline(False)
    ana.sees("Offline. ")


def test_where_the_note_does_not_come_ahead_the_connection_brings_it(someone: Someone) -> None:
    ana, ben, cleo = (someone(name).comes_as_guest() for name in ("Ana", "Ben", "Cleo"))
    path = ana.starts_note("Plan")
    ana.types("All of it.")
    ana.sees_saved()
    link = ana.shares(path)
    ben.page.route("**/state", lambda route: route.abort())
    cleo.page.route("**/state", lambda route: None)  # it never comes
    for person in (ben, cleo):
        person.opens_note(link)
        person.sees("All of it.")
        person.types(f" {person.name} was here.")
        person.sees_saved()
    ana.sees("Ben was here.")
    ana.sees("Cleo was here.")


def _waits_for_the_rest(person: Person) -> None:
    fetched = "performance.getEntriesByType('resource').map(({ name }) => name)"

    def lacking() -> set[str]:
        return LATER - {_name(name) for name in person.page.evaluate(fetched)}

    eventually(person.page, lambda: not lacking(), lambda: f"{lacking()} to come by itself")
