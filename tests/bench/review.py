"""`python -m tests.bench.review`: a note of 260,000 keystrokes by five people, its history looked at in real Chromium.

How long until the panel stands, until all of history is read, and what a step of the slider and a difference of two
moments cost, each with the layout of what was drawn; bytes that came, and memory.
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, Request, expect, sync_playwright

from editor import create_app, database
from editor.config import Config
from editor.content.schema import ROOTS
from sync.compaction import compact
from tests.bench.long_note import write_long_note
from tests.live import PASSWORD, Server, Visitor
from tests.tools.chromium import ARGUMENTS, chromium, environment

PEOPLE = ("Ana", "Ben", "Chidi", "Mei", "Noor")
PATIENCE = 60_000  # milliseconds

# Sets the slider as a hand would, and waits until what it shows has been laid out.
SLIDE = """async ([moment]) => {
  const slider = document.querySelector('.range')
  const least = Number(slider.min), most = Number(slider.max)
  const began = performance.now()
  slider.value = String(least + moment * (most - least))
  slider.dispatchEvent(new Event('input', { bubbles: true }))
  await Promise.resolve()
  document.querySelector('.past-body').getBoundingClientRect()
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
  return performance.now() - began
}"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.review", description=__doc__)
    parser.add_argument("--operations", type=int, default=260_000)
    parser.add_argument("--moments", type=int, default=60)
    parser.add_argument("--raw", action="store_true", help="nothing of it was ever summed up or packed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        server, note = prepare(data, options.operations, options.raw)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium(),
                    args=[*ARGUMENTS, "--enable-precise-memory-info"],
                    env={**environment()},
                )
                page = browser.new_context(base_url=server.url, viewport={"width": 1440, "height": 900}).new_page()
                page.set_default_timeout(PATIENCE)
                measure(page, note, options.moments)
                browser.close()
        finally:
            server.stop()


def prepare(data: Path, operations: int, raw: bool) -> tuple[Server, str]:
    """A server with the note, which has a snapshot. Its history is summed up and packed, unless it is `raw`."""
    server = Server(data).start()
    visitors = [Visitor(server).sign_up(name) for name in PEOPLE]
    note = visitors[0].new_note()
    link = visitors[0].share(note, "editor")
    for visitor in visitors[1:]:
        visitor.follow(link)
    ids = [visitor.ask("GET", "/api/me")["user"]["id"] for visitor in visitors]
    server.stop()
    engine = database.connect(f"sqlite:///{data / 'palimpsest.sqlite'}")
    write_long_note(engine, note, ids, operations, time.time_ns() // 1_000_000)
    engine.dispose()
    began = time.monotonic()
    if raw:
        app = create_app(Config.from_environ(given={"DATA": str(data)}))
        with app.app_context():
            compact(app.extensions["store"], note, ROOTS)
        app.extensions["store"].close()
        print(f"{operations:,} entries given a snapshot in {time.monotonic() - began:.1f} s")
        return server.start(), note
    command = [sys.executable, "-m", "editor.cli", "compact", "--data", str(data)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    print(f"{operations:,} entries summarised, packed and given a snapshot in {time.monotonic() - began:.1f} s")
    return server.start(), note


def measure(page: Page, note: str, moments: int) -> None:
    asked: list[Request] = []
    csrf = page.request.get("/api/me").json()["csrf"]
    who = {"email": "ana@example.org", "password": PASSWORD}
    answer = page.request.post("/api/auth/login", data=who, headers={"X-CSRF-Token": csrf})
    assert answer.ok, answer.text()
    page.goto("/")  # which fetches all code
    expect(page.get_by_role("link").first).to_be_visible(timeout=PATIENCE)
    page.wait_for_timeout(3000)
    page.on("requestfinished", lambda request: asked.append(request))
    began = time.monotonic()
    page.goto(f"/n/{note}/history")
    look(page, "with the note", began)
    page.goto(f"/n/{note}")
    expect(page.locator(".note-body .ProseMirror")).to_be_visible(timeout=PATIENCE)
    page.wait_for_timeout(3000)  # what opening the note began is done
    asked.clear()
    began = time.monotonic()
    page.keyboard.press("Control+Alt+h")
    look(page, "over the note", began)

    chance = random.Random(1)
    slides = [page.evaluate(SLIDE, [chance.random()]) for _ in range(moments)]
    say("a step of the slider, drawn and laid out", slides)
    heap = page.evaluate("performance.memory.usedJSHeapSize") / 2**20
    received = sum(request.sizes()["responseBodySize"] for request in asked if "/history" in request.url)
    print(f"JavaScript heap {heap:.0f} MiB; {received:,} bytes received")


def look(page: Page, how: str, began: float) -> None:
    """The history is being opened: wait for all of it."""
    page.locator(".timeline :is(.sess, [role=status])").first.wait_for()
    panel = time.monotonic() - began
    page.locator(".sess").first.wait_for()
    summed = time.monotonic() - began
    page.wait_for_function("() => document.querySelector('.range')?.disabled === false")
    loaded = time.monotonic() - began
    print(
        f"opened {how}: panel after {panel * 1000:.0f} ms, its sittings after {summed * 1000:.0f} ms, "
        f"all of history after {loaded * 1000:.0f} ms"
    )


def say(what: str, times: list[float]) -> None:
    times.sort()
    p95 = times[int(len(times) * 0.95)]
    print(f"{what}: p50 {statistics.median(times):.0f} ms, p95 {p95:.0f} ms, worst {times[-1]:.0f} ms")


if __name__ == "__main__":
    main()
