"""Every screen, light and dark: nobody is shut out, and nothing breaks the page's own strict policy."""

from typing import Any, Literal

import pytest

from tests.browser.conftest import Someone
from tests.browser.person import Person
from tests.browser.screens import screens
from tests.live import Server


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_no_screen_has_a_barrier(
    own_server: Server, someone: Someone, scheme: Literal["light", "dark"], width: int
) -> None:
    def visitor(name: str, **options: Any) -> Person:
        return someone(name, color_scheme=scheme, viewport={"width": width, "height": 844}, **options)

    found = []
    for name, person in screens(visitor):
        found += [f"{name}: {barrier}" for barrier in person.barriers()]
    assert not found, "\n".join(found)
