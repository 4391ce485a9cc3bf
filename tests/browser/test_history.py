"""The past of a note: seen, understood and brought back, with the mouse and with the keyboard alone."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Someone
from tests.browser.reader import GLANCE, Reader, adds, ana_and_ben, leaves, plain

# -- Where it is ----------------------------------------------------------------------------------


def test_what_others_did_while_one_was_away_is_told_once(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone)
    leaves(ana)
    adds(ben, "Two.")

    ana.opens_note(path)
    ana.page.get_by_role("button", name=re.compile("since you last looked")).click()
    history = Reader(ana).is_there()
    expect(ana.page.get_by_role("combobox", name="What to look at")).to_have_value("since")
    expect(history.timeline.get_by_text(re.compile("You last looked, today"))).to_be_visible()
    expect(history.paper.locator("ins")).to_have_text("Two.")
    expect(history.output).to_have_text("1 change")
    history.page.get_by_role("button", name="Back to the note").click()
    history.is_closed()
    leaves(ana)

    ana.opens_note(path)
    ana.page.wait_for_load_state("networkidle")
    expect(ana.page.get_by_text("since you last looked")).to_have_count(0)


def test_opening_a_note_does_not_take_away_what_is_new(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone)
    leaves(ana)
    adds(ben, "Two.")
    for _ in range(2):  # a look that was over before it could be one
        ana.opens(path)
        ana.opens("/")
    ana.opens_note(path)
    expect(ana.page.get_by_text("since you last looked")).to_be_visible()


def test_back_closes_the_history_and_forward_opens_it_again(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    path = ana.starts_note("Plan")
    ana.types("Words.")
    ana.sees_saved()
    history = Reader(ana).opens()
    assert f"{path}/history" in ana.page.url
    ana.page.go_back()
    history.is_closed()
    assert ana.page.url.endswith(path)
    ana.page.go_forward()
    history.is_there()
    ana.presses("Escape")
    history.is_closed()


def test_the_note_behind_the_history_stays_connected(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone)
    history = Reader(ana).opens()
    adds(ben, "Two.")
    history.reads("One. Two.")
    ana.presses("Escape")
    history.is_closed()
    ana.sees("One. Two.")
    adds(ana, " Three.")
    ben.sees("One. Two. Three.")


def test_a_link_to_a_moment_opens_that_moment(someone: Someone) -> None:
    ana = someone("Ana", permissions=["clipboard-read", "clipboard-write"]).signs_up()
    ana.starts_note("Plan")
    ana.types("First.")
    ana.sees_saved()
    history = Reader(ana).opens()
    history.reads("First.")
    history.picks("A moment")
    history.chooses("Copy link to this moment")
    link = ana.page.evaluate("navigator.clipboard.readText()")
    ana.presses("Escape")
    adds(ana, " Second.")
    ana.opens(link)
    history.is_there()
    history.reads("First.")
    expect(history.bar).to_contain_text("Restoring makes a new edit.")
    history.page.get_by_role("button", name="See what changed since").click()
    expect(history.paper.locator("ins")).to_have_text(" Second.")


def test_an_empty_note_has_no_history_yet(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.starts_note()
    ana.presses("Control+Alt+h")
    expect(ana.page.get_by_text("History starts with your first edit.").first).to_be_visible()
    assert ana.barriers() == []


# -- What changed ---------------------------------------------------------------------------------


def test_from_change_to_change_with_the_keys_alone(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone, "Keep this. Lose that.\n\nEnd.")
    leaves(ana)
    ben.body.locator("p").first.click()
    ben.presses("End")
    for _ in "Lose that.":
        ben.presses("Backspace")
    ben.sees_each("p", "Keep this. ", "", "End.")
    adds(ben, " Added.")
    ana.opens_note(path)
    ana.presses("Control+Alt+h")
    history = Reader(ana).is_there()
    expect(history.output).to_have_text("2 changes")
    ana.presses("j")
    expect(history.output).to_have_text("Change 1 of 2")
    expect(history.card).to_contain_text("Ben deleted this")
    expect(history.paper.locator("del.now")).to_have_text("Lose that.")
    ana.presses("]")
    expect(history.card).to_contain_text("Ben wrote this")
    ana.presses("j")
    expect(history.output).to_have_text("Change 1 of 2")
    ana.presses("k")
    expect(history.output).to_have_text("Change 2 of 2")
    ana.presses("Escape")
    expect(history.card).to_have_count(0)
    ana.presses("Escape")
    history.is_closed()


def test_a_change_is_told_to_those_who_do_not_see_it(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone)
    leaves(ana)
    adds(ben, "Two.")
    ana.opens_note(path)
    ana.presses("Control+Alt+h")
    Reader(ana).is_there()
    said = ana.page.locator(".sr[role=status]")
    expect(said).to_contain_text("1 change by Ben: 1 insertion.")
    ana.presses("j")
    expect(said).to_contain_text("Change 1 of 1: Ben wrote this: “Two.”.")


def test_only_the_changes_of_some_people(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone, "Of Ana.\n\n")
    adds(ben, "Of Ben.")
    history = Reader(ana).opens()
    history.picks("Whole history")
    expect(history.paper.locator("ins")).to_have_count(2)
    chip = history.timeline.get_by_role("button", name="Ben", exact=True)
    chip.click()
    expect(history.paper.locator("ins")).to_have_text("Of Ben.")
    expect(history.timeline.get_by_role("button", name="Ana", exact=True)).to_have_attribute("aria-pressed", "false")
    chip.focus()
    ana.presses("Space")
    expect(history.paper.locator("ins")).to_have_count(2)


def test_any_two_moments_are_compared(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.starts_note("Plan")
    for word in ("one", " two", " three"):
        adds(ana, word)
        ana.page.wait_for_timeout(1100)  # what one person writes within a second is one step
    history = Reader(ana).opens()
    history.picks("Two moments…")
    until = ana.page.get_by_role("slider", name="Until this moment")
    since = ana.page.get_by_role("slider", name="From this moment")
    until.focus()
    for _ in " three":
        if plain(history.paper) != "one two":
            ana.presses("ArrowLeft")
    history.reads("one two")
    since.focus()
    for _ in "Plan, one":
        if history.paper.locator("ins").all_inner_texts() != [" two"]:
            ana.presses("ArrowRight")
    expect(history.paper.locator("ins")).to_have_text(" two")
    history.reads("one two")


# -- The slider -----------------------------------------------------------------------------------


def test_the_slider_goes_through_all_that_happened(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.starts_note()
    ana.types("a")
    ana.sees_saved()
    ana.page.wait_for_timeout(1100)
    adds(ana, "b")
    history = Reader(ana).opens()
    history.slider.focus()
    ana.presses("Home")
    history.reads("")
    expect(history.slider).to_have_attribute("aria-valuetext", "The beginning")
    ana.presses("ArrowRight")
    history.reads("a")
    expect(history.slider).to_have_attribute("aria-valuetext", re.compile(r"^Today \d+:\d\d:\d\d, Ana$"))
    ana.presses("End")
    history.reads("ab")
    ana.presses("ArrowLeft")
    history.reads("a")
    ana.page.wait_for_url(re.compile(r"/history\?at=\d+$"))


def test_dragging_the_slider_shows_the_note_as_it_was(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.starts_note("Plan")
    ana.types("Words that came later.")
    ana.sees_saved()
    history = Reader(ana).opens()
    box = history.slider.bounding_box()
    assert box is not None
    ana.page.mouse.move(box["x"] + box["width"] - 10, box["y"] + box["height"] / 2)
    ana.page.mouse.down()
    ana.page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2, steps=5)
    ana.page.mouse.up()
    expect(history.paper).not_to_contain_text("later")


def test_the_past_plays_to_its_end(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.starts_note("Plan")
    ana.types("Played.")
    ana.sees_saved()
    history = Reader(ana).opens()
    ana.page.get_by_role("button", name="Play from here").click()
    expect(ana.page.get_by_role("button", name="Play from here")).to_be_visible()
    history.reads("Played.")
    ana.presses("Escape")
    history.is_closed()


def test_the_moment_before_anything_was_written_is_the_beginning(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    path = ana.starts_note("Plan")
    ana.types("Words.")
    ana.sees_saved()
    ana.opens(f"{path}/history?at=0")
    history = Reader(ana).is_there()
    expect(history.bar).to_contain_text("This is the note as it was at the beginning")
    expect(history.page.locator(".past")).not_to_contain_text("1970")


def test_a_link_to_a_moment_that_does_not_exist_says_so_and_goes_to_the_nearest(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    path = ana.starts_note("Plan")
    ana.types("Words.")
    ana.sees_saved()
    for wrong in ("at=999999", "from=999999", "at=-5", "at=yesterday", "at=1e3"):
        ana.opens(f"{path}/history?{wrong}")
        history = Reader(ana)
        expect(history.toast).to_contain_text("This moment does not exist")
        history.is_there()
        ana.page.wait_for_url(re.compile(r"/history\?(at|from)=\d{1,3}$"))
        history.reads("" if wrong == "at=-5" else "Words.")


def test_somebody_who_never_wrote_before_has_a_name_in_the_history_that_is_open(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone)
    history = Reader(ana).opens()
    ben.goes_to_the_end()
    ben.types("Two.")
    expect(history.paper.locator("ins").filter(has_text="Two.")).to_be_visible()
    expect(history.paper.locator(".whos").first).to_have_text("AB")


def test_whoever_signs_out_elsewhere_does_not_read_on_in_the_past(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.starts_note("Plan")
    ana.types("Words.")
    ana.sees_saved()
    history = Reader(ana).opens()
    ana.page.wait_for_timeout(GLANCE)  # and yet nothing is told of it in a name that is not hers any more
    ana.asks("POST", "/api/auth/logout")
    history.is_closed()
    expect(ana.page.get_by_text("You are not signed in any more.")).to_be_visible()


# -- Who wrote this -------------------------------------------------------------------------------


def test_who_wrote_what_stands_there(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone, "Of Ana. ")
    adds(ben, "Of Ben.")
    ana.presses("Control+Alt+b")
    page = ana.page
    expect(page.locator(".by[data-author]").filter(has_text="Of Ben.")).to_be_visible()
    assert page.url.endswith(f"{path}/who")
    legend = page.get_by_role("region", name="Who wrote this", exact=True)
    expect(legend.get_by_role("button", name=re.compile("^Ana"))).to_contain_text("%")
    legend.get_by_role("button", name=re.compile("^Ben")).click()
    expect(page.locator(".past-body .by")).to_have_text("Of Ben.")
    adds(ben, " And more.")
    expect(page.locator(".past-body .by")).to_have_text("Of Ben. And more.")
    page.get_by_role("button", name="Age").first.click()
    expect(page.locator(".by[data-age]").first).to_be_visible()
    ana.presses("Escape")
    ana.presses("Escape")
    Reader(ana).is_closed()


def test_who_splits_a_paragraph_and_makes_it_a_heading_has_not_written_it(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone, "Plans for April, and for May.")
    ben.goes_to_the_end()
    for _ in "and for May.":
        ben.presses("ArrowLeft")
    ben.presses("Enter")
    ben.types("Or not: ")
    ben.presses("Control+Alt+2")
    ana.sees("Or not: and for May.")
    ana.presses("Control+Alt+b")
    by = ana.page.locator(".past-body .by")
    expect(by).to_have_text(["Plans for April, ", "Or not: ", "and for May."])
    first, second, third = (one.get_attribute("data-author") for one in by.all())
    assert first == third != second


# -- Versions -------------------------------------------------------------------------------------


def test_a_version_is_named_found_renamed_and_forgotten(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.starts_note("Plan")
    ana.types("Worth a name.")
    ana.sees_saved()
    ana.presses("Control+s")
    ana.page.get_by_role("button", name="Name this version").click()
    dialog = ana.page.get_by_role("dialog", name="Name this version")
    dialog.get_by_label("Name").fill("Sent to the board")
    ana.presses("Enter")
    expect(dialog).to_be_hidden()
    adds(ana, " Later.")

    history = Reader(ana).opens()
    history.timeline.get_by_role("button", name=re.compile("Sent to the board")).click()
    history.reads("Worth a name.")
    expect(history.bar).to_contain_text("This is “Sent to the board”")
    history.chooses("Rename this version")
    ana.page.get_by_role("dialog").get_by_label("Name").fill("Sent")
    ana.presses("Enter")
    expect(history.timeline.get_by_role("button", name=re.compile("^Sent Named by Ana"))).to_be_visible()
    history.chooses("Delete the name")
    expect(history.timeline.get_by_role("button", name=re.compile("Named by"))).to_have_count(0)
    history.reads("Worth a name.")


def test_a_moment_is_taken_out_as_a_file(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.starts_note("Plan")
    ana.types("In a file.")
    ana.sees_saved()
    history = Reader(ana).opens()
    history.reads("In a file.")
    for item, start in (("Export as text", "Plan"), ("Export as HTML", "<")):
        with ana.page.expect_download() as download:
            history.chooses(item)
        content = download.value.path().read_text()
        assert content.startswith(start)
        assert "In a file." in content


# -- Who may, and what goes wrong -----------------------------------------------------------------


def test_who_may_not_see_the_history_is_told_so_kindly(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone)
    ana.page.get_by_role("button", name="Share").click()
    ana.page.get_by_role("switch", name=re.compile("They can see the history")).uncheck()
    ben.excuses("status of 403")
    ben.opens(f"{path}/history")
    expect(ben.page.get_by_role("heading", name="This history is not yours to see")).to_be_visible()
    expect(ben.page.get_by_role("alert").filter(has_text="Ana keeps its history")).to_be_visible()
    assert ben.barriers() == []
    ben.presses("Escape")
    ben.sees("One.")
    ana.page.get_by_role("switch", name=re.compile("They can see the history")).check()
    expect(ana.page.get_by_role("switch", name=re.compile("They can see the history"))).to_be_checked()
    ben.opens(f"{path}/history")
    Reader(ben).is_there()


def test_a_reader_sees_the_past_and_cannot_bring_it_back(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    path = ana.starts_note("Plan")
    ana.types("Words.")
    ana.sees_saved()
    link = ana.shares(path, "viewer")
    ana.asks("PUT", f"/api/documents/{path.split('/')[2]}/share", {"history": True})
    ben = someone("Ben").comes_as_guest()
    ben.opens_note(link)
    history = Reader(ben).opens()
    ben.presses("j")
    expect(history.card).to_be_visible()
    for name in ("Restore", "Name this version", "Take out"):
        expect(ben.page.get_by_role("button", name=name)).to_have_count(0)


def test_without_a_network_the_history_says_so_and_what_is_here_still_works(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.starts_note("Plan")
    ana.types("Words.")
    ana.sees_saved()
    history = Reader(ana).opens()
    ana.context.set_offline(True)
    ana.presses("j")
    expect(history.card).to_be_visible()
    history.slider.focus()
    ana.presses("Home")
    history.reads("")
    ana.presses("Escape")
    history.is_closed()
    ana.page.get_by_role("button", name="History").first.click()
    expect(ana.page.get_by_role("heading", name="The history is not here")).to_be_visible()
    ana.context.set_offline(False)
    ana.page.get_by_role("button", name="Retry").click()
    history.is_there()
