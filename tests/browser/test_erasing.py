"""An owner takes history away: it is said what will go, and then it is gone everywhere."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Someone
from tests.browser.person import eventually
from tests.browser.reader import Reader, adds, ana_and_ben


def test_words_are_erased_from_all_history(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone, "The password is hunter2")
    ana.page.wait_for_timeout(1100)
    for _ in "hunter2":
        ana.presses("Backspace")
    ana.types("secret.")
    ana.sees_saved()
    ben.sees("The password is secret.")
    log = f"/api/documents/{path.split('/')[2]}/history"
    epoch = ana.asks("GET", log).json()["epoch"]

    history = Reader(ana).opens()
    history.chooses("Erase words…")
    ask = ana.page.get_by_role("dialog", name="Erase words from all history")
    ask.get_by_label("Words").fill("never written")
    ana.presses("Enter")
    expect(ask.get_by_role("alert")).to_have_text("They never stood in this note.")
    ask.get_by_label("Words").fill("hunter2")
    ana.presses("Enter")
    dialog = ana.page.get_by_role("dialog", name=re.compile("^Erase “hunter2”"))
    expect(dialog).to_contain_text(re.compile(r"That is \d+ edits?"))
    erase = dialog.get_by_role("button", name="Erase", exact=True)
    expect(erase).to_be_disabled()
    assert ana.barriers() == []
    dialog.get_by_role("checkbox").check()
    # Whoever has the note open goes on with it as it is now, without being asked anything.
    with ana.page.expect_event("load"), ben.page.expect_event("load"):
        erase.click()
    history.is_closed()
    ana.sees("The password is secret.")
    eventually(ana.page, lambda: ana.asks("GET", log).json()["epoch"] != epoch, lambda: "another epoch")

    ben.sees_the_editor()
    adds(ben, " Said Ben.")
    ana.sees("The password is secret. Said Ben.")
    expect(ben.page.get_by_role("alert").filter(has_text="history")).to_have_count(0)
    history.opens()
    history.picks("A moment")
    history.slider.focus()
    for _ in range(40):
        assert "hunter2" not in history.paper.inner_text()
        ana.presses("ArrowLeft")


def test_what_was_before_a_moment_is_erased(someone: Someone) -> None:
    ana, _, path = ana_and_ben(someone, "Old words. ")
    ana.page.wait_for_timeout(1100)
    adds(ana, "New words.")
    history = Reader(ana).opens()
    history.slider.focus()
    ana.presses("ArrowLeft")
    history.chooses("Erase what was before…")
    dialog = ana.page.get_by_role("dialog", name=re.compile("^Erase history before"))
    expect(dialog).to_contain_text("the note as it is now, word for word")
    dialog.get_by_role("checkbox").focus()
    ana.presses("Space")
    dialog.get_by_role("button", name="Erase", exact=True).focus()
    with ana.page.expect_event("load"):
        ana.presses("Enter")
    history.is_closed()
    ana.sees("Old words. New words.")
    ana.opens(f"{path}/history")
    history.is_there()
    expect(history.timeline.get_by_text(re.compile("^What was before .* was erased.$"))).to_be_visible()
    history.slider.focus()
    ana.presses("Home")
    expect(history.paper).to_contain_text("Old words.")
