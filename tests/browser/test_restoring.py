"""What was in a note is brought back as an edit of its own: everybody's later work stays, and it can be undone."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Someone
from tests.browser.person import Person, same
from tests.browser.reader import Reader, adds, ana_and_ben, leaves


def _deletes(person: Person, words: str, paragraph: str) -> None:
    """Takes away the words at the end of this paragraph."""
    rest = person.text().replace(words, "", 1)
    person.body.locator("p", has_text=paragraph).click()
    person.presses("End")
    for _ in words:
        person.presses("Backspace")
    assert person.text() == rest
    person.sees_saved()


def test_what_somebody_deleted_is_brought_back_and_given_up_again(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone, "Keep this. Lose that.")
    leaves(ana)
    _deletes(ben, "Lose that.", "Keep")
    ana.opens_note(path)
    history = Reader(ana).opens()
    history.paper.locator("del").click()
    history.card.get_by_role("button", name="Bring back").click()
    expect(history.toast).to_contain_text("Brought back “Lose that.”, deleted by Ben")
    ben.sees("Keep this. Lose that.")
    act = re.compile("^Brought back “Lose that.”, deleted by Ben Ana at")
    expect(history.timeline.get_by_role("button", name=act)).to_be_visible()
    history.toast.get_by_role("button", name="Undo").click()
    ben.sees_no("Lose that.")
    same(ana, ben)


def test_a_change_is_taken_out_with_the_keys_alone(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone)
    leaves(ana)
    adds(ben, "Unwanted.")
    ana.opens_note(path)
    ana.presses("Control+Alt+h")
    history = Reader(ana).is_there()
    ana.presses("j")
    expect(history.card).to_be_visible()
    history.tabs_to(history.page.get_by_role("button", name="Take out"))
    ana.presses("Enter")
    ben.sees_no("Unwanted.")


def test_a_formatting_is_undone(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone, "Plain words.")
    leaves(ana)
    ben.body.locator("p").first.click()
    ben.presses("Home")
    ben.presses("Shift+End")
    expect(ben.page.get_by_role("toolbar")).to_be_visible()
    ben.presses("Control+b")
    ben.sees_each("strong", "Plain words.")
    ana.opens_note(path)
    history = Reader(ana).opens()
    expect(history.paper.locator(".fmt-tag")).to_have_text("bold")
    ana.presses("j")
    history.card.get_by_role("button", name="Undo formatting").click()
    ben.sees_each("strong")
    ben.sees("Plain words.")


def test_the_whole_note_is_restored_and_what_is_typed_meanwhile_stays(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone, "As it was.")
    ana.presses("Control+s")
    ana.page.get_by_role("button", name="Name this version").click()
    ana.page.get_by_role("dialog").get_by_label("Name").fill("Good")
    ana.presses("Enter")
    adds(ben, " And then it went wrong.")
    ana.sees("As it was. And then it went wrong.")
    history = Reader(ana).opens()
    history.timeline.get_by_role("button", name=re.compile("^Good")).click()
    history.reads("As it was.")
    expect(history.bar).to_contain_text("This is “Good”")
    ben.context.set_offline(True)
    # What still got through would be gone with what is restored: she has seen it.
    expect(ben.state).to_have_text(re.compile("Offline|Reconnecting"))
    ben.presses("Enter")
    ben.types("Typed meanwhile.")
    ana.page.get_by_role("button", name="Restore all of it").click()
    history.is_closed()
    expect(history.toast).to_contain_text("Restored to “Good”")
    ana.sees_no("wrong")
    ben.context.set_offline(False)
    ben.sees_saved()
    ana.sees("Typed meanwhile.")
    same(ana, ben)
    # The keys undo it as one step.
    ana.presses("Control+z")
    ana.sees("As it was. And then it went wrong.")
    ana.sees("Typed meanwhile.")
    same(ana, ben)


def test_words_typed_into_a_paragraph_that_a_restore_takes_away_stay_and_are_their_authors(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone, "As it was.")
    ana.page.wait_for_timeout(1100)
    adds(ana, "\nA line of Ana.")
    ben.sees("A line of Ana.")
    history = Reader(ana).opens()
    history.goes_to("As it was.")
    ben.context.set_offline(True)
    expect(ben.state).to_have_text(re.compile("Offline|Reconnecting"))
    adds_offline = " And of Ben"
    ben.goes_to_the_end()
    ben.types(adds_offline)
    ana.page.get_by_role("button", name="Restore all of it").click()
    history.is_closed()
    ana.sees_no("A line of Ana.")
    ben.context.set_offline(False)
    ana.sees(adds_offline)
    ben.sees_saved()
    # He goes on where he was.
    ben.types(", who goes on")
    ana.sees("As it was.\n And of Ben, who goes on")
    assert "A line of Ana." not in ana.text()
    same(ana, ben)
    ana.presses("Control+Alt+b")
    # She came first, and he second.
    expect(ana.page.locator(".past-body .by", has_text="And of Ben, who goes on")).to_have_attribute("data-author", "2")
    ana.presses("Escape")
    ana.body.click()
    ana.presses("Control+z")
    ana.sees("A line of Ana.")
    assert ana.text().count("And of Ben, who goes on") == 1
    same(ana, ben)


def test_a_restore_to_the_very_beginning_leaves_one_empty_line_and_undo_takes_it_away(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone, "One.\nTwo.")
    written = ana.json()
    for _ in range(3):
        history = Reader(ana).opens()
        history.goes_to("")
        ana.page.get_by_role("button", name="Restore all of it").click()
        history.is_closed()
        ben.sees_no("One.")
        # An editor looks at what it shows when somebody goes there.
        for person in (ben, ana):
            person.body.click()
            person.sees_each("p", "")
        same(ana, ben)
        ana.presses("Control+z")
        ben.sees("One.\nTwo.")
        for person in (ben, ana):
            person.body.click()
        same(ana, ben)
        assert ana.json() == written
        ana.sees_saved()


def test_one_block_is_brought_back_with_the_mouse(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone, "First.\nSecond.\nThird.")
    ana.page.wait_for_timeout(1100)
    ana.body.locator("p", has_text="Second").click(click_count=3)
    ana.presses("Backspace")
    ana.presses("Backspace")
    adds(ana, " Later.")
    ben.sees("Third. Later.")
    history = Reader(ana).opens()
    history.goes_to("First.\nSecond.\nThird.")
    history.paper.locator("p", has_text="Second").hover()
    ana.page.get_by_role("button", name="Bring back this block").click()
    expect(history.bar).to_contain_text("Bring back 1 block")
    expect(history.paper).to_contain_text("Later.")  # the preview is of the note as it is
    history.bar.get_by_role("button", name="Bring back").click()
    history.is_closed()
    ben.sees("First.\nSecond.\nThird. Later.")


def test_a_block_and_a_selection_are_brought_back_with_the_keys_alone(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone, "First.\nSecond.\nThird.")
    ana.page.wait_for_timeout(1100)
    ana.presses("Control+a")
    ana.presses("Backspace")
    ana.types("New.")
    ana.sees_saved()
    ana.presses("Control+Alt+h")
    history = Reader(ana).is_there()
    history.goes_to("First.\nSecond.\nThird.")
    history.tabs_to(history.paper.locator("[tabindex='0']"))
    ana.presses("ArrowDown")
    ana.presses("Enter")
    expect(history.bar).to_contain_text("Bring back 1 block")
    ana.presses("Escape")
    history.reads("First.\nSecond.\nThird.")
    history.tabs_to(history.paper.locator("[tabindex='0']"))
    ana.presses("ArrowDown")
    ana.presses("Shift+ArrowDown")
    expect(ana.page.get_by_role("button", name="Bring back the selection")).to_be_visible()
    ana.presses("Enter")
    expect(history.bar).to_contain_text("Bring back what you selected")
    history.tabs_to(history.bar.get_by_role("button", name="Bring back"))
    ana.presses("Enter")
    history.is_closed()
    ben.sees("Second.")
    ben.sees("Third.")
    ben.sees("New.")
    assert "First." not in ben.text()


def test_all_that_one_person_did_is_undone(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone, "Of Ana.\n\n")
    adds(ben, "Of Ben.")
    ana.sees("Of Ben.")
    adds(ana, " Of Ana again.")
    history = Reader(ana).opens()
    history.picks("Whole history")
    history.chooses("Undo all by Ben…")
    expect(history.bar).to_contain_text("by Ben")
    history.bar.get_by_role("button", name="Undo these changes").click()
    history.is_closed()
    ben.sees_no("Of Ben.")
    ben.sees("Of Ana.")
    ben.sees("Of Ana again.")
    expect(history.toast).to_contain_text("Undid the changes by Ben")
    history.toast.get_by_role("button", name="Undo").click()
    ben.sees("Of Ben.")
