"""Two people write one note, at once."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Someone
from tests.browser.person import Person, eventually, same
from tests.browser.proxy import Proxy
from tests.live import Server


@pytest.fixture
def two(someone: Someone) -> tuple[Person, Person]:
    """Ana and Ben in a note of Ana's."""
    return together(someone("Ana").comes_as_guest(), someone("Ben").comes_as_guest())


def together(ana: Person, ben: Person) -> tuple[Person, Person]:
    ben.opens_note(ana.shares(ana.starts_note()))
    return ana, ben


def turns(ana: Person, ben: Person, anas: str, bens: str) -> None:
    """Both type at once: key by key, neither waits for the other's to arrive."""
    for one, other in zip(anas, bens, strict=True):
        ana.page.keyboard.type(one)
        ben.page.keyboard.type(other)


def test_what_both_type_at_once_is_the_same_for_both(two: tuple[Person, Person]) -> None:
    ana, ben = two
    ana.types("One line of Ana.\n")
    ben.sees("One line of Ana.\n")
    ana.presses("Control+Home")
    ben.goes_to_the_end()
    turns(ana, ben, "She goes on writing here. ", "He writes at the same time")
    for person in two:
        person.sees("She goes on writing here. One line of Ana.\nHe writes at the same time")
        person.sees_saved()
    same(*two)


def test_what_one_types_in_a_paragraph_that_the_other_takes_away_stays(two: tuple[Person, Person]) -> None:
    ana, ben = two
    ana.types("First.\nSecond.\nThird.")
    ben.sees("Third.")
    ana.body.locator("p", has_text="Second").click()
    ana.presses("End")
    ana.context.set_offline(True)
    expect(ana.state).to_have_text(re.compile("Offline|Reconnecting"))
    ana.types(" While nob")
    ben.body.locator("p", has_text="Second").click(click_count=3)
    ben.presses("Backspace")
    ben.presses("Backspace")
    ben.sees_no("Second.")
    ben.sees_saved()
    ana.context.set_offline(False)
    ben.sees("First.\n While nob\nThird.")
    ana.types("ody looks")
    ben.sees("First.\n While nobody looks\nThird.")
    same(*two)
    # It is hers: she can take it back.
    ana.presses("Control+z")
    ben.sees_no("While nob")
    same(*two)


def test_they_see_each_others_caret_and_name_and_face(two: tuple[Person, Person]) -> None:
    ana, ben = two
    ana.types("Ana was here")
    expect(ben.page.locator(".caret-name")).to_have_text("Ana")
    ben.goes_to_the_end()
    ben.types(", and Ben")
    expect(ana.page.locator(".caret-name")).to_have_text("Ben")
    expect(ana.page.get_by_role("button", name="Here now: Ana (you) and Ben")).to_be_visible()
    expect(ben.page.get_by_role("button", name=re.compile("^Here now: .*Ana"))).to_be_visible()


def test_an_editor_that_fails_while_it_draws_begins_anew_with_all_that_is_in_the_note(
    two: tuple[Person, Person],
) -> None:
    ana, ben = two
    ana.excuses("drawing failed")
    ana.types("Ana was here")
    ana.presses("Home")
    ben.sees("Ana was here")
    ana.body.evaluate(
        """(body) => (body.editor.view.updateState = () => {
            throw new Error('drawing failed')
        })"""
    )
    ben.goes_to_the_end()
    ben.types(", and Ben")
    for person in two:
        person.sees("Ana was here, and Ben")
    ana.types("Once more: ")
    ben.sees("Once more: Ana was here, and Ben")  # where the caret was
    ana.sees_saved()
    same(*two)


@pytest.mark.parametrize("what", ["a letter", "a caret"])
def test_a_caret_that_moves_just_when_something_of_others_arrives_stays_where_it_moved(
    two: tuple[Person, Person], what: str
) -> None:
    ana, ben = two
    ana.types("One line\n")
    ben.sees("One line\n")
    ben.goes_to_the_end()
    # He comes into the text at its beginning, which may be shown first.
    expect(ana.page.locator("p:last-of-type .caret-name")).to_have_text("Ben")
    # A browser moves the caret and tells of it a little later: this is in between.
    ana.page.evaluate(
        """async () => {
            const draw = window.requestAnimationFrame
            // What is still to be drawn would else draw what comes now, before this is asked for a frame.
            for (let frames = 0; frames < 2; frames++) await new Promise((done) => draw(done))
            window.requestAnimationFrame = (frame) => draw((time) => {
                if (window.requestAnimationFrame !== draw) getSelection().modify('move', 'backward', 'documentboundary')
                window.requestAnimationFrame = draw
                frame(time)
            })
        }"""
    )
    if what == "a letter":
        ben.types("x")
        ana.sees("One line\nx")
    else:
        ben.presses("Control+Home")
        expect(ana.page.locator("p:first-of-type .caret-name")).to_have_text("Ben")
    ana.page.keyboard.type("Here: ")
    ana.sees("Here: One line\n")


def test_a_key_acts_where_the_one_before_it_has_put_the_caret(someone: Someone) -> None:
    """Also when the page is so busy that the browser has not told of that yet."""
    ana = someone("Ana").comes_as_guest()
    ana.starts_note()
    ana.types("Words\n")
    ana.presses("Control+Home")
    caret = ana.body.evaluate(
        """(element) => {
            getSelection().collapse(element.querySelector('p').firstChild, 5)
            element.dispatchEvent(new KeyboardEvent('keydown', { key: 'Backspace', keyCode: 8, cancelable: true }))
            return element.editor.state.selection.$from.parentOffset
        }"""
    )
    assert caret == len("Words")


def test_a_key_that_moves_the_caret_to_where_the_focus_had_put_it_is_not_undone(someone: Someone) -> None:
    ana = someone("Ana").comes_as_guest()
    ana.starts_note()
    ana.types("Words")
    caret = ana.body.evaluate(
        """async (element) => {
            const text = element.querySelector('p').firstChild
            const press = (key, place) => {
                element.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }))
                getSelection().collapse(text, place)
            }
            element.blur()
            // As late as can be before the editor looks whether the caret is where the focus has put it.
            const pressed = new Promise((done) => setTimeout(() => done(press('Home', 0)), 20))
            getSelection().collapse(text, 0)
            press('End', 5)
            const busy = performance.now() + 30
            while (performance.now() < busy);
            await pressed
            await new Promise((done) => setTimeout(done, 100))
            return element.editor.state.selection.$from.parentOffset
        }"""
    )
    assert caret == 0


@pytest.mark.parametrize("where", ["Home", "End"])
def test_what_an_input_method_composes_is_there_once_whatever_others_write_beside_it(
    two: tuple[Person, Person], where: str
) -> None:
    ana, ben = two
    ana.types("hello world")
    ben.sees("hello world")
    for _ in "world":
        ana.presses("ArrowLeft")
    keyboard = ana.context.new_cdp_session(ana.page)

    def composes(text: str) -> None:
        end = len(text)
        keyboard.send("Input.imeSetComposition", {"text": text, "selectionStart": end, "selectionEnd": end})

    composes("か")
    composes("かん")
    ben.sees("hello かんworld")
    ben.goes_to_the_end()
    ben.presses(where)
    place = 1 if where == "Home" else len("hello かんworld") + 1
    head = "element => element.editor.state.selection.head"
    eventually(ben.page, lambda: ben.body.evaluate(head) == place, lambda: f"the caret at {place}")
    ben.types("!?")
    ben.sees_saved()
    composes("かんじ")
    ben.sees("かんじ")
    assert "!" not in ana.text()
    keyboard.send("Input.insertText", {"text": "漢字"})
    expected = "!?hello 漢字world" if where == "Home" else "hello 漢字world!?"
    for person in two:
        person.sees(expected)
        assert person.text() == expected
        person.sees_saved()
    ana.types("。")
    ben.sees("漢字。world")
    same(*two)


def test_somebody_who_leaves_is_gone_from_the_others_page(two: tuple[Person, Person]) -> None:
    ana, ben = two
    ben.types("Ben was here")
    expect(ana.page.locator(".caret-name")).to_have_text("Ben")
    ben.page.close()
    expect(ana.page.locator(".caret-name")).to_have_count(0)
    expect(ana.page.get_by_role("button", name="Here now: Ana (you)", exact=True)).to_be_visible()


def test_a_selection_is_seen_by_the_other(two: tuple[Person, Person]) -> None:
    ana, ben = two
    ana.types("A few words")
    ben.sees("A few words")
    ana.presses("Shift+Home")
    expect(ben.body.locator(".remote")).to_have_text("A few words")


def test_undo_takes_back_only_ones_own_edits(two: tuple[Person, Person]) -> None:
    ana, ben = two
    ana.types("Written by Ana.\n")
    ben.sees("Written by Ana.\n")
    ben.types("Written by Ben.")
    ana.sees("Written by Ben.")
    ana.presses("Control+z")
    ben.sees_no("Written by Ana.")
    ben.sees("Written by Ben.")
    ana.presses("Control+Shift+z")
    ben.sees("Written by Ana.")
    same(*two)


def test_the_title_is_written_together_too(two: tuple[Person, Person]) -> None:
    ana, ben = two
    ana.title.click()
    ana.page.keyboard.type("Plans for spring")
    expect(ben.title).to_have_text("Plans for spring")
    expect(ben.page).to_have_title("Plans for spring – Palimpsest")
    ben.title.click()
    ben.page.keyboard.press("End")
    ben.page.keyboard.type(" and summer")
    expect(ana.title).to_have_text("Plans for spring and summer")


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


def test_without_websocket_everything_works_as_well(someone: Someone, proxy: Proxy) -> None:
    two = ana, ben = someone("Ana", base_url=proxy.url), someone("Ben", base_url=proxy.url)
    together(ana.comes_as_guest(), ben.comes_as_guest())
    ana.types("Ana polls.\n")
    ben.sees("Ana polls.\n")
    ana.presses("Control+Home")
    ben.goes_to_the_end()
    turns(ana, ben, "Both at once. ", "At once, both.")
    for person in two:
        person.sees("Both at once. Ana polls.\nAt once, both.")
        person.sees_saved()
    same(*two)
    expect(ana.page.locator(".caret-name")).to_have_text("Ben")
    assert proxy.refused


def test_one_who_polls_and_one_with_a_websocket_write_together(someone: Someone, proxy: Proxy) -> None:
    two = ana, ben = someone("Ana"), someone("Ben", base_url=proxy.url)
    together(ana.comes_as_guest(), ben.comes_as_guest())
    ana.types("Ana has a WebSocket.\n")
    ben.sees("Ana has a WebSocket.\n")
    ana.presses("Control+Home")
    ben.goes_to_the_end()
    turns(ana, ben, "At once, Ana. ", "At once, Ben. ")
    for person in two:
        person.sees("At once, Ana. Ana has a WebSocket.\nAt once, Ben. ")
        person.sees_saved()
    same(*two)
    expect(ana.page.locator(".caret-name")).to_have_text("Ben")
    expect(ben.page.locator(".caret-name")).to_have_text("Ana")
    assert proxy.refused
