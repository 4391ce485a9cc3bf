"""`python -m tests.bench.opening`: how soon a note can be read, and written in, by who opens it for the first time.

In real Chromium with an empty cache, on a note of 260,000 operations (208,000 characters) and a short one. Milliseconds
after the HTML has come; bytes as they came over the network. `--delay`: as if the server were so many ms away.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.browser.large import write_large_note, write_long_text
from tests.browser.person import Person
from tests.live import Server
from tests.tools.chromium import ARGUMENTS, chromium, environment

# When the editor was there, could be written in, and had been painted.
WATCH = """new MutationObserver((_, observer) => {
  const body = document.querySelector('.note-body .ProseMirror[contenteditable=true]')
  if (!body?.textContent) return
  observer.disconnect()
  window.edited = performance.now()
  window.cameFirst = performance.getEntriesByType('resource').map(({ name, transferSize }) => [name, transferSize])
  requestAnimationFrame(() => setTimeout(() => (window.painted = performance.now())))
}).observe(document, { childList: true, subtree: true, attributes: true })
window.tasks = []
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.tasks.push(duration)
}).observe({ type: 'longtask', buffered: true })"""

READ = """() => {
  const [page] = performance.getEntriesByType('navigation')
  const [read] = performance.getEntriesByName('first-contentful-paint')
  const { responseEnd, requestStart, transferSize } = page
  const bytes = window.cameFirst.reduce((sum, [, size]) => sum + size, 0)
  return {
    html: responseEnd - requestStart, read: read.startTime - responseEnd, edited: window.painted - responseEnd,
    page: transferSize, bytes, requests: window.cameFirst.length, longest: Math.max(0, ...window.tasks),
  }
}"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.opening", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--delay", type=float, default=0, help="ms from the server and back (0)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        data = Path(folder) / "data"
        server = Server(data).start()
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS), env={**environment()})
        try:
            ana = Person(browser.new_context(base_url=server.url), "Ana", server.url).comes_as_guest()
            user_id = ana.asks("GET", "/api/me").json()["user"]["id"]
            notes = {
                name: ana.asks("POST", "/api/documents", {"title": ""}).json()["id"] for name in ("short", "large")
            }
            links = {name: ana.shares(f"/n/{note}") for name, note in notes.items()}
            server.stop()
            write_long_text(server.database_url, notes["short"], user_id, 2_000)
            write_large_note(server.database_url, notes["large"], user_id)
            command = [sys.executable, "-m", "editor.cli", "compact", "--data", str(data)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            server.start()
            for name, link in links.items():
                for who in ("nobody has it open", "somebody has it open"):
                    found = [opened(browser, server, link, options.delay) for _ in range(options.rounds)]
                    say(f"{name}, {who}", found)
                    ana.opens_note(f"/n/{notes[name]}")
        finally:
            browser.close()
            server.kill()


def opened(browser: Browser, server: Server, link: str, delay: float) -> dict[str, float]:
    """Somebody who has never been here follows the link."""
    context = browser.new_context(base_url=server.url, viewport={"width": 1440, "height": 900})
    ben = Person(context, "Ben", server.url).comes_as_guest()
    context.add_init_script(WATCH)
    if delay:
        session = context.new_cdp_session(ben.page)
        session.send("Network.enable")
        line = {"offline": False, "latency": delay, "downloadThroughput": -1, "uploadThroughput": -1}
        session.send("Network.emulateNetworkConditions", line)
    ben.opens(link)
    ben.page.wait_for_function("() => window.painted")
    found: dict[str, Any] = ben.page.evaluate(READ)
    context.close()
    return found


def say(what: str, found: list[dict[str, float]]) -> None:
    middle = {name: statistics.median(one[name] for one in found) for name in found[0]}
    print(
        f"{what}: HTML after {middle['html']:.0f} ms; then read after {middle['read']:.0f}, written in after "
        f"{middle['edited']:.0f} (worst {max(one['edited'] for one in found):.0f}), "
        f"longest task {middle['longest']:.0f}; HTML {middle['page'] / 1024:.0f} KiB, then "
        f"{middle['bytes'] / 1024:.0f} KiB in {middle['requests']:.0f} requests",
        flush=True,
    )


if __name__ == "__main__":
    main()
