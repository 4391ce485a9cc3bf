"""Everything that people do with the past of a note, with the keyboard alone."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Someone
from tests.browser.crowd import write_crowded_note
from tests.browser.person import Person, eventually, same
from tests.browser.reader import Reader, adds, ana_and_ben, leaves, plain
from tests.live import Server


def _writes(someone: Someone, *words: str) -> tuple[Person, str]:
    """Ana writes these one after the other, each a moment of its own."""
    ana = someone("Ana", permissions=["clipboard-read", "clipboard-write"]).signs_up()
    path = ana.starts_note("Plan")
    for word in words:
        ana.page.wait_for_timeout(1100)  # what one person writes within a second is one step
        adds(ana, word)
    return ana, path


def _crowd(server: Server, someone: Someone, rounds: int = 1) -> tuple[Person, str]:
    ana = someone("Ana").signs_up()
    me = ana.asks("GET", "/api/me").json()["user"]["id"]
    id = ana.asks("POST", "/api/documents", {"title": ""}).json()["id"]
    write_crowded_note(server.database_url, id, me, time.time_ns() // 1_000_000, rounds)
    return ana, f"/n/{id}"


# -- The panel ------------------------------------------------------------------------------------


def test_what_is_new_is_opened_from_the_line_at_the_top(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone)
    leaves(ana)
    adds(ben, "Two.")
    ana.opens_note(path)
    history = Reader(ana)
    history.tabs_to(ana.page.get_by_role("button", name=re.compile("since you last looked")))
    ana.presses("Enter")
    history.is_there()
    expect(history.paper.locator("ins")).to_have_text("Two.")
    ana.presses("Escape")
    history.is_closed()


def test_the_list_is_gone_through_page_after_page(own_server: Server, someone: Someone) -> None:
    ana, path = _crowd(own_server, someone, rounds=2)
    ana.opens_note(path)
    ana.presses("Control+Alt+h")
    history = Reader(ana).is_there()
    rows = history.timeline.locator(".sess")
    expect(rows).to_have_count(50)
    history.tabs_to(rows.first)
    for _ in range(49):
        ana.presses("Tab")
    expect(rows).to_have_count(59)  # what is older came as she neared the end
    history.tabs_to(rows.last)
    ana.presses("Enter")
    expect(rows.last).to_have_attribute("aria-current", "true")
    expect(history.paper).to_contain_text("nothing of it is lost.")


# -- Moments --------------------------------------------------------------------------------------


def test_the_slider_goes_by_change_by_sitting_and_by_version(own_server: Server, someone: Someone) -> None:
    ana, path = _crowd(own_server, someone)
    for seq, name in ((11, "First"), (31, "Second")):
        assert ana.asks("POST", f"/api/documents/{path[3:]}/versions", {"seq": seq, "name": name}).ok
    ana.opens_note(path)
    ana.presses("Control+Alt+h")
    history = Reader(ana).is_there()
    history.tabs_to(history.slider)

    def stands(at: int, words: str) -> None:
        ana.page.wait_for_url(re.compile(rf"/history\?at={at}$"))
        expect(history.slider).to_have_attribute("aria-valuetext", re.compile(words))

    for keys, at, words in (
        ("End", 59, "Person 30"),
        ("ArrowLeft", 58, "Person 30"),
        ("PageUp", 57, "Person 29"),  # a sitting ends with its second edit
        ("Shift+ArrowLeft", 55, "Person 28"),
        ("Control+ArrowLeft", 31, "“Second”"),
        ("Control+ArrowLeft", 11, "“First”"),
        ("Control+ArrowLeft", 0, "The beginning"),
        ("PageDown", 1, "Ana"),
        ("Control+ArrowRight", 11, "“First”"),
        ("ArrowRight", 12, "Øyvind"),
        ("Home", 0, "The beginning"),
    ):
        ana.presses(keys)
        stands(at, words)
    # The buttons go as far as the list beside them says.
    history.picks_by_keys("How far a step goes", "by version")
    history.tabs_to(ana.page.get_by_role("button", name="A step on"))
    ana.presses("Enter")
    stands(11, "“First”")


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_past_is_played_at_any_speed_and_stopped(someone: Someone, motion: str) -> None:
    ana, _ = _writes(lambda name, **options: someone(name, reduced_motion=motion, **options), "one", " two", " three")
    ana.presses("Control+Alt+h")
    history = Reader(ana).is_there()
    history.tabs_to(history.slider)
    play, stop = (ana.page.get_by_role("button", name=name) for name in ("Play from here", "Stop"))

    def played() -> float:
        """How long it takes from the first of the words."""
        history.tabs_to(history.slider)
        ana.presses("Home")
        history.reads("")
        began = time.monotonic()
        ana.presses("Space")
        history.reads("one two three")
        expect(play).to_be_visible()
        return time.monotonic() - began

    ana.presses("Home")
    once = played()
    assert once > 2.0  # three pauses, none longer than 0.8 seconds
    history.picks_by_keys("Speed of playing", "4")
    assert played() < once
    history.picks_by_keys("Speed of playing", "16")
    assert played() < once

    history.picks_by_keys("Speed of playing", "1×")
    history.tabs_to(history.slider)
    ana.presses("Home")
    history.tabs_to(play)
    ana.presses("Enter")
    history.reads("one")
    ana.presses("Enter")  # the same button stops it
    expect(stop).to_have_count(0)
    history.reads("one")
    ana.presses("Space")
    history.reads("one two three")


# -- What changed ---------------------------------------------------------------------------------


def test_any_two_moments_are_chosen_and_compared(someone: Someone) -> None:
    ana, _ = _writes(someone, "one", " two", " three")
    ana.presses("Control+Alt+h")
    history = Reader(ana).is_there()
    history.picks_by_keys("What to look at", "Two")
    history.tabs_to(ana.page.get_by_role("slider", name="Until this moment"))
    for _ in " three":
        if plain(history.paper) != "one two":
            ana.presses("ArrowLeft")
    history.reads("one two")
    history.tabs_to(ana.page.get_by_role("slider", name="From this moment"))
    inserted = history.paper.locator("ins").all_inner_texts
    for _ in "Plan, one":
        if inserted() != [" two"]:
            ana.presses("ArrowRight")
    expect(history.paper.locator("ins")).to_have_text(" two")
    expect(history.output).to_have_text("1 change")


def test_one_goes_from_change_to_change_of_some_people(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone, "Of Ana.\n\n")
    adds(ben, "Of Ben.")
    ana.presses("Control+Alt+h")
    history = Reader(ana).is_there()
    history.picks_by_keys("What to look at", "Whole")
    expect(history.output).to_have_text("3 changes")  # the title is one of them
    history.tabs_to(history.timeline.get_by_role("button", name="Ben", exact=True))
    ana.presses("Space")
    expect(history.output).to_have_text("1 change")
    ana.presses("j")
    expect(history.output).to_have_text("Change 1 of 1")
    expect(history.card).to_contain_text("Ben wrote this")
    history.tabs_to(history.card.get_by_role("button", name="See this moment"))
    ana.presses("Enter")
    history.reads("Of Ana.\n\nOf Ben.")


def test_who_wrote_the_words_is_told_from_one_to_the_next(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone, "Of Ana. ")
    adds(ben, "Of Ben.")
    ana.presses("Control+Alt+b")
    page = ana.page
    words = page.locator(".by")
    history = Reader(ana)
    expect(words.last).to_have_text("Of Ben.")
    history.tabs_to(words.first)
    tip = page.get_by_role("tooltip")
    expect(tip).to_have_text(re.compile(r"^Ana Today \d+:\d\d$"))
    ana.presses("ArrowRight")
    ana.presses("ArrowRight")
    expect(words.last).to_be_focused()
    expect(tip).to_have_text(re.compile(r"^Ben Today \d+:\d\d$"))
    expect(page.locator(".sr[role=status]")).to_contain_text("Ben, Today")
    shares = page.get_by_role("region", name="Who wrote this", exact=True)
    history.tabs_to(shares.get_by_role("button", name=re.compile("^Ben")))
    ana.presses("Enter")
    expect(words).to_have_text("Of Ben.")
    history.tabs_to(page.get_by_role("button", name="Age", exact=True), "Shift+Tab")
    ana.presses("Enter")
    expect(page.locator(".by[data-age='1']")).to_have_text("Of Ben.")
    ana.presses("Escape")
    expect(words).not_to_have_count(1)
    ana.presses("Escape")
    history.is_closed()


# -- Bringing back --------------------------------------------------------------------------------


def test_the_whole_note_is_restored_and_that_is_undone(someone: Someone) -> None:
    ana, _ = _writes(someone, "Good.", " Bad.")
    ana.presses("Control+Alt+h")
    history = Reader(ana).is_there()
    history.goes_to("Good.")
    history.tabs_to(ana.page.get_by_role("button", name="Restore all of it"))
    ana.presses("Enter")
    history.is_closed()
    ana.sees_no("Bad.")
    ana.presses("Control+z")
    ana.sees("Good. Bad.")
    ana.presses("Control+Alt+h")
    expect(history.timeline.get_by_role("button", name=re.compile("^Restored to"))).to_be_visible()


def test_one_change_is_brought_back_and_that_is_undone(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone, "Keep this. Lose that.")
    leaves(ana)
    ben.goes_to_the_end()
    for _ in "Lose that.":
        ben.presses("Backspace")
    ben.sees_no("Lose")
    ben.sees_saved()
    ana.opens_note(path)
    ana.presses("Control+Alt+h")
    history = Reader(ana).is_there()
    ana.presses("j")
    history.tabs_to(history.card.get_by_role("button", name="Bring back"))
    ana.presses("Enter")
    ben.sees("Keep this. Lose that.")
    expect(ana.page.get_by_role("region", name="The note")).to_be_focused()  # her place, when the button has gone
    ana.presses("Control+z")
    ben.sees_no("Lose that.")
    same(ana, ben)


def test_all_that_one_person_did_is_looked_at_and_undone(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone, "Of Ana.\n\n")
    adds(ben, "Of Ben.")
    ana.sees("Of Ben.")
    ana.presses("Control+Alt+h")
    history = Reader(ana).is_there()
    history.picks_by_keys("What to look at", "Whole")
    history.chooses_by_keys("Undo all by Ben…")
    expect(history.bar).to_contain_text("This is what the note would be.")
    expect(history.paper.locator("del")).to_have_text("Of Ben.")
    ana.presses("j")
    expect(history.output).to_have_text("Change 1 of 1")
    history.tabs_to(history.bar.get_by_role("button", name="Undo these changes"))
    ana.presses("Enter")
    history.is_closed()
    ben.sees_no("Of Ben.")
    ana.presses("Control+z")
    ben.sees("Of Ben.")


def test_of_two_people_of_one_name_each_can_be_undone(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone, "Of Ana.\n\n")
    other = someone("Ben").comes_as_guest()
    other.opens_note(ana.shares(path))
    adds(ben, "One of Ben. ")
    adds(other, "One of the other Ben.")
    ana.sees("One of the other Ben.")
    ana.presses("Control+Alt+h")
    history = Reader(ana).is_there()
    history.picks_by_keys("What to look at", "Whole")
    history.tabs_to(ana.page.locator(".past .bar").get_by_role("button", name="More"))
    ana.presses("Enter")
    expect(ana.page.get_by_role("menuitem", name="Undo all by Ben…")).to_have_count(2)


# -- Versions -------------------------------------------------------------------------------------


def test_a_version_is_named_now_and_then_and_taken_elsewhere(someone: Someone) -> None:
    ana, _ = _writes(someone, "First.", " Second.")
    dialog = ana.page.get_by_role("dialog")
    ana.presses("Control+s")
    expect(ana.page.get_by_text("Saved automatically")).to_be_visible()
    ana.presses("Control+s")
    expect(dialog).to_be_visible()
    ana.page.keyboard.type("Sent")
    ana.presses("Enter")
    expect(dialog).to_be_hidden()
    adds(ana, " Third.")

    ana.presses("Control+Alt+h")
    history = Reader(ana).is_there()
    rows = history.timeline.get_by_role("button").filter(has_text="Named by")
    history.goes_to("First.")
    ana.presses("Control+s")
    ana.presses("Control+s")
    expect(dialog).to_contain_text(re.compile("Name this version, today"))
    ana.page.keyboard.type("Draft")
    ana.presses("Enter")
    expect(rows).to_have_count(2)
    history.chooses_by_keys("Rename this version")
    expect(dialog).to_be_visible()
    ana.page.keyboard.type("Very first")
    ana.presses("Enter")
    expect(rows.last).to_contain_text("Very first")

    history.chooses_by_keys("Copy link to this moment")
    eventually(ana.page, lambda: "?at=" in _clipboard(ana), lambda: f"a link, not {_clipboard(ana)!r},")
    for item, start in (("Export as text", "Plan"), ("Export as HTML", "<")):
        with ana.page.expect_download() as download:
            history.chooses_by_keys(item)
        content = download.value.path().read_text()
        assert content.startswith(start)
        assert "First." in content
        assert "Second." not in content

    history.tabs_to(rows.first)
    ana.presses("Enter")
    history.reads("First. Second.")
    history.chooses_by_keys("Delete the name")
    expect(rows).to_have_count(1)
    ana.opens(_clipboard(ana))
    history.is_there()
    history.reads("First.")
    expect(history.bar).to_contain_text("This is “Very first”")


def _clipboard(person: Person) -> str:
    return str(person.page.evaluate("navigator.clipboard.readText()"))
