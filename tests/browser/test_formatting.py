"""What a note can hold, written as people write it, seen by somebody else."""

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.conftest import Someone
from tests.browser.person import Person, eventually, same

Two = tuple[Person, Person]


@pytest.fixture
def two(someone: Someone) -> Two:
    """Ana writes, Ben looks on."""
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben").comes_as_guest()
    ben.opens_note(ana.shares(ana.starts_note()))
    return ana, ben


def both(two: Two, selector: str) -> tuple[Locator, Locator]:
    return two[0].body.locator(selector), two[1].body.locator(selector)


def see(two: Two, selector: str, *texts: str) -> None:
    for person in two:
        person.sees_each(selector, *texts)


def test_hashes_make_headings(two: Two) -> None:
    two[0].types("# First\n## Second\n### Third\nplain")
    for level, text in enumerate(("First", "Second", "Third"), start=1):
        see(two, f"h{level}", text)
    see(two, "p", "plain")


def test_dashes_and_numbers_make_lists(two: Two) -> None:
    two[0].types("- one\ntwo\n\n1. first\nsecond")
    see(two, "ul > li", "one", "two")
    see(two, "ol > li", "first", "second")


def test_brackets_make_tasks_that_anybody_ticks(two: Two) -> None:
    ana, ben = two
    ana.types("[ ] call\nwrite")
    see(two, "li[data-checked]", "call", "write")
    ben.body.get_by_role("checkbox").first.check()
    expect(ana.body.get_by_role("checkbox").first).to_be_checked()
    expect(ana.body.get_by_role("checkbox").nth(1)).not_to_be_checked()


def test_a_bracket_makes_a_quote(two: Two) -> None:
    two[0].types("> said somebody")
    see(two, "blockquote", "said somebody")


def test_stars_and_backticks_mark_words(two: Two) -> None:
    two[0].types("**bold** and *slanted* and `code` and ~~gone~~ ")
    see(two, "strong", "bold")
    see(two, "em", "slanted")
    see(two, "p code", "code")
    see(two, "s", "gone")


def test_fences_make_code_in_colours(two: Two) -> None:
    ana, ben = two
    ana.types("```python\ndef double(n):\n")
    ana.types('return 2 * n  # "twice"')
    for person in two:
        expect(person.body.locator("pre")).to_contain_text("return 2 * n")
        keyword = person.body.locator("pre span", has_text="def").first
        expect(keyword).to_be_visible()
        colour = "element => getComputedStyle(element).color"
        assert keyword.evaluate(colour) != person.body.locator("pre code").evaluate(colour)
    same(ana, ben)


def test_an_address_becomes_a_link(two: Two) -> None:
    two[0].types("See https://example.org/page for more")
    see(two, "a", "https://example.org/page")
    for found in both(two, "a"):
        expect(found).to_have_attribute("href", "https://example.org/page")
        expect(found).to_have_attribute("rel", "noopener noreferrer nofollow")


def test_a_slash_makes_a_table_that_both_fill(two: Two) -> None:
    ana, ben = two
    ana.types("/table")
    expect(ana.page.get_by_role("option", name="Table")).to_be_visible()
    ana.presses("Enter")
    expect(ben.body.locator("table")).to_be_visible()
    ana.types("What")
    ana.presses("Tab")
    ana.types("When")
    expect(ben.body.locator("tr").first.locator("th")).to_contain_text(["What", "When"])
    ben.body.locator("td").last.click()
    ben.page.keyboard.type("Last")
    eventually(ana.page, lambda: ana.texts("td")[-1] == "Last", lambda: "Last in the last cell")
    same(ana, ben)


def test_a_slash_opens_the_menu_in_a_page_that_is_slow(someone: Someone) -> None:
    """Whose tools come after the slash; which hands over several letters at once."""
    ana = someone("Ana").comes_as_guest()
    held: list[Route] = []
    ana.page.route("**/Tools-*.js", lambda route: held.append(route))
    ana.starts_note()
    ana.types("/tab")
    ana.sees("/tab")
    eventually(ana.page, lambda: bool(held), lambda: "the tools, asked for")
    held[0].continue_()
    table = ana.page.get_by_role("option", name="Table")
    expect(table).to_be_visible()
    ana.presses("Enter")
    expect(ana.body.locator("table")).to_be_visible()
    ana.page.keyboard.insert_text("/cod")
    code = ana.page.get_by_role("option", name="Code")
    expect(code).to_be_visible()


def test_a_slash_that_was_left_as_it_is_opens_no_menu(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    path = ana.starts_note()
    ana.types("Write /table")
    menu = ana.page.get_by_role("listbox", name="Insert")
    expect(menu).to_be_visible()
    ana.presses("Escape")
    ana.sees_saved()
    ana.presses("Control+Alt+b")
    expect(ana.page.locator(".past-body .by")).to_have_text("Write /table")
    ana.presses("Escape")
    expect(ana.body).to_be_focused()
    ana.presses("Enter")
    ana.types("Next")
    ana.sees("Write /table\nNext")
    ana.opens_note(path)
    ana.body.get_by_text("Write /table").click()
    ana.presses("End")
    expect(ana.page.get_by_role("button", name="Share")).to_be_visible()
    expect(menu).to_have_count(0)


def test_the_text_is_in_the_first_response_without_any_script(two: Two, someone: Someone) -> None:
    ana, _ = two
    ana.title.click()
    ana.page.keyboard.type("Read me first")
    ana.goes_to_the_end()
    ana.types("# Heading\n- [ ] a task\n\nA **bold** word and <b>no markup</b>.")
    ana.sees_kept("no markup")
    reader = someone("Reader", java_script_enabled=False)
    reader.opens(ana.shares(ana.page.url.removeprefix(reader.server), "viewer"))
    article = reader.page.locator("article.note")
    expect(article.locator("h1.note-title")).to_have_text("Read me first")
    expect(article.locator(".note-body h1")).to_have_text("Heading")
    expect(article.get_by_role("checkbox")).not_to_be_checked()
    expect(article.locator("strong")).to_have_text("bold")
    expect(article).to_contain_text("<b>no markup</b>")
    expect(reader.page).to_have_title("Read me first – Palimpsest")


def test_what_is_typed_right_after_a_fence_is_code_from_its_first_letter_on(two: Two) -> None:
    """Chromium drops what is typed into something that is not laid out yet."""
    ana, _ = two
    for number in range(12):
        ana.types(f"```js\nlet a{number}")
        ana.presses("Control+Enter")
    ana.sees_each("pre code", *[f"let a{number}" for number in range(12)])


def test_the_first_response_looks_like_the_editor(two: Two) -> None:
    """Nothing jumps when the note comes to life: same elements, same classes."""
    ana, _ = two
    ana.types("# A\n- one\ntwo\n\n> quote\n\n")
    ana.types("[ ] task\n\nplain **bold** `code`\n```js\nlet a\n")
    ana.sees_kept("let a")
    ana.page.reload()
    ana.sees("let a")
    shape = "it => [...it.querySelectorAll('h1, ul, li, blockquote, pre, code, strong, p')].map(it => it.tagName)"
    edited = ana.body.evaluate(shape)
    first = ana.page.evaluate(f"""async () => {{
        const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html')
        return ({shape})(page.querySelector('.note-body'))
    }}""")
    assert first == edited
