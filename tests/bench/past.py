"""How long it takes to look at a long past, in Chromium: `python -m tests.bench.past [operations]`.

The page (frontend/test/bench) makes a log, reads it as if it came from the server, and looks at random moments. Each
shape is measured three times; the lines are medians. Times are ms, memory is MiB of JavaScript's heap.
"""

import json
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import sync_playwright

from frontend.node import npm
from tests.tools.chromium import ARGUMENTS, chromium, environment

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 3


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    operations = int(sys.argv[1]) if len(sys.argv) > 1 else 260_000
    shapes = [
        ({"operations": operations, "blocks": 300, "together": 5}, 0),
        ({"operations": operations, "blocks": 1, "together": 5}, 0),
        ({"operations": operations, "blocks": 300, "together": 1}, 0),
        ({"operations": operations * 4, "blocks": 300, "together": 5}, operations * 4 - operations),
    ]
    with tempfile.TemporaryDirectory() as folder:
        npm("exec", "--", "vite", "build", "--config", "test/bench/vite.config.ts", "--outDir", folder)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium(), args=[*ARGUMENTS, "--enable-precise-memory-info"], env=dict(environment())
            )
            for shape, base in shapes:
                rounds = []
                for _ in range(ROUNDS):
                    page = browser.new_page(viewport={"width": 1440, "height": 900})
                    page.goto(f"http://127.0.0.1:{server.server_port}/test/bench/index.html")
                    rounds.append(page.evaluate("([shape, base]) => measured(shape, base)", [shape, base]))
                    page.close()
                print(json.dumps(_middle(rounds)), flush=True)
            browser.close()
        server.shutdown()


def _middle(values: list[Any]) -> Any:
    """The median of each number."""
    first = values[0]
    if isinstance(first, dict):
        return {key: _middle([value[key] for value in values]) for key in first}
    if isinstance(first, list):
        return [_middle([value[at] for value in values]) for at in range(len(first))]
    return median(values)


if __name__ == "__main__":
    main()
