"""An owner takes history away: it is said what will go, and then it is gone everywhere."""

import re
import subprocess
import sys
import time

from playwright.sync_api import expect

from tests.browser.conftest import Someone
from tests.browser.crowd import write_crowded_note
from tests.browser.person import eventually
from tests.browser.reader import Reader, adds, ana_and_ben
from tests.live import Server


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


def test_what_is_older_than_the_administrator_wants_is_gone(own_server: Server, someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    me = ana.asks("GET", "/api/me").json()["user"]["id"]
    path = f"/n/{ana.asks('POST', '/api/documents', {'title': ''}).json()['id']}"
    write_crowded_note(own_server.database_url, path.split("/")[2], me, time.time_ns() // 1_000_000)
    ana.opens(f"{path}/history?at=1")
    history = Reader(ana).is_there()
    expect(history.paper).to_contain_text("nothing of it is lost.")  # which was deleted two months ago
    ana.opens("/settings")
    ana.page.get_by_role("combobox", name="How long history is kept").select_option("30 days")
    ana.page.get_by_role("button", name="Keep 30 days").click()
    expect(ana.page.get_by_text("Settings saved")).to_be_visible()

    ana.opens_note(path)
    written = ana.text()
    own_server.stop()
    compact = [sys.executable, "-m", "editor.cli", "compact", "--data", str(own_server.data)]
    assert "erased from 1 notes" in subprocess.run(compact, check=True, capture_output=True, text=True).stdout
    own_server.start()
    # Whoever has the note open notices nothing.
    adds(ana, " Today.")
    assert ana.text() == f"{written} Today."

    ana.opens(f"{path}/history?at=1")
    expect(history.toast).to_contain_text("This moment was erased")
    history.is_there()
    expect(history.timeline.get_by_text(re.compile("^What was before .* was erased.$"))).to_be_visible()
    assert history.timeline.locator(".sess").count() < 20  # of thirty
    history.slider.focus()
    ana.presses("Home")
    expect(history.slider).to_have_attribute("aria-valuetext", re.compile("^(?!The beginning)"))
    expect(history.paper).to_contain_text("Written by number 2 of those who were asked.")
    expect(history.paper).not_to_contain_text("nothing of it is lost.")
    assert ana.barriers() == []
