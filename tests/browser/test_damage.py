"""A bit has turned over in the server's database: what people see of it, with the mouse and with the keyboard alone,
and how the note becomes whole again from a copy that somebody has."""

import re
import sqlite3

from playwright.sync_api import expect

from tests.browser.conftest import Someone
from tests.browser.person import Person, same
from tests.browser.reader import Reader
from tests.live import Server

DAMAGED = "A part of this note is damaged"


def says(person: Person, text: str) -> None:
    """One entry of theirs, at the end of the note."""
    person.goes_to_the_end()
    person.page.keyboard.insert_text(text)
    person.sees_saved()


def turn_a_bit(server: Server, path: str, *texts: str) -> list[int]:
    """In each of the entries that hold these texts. Which they are."""
    note = path.split("/")[2]
    with sqlite3.connect(server.data / "palimpsest.sqlite") as database:
        rows = database.execute('SELECT seq, "update" FROM entry WHERE document_id = ?', (note,)).fetchall()
        found = [(seq, update) for text in texts for seq, update in rows if text.encode() in update]
        assert len(found) == len(texts), [seq for seq, _ in rows]
        for seq, update in found:
            turned = update[:-1] + bytes([update[-1] ^ 1])
            database.execute('UPDATE entry SET "update" = ? WHERE document_id = ? AND seq = ?', (turned, note, seq))
    database.close()
    return [seq for seq, _ in found]


def ana_and_ben(someone: Someone) -> tuple[Person, Person, str]:
    """They have written in turns; both have the note open."""
    ana, ben = someone("Ana").signs_up(), someone("Ben").comes_as_guest()
    path = ana.starts_note("Plan")
    says(ana, "One.")
    link = ana.shares(path)
    assert ana.asks("PUT", f"/api/documents/{path.split('/')[2]}/share", {"history": True}).ok
    ben.opens_note(link)
    says(ben, " Two.")
    ana.sees("One. Two.")
    says(ana, " Three.")
    ben.sees("One. Two. Three.")
    return ana, ben, path


def test_the_history_says_what_is_damaged_and_shows_the_rest(own_server: Server, someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone)
    (seq,) = turn_a_bit(own_server, path, " Two.")
    history = Reader(ana).opens()
    told = ana.page.locator(".past [role=status]").filter(has_text="damaged")
    expect(told).to_have_text(
        f"Entry {seq} is damaged and cannot be shown. "
        "What it left in the note is there; who wrote it, and when, is not known."
    )
    history.picks("Whole history")
    history.reads("One. Two. Three.")
    history.paper.locator("ins", has_text="Two.").click()
    expect(history.card).to_contain_text("Somebody in damaged entries wrote this")
    expect(history.card).to_contain_text("Nobody knows who, and when")
    ana.presses("Escape")

    history.slider.focus()
    ana.presses("End")
    history.reads("One. Two. Three.")
    ana.presses("ArrowLeft")
    history.reads("One. Two.")
    ana.presses("ArrowLeft")
    history.reads("One.")
    assert ana.barriers() == []

    row = history.timeline.get_by_role("button", name=re.compile("is damaged and cannot be shown"))
    row.focus()
    ana.presses("Enter")
    expect(history.paper.locator("ins")).to_have_text(" Two.")
    expect(history.paper.locator("ins")).not_to_have_attribute("data-author", re.compile("[1-9]"))
    expect(row).to_have_attribute("aria-current", "true")

    # What is damaged can be taken back like anything else, and undone.
    ana.presses("j")
    history.card.get_by_role("button", name="Take out").click()
    ana.sees_saved()
    ben.sees("One. Three.")
    history.toast.get_by_role("button", name="Undo").click()
    ben.sees("One. Two. Three.")


def test_who_wrote_what_is_damaged_is_not_known(own_server: Server, someone: Someone) -> None:
    ana, _, path = ana_and_ben(someone)
    turn_a_bit(own_server, path, " Two.")
    ana.presses("Control+Alt+b")
    row = ana.page.locator(".share-row", has_text="Somebody in damaged entries")
    expect(row).to_contain_text("5 characters")
    expect(ana.page.locator(".past [role=status]").filter(has_text="damaged")).to_be_visible()
    ana.page.locator(".past .by[tabindex]").focus()  # the title
    ana.presses("ArrowRight")
    ana.presses("ArrowRight")
    expect(ana.page.locator(".tip")).to_have_text("Somebody in damaged entries Nobody knows who, and when")
    expect(ana.page.locator(".sr[role=status]")).to_contain_text(
        "Somebody in damaged entries, Nobody knows who, and when: Two."
    )
    row.click()
    expect(ana.page.locator(".past-body:not([hidden]) .by")).to_have_text([" Two."])
    assert ana.barriers() == []


def test_a_moment_among_damaged_entries_is_not_shown(own_server: Server, someone: Someone) -> None:
    ana, _, path = ana_and_ben(someone)
    first, last = turn_a_bit(own_server, path, " Two.", " Three.")
    says(ana, " Four.")
    history = Reader(ana).opens()
    expect(ana.page.locator(".past [role=status]").filter(has_text="damaged")).to_contain_text(
        f"Entries {first} to {last} are damaged and cannot be shown."
    )
    ana.opens(f"{path}/history?at={first}")
    history.is_there()
    expect(history.toast).to_contain_text(f"Entries {first} to {last} are damaged and cannot be shown")
    history.reads("One. Two. Three.")
    history.slider.focus()
    ana.presses("ArrowLeft")
    history.reads("One.")
    ana.presses("ArrowRight")
    history.reads("One. Two. Three.")
    # It gets no name, which is said; a whole one does.
    answer = ana.asks("POST", f"/api/documents/{path.split('/')[2]}/versions", {"name": "x", "seq": first})
    assert (answer.status, answer.json()["type"]) == (409, "damaged")
    ana.presses("End")
    history.reads("One. Two. Three. Four.")


def test_a_note_that_is_damaged_can_be_read_until_somebody_repairs_it_by_opening_it(
    own_server: Server, someone: Someone
) -> None:
    ana, ben, path = ana_and_ben(someone)
    ana.keeps_the_note()
    ana.opens("/")
    ben.opens("/")
    own_server.kill()
    (seq,) = turn_a_bit(own_server, path, " Two.")
    own_server.start()

    late = someone("Cleo").comes_as_guest()
    late.opens(late_link(ana, path))
    band = late.page.get_by_role("alert").filter(has_text=DAMAGED)
    expect(band).to_contain_text(f"Entry {seq} of this note is damaged in the server's database.")
    expect(band).to_contain_text("What you see is the note as it was before that.")
    expect(late.page.locator("article.note")).to_contain_text("One.")
    expect(late.page.locator("article.note")).not_to_contain_text("Two.")
    assert late.page.locator("[contenteditable=true]").count() == 0
    assert late.barriers() == []

    history = Reader(late).opens()
    expect(late.page.locator(".past [role=status]").filter(has_text="damaged")).to_have_text(
        f"Entry {seq} is damaged and cannot be shown, and neither can what came after."
    )
    history.slider.focus()
    late.presses("End")
    history.reads("One.")
    late.presses("Escape")
    expect(band).to_be_visible()

    # Who owns the note has all of it on their device.
    ana.opens_note(path)
    ana.sees("One. Two. Three.")
    expect(ana.page.get_by_text(DAMAGED)).to_have_count(0)
    ana.sees_saved()
    says(ana, " Four.")
    expect(band).to_have_count(0)
    late.sees("One. Two. Three. Four.")
    says(late, " Five.")
    ana.sees("One. Two. Three. Four. Five.")

    history = Reader(late).opens()
    expect(late.page.locator(".past [role=status]").filter(has_text="damaged")).to_contain_text(
        "What it left in the note is from a copy that Ana had; who wrote it, and when, is not known."
    )
    history.reads("One. Two. Three. Four. Five.")


def late_link(person: Person, path: str) -> str:
    answer = person.asks("GET", f"/api/documents/{path.split('/')[2]}/share")
    return str(answer.json()["share"]["url"])


def test_people_who_have_the_note_open_repair_it_without_noticing(own_server: Server, someone: Someone) -> None:
    ana, ben, path = ana_and_ben(someone)
    turn_a_bit(own_server, path, " Two.")
    own_server.kill()
    ben.types(" Offline.")
    own_server.start()
    ana.sees("One. Two. Three. Offline.")
    ben.sees_saved()
    says(ana, " Four.")
    ben.sees("Four.")
    same(ana, ben)
    expect(ana.page.get_by_text(DAMAGED)).to_have_count(0)
    ana.sees_kept("Two. Three. Offline.")
