"""The notes of somebody: new, open, rename, delete, bring back."""

from playwright.sync_api import expect

from tests.browser.conftest import Someone
from tests.browser.person import Person


def row(person: Person, title: str) -> None:
    expect(person.page.get_by_role("link", name=title)).to_be_visible()


def chooses(person: Person, title: str, what: str) -> None:
    person.page.get_by_role("button", name=f"More for {title}").click()
    person.page.get_by_role("menuitem", name=what, exact=True).click()


def test_a_new_note_stands_in_the_list_with_its_title_and_beginning(someone: Someone) -> None:
    ana = someone("Ana").comes_as_guest()
    ana.opens("/")
    expect(ana.page.get_by_role("heading", name="Start a note")).to_be_visible()
    ana.page.get_by_role("main").get_by_role("button", name="New note").filter(visible=True).click()
    ana.sees_the_editor()
    ana.title.click()
    ana.page.keyboard.type("Shopping")
    ana.goes_to_the_end()
    ana.types("Bread, butter and tea")
    ana.sees_kept("Bread, butter and tea")
    ana.opens("/")
    row(ana, "Shopping")
    expect(ana.page.get_by_text("Bread, butter and tea")).to_be_visible()
    ana.page.get_by_role("link", name="Shopping").click()
    ana.sees("Bread, butter and tea")


def test_renaming_in_the_list_is_seen_by_whoever_has_the_note_open(someone: Someone) -> None:
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben").comes_as_guest()
    link = ana.shares(ana.starts_note("Before"))
    ana.sees_kept("Before")
    ben.opens_note(link)
    expect(ben.title).to_have_text("Before")
    ana.opens("/")
    chooses(ana, "Before", "Rename")
    ana.page.get_by_label("Title").fill("After")
    ana.page.get_by_role("button", name="Rename").click()
    row(ana, "After")
    expect(ben.title).to_have_text("After")


def test_who_has_a_note_open_that_is_deleted_is_told_and_its_owner_can_bring_it_back(someone: Someone) -> None:
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben").comes_as_guest()
    path = ana.starts_note("Precious")
    link = ana.shares(path)
    ana.sees_kept("Precious")
    ben.opens_note(link)
    expect(ana.page.locator(".faces-btn .face")).to_have_count(2)  # the text comes before he is let in
    ana.asks("DELETE", f"/api/documents/{path.split('/')[2]}")
    for person in (ana, ben):
        expect(person.page.get_by_text("This note was deleted")).to_be_visible()
    expect(ben.page.get_by_role("button", name="Load again")).to_have_count(0)
    ana.page.get_by_role("button", name="Load again").click()
    ana.page.get_by_role("button", name="Restore").click()
    ana.sees_the_editor()
    ben.page.get_by_role("button", name="Retry").click()
    expect(ben.page.get_by_text("This note was deleted")).to_have_count(0)
    ben.types("still here")
    ana.sees("still here")


def test_a_deleted_note_comes_back_with_undo(someone: Someone) -> None:
    ana = someone("Ana").comes_as_guest()
    ana.starts_note("Precious")
    ana.sees_kept("Precious")
    ana.opens("/")
    chooses(ana, "Precious", "Delete")
    expect(ana.page.get_by_role("link", name="Precious")).to_have_count(0)
    ana.page.get_by_role("button", name="Undo").click()
    row(ana, "Precious")


def test_the_bin_gives_back_and_forgets(someone: Someone) -> None:
    ana = someone("Ana").comes_as_guest()
    for title in ("Kept", "Forgotten"):
        ana.starts_note(title)
        ana.sees_kept(title)
        ana.opens("/")
        chooses(ana, title, "Delete")
        expect(ana.page.get_by_role("link", name=title)).to_have_count(0)
    ana.opens("/?view=bin")
    chooses(ana, "Kept", "Restore")
    expect(ana.page.get_by_text("Kept")).to_have_count(0)
    chooses(ana, "Forgotten", "Delete for good")
    ana.page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()
    expect(ana.page.get_by_role("heading", name="The bin is empty")).to_be_visible()
    ana.opens("/")
    row(ana, "Kept")


def test_deleting_a_note_ends_it_for_who_has_it_open(someone: Someone) -> None:
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben").comes_as_guest()
    path = ana.starts_note("Short-lived")
    ben.opens_note(ana.shares(path))
    ben.types("Ben was writing.")
    ana.sees("Ben was writing.")
    ana.page.get_by_role("button", name="More").click()
    ana.page.get_by_role("menuitem", name="Delete").click()
    expect(ana.page.get_by_text("Moved to the bin")).to_be_visible()
    expect(ben.page.get_by_role("button", name="Copy text")).to_be_visible()


def test_notes_are_found_by_their_words(someone: Someone) -> None:
    ana = someone("Ana").comes_as_guest()
    for title in ("Apples", "Pears"):
        ana.starts_note(title)
        ana.sees_kept(title)
    ana.opens("/")
    row(ana, "Pears")
    ana.page.get_by_role("searchbox", name="Find a note").fill("appl")
    row(ana, "Apples")
    expect(ana.page.get_by_role("link", name="Pears")).to_have_count(0)
    ana.page.get_by_role("searchbox", name="Find a note").fill("nothing like it")
    expect(ana.page.get_by_role("heading", name="Nothing found")).to_be_visible()
