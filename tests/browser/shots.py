"""Pictures of every screen: `python -m tests.browser.shots FOLDER [NAME...]`, at three widths, light, dark, and in the
few colours that somebody has chosen for all of their screen. `past` as the only name: all those of history."""

import sys
import tempfile
from itertools import chain
from pathlib import Path
from typing import Any, Literal, get_args

from playwright.sync_api import Browser, sync_playwright

from tests.browser import past_screens
from tests.browser.person import Person
from tests.browser.screens import screens
from tests.live import Server
from tests.tools.chromium import ARGUMENTS, chromium, environment

Scheme = Literal["light", "dark", "forced"]
SIZES = ((390, 844), (820, 1180), (1440, 900))


def main(folder: Path, names: list[str]) -> None:
    """One PNG for each screen, width and scheme; only those named, if any are."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=list(ARGUMENTS), env={**environment()}
        )
        for width, height in SIZES:
            for scheme in get_args(Scheme):
                _take(browser, folder, names, width, height, scheme)
        browser.close()


def _take(browser: Browser, folder: Path, names: list[str], width: int, height: int, scheme: Scheme) -> None:
    with tempfile.TemporaryDirectory() as data:
        server = Server(Path(data) / "data")
        server.start()

        def someone(name: str, **options: Any) -> Person:
            colours = {"forced_colors": "active"} if scheme == "forced" else {"color_scheme": scheme}
            context = browser.new_context(
                base_url=server.url, viewport={"width": width, "height": height}, **{**colours, **options}
            )
            return Person(context, name, server.url)

        try:
            past = past_screens.screens(someone, server.database_url)
            for name, person in past if names == ["past"] else chain(screens(someone), past):
                if names in ([], ["past"]) or name in names:
                    person.waits_for_stillness()
                    person.page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
        finally:
            server.stop()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
