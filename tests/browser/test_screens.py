"""Every screen, light and dark: nobody is shut out, nothing is cut off, nothing breaks the page's own strict policy."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest

from tests.browser import past_screens
from tests.browser.conftest import Someone
from tests.browser.person import Person
from tests.browser.screens import screens
from tests.live import Server

SCHEMES: tuple[Literal["light", "dark"], ...] = "light", "dark"

# What is wider than the place it has, on a page of history.
CUT_OFF = """() => ['html', '.bar', '.past-doc', '.timeline', '.dock', '.restorebar', '.card', '.dialog']
    .flatMap((selector) => [...document.querySelectorAll(selector)])
    .filter((it) => it.checkVisibility() && it.scrollWidth > it.clientWidth + 1)
    .map((it) => `${it.className || it.tagName} is ${it.scrollWidth} wide in ${it.clientWidth}`)"""

# What would be told by its colour alone, where there are only a few colours.
SHAPELESS = """() => {
    const look = (selector, pseudo) => [...document.querySelectorAll(selector)]
        .filter((it) => it.checkVisibility()).map((it) => [it, getComputedStyle(it, pseudo)])
    const without = (selector, has) => look(selector)
        .filter(([, style]) => !has(style)).map(([it]) => `${selector}: ${it.outerHTML.slice(0, 80)}`)
    const lines = (style) => style.textDecorationLine
    const differ = (one, other) => {
        const shapes = (selector) => look(selector).map(([, style]) => `${style.outlineStyle} ${style.borderStyle}`)
        const [some, others] = [shapes(one), shapes(other)]
        return some.filter((shape) => others.includes(shape)).map((shape) => `${one} looks like ${other}: ${shape}`)
    }
    return [
        ...without('.past-doc ins', (style) => lines(style).includes('underline')),
        ...without('.past-doc del', (style) => lines(style).includes('line-through')),
        ...without('.past-doc .fmt:not(.now)', (style) => style.outlineStyle === 'dashed'),
        ...without('.past-doc .now', (style) => style.outlineStyle === 'solid'),
        ...without('.by:not([data-age])', (style) => lines(style).includes('underline')),
        ...without('.chip, .play, .card, .pop, .toast, .dialog', (style) => style.borderTopStyle !== 'none'),
        ...differ('.chip[aria-pressed=true]', '.chip[aria-pressed=false]'),
        ...differ('.sess[aria-current]', '.sess:not([aria-current])'),
    ]
}"""


@pytest.mark.parametrize("width", [390, 1440])
def test_no_screen_has_a_barrier(own_server: Server, someone: Someone, width: int) -> None:
    def visitor(name: str, **options: Any) -> Person:
        return someone(name, viewport={"width": width, "height": 844}, **options)

    found = []
    for name, person in screens(visitor):
        found += [f"{name}, {barrier}" for barrier in barriers(person)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_no_screen_of_history_has_a_barrier_or_is_cut_off(own_server: Server, someone: Someone, width: int) -> None:
    def visitor(name: str, **options: Any) -> Person:
        return someone(name, viewport={"width": width, "height": 844}, **options)

    found = []
    for name, person in past_screens.screens(visitor, own_server.database_url):
        found += [f"{name}, {barrier}" for barrier in barriers(person)]
        found += [f"{name}: {what}" for what in person.page.evaluate(CUT_OFF)]
    assert not found, "\n".join(found)


def test_history_says_nothing_by_colour_alone_and_moves_nothing_for_those_who_do_not_want_it(
    own_server: Server, someone: Someone
) -> None:
    def visitor(name: str, **options: Any) -> Person:
        wishes = {"forced_colors": "active", "reduced_motion": "reduce"}
        return someone(name, viewport={"width": 1440, "height": 900}, **wishes, **options)

    moving = "document.getAnimations().map((one) => `${one.constructor.name} ${one.effect.target?.className}`)"
    found = []
    for name, person in past_screens.screens(visitor, own_server.database_url):
        found += [f"{name} moves: {what}" for what in person.page.evaluate(moving)]
        found += [f"{name}: {barrier}" for barrier in person.barriers()]
        found += [f"{name}: {what}" for what in person.page.evaluate(SHAPELESS)]
    assert not found, "\n".join(found)


def barriers(person: Person) -> Iterator[str]:
    """Those of a screen in light and in dark."""
    for scheme in SCHEMES:
        person.page.emulate_media(color_scheme=scheme)
        yield from (f"{scheme}: {barrier}" for barrier in person.barriers())
