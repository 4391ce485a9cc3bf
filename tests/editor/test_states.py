"""The note as it is now, for a page that has no copy of it."""

import gzip

from flask import Flask

from editor.content import schema, text
from tests.editor.conftest import Arrive, Visitor, write


def words(state: bytes) -> str:
    return text.to_text(schema.body(schema.load(state)))


def test_the_whole_note_comes_in_one_answer(app: Flask, ada: Visitor) -> None:
    note = ada.new_note(title="Plans")
    for number in range(3):
        write(app, note, 1, f"Line {number}")
        answer = ada.get(f"/api/documents/{note}/state")
        assert words(answer.data) == "\n".join(f"Line {each}" for each in range(number + 1))
        document = ada.ask("GET", f"/api/documents/{note}")
        assert answer.headers["X-Epoch"] == document["epoch"]
        assert answer.headers["X-Seq"] == str(number + 2), "the title is the first entry"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.content_type == "application/octet-stream"


def test_a_large_one_comes_compressed_to_those_who_understand(app: Flask, ada: Visitor) -> None:
    note = ada.new_note()
    write(app, note, 1, *[f"Line {number}" for number in range(1000)])
    plain = ada.get(f"/api/documents/{note}/state")
    zipped = ada.get(f"/api/documents/{note}/state", headers={"Accept-Encoding": "gzip"})
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.data) == plain.data
    assert "Content-Encoding" not in plain.headers
    assert len(zipped.data) < len(plain.data) / 2


def test_who_may_not_open_the_note_gets_no_state_of_it(app: Flask, arrive: Arrive, ada: Visitor) -> None:
    note = ada.new_note()
    write(app, note, 1, "Secret")
    address = f"/api/documents/{note}/state"
    bob = arrive()
    bob.sign_up("Bob")
    assert bob.get(address).status_code == 404
    link = ada.share(note, "viewer")
    assert bob.get(address).status_code == 404, "the link has not been opened"
    bob.get(link)
    assert words(bob.get(address).data) == "Secret"
    reader = arrive()
    reader.get(link)
    assert words(reader.get(address).data) == "Secret"
    ada.ask("DELETE", f"/api/documents/{note}", 204)
    assert bob.get(address).status_code == 404
    assert ada.get(address).status_code == 409, "it is in the bin"
