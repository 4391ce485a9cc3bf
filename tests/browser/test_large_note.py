"""A note of 260,000 operations."""

from pathlib import Path

from tests.browser.conftest import Someone
from tests.browser.large import write_large_note
from tests.live import Server


def test_a_large_note_opens_and_what_is_typed_into_it_is_saved(
    own_server: Server, someone: Someone, tmp_path: Path
) -> None:
    ana, ben = someone("Ana").comes_as_guest(), someone("Ben").comes_as_guest()
    user_id = ana.asks("GET", "/api/me").json()["user"]["id"]
    created = ana.asks("POST", "/api/documents", {"title": ""}).json()
    path = f"/n/{created['id']}"
    length = write_large_note(f"sqlite:///{tmp_path}/data/palimpsest.sqlite", created["id"], user_id)

    ana.opens_note(path)
    ben.opens_note(ana.shares(path))
    assert ana.body.evaluate("element => element.editor.state.doc.textContent.length") == length
    for person in (ana, ben):
        person.goes_to_the_end()
        person.types(f"\n{person.name} writes at the end of it.")
    for person in (ana, ben):
        person.sees("Ana writes at the end of it.")
        person.sees("Ben writes at the end of it.")
        person.sees_saved()
    ana.opens(f"{path}?whole")
    ana.sees_kept("Ben writes at the end of it.")
