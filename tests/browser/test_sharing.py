"""A link lets others in; what its owner changes holds at once, also for those who are in already."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Someone
from tests.browser.person import Person, same


def test_who_gets_the_link_reads_first_then_says_a_name_and_writes(someone: Someone) -> None:
    ana, ben = someone("Ana", permissions=["clipboard-read", "clipboard-write"]).signs_up(), someone("Ben")
    ana.starts_note("Picnic")
    ana.types("Bring salad. ")
    ana.page.get_by_role("button", name="Share").click()
    ana.page.get_by_role("switch", name="Anyone with the link").check()
    ana.page.get_by_role("button", name="Copy link").click()
    link = ana.page.evaluate("navigator.clipboard.readText()")
    assert link == ana.page.get_by_role("textbox", name="Link").input_value()
    ana.page.get_by_role("button", name="Close").click()

    ben.opens(link)
    ben.sees("Bring salad.")
    asked = ben.page.get_by_role("dialog", name="What should others call you?")
    asked.get_by_label("Your name").fill("Ben")
    asked.get_by_role("button", name="Join the note").click()
    expect(asked).to_be_hidden()
    expect(ben.page.get_by_role("button", name=re.compile("Ben \\(you\\)"))).to_be_visible()
    ben.goes_to_the_end()
    ben.types("I bring bread.")
    ana.sees("Bring salad. I bring bread.")
    expect(ana.page.locator(".caret-name")).to_have_text("Ben")


def test_a_reader_without_a_name_sees_what_is_written(someone: Someone) -> None:
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben")
    link = ana.shares(ana.starts_note(), "viewer")
    ana.types("Read this. ")
    ben.opens(link)
    ben.sees("Read this.")
    expect(ben.state).to_have_text("Read only")
    expect(ben.body).to_have_attribute("contenteditable", "false")
    ana.types("And this.")
    ben.sees("Read this. And this.")


def test_a_writer_becomes_a_reader_without_loading_the_page_again(someone: Someone) -> None:
    ana, ben = _with_guest(someone)
    ben.types("Ben may write. ")
    ana.sees("Ben may write.")
    ben.sees_saved()
    ana.shares(_path(ana), "viewer")
    expect(ben.state).to_have_text("Read only")
    expect(ben.body).to_have_attribute("contenteditable", "false")
    ana.shares(_path(ana), "editor")
    expect(ben.body).to_have_attribute("contenteditable", "true")
    ben.goes_to_the_end()
    ben.types("Ben may write again.")
    ana.sees("Ben may write. Ben may write again.")
    same(ana, ben)


def test_who_loses_access_keeps_what_they_see_to_copy(someone: Someone) -> None:
    ana, ben = _with_guest(someone, permissions=["clipboard-read", "clipboard-write"])
    ben.types("All of this is mine. ")
    ana.sees("All of this is mine.")
    answer = ana.asks("DELETE", f"/api/documents/{_path(ana).split('/')[2]}/share")
    assert answer.status == 204
    ben.page.get_by_role("button", name="Copy text").click()
    assert "All of this is mine." in ben.page.evaluate("navigator.clipboard.readText()")
    ana.types("Ben does not see this.")
    ana.sees_kept("Ben does not see this.")
    expect(ben.page.get_by_text("Ben does not see this.")).to_have_count(0)


def test_what_was_never_sent_can_be_copied_when_the_note_is_not_there_any_more(someone: Someone) -> None:
    ana, ben = _with_guest(someone, permissions=["clipboard-read", "clipboard-write"])
    ben.types("Sent. ")
    ana.sees("Sent.")
    ben.keeps_the_note()
    ben.context.set_offline(True)
    ben.types("Never sent.")
    expect(ben.state).to_have_text(re.compile("kept on this device"))
    ben.page.close()
    ana.asks("DELETE", f"/api/documents/{_path(ana).split('/')[2]}/share")
    ben.context.set_offline(False)
    ben.page = ben.context.new_page()
    ben.excuses("status of 404")
    ben.opens(_path(ana))
    expect(ben.page.get_by_text("11 edits of yours may never have reached the server.")).to_be_visible()
    ben.page.get_by_role("button", name="Copy text").click()
    assert ben.page.evaluate("navigator.clipboard.readText()") == "Sent. Never sent."
    assert not ben.barriers()
    ben.page.get_by_role("button", name="Let it go").click()
    expect(ben.page.get_by_text("Nothing of this note is on this device any more")).to_be_visible()
    ben.page.reload()
    expect(ben.page.get_by_role("heading", name="There is no note here for you")).to_be_visible()
    expect(ben.page.get_by_role("button", name="Copy text")).to_have_count(0)


def test_a_revoked_link_opens_nothing(someone: Someone) -> None:
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben")
    link = ana.shares(ana.starts_note())
    ana.asks("DELETE", f"/api/documents/{_path(ana).split('/')[2]}/share")
    ben.excuses("status of 404")
    answer = ben.opens(link)
    assert answer is not None
    assert answer.status == 404
    expect(ben.page.get_by_role("heading", name="There is no note here for you")).to_be_visible()


def test_a_guest_who_signs_up_keeps_their_notes(someone: Someone) -> None:
    guest = someone("Gil").comes_as_guest()
    path = guest.starts_note("Written as a guest")
    guest.types("Still mine.")
    guest.sees_kept("Still mine.")
    guest.opens("/signup")
    page = guest.page
    page.get_by_label("E-mail").fill(guest.email)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Make the account").click()
    page.get_by_role("link", name="Written as a guest").click()
    guest.sees("Still mine.")
    assert page.url.endswith(path)
    guest.goes_to_the_end()
    guest.types(" And I write on.")
    guest.sees_kept("Still mine. And I write on.")


def test_changing_the_role_in_the_dialog_changes_it(someone: Someone) -> None:
    ana, ben = someone("Ana").signs_up(), someone("Ben").comes_as_guest()
    ben.opens_note(ana.shares(ana.starts_note()))
    ana.page.reload()
    ana.sees_the_editor()
    ana.page.get_by_role("button", name="Share").click()
    ana.page.get_by_role("combobox", name="What people with the link can do").select_option("viewer")
    expect(ben.state).to_have_text("Read only")
    ana.page.get_by_role("button", name="Revoke this link").click()
    expect(ben.page.get_by_role("button", name="Copy text")).to_be_visible()
    expect(ana.page.get_by_role("switch", name="Anyone with the link")).not_to_be_checked()


def _with_guest(someone: Someone, **options: object) -> tuple[Person, Person]:
    """Ana, and Ben who came through her link and has the caret in her note."""
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben", **options).comes_as_guest()
    ben.opens_note(ana.shares(ana.starts_note()))
    ben.goes_to_the_end()
    return ana, ben


def _path(person: Person) -> str:
    return str(person.page.evaluate("location.pathname"))
