"""What an owner erases is really gone: from the rows, from the file, and from the pages that have the note open."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select, text

from editor import sittings
from editor.content import schema
from editor.database import session
from editor.epochs import was_erased
from editor.erasing import erase_before, erase_pieces, keep_since
from editor.models import Act, Document, Entry, Setting, Sitting, Version, now
from editor.retention import Retention
from sync.blanks import BLANK, StillThere
from sync.compaction import compact
from sync.history import groups
from sync.packing import pack
from sync.peer import Peer, Refusal
from sync.store import BEFORE_ALL, chain
from tests.editor.conftest import Arrive, write
from tests.editor.past import edit, pieces


@pytest.fixture
def note(app: Flask, arrive: Arrive) -> Iterator[str]:
    """A note in which a word was written and deleted, then more was written; within an app context."""
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    write(app, note, 1, title="xyzzy-secret")
    edit(app, note, lambda doc: schema.title(doc).clear())
    write(app, note, 1, "Kept", title="Plans")
    with app.app_context():
        yield note


def tidy(app: Flask, note: str) -> None:
    """As the server does by itself after a while."""
    store = app.extensions["store"]
    session.execute(text("UPDATE document SET sitting_seq = head_seq"))
    session.commit()
    compact(store, note, schema.ROOTS)
    pack(store, note, schema.ROOTS)


def in_file(app: Flask, words: str) -> bool:
    """Whether these words are in the file of the database, or in what will be written into it."""
    folder = app.extensions["config"].data
    return any(words.encode() in file.read_bytes() for file in folder.glob("palimpsest.sqlite*"))


def test_history_before_a_moment_is_erased(app: Flask, note: str) -> None:
    rooms, store = app.extensions["rooms"], app.extensions["store"]
    session.add_all(
        [
            Version(document_id=note, seq=1, name="First", user_id=1, time=1),
            Version(document_id=note, seq=3, name="Third", user_id=1, time=1),
            Sitting(document_id=note, first_seq=1, last_seq=2, began=1, ended=1, people=[]),
            Sitting(document_id=note, first_seq=3, last_seq=3, began=1, ended=1, people=[]),
            Act(document_id=note, seq=2, kind="api", detail={}, user_id=1, time=1),
        ]
    )
    session.commit()
    epoch = store.status(note).epoch
    assert in_file(app, "xyzzy-secret")
    would = erase_before(rooms, store, note, 2, dry=True)
    assert (would.entries, would.versions, would.epoch) == (2, 1, epoch)
    assert store.status(note).first == 0

    erased = erase_before(rooms, store, note, 2)
    assert erased[:3] == would[:3]
    assert erased.epoch == store.status(note).epoch != epoch
    assert [was_erased(session, note, each) for each in (epoch, erased.epoch, "another")] == [True, False, False]
    assert not in_file(app, "xyzzy-secret")
    assert list(session.scalars(select(Version.seq))) == [3]
    assert list(session.scalars(select(Sitting))) == [], "they are summed up anew"
    sittings.catch_up(note)
    assert [(each.first_seq, each.last_seq) for each in session.scalars(select(Sitting))] == [(3, 3)]
    assert list(session.scalars(select(Act))) == []
    document = session.get_one(Document, note, populate_existing=True)
    assert (document.history_from, document.packed_seq) == (2, 2)
    state, seq, _ = rooms.read(note)
    assert seq == 3
    assert str(schema.title(schema.load(state))) == "Plans"
    write(app, note, 1, "More")
    tidy(app, note)
    assert [group.last for group in groups(store, note)][-1] == 4


@pytest.mark.parametrize("packed", [False, True])
def test_a_word_is_erased_from_all_of_history(app: Flask, note: str, packed: bool) -> None:
    rooms, store = app.extensions["rooms"], app.extensions["store"]
    wanted = pieces(store, note, "xyzzy-secret")
    present = rooms.read(note)
    if packed:
        tidy(app, note)
    would = erase_pieces(rooms, store, note, wanted, "xyzzy-secret", dry=True)
    assert (would.entries, would.versions, would.bytes) == (1, 0, 12)
    assert pieces(store, note, "xyzzy-secret") == wanted
    assert erase_pieces(rooms, store, note, wanted, "xyzzy-secret")[:3] == would[:3]
    assert not in_file(app, "xyzzy-secret")
    assert pieces(store, note, BLANK * 12) == wanted
    assert schema.title(schema.load(rooms.read(note)[0])).to_py() == schema.title(schema.load(present[0])).to_py()
    with pytest.raises(StillThere):
        erase_pieces(rooms, store, note, pieces(store, note, "Plans"), "Plans")


def test_whoever_has_the_note_open_gets_it_anew(app: Flask, note: str) -> None:
    rooms, store = app.extensions["rooms"], app.extensions["store"]
    told: list[Refusal] = []
    peer = Peer(lambda message, seq: None, told.append, 1, 1, 1, None, True)
    room = rooms.enter(note, peer)
    erased = erase_before(rooms, store, note, 2)
    assert [refusal.error for refusal in told] == ["moved"]
    assert room.closed
    assert rooms.enter(note, peer).epoch == erased.epoch


def test_the_server_looks_for_what_is_too_old_once_a_day(app: Flask, note: str) -> None:
    due: list[tuple[float, Callable[[], None]]] = []
    retention = Retention(app, lambda seconds, call: due.append((seconds, call)))
    retention.start()
    store = app.extensions["store"]
    session.execute(text("UPDATE document SET created = created - 864000000"))
    session.execute(text("UPDATE entry SET time = time - 864000000 WHERE seq = 1"))
    session.commit()
    due.pop()[1]()
    assert store.status(note).first == 0  # nobody wants it
    session.add(Setting(key="retention", value=9))
    session.commit()
    again, go = due.pop()
    assert again == 24 * 60 * 60
    go()
    assert store.status(note).first == 0  # its hash is wrong now: what is damaged is left as it is
    rehash(note)
    due.pop()[1]()
    assert store.status(note).first == 1
    assert len(due) == 1


def rehash(note: str) -> None:
    previous = BEFORE_ALL
    for entry in session.scalars(select(Entry).where(Entry.document_id == note).order_by(Entry.seq)):
        entry.hash = previous = chain(previous, entry.seq, entry.user_id, entry.session_id, entry.time, entry.update)
    session.get_one(Document, note).head_hash = previous
    session.commit()


def test_what_is_older_than_it_may_be_goes_and_nobody_notices(app: Flask, note: str) -> None:
    rooms, store = app.extensions["rooms"], app.extensions["store"]
    told: list[Refusal] = []
    room = rooms.enter(note, Peer(lambda message, seq: None, told.append, 1, 1, 1, None, True))
    assert keep_since(store, note, now() - 60_000) is None
    epoch = store.status(note).epoch
    erased = keep_since(store, note, now() + 1)
    assert erased is not None
    assert (erased.entries, erased.epoch) == (3, epoch)
    assert keep_since(store, note, now() + 1) is None
    assert not in_file(app, "xyzzy-secret")
    assert not told
    assert not room.closed
    write(app, note, 1, "More")
    assert [(group.first, group.last) for group in groups(store, note)] == [(1, 3), (4, 4)]
