"""`python -m tests.bench.keystrokes`: what a key costs the page, in real Chromium, from key to paint and from the wire.

Two people have a note open: a short one, one of 500,000 characters, one of 50 blocks of code and 20 tables. One of them
types, then the other, at the start, in the middle and at the end; Chromium's trace says what the main thread of the
first one's page did for each key until it was painted, and afterwards, until the next one. Times are ms of work of it.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tests.browser.large import write_code_and_tables, write_long_text
from tests.browser.person import Person
from tests.live import Server
from tests.tools.chromium import ARGUMENTS, chromium, environment

CATEGORIES = "devtools.timeline,disabled-by-default-devtools.timeline,blink.user_timing"
TYPED = "some words "
FRAME = 16.0  # ms: what a key may take
AFTERWARDS = 250  # ms until the next key: what a key has begun is over

# What of a key is what, by the names of Chromium's events.
KINDS = {
    "script": {"EventDispatch", "FireAnimationFrame", "TimerFire", "FunctionCall", "RunMicrotasks", "v8.run"},
    "style": {"UpdateLayoutTree"},
    "layout": {"Layout"},
    "paint": {"PrePaint", "Paint", "Layerize", "Commit", "UpdateLayer", "CompositeLayers"},
}

# The caret goes into the middle of the block at this share of the note that is of this kind, or of one beside it.
PLACE = """([share, kind, beside]) => {
  const { editor } = document.querySelector('.ProseMirror')
  const places = []
  editor.state.doc.descendants((node, at, parent) => {
    if (node.type.name !== kind || (kind === 'paragraph' && parent !== editor.state.doc)) return !node.isTextblock
    places.push(at + 1 + (node.isTextblock ? node.content.size >> 1 : 3))
    return !node.isTextblock
  })
  const at = Math.floor(share * (places.length - 1))
  editor.chain().setTextSelection(places[beside ? (at || 2) - 1 : at]).focus().scrollIntoView().run()
}"""


# `drawn` comes when the note on the page has changed.
MARK = """(number) => {
  window.drawn = new Promise((done) => {
    const observer = new MutationObserver(() => (observer.disconnect(), done()))
    observer.observe(document.querySelector('.ProseMirror'), { childList: true, characterData: true, subtree: true })
  })
  performance.mark(`key ${number}`)
}"""


class Key(NamedTuple):
    """What one key took of the page's main thread, in ms: until it was painted, and by kind; and after that."""

    painted: float
    kinds: dict[str, float]
    afterwards: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.keystrokes", description=__doc__)
    parser.add_argument("--keys", type=int, default=30, help="at each place (30)")
    parser.add_argument("--characters", type=int, default=500_000, help="of the long note (500,000)")
    parser.add_argument("--trace", type=Path, help="keep Chromium's traces in this folder")
    parser.add_argument("notes", nargs="*", help="short, long, rich: only these")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder) / "data").start()
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS), env={**environment()})
        try:
            for name, write, kinds in notes(options.characters):
                if options.notes in ([], [name]) or name in options.notes:
                    with_note(browser, server, name, write, kinds, options.keys, options.trace)
        finally:
            browser.close()
            server.stop()


Write = Callable[[str, str, int], object]


def notes(characters: int) -> Iterator[tuple[str, Write, list[str]]]:
    """Their names, who writes them, and in what people type."""
    yield "short", partial(write_long_text, characters=2_000), ["paragraph"]
    yield "long", partial(write_long_text, characters=characters), ["paragraph"]
    yield "rich", write_code_and_tables, ["paragraph", "codeBlock", "tableCell"]


def with_note(
    browser: Browser, server: Server, name: str, write: Write, kinds: list[str], keys: int, folder: Path | None
) -> None:
    people = [
        Person(browser.new_context(base_url=server.url, viewport={"width": 1440, "height": 900}), who, server.url)
        for who in ("Ana", "Ben")
    ]
    ana, ben = (person.comes_as_guest() for person in people)
    user_id = ana.asks("GET", "/api/me").json()["user"]["id"]
    note = ana.asks("POST", "/api/documents", {"title": ""}).json()["id"]
    write(server.database_url, note, user_id)
    ana.page.set_default_timeout(120_000)
    ana.opens_note(f"/n/{note}")
    ben.opens_note(ana.shares(f"/n/{note}"))
    for person in people:
        person.page.wait_for_timeout(3000)  # what opening the note began is done
    for kind in kinds:
        for typist, how in ((ana, "typed"), (ben, "from the other")):
            found: list[Key] = []
            for share in (0.0, 0.5, 1.0):
                # Ana looks at where Ben types: what is far away is not drawn.
                for person in people:
                    person.page.evaluate(PLACE, [share, kind, person is not typist])
                typist.page.bring_to_front()
                ana.page.wait_for_timeout(500)
                kept = folder and folder / f"{name}-{kind}-{how.split()[0]}-{share}.json"
                found += measured(ana.page, typist.page, keys, typist is ana, kept)
            say(f"{name}, {kind}, {how}", found)
    for person in people:
        person.context.close()


def measured(page: Page, typist: Page, keys: int, local: bool, kept: Path | None) -> list[Key]:
    """What each of so many keys cost `page`."""
    session = page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    session.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    session.send("Tracing.start", {"traceConfig": {"includedCategories": CATEGORIES.split(",")}})
    for number, letter in enumerate(islice(cycle(TYPED), keys)):
        page.evaluate(MARK, number)
        typist.keyboard.press(letter)
        page.evaluate("window.drawn")
        page.wait_for_timeout(AFTERWARDS)
    page.evaluate("() => void performance.mark('key end')")
    _end(session, page)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"traceEvents": events}))
    return list(_keys(events, local))


def _end(session: CDPSession, page: Page) -> None:
    done: list[object] = []
    session.on("Tracing.tracingComplete", lambda event: done.append(event))
    session.send("Tracing.end")
    while not done:
        page.wait_for_timeout(20)


def _keys(events: list[dict[str, Any]], local: bool) -> Iterator[Key]:
    marks = sorted(
        (event for event in events if str(event.get("name")).startswith("key ")), key=lambda event: float(event["ts"])
    )
    thread = marks[0]["pid"], marks[0]["tid"]
    mine = sorted(
        (event for event in events if (event["pid"], event["tid"]) == thread and event.get("ph") in ("X", "I")),
        key=lambda event: float(event["ts"]),
    )
    for mark, following in pairwise(marks):
        window = [event for event in mine if mark["ts"] < event["ts"] < following["ts"]]
        began = next((event["ts"] for event in window if _begins(event, local)), None)
        if began is None:
            raise RuntimeError(f"expected to find {mark['name']} in the trace")
        paint = next((event for event in window if event["name"] == "Paint" and event["ts"] > began), None)
        if paint is None:
            raise RuntimeError(f"expected {mark['name']} to be painted")
        painted = paint["ts"] + paint["dur"]
        tasks = [event for event in window if event["name"] == "RunTask" and event["ts"] + event["dur"] > began]
        ends = next(event["ts"] + event["dur"] for event in tasks if event["ts"] + event["dur"] >= painted)
        until = [event for event in tasks if event["ts"] < ends]
        inside = [event for event in window if began <= event["ts"] < ends]
        yield Key(
            sum(map(_busy, until)) / 1000,
            {kind: _outermost(inside, names) / 1000 for kind, names in KINDS.items()},
            sum(_busy(event) for event in tasks if event["ts"] >= ends) / 1000,
        )


def _begins(event: dict[str, Any], local: bool) -> bool:
    """A key was pressed, or something came over the network."""
    if not local:
        return bool(event["name"] == "WebSocketReceive")
    return bool(event["name"] == "EventDispatch" and event["args"]["data"]["type"] == "keydown")


def _busy(event: dict[str, Any]) -> float:
    """Microseconds that the thread worked in it, however busy the machine was."""
    return float(event.get("tdur", event["dur"]))


def _outermost(events: list[dict[str, Any]], names: set[str]) -> float:
    """Microseconds in events of these names, without those inside of others of them."""
    total, end = 0.0, 0.0
    for event in events:
        if event["name"] in names and event["ts"] >= end:
            total += _busy(event)
            end = event["ts"] + event["dur"]
    return total


def say(what: str, keys: list[Key]) -> None:
    painted = sorted(key.painted for key in keys)
    p95 = painted[int(len(painted) * 0.95)]
    kinds = ", ".join(f"{kind} {statistics.median(key.kinds[kind] for key in keys):.1f}" for kind in KINDS)
    after = statistics.median(key.afterwards for key in keys)
    over = sum(time > FRAME for time in painted)
    print(
        f"{what}: p50 {statistics.median(painted):.1f}, p95 {p95:.1f}, worst {painted[-1]:.1f}, "
        f"{over} of {len(painted)} over {FRAME:.0f} ms; {kinds}; afterwards {after:.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
