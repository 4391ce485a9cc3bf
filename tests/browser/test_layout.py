"""Where things stand on the page: nothing is cut off, nothing jumps, nothing lies on top of anything else."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Someone
from tests.browser.person import Person

PHONE = {"width": 390, "height": 844}


def height(person: Person, selector: str) -> float:
    return float(person.page.locator(selector).evaluate("it => it.getBoundingClientRect().height"))


@pytest.mark.parametrize("width", [600, 1023, 1024, 1440])
def test_a_long_title_leaves_the_save_state_its_room(someone: Someone, width: int) -> None:
    ana = someone("Ana", viewport={"width": width, "height": 800}).comes_as_guest()
    ana.starts_note("A title that is as long as titles sometimes are " * 4)
    ana.sees_saved()
    words = ana.page.locator(".state-words")
    assert words.evaluate("it => it.scrollWidth <= it.clientWidth")
    assert ana.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_lines_that_are_written_from_the_right_stand_on_the_right(someone: Someone) -> None:
    ana = someone("Ana").comes_as_guest()
    ana.starts_note("שלום לכולם")
    ana.types("שורה ראשונה\nA line in English\n- פריט\n\n\n")
    rights = ana.body.locator("> p").evaluate_all(
        """(lines) => lines.slice(0, 2).map((line) => {
            const range = document.createRange()
            range.selectNodeContents(line)
            return Math.abs(range.getBoundingClientRect().right - line.getBoundingClientRect().right) < 2
        })"""
    )
    assert rights == [True, False]
    assert ana.body.locator("ul").evaluate("it => getComputedStyle(it).direction") == "rtl"
    assert ana.title.locator("span").evaluate("it => getComputedStyle(it).direction") == "rtl"
    assert "dir" not in str(ana.json())


def test_nothing_jumps_when_the_editor_comes(someone: Someone) -> None:
    ana = someone("Ana").comes_as_guest()
    path = ana.starts_note("The same")
    ana.types("one\n\n\nfour   with   blanks\n- a\n\n\n/table")
    expect(ana.page.get_by_role("option", name="Table")).to_be_visible()
    ana.presses("Enter")
    expect(ana.body.locator("table")).to_be_visible()
    ana.presses("Control+End")
    ana.presses("ArrowDown")
    ana.types("```\ncode\n\n")
    ana.sees_kept("code\n\n")
    reader = someone("Reader", java_script_enabled=False)
    reader.opens(ana.shares(path, "viewer"))
    ana.page.reload()
    ana.sees("code\n\n")
    first, then = (height(person, ".note-body") for person in (reader, ana))
    assert first == pytest.approx(then, abs=1)


@pytest.mark.parametrize("marks", [r"> ", r"- "])
def test_what_is_nested_deep_stays_on_the_page_of_a_phone(someone: Someone, marks: str) -> None:
    ana = someone("Ana", viewport=PHONE).comes_as_guest()
    ana.starts_note("Deep")
    if marks == "> ":
        ana.types(marks * 30 + "deep enough to be a line")
    else:
        for number in range(20):
            ana.types(f"- {number}\n" if number == 0 else f"{number}\n")
            ana.presses("Tab")
        ana.types("deep enough to be a line")
    ana.sees("deep enough")
    assert ana.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert ana.body.evaluate("it => it.scrollWidth <= it.clientWidth")
    width = ana.body.locator("p").last.evaluate("it => it.clientWidth")
    assert width > 180


@pytest.mark.parametrize(("people", "faces"), [(2, 2), (3, 3), (5, 3)])
def test_a_phone_shows_as_many_faces_as_fit(someone: Someone, people: int, faces: int) -> None:
    ana = someone("Ana", viewport=PHONE).comes_as_guest()
    link = ana.shares(ana.starts_note("Together"))
    for name in ("Ben", "Cleo", "Dora", "Emil")[: people - 1]:
        someone(name).comes_as_guest().opens_note(link)
    shown = ana.page.locator(".faces-btn .face:visible")
    expect(shown).to_have_count(faces)
    if people > faces:
        expect(shown.last).to_have_attribute("data-more", f"+{people - faces + 1}")
    assert ana.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_tools_of_a_block_cover_no_words_on_a_phone(someone: Someone) -> None:
    ana = someone("Ana", viewport=PHONE).comes_as_guest()
    ana.starts_note("Code")
    ana.types("A line above it\n```\ncode")
    tools = ana.page.get_by_role("toolbar", name="Code block")
    expect(tools).to_be_visible()
    ana.page.mouse.move(1, 1)


    def covers(words: str) -> bool:
        box, line = tools.bounding_box(), ana.body.get_by_text(words, exact=True).bounding_box()
        assert box
        assert line
        return box["y"] < line["y"] + line["height"] and box["y"] + box["height"] > line["y"]

    assert not covers("A line above it")
    ana.presses("Control+Home")
    ana.types("\n" * 18)
    ana.presses("Control+End")
    ana.types(" that is written on")
    ana.sees("that is written on")
    assert not covers("code that is written on")


def test_a_slash_at_a_link_opens_one_menu(someone: Someone) -> None:
    ana = someone("Ana").comes_as_guest()
    ana.starts_note()
    ana.types("https://example.org ")
    expect(ana.body.locator("a")).to_have_count(1)
    ana.presses("ArrowLeft")
    links = ana.page.get_by_role("toolbar", name="Link")
    expect(links).to_be_visible()
    ana.presses("Home")
    ana.types("/")
    expect(ana.page.get_by_role("listbox", name="Insert")).to_be_visible()
    expect(links).to_have_count(0)
    ana.presses("Escape")
    expect(links).to_be_visible()


def test_a_cross_in_brackets_ticks_the_task_that_it_is_typed_in(someone: Someone) -> None:
    ana = someone("Ana").comes_as_guest()
    ana.starts_note()
    ana.types("[ ] open\nsecond")
    ana.presses("Home")
    ana.types("[x] ")
    boxes = ana.body.get_by_role("checkbox")
    expect(boxes.first).not_to_be_checked()
    expect(boxes.last).to_be_checked()
    assert re.findall(r"\w+", ana.text()) == ["open", "second"]
    ana.types("[ ] ")
    expect(boxes.last).not_to_be_checked()
    ana.sees_saved()
