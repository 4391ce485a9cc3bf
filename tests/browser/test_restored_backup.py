"""An older backup is restored under people: what they have that is newer is offered, not merged and not deleted."""

from pathlib import Path

from playwright.sync_api import expect

from editor.config import Config
from tests.browser.conftest import Someone
from tests.browser.person import Person
from tests.editor.conftest import SECRET
from tests.editor.test_cli import palimpsest
from tests.live import Server


def operator(server: Server, *arguments: str) -> str:
    return palimpsest(Config(data=server.data, database_url="", secret_key=SECRET), *arguments)


def is_offered_a_newer_copy(person: Person, text: str) -> None:
    """What they had is still before them, and apart on the device when they go on with the note."""
    band = person.page.get_by_role("alert").filter(has_text="older copy of this note")
    expect(band).to_contain_text("It is kept apart on this device")
    person.sees(text)
    assert person.barriers() == []
    band.get_by_role("button", name="Load again").click()
    person.sees_the_editor()
    offer = person.page.get_by_role("alert").filter(has_text="is kept apart on this device")
    offer.get_by_role("button", name="Copy my text").click()
    assert text in person.page.evaluate("navigator.clipboard.readText()")


def test_the_copy_on_a_device_is_offered_after_an_older_backup_was_restored(
    someone: Someone, own_server: Server, tmp_path: Path
) -> None:
    ana = someone("Ana", permissions=["clipboard-read", "clipboard-write"]).signs_up()
    path = ana.starts_note("Plans")
    ben = someone("Ben").signs_up()
    ben.opens_note(ana.shares(path))
    away = someone("Cy", permissions=["clipboard-read", "clipboard-write"]).signs_up()
    away.opens_note(ana.shares(path))
    ana.types("Before the backup.")
    ana.sees_saved()
    ben.sees("Before the backup.")
    file = tmp_path / "backup.sqlite"
    assert "1 notes" in operator(own_server, "backup", str(file))

    ana.types(" Written after it.")
    ana.sees_saved()
    ben.sees("Written after it.")
    away.sees("Written after it.")
    away.types(" Said Cy.")
    away.sees_saved()
    ana.sees("Said Cy.")
    # The device keeps it, and nobody looks.
    away.context.set_offline(True)
    expect(away.state).to_have_text("Offline – all edits saved")
    away.page.goto("about:blank")
    away.context.set_offline(False)
    away.excuses("status of 404")  # what they had looked at is not there any more when they tell it

    ana.context.set_offline(True)
    ana.types(" And more")
    assert "What was there is in" in operator(own_server, "restore", str(file), "--force")
    ana.context.set_offline(False)
    is_offered_a_newer_copy(ana, "Before the backup. Written after it. Said Cy. And more")
    ana.sees("Before the backup.")
    ana.sees_no("Written after it.")

    is_offered_a_newer_copy_later(away, path)

    # The note goes on from the backup, and nothing of the newer copies gets into it.
    ana.types(" Anew.")
    ana.sees_saved()
    ben.page.get_by_role("button", name="Load again").click()
    ben.sees("Before the backup. Anew.")
    ben.sees_no("Written after it.")
    assert "all is well" in operator(own_server, "check")
    # What lies apart stays until somebody lets it go.
    ana.opens_note(path)
    offer = ana.page.get_by_role("alert").filter(has_text="is kept apart on this device")
    expect(offer).to_be_visible()
    offer.get_by_role("button", name="Let it go").click()
    expect(offer).to_have_count(0)


def is_offered_a_newer_copy_later(person: Person, path: str) -> None:
    """They come back to a note that they had not open meanwhile."""
    person.opens_note(path)
    is_offered_a_newer_copy(person, "Written after it. Said Cy.")
    person.sees("Before the backup.")
    person.sees_no("Said Cy.")


def test_nothing_is_offered_where_the_backup_has_all_that_the_device_has(
    someone: Someone, own_server: Server, tmp_path: Path
) -> None:
    ana = someone("Ana").signs_up()
    ana.starts_note("Plans")
    ana.types("All of it.")
    ana.sees_saved()
    file = tmp_path / "backup.sqlite"
    operator(own_server, "backup", str(file))
    operator(own_server, "restore", str(file), "--force")
    ana.page.get_by_role("button", name="Load again").click()
    ana.sees("All of it.")
    ana.types(" And more.")
    ana.sees_saved()
    expect(ana.page.get_by_role("alert").filter(has_text="apart on this device")).to_have_count(0)
