"""Real Chromium pages on a real server process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from editor.assets import dist
from tests.browser.person import PATIENCE, Person
from tests.live import Server

Someone = Callable[..., Person]


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from _serving(tmp_path_factory.mktemp("server"))


@pytest.fixture
def server(shared_server: Server) -> Server:
    """One that no test stops. Modules whose tests do ask for `own_server`."""
    return shared_server


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """One that the test may kill and start again."""
    yield from _serving(tmp_path)


def _serving(folder: Path) -> Iterator[Server]:
    assert (dist() / "index.html").exists(), "expected the built page: make frontend/dist/index.html"
    server = Server(folder / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def someone(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Someone]:
    """`someone("Ana")` is a person with a browser of their own, who is nobody yet on the server.

    A page that complains (an exception, an error on the console, a refusal by the policy) fails the test.
    """
    people: list[Person] = []
    server: Server = request.getfixturevalue("own_server" if "own_server" in request.fixturenames else "server")

    def come(name: str, **options: Any) -> Person:
        usual = {"base_url": server.url, "viewport": {"width": 1100, "height": 800}}
        context = browser.new_context(**{**usual, **options})
        context.set_default_timeout(PATIENCE * 1000)
        people.append(Person(context, name, server.url))
        return people[-1]

    yield come
    for person in people:
        person.context.close()
    complaints = [complaint for person in people for complaint in person.complaints]
    assert not complaints, "\n".join(complaints)
