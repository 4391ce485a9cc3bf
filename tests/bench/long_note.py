"""A note as years of typing leave it, each keystroke an entry: written straight into the log, because nobody waits for
260,000 keys."""

import random
from collections.abc import Iterator
from typing import Any

from pycrdt import Doc, XmlElement, XmlFragment, XmlText
from sqlalchemy import Engine

from editor.log_sqlite import SqliteLog
from editor.log_writer import Work, write
from sync.store import Change

PARAGRAPHS = 400
AT_ONCE = 1000  # entries of one commit
LETTERS = "etaoin shrdlu "
KEY = 200  # milliseconds between two keystrokes
LONGEST_TURN = 60  # keystrokes, before the caret goes elsewhere, and perhaps somebody else types
LONGEST_SITTING = 4000  # keystrokes, before everybody goes away for hours


class _Writer:
    """One of those who write the note, with a doc of their own."""

    def __init__(self, user_id: int, client_id: int) -> None:
        self.user_id = user_id
        self.doc: Doc[Any] = Doc(client_id=client_id)
        self.body = self.doc.get("body", type=XmlFragment)
        self.updates: list[bytes] = []
        self._kept = self.doc.observe(lambda event: self.updates.append(event.update))

    def text(self, paragraph: int) -> XmlText:
        element = self.body.children[paragraph]
        assert isinstance(element, XmlElement)
        text = element.children[0]
        assert isinstance(text, XmlText)
        return text

    def taken(self) -> bytes:
        """The update of what was just done."""
        (update,) = self.updates
        self.updates.clear()
        return update


def write_long_note(
    engine: Engine, document_id: str, user_ids: list[int], operations: int, until: int, seed: int = 1
) -> None:
    """Give an empty note on SQLite a log of so many entries, the last one at `until` (milliseconds since 1970).

    Nobody may have the note open.
    """
    log = SqliteLog(engine)
    changes: list[Change] = []
    # The times are made from the first one on; the last one is to be `until`.
    made = list(_changes(random.Random(seed), user_ids, operations))
    shift = until - made[-1].time
    for change in made:
        changes.append(change._replace(time=change.time + shift))
        if len(changes) == AT_ONCE:
            write(log, [Work(document_id, changes)])
            changes = []
    if changes:
        write(log, [Work(document_id, changes)])
    log.close()


def _changes(chance: random.Random, user_ids: list[int], operations: int) -> Iterator[Change]:
    writers = [_Writer(user_id, 4_000_000 + 1_000 * user_id) for user_id in user_ids]
    lengths = [0] * PARAGRAPHS
    now = 0
    first = writers[0]
    with first.doc.transaction():
        for _ in range(PARAGRAPHS):
            first.body.children.append(XmlElement("paragraph", {}, [XmlText("")]))
    yield _change(first, writers, now, True, 0, 0)
    seen = {first.user_id}
    sitting = turn = 0
    writer, paragraph, at, text = first, 0, 0, first.text(0)
    for _ in range(operations - 1):
        if not sitting:
            sitting = chance.randint(200, LONGEST_SITTING)
            now += chance.randint(1, 30) * 3_600_000
        if not turn:
            turn = chance.randint(1, LONGEST_TURN)
            writer, paragraph = chance.choice(writers), chance.randrange(PARAGRAPHS)
            at, text = chance.randrange(lengths[paragraph] + 1), writer.text(paragraph)
        sitting, turn, now = sitting - 1, turn - 1, now + KEY
        put = not at or chance.random() >= 0.2
        if put:
            text.insert(at, chance.choice(LETTERS))
        else:
            del text[at - 1]
        at += 1 if put else -1
        lengths[paragraph] += 1 if put else -1
        yield _change(writer, writers, now, writer.user_id not in seen, int(put), int(not put))
        seen.add(writer.user_id)


def _change(writer: _Writer, writers: list[_Writer], now: int, new: bool, inserted: int, deleted: int) -> Change:
    update = writer.taken()
    for other in writers:
        if other is not writer:
            other.doc.apply_update(update)
            other.updates.clear()
    clients = (writer.doc.client_id,) if new else ()
    return Change(update, writer.user_id, writer.user_id, now, clients, inserted, deleted)
