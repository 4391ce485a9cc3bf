"""What a page fetches before one can write in it, by bytes, and what comes when it is quiet."""

import gzip
import re
from collections.abc import Iterable
from pathlib import Path

from playwright.sync_api import expect

from editor.assets import dist
from tests.browser.conftest import Someone
from tests.browser.person import Person, eventually

MOST = 230 * 1024  # bytes of script, compressed, before a note can be written in
STATIC = re.compile(r"""(?:\bfrom|\bimport)\s*["'`]\./([\w.-]+\.js)["'`]""")

# What is asked for by hand; it must be here by then, with or without a network.
LATER = {
    *("Confirm", "Guest", "MenuList", "NameNow", "Palette", "ShareDialog", "Shortcuts", "SinceLine", "Tools"),
    *("highlighter", "linkify"),
}

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


def _waits_for_the_rest(person: Person) -> None:
    fetched = "performance.getEntriesByType('resource').map(({ name }) => name)"

    def lacking() -> set[str]:
        return LATER - {_name(name) for name in person.page.evaluate(fetched)}

    eventually(person.page, lambda: not lacking(), lambda: f"{lacking()} to come by itself")
