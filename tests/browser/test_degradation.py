"""The database is away, the disk full, the laptop asleep, the session over: people keep typing, and nothing is lost."""

import re
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psutil
from playwright.sync_api import expect

from tests.browser.conftest import Someone
from tests.browser.person import Person, same
from tests.browser.test_accounts import signs_in
from tests.live import Server

NOT_SAVED = re.compile("^Not saved: the server could not store it, trying again")


def ana_and_ben(someone: Someone) -> tuple[Person, Person]:
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben").comes_as_guest()
    ben.opens_note(ana.shares(ana.starts_note()))
    ana.types("Before. ")
    ben.sees("Before.")
    ana.sees_saved()
    return ana, ben


@contextmanager
def locked(server: Server) -> Iterator[None]:
    """Somebody else writes to the database for as long."""
    path = server.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def full(server: Server) -> Iterator[None]:
    """The system takes not a byte more in any file."""
    workers = psutil.Process(server.pid).children()
    for worker in workers:
        worker.rlimit(psutil.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    for worker in workers:
        worker.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_while_the_database_is_held_people_see_that_it_is_being_saved(own_server: Server, someone: Someone) -> None:
    ana, ben = ana_and_ben(someone)
    with locked(own_server):
        ana.types("During. ")
        expect(ana.state).to_have_text("Saving…")
        ana.sees("Before. During.")
        assert "During" not in ben.text(), "what is not durable is shown to nobody"
    ana.sees_saved()
    ben.sees("Before. During.")
    same(ana, ben)


def test_while_the_disk_is_full_people_see_why_it_is_not_saved(own_server: Server, someone: Someone) -> None:
    ana, ben = ana_and_ben(someone)
    with full(own_server):
        ana.types("During. ")
        expect(ana.state).to_have_text(NOT_SAVED)
        ana.types("More. ")
        ana.sees("Before. During. More.")
        assert "During" not in ben.text()
    ana.sees_saved()
    ben.sees("Before. During. More.")
    same(ana, ben)


def test_a_laptop_that_sleeps_wakes_up_to_what_happened_meanwhile(own_server: Server, someone: Someone) -> None:
    ana, ben = ana_and_ben(someone)
    ana.types("Last words.")
    ana.sees_saved()
    devtools = ana.context.new_cdp_session(ana.page)
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    # While it sleeps the server does not keep its connection.
    own_server.kill()
    own_server.start()
    ben.goes_to_the_end()
    ben.types(" While she slept.")
    ben.sees_saved()
    devtools.send("Page.setWebLifecycleState", {"state": "active"})
    ana.sees("Last words. While she slept.")
    ana.types(" Awake.")
    ben.sees("Awake.")
    same(ana, ben)


def test_two_tabs_of_one_person_write_with_and_without_a_network(someone: Someone) -> None:
    ana = someone("Ana").comes_as_guest()
    path = ana.starts_note()
    ana.types("First tab.\n")
    ana.sees_saved()
    other = Person(ana.context, "Ana", ana.server)
    other.opens_note(path)
    other.sees("First tab.\n")
    ana.context.set_offline(True)
    for tab, words in ((ana, "One. "), (other, "Two. ")):
        expect(tab.state).to_have_text(re.compile("Offline|Reconnecting"))
        tab.goes_to_the_end()
        tab.types(words)
    ana.context.set_offline(False)
    for tab in (ana, other):
        tab.sees("One.")
        tab.sees("Two.")
        tab.sees_saved()
    same(ana, other)
    assert (ana.text().count("One."), ana.text().count("Two.")) == (1, 1)


def test_who_is_signed_out_elsewhere_signs_in_again_and_loses_nothing(someone: Someone) -> None:
    ana = someone("Ana").signs_up()
    ana.starts_note("Plan")
    ana.types("Before. ")
    ana.sees_saved()
    elsewhere = someone("Ana")
    elsewhere.email = ana.email
    elsewhere.opens("/signin")
    signs_in(elsewhere)
    expect(elsewhere.page.get_by_role("button", name="Ana")).to_be_visible()
    ana.context.set_offline(True)
    ana.types("Not sent yet.")
    expect(ana.state).to_have_text(re.compile("Offline|Reconnecting"))
    changed = elsewhere.asks(
        "POST",
        "/api/auth/change",
        {
            "password": "correct horse battery",
            "new_password": "another horse battery",
            "new_password_confirm": "another horse battery",
        },
    )
    assert changed.ok
    ana.context.set_offline(False)
    expect(ana.page.get_by_text("You are not signed in any more.")).to_be_visible()
    ana.sees("Before. Not sent yet.")
    ana.page.get_by_role("link", name="Sign in").first.click()
    signs_in(ana, "another horse battery")
    ana.sees_the_editor()
    ana.sees("Before. Not sent yet.")
    ana.sees_saved()
    ana.sees_kept("Before. Not sent yet.")
