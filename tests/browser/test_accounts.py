"""Sign up, sign in, sign out, change the password."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Someone
from tests.browser.person import Person
from tests.live import Server

PASSWORD = "correct horse battery"


def signs_in(person: Person, password: str = PASSWORD) -> None:
    person.page.get_by_label("E-mail").fill(person.email)
    person.page.get_by_label("Password").fill(password)
    person.page.get_by_role("button", name="Sign in").click()


def test_somebody_signs_up_out_and_in_again(someone: Someone) -> None:
    ana = someone("Ana")
    ana.opens("/signup")
    page = ana.page
    page.get_by_label("Name").fill(ana.name)
    page.get_by_label("E-mail").fill(ana.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    page.get_by_role("button", name=ana.name).click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Start a note")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    signs_in(ana)
    expect(page.get_by_role("button", name=ana.name)).to_be_visible()


def test_a_wrong_password_is_told_and_can_be_mended(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.asks("POST", "/api/auth/logout", {})
    ana.excuses("status of 401")
    ana.opens("/signin")
    signs_in(ana, "wrong horse battery")
    expect(ana.page.get_by_text("This e-mail and this password do not belong together.")).to_be_visible()
    signs_in(ana)
    expect(ana.page.get_by_role("button", name=ana.name)).to_be_visible()


def test_what_is_wrong_with_a_sign_up_stands_beside_the_field(someone: Someone) -> None:
    ana, other = someone("Ana").signs_up(), someone("Other")
    other.excuses("status of 4")
    other.opens("/signup")
    page = other.page
    page.get_by_label("Name").fill("Other")
    page.get_by_label("E-mail").fill(ana.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    said = re.compile("^There is an account with this e-mail")
    expect(page.get_by_label("E-mail")).to_have_accessible_description(said)


def test_a_changed_password_is_the_one_that_counts(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.opens("/settings")
    page = ana.page
    page.get_by_label("Your password now").fill(PASSWORD)
    page.get_by_label("New password").fill("another horse battery")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Password changed. You are signed out everywhere else.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Start a note")).to_be_visible()
    ana.excuses("status of 401")
    ana.opens("/signin")
    signs_in(ana)
    expect(page.get_by_text("This e-mail and this password do not belong together.")).to_be_visible()
    signs_in(ana, "another horse battery")
    expect(page.get_by_role("button", name=ana.name)).to_be_visible()


def test_signing_out_in_one_tab_ends_the_note_in_another(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.starts_note("Private")
    ana.types("For me only")
    ana.sees_kept("For me only")
    answer = ana.asks("POST", "/api/auth/logout", {})
    assert answer.ok
    expect(ana.page.get_by_role("link", name="Sign in").first).to_be_visible()


def test_a_session_that_has_ended_is_nobodys_also_if_its_cookie_comes_back(someone: Someone) -> None:
    """With an answer that was still under way when she signed out, for instance."""
    ana = someone("Ana").signs_up()
    ana.starts_note("Private")
    ana.types("For me only")
    ana.sees_kept("For me only")
    before = ana.context.cookies()
    assert ana.asks("POST", "/api/auth/logout", {}).ok
    ana.context.add_cookies(before)  # type: ignore[arg-type]
    expect(ana.page.get_by_role("link", name="Sign in").first).to_be_visible()


def test_what_a_guest_wrote_offline_is_there_after_they_sign_in_to_an_account(someone: Someone) -> None:
    account, gil = someone("Gil").signs_up(), someone("Gil").comes_as_guest()
    path = gil.starts_note()
    gil.types("Sent. ")
    gil.sees_kept("Sent.")
    gil.context.set_offline(True)
    gil.types("Never sent.")
    expect(gil.state).to_have_text(re.compile("kept on this device"))
    gil.page.close()
    gil.context.set_offline(False)
    gil.page = gil.context.new_page()
    gil.opens(f"/signin?next={path}")
    gil.email = account.email
    signs_in(gil)
    gil.sees_the_editor()
    gil.sees("Sent. Never sent.")
    gil.sees_kept("Sent. Never sent.")


def test_signing_out_takes_the_notes_off_the_device_whatever_the_network_does(someone: Someone) -> None:
    ana = someone("Ana", service_workers="block").signs_up()
    ana.excuses("Service Worker registration blocked")
    ana.starts_note("Secret")
    ana.types("For me only")
    ana.sees_kept("For me only")
    page = ana.page
    kept = "async () => (await indexedDB.databases()).length + localStorage.length"
    assert page.evaluate(kept) > 0
    ana.keeps_the_note()
    ana.opens("/")
    expect(page.get_by_role("link", name="Secret")).to_be_visible()
    page.get_by_role("button", name=ana.name).click()
    # From now on no more of the page can be fetched, and the answer does not come back.
    page.route("**/assets/**", lambda route: route.abort())
    page.route("**/api/auth/logout", lambda route: (route.fetch(), route.abort()))
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_text("The server did not answer.")).to_be_visible()
    assert page.evaluate(kept) == 0


def test_settings_for_everybody_are_the_administrators(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.opens("/settings")
    expect(ana.page.get_by_role("heading", name="Your account")).to_be_visible()
    expect(ana.page.get_by_role("switch", name="Guests may write")).to_have_count(0)


def test_the_administrator_decides_how_long_history_is_kept(own_server: Server, someone: Someone) -> None:
    ana = someone("Ana").signs_up()  # the first account
    ana.opens("/settings")
    kept = ana.page.get_by_role("combobox", name="How long history is kept")
    expect(kept).to_have_value("null")
    kept.select_option("a year")
    asked = ana.page.get_by_role("dialog", name="Erase history older than 365 days?")
    asked.get_by_role("button", name="Cancel").click()
    expect(kept).to_have_value("null")
    kept.select_option("a year")
    asked.get_by_role("button", name="Keep 365 days").click()
    expect(ana.page.get_by_text("Settings saved")).to_be_visible()
    ana.page.reload()
    expect(kept).to_have_value("365")
    kept.select_option("for ever")
    expect(ana.page.get_by_text("Settings saved")).to_be_visible()
    assert ana.asks("GET", "/api/settings").json()["retention"] is None
