"""The pages of history, as somebody looks at them, and how there comes to be something to see."""

import re

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Someone
from tests.browser.person import Person, eventually

MOST_TABS = 120
# Whoever goes with the keys sees where they are.
RING = "it => getComputedStyle(it).outlineStyle !== 'none'"
GLANCE = 1300  # milliseconds after which a note was looked at, and a little


class Reader:
    """What somebody sees and does on the pages of history."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.page = person.page
        self.paper = self.page.locator(".past-body:not([hidden])")
        self.title = self.page.locator(".past .note-title:not([hidden])")
        self.state = self.page.locator(".past .state")
        self.output = self.page.locator(".stepper output").first
        self.timeline = self.page.get_by_role("region", name="Timeline")
        self.card = self.page.get_by_role("group", name=re.compile(r"^Change \d+$"))
        self.slider = self.page.get_by_role("slider", name="Moment")
        self.toast = self.page.get_by_role("group", name="Just done")
        self.bar = self.page.locator(".restorebar")

    def opens(self) -> "Reader":
        self.page.get_by_role("button", name="History").first.click()
        return self.is_there()

    def is_there(self) -> "Reader":
        """The log has been read: the slider works."""
        expect(self.slider).to_be_enabled()
        return self

    def shows_timeline(self) -> None:
        """Where there is no room for it beside the note, it takes the note's place."""
        button = self.page.get_by_role("button", name="Timeline")
        if button.is_visible():
            button.click()
        expect(self.timeline).to_be_visible()

    def picks(self, words: str) -> None:
        self.page.get_by_role("combobox", name="What to look at").select_option(words)

    def chooses(self, item: str) -> None:
        self.page.locator(".past .bar").get_by_role("button", name="More").click()
        self.page.get_by_role("menuitem", name=item).click()

    def is_closed(self) -> None:
        expect(self.page.locator(".past")).to_have_count(0)
        expect(self.person.body).to_be_visible()

    def reads(self, text: str) -> None:
        eventually(self.page, lambda: plain(self.paper) == text, lambda: f"{text!r}, not {plain(self.paper)!r},")

    def tabs_to(self, place: Locator, key: str = "Tab") -> None:
        """With the keys alone, and so that they see where they are."""
        expect(place).to_be_visible()
        for _ in range(MOST_TABS):
            if place.evaluate("it => it === document.activeElement"):
                assert place.evaluate(RING), f"expected a ring around {place}"
                return
            self.person.presses(key)
        raise AssertionError(f"expected {place} within {MOST_TABS} times {key}")

    def picks_by_keys(self, select: str, words: str) -> None:
        """Of a list: its first letters choose it."""
        place = self.page.get_by_role("combobox", name=select).locator("visible=true")
        self.tabs_to(place)
        self.page.keyboard.type(words)
        chosen = "it => it.selectedOptions[0].textContent"
        eventually(self.page, lambda: place.evaluate(chosen).startswith(words), lambda: f"{words!r} in {select!r}")

    def chooses_by_keys(self, item: str) -> None:
        self.tabs_to(self.page.locator(".past .bar").get_by_role("button", name="More"))
        self.person.presses("Enter")
        row = self.page.get_by_role("menuitem", name=item)
        expect(row).to_be_visible()
        for _ in range(MOST_TABS):
            if row.evaluate("it => it === document.activeElement"):
                return self.person.presses("Enter")
            self.person.presses("ArrowDown")
        raise AssertionError(f"expected {item!r} in the menu")

    def goes_to(self, text: str) -> None:
        """Back, step by step, to the newest moment at which this was the note."""
        self.tabs_to(self.slider)
        self.person.presses("End")
        for _ in range(60):
            if plain(self.paper) == text:
                return
            self.person.presses("ArrowLeft")
        raise AssertionError(f"expected a moment with {text!r}")


def plain(paper: Locator) -> str:
    """The words of the note, a line for each of its blocks, without what stands beside them."""
    text: str = paper.evaluate(
        """(paper) => [...paper.querySelectorAll(':is(p, h1, h2, h3, pre)')].map((block) => {
            const copy = block.cloneNode(true)
            for (const other of copy.querySelectorAll('.whos, .fmt-tag, .by-when')) other.remove()
            return copy.textContent
        }).join('\\n')"""
    )
    return text


def ana_and_ben(someone: Someone, text: str = "One. ") -> tuple[Person, Person, str]:
    """Ana has written a note, and Ben has it open."""
    ana, ben = someone("Ana").signs_up(), someone("Ben").comes_as_guest()
    path = ana.starts_note("Plan")
    ana.types(text)
    ana.sees_saved()
    ben.opens_note(ana.shares(path))
    return ana, ben, path


def leaves(person: Person) -> None:
    """They have read the note, and go back to their notes."""
    # What is new is told from what the server knew when they came: they go once that has arrived.
    person.page.wait_for_function(
        r"() => performance.getEntriesByType('resource').some((it) => /\/history$/.test(it.name) && it.responseEnd)"
    )
    person.page.wait_for_timeout(GLANCE)
    person.opens("/")


def adds(person: Person, text: str) -> None:
    person.goes_to_the_end()
    person.types(text)
    person.sees_saved()
