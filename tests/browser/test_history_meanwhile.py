"""What becomes of a history that somebody looks at while others write, erase, and change who may see it."""

import re

from playwright.sync_api import Route, expect

from tests.browser.conftest import Someone
from tests.browser.person import eventually
from tests.browser.reader import Reader, adds, ana_and_ben


def test_whoever_writes_for_the_first_time_while_the_log_is_read_has_a_name(someone: Someone) -> None:
    ana, ben, _ = ana_and_ben(someone)
    held: list[Route] = []
    ana.page.route("**/history/entries?*", lambda route: held.append(route))
    ana.page.get_by_role("button", name="History").first.click()
    eventually(ana.page, lambda: bool(held), lambda: "the page to ask for the log")
    adds(ben, "Two.")
    ana.sees("Two.")  # it is in her note, and the history does not know Ben yet
    for route in held:
        route.continue_()
    history = Reader(ana).is_there()
    expect(history.paper.locator(".who[title='Ben']")).to_be_visible()
    expect(ana.page.locator(".past")).not_to_contain_text("Somebody")


def test_the_first_words_of_a_note_come_into_the_history_that_is_open(someone: Someone) -> None:
    ana, ben = someone("Ana").signs_up(), someone("Ben").comes_as_guest()
    path = ana.starts_note()
    ben.opens_note(ana.shares(path))
    ana.presses("Control+Alt+h")
    expect(ana.page.get_by_role("heading", name="Nothing has happened here yet")).to_be_visible()
    adds(ben, "First words.")
    history = Reader(ana).is_there()
    history.reads("First words.")
    expect(history.timeline.locator(".sess")).to_have_count(1)


def test_a_long_log_that_was_never_summed_up_is_read_once_it_is(someone: Someone) -> None:
    ana, _, _ = ana_and_ben(someone)
    answers = 0

    def behind(route: Route) -> None:
        """As a server answers that is not done with a log of years: here it would be done too soon to be seen."""
        nonlocal answers
        answers += 1
        answer = route.fetch()
        told = answer.json() | ({"behind": 1234, "sittings": [], "since": 0} if answers < 6 else {})
        route.fulfill(response=answer, json=told)

    ana.page.route("**/api/documents/*/history", behind)
    ana.page.get_by_role("button", name="History").first.click()
    history = Reader(ana)
    expect(history.timeline.get_by_role("status")).to_have_text("Summing up 1,234 edits…")
    expect(ana.page.locator(".past-body:not([hidden])")).to_have_text("One. ")  # the note can be read meanwhile
    history.is_there()
    expect(history.timeline.get_by_role("button", name=re.compile("characters in"))).to_have_count(1)
    expect(history.paper.locator("ins")).to_have_text("One. ")


def test_whoever_may_not_see_the_history_any_more_does_not_read_on(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone)
    history = Reader(ben).opens()
    share = f"/api/documents/{path.split('/')[2]}/share"
    assert ana.asks("PUT", share, {"history": False}).ok
    ben.excuses("status of 403")
    adds(ana, "Not for him.")
    expect(ben.page.get_by_role("heading", name="This history is not yours to see")).to_be_visible()
    expect(history.timeline.locator(".sess")).to_have_count(0)
    assert ben.barriers() == []


def test_whose_edit_was_refused_still_sees_the_history(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone)
    ben.context.set_offline(True)
    expect(ben.state).to_have_text(re.compile("Offline|Reconnecting"))
    ben.types("Too late.")
    share = f"/api/documents/{path.split('/')[2]}/share"
    assert ana.asks("PUT", share, {"role": "viewer", "history": True}).ok
    ben.context.set_offline(False)
    expect(ben.page.get_by_role("alert").filter(has_text="You can no longer edit")).to_be_visible()
    history = Reader(ben).opens()
    history.picks("A moment")
    history.reads("One. ")
    ben.presses("Escape")
    history.is_closed()
    ben.sees("Too late.")


def test_a_moment_that_the_owner_erases_while_somebody_looks_at_it_is_said_to_be_erased(someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone, "Old words. ")
    ana.page.wait_for_timeout(1100)  # what one person writes within a second is one step
    adds(ana, "New words.")
    ben.sees("New words.")
    theirs = Reader(ben).opens()
    theirs.goes_to("Old words. ")
    ben.page.wait_for_url(re.compile(r"/history\?at=\d+$"))
    looked_at = ben.page.url

    own = Reader(ana).opens()
    own.goes_to("Old words. New words.")
    own.chooses("Erase what was before…")
    dialog = ana.page.get_by_role("dialog", name=re.compile("^Erase history before"))
    dialog.get_by_role("checkbox").check()
    with ana.page.expect_event("load"), ben.page.expect_event("load"):
        dialog.get_by_role("button", name="Erase", exact=True).click()

    expect(theirs.toast).to_contain_text("This moment was erased")
    theirs.is_there()
    theirs.reads("Old words. New words.")
    eventually(ben.page, lambda: ben.page.url != looked_at, lambda: "the address of the moment that is shown")
    expect(theirs.timeline.get_by_text(re.compile("^What was before .* was erased.$"))).to_be_visible()
    ben.presses("Escape")
    theirs.is_closed()
    adds(ben, " Later.")
    ana.sees("Old words. New words. Later.")
    assert path in ben.page.url


def test_playing_ends_when_something_else_is_looked_at(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.starts_note("Plan")
    for word in ("one", " two", " three"):
        adds(ana, word)
        ana.page.wait_for_timeout(1100)
    assert ana.asks("POST", f"/api/documents/{ana.page.url.split('/')[4]}/versions", {"name": "Good", "seq": 1}).ok
    history = Reader(ana).opens()
    ana.page.get_by_role("button", name="Play from here").click()
    expect(ana.page.get_by_role("button", name="Stop")).to_be_visible()
    history.timeline.get_by_role("button", name=re.compile("^Good")).click()
    expect(ana.page.get_by_role("button", name="Play from here")).to_be_visible()
    expect(history.bar).to_contain_text("This is “Good”")
    history.reads("")
