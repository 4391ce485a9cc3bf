"""A large note, as years of typing leave it: written straight into the log, because nobody waits for 260,000 keys."""

import random
import time
from typing import Any

from pycrdt import Doc, XmlElement, XmlFragment, XmlText
from sqlalchemy import update
from sqlalchemy.orm import Session

from editor.database import connect
from editor.models import Client, Document, Entry
from sync.store import BEFORE_ALL, chain

OPERATIONS = 260_000
PARAGRAPHS = 400
OPERATIONS_OF_AN_ENTRY = 50
CLIENT = 4_242  # the Yjs client id that all of it was typed with
LETTERS = "etaoin shrdlu "


def write_large_note(database_url: str, document_id: str, user_id: int, seed: int = 1) -> int:
    """Give an empty note a log of 260,000 operations, one character put in or taken out each. Returns its length.

    Nobody may have the note open.
    """
    updates, length = _typed(random.Random(seed))
    before, now = BEFORE_ALL, time.time_ns() // 1_000_000
    entries = []
    for seq, change in enumerate(updates, start=1):
        before = chain(before, seq, user_id, 1, now, change)
        entries.append(
            Entry(document_id=document_id, seq=seq, user_id=user_id, session_id=1, time=now, update=change, hash=before)
        )
    with Session(connect(database_url)) as session, session.begin():
        session.add(Client(document_id=document_id, client_id=CLIENT, user_id=user_id))
        session.add_all(entries)
        head = update(Document).where(Document.id == document_id).values(head_seq=len(entries), head_hash=before)
        session.execute(head)
    return length


def _typed(chance: random.Random) -> tuple[list[bytes], int]:
    """The updates, and how many characters are left in the end."""
    doc: Doc[Any] = Doc(client_id=CLIENT)
    updates: list[bytes] = []
    kept = doc.observe(lambda event: updates.append(event.update))
    texts = [XmlText("") for _ in range(PARAGRAPHS)]
    body = doc.get("body", type=XmlFragment)
    with doc.transaction():
        for text in texts:
            body.children.append(XmlElement("paragraph", {}, [text]))
    lengths = [0] * PARAGRAPHS
    for _ in range(OPERATIONS // OPERATIONS_OF_AN_ENTRY):
        # The caret goes somewhere else, and stays there for an entry.
        which = chance.randrange(PARAGRAPHS)
        at = chance.randrange(lengths[which] + 1)
        with doc.transaction():
            for _ in range(OPERATIONS_OF_AN_ENTRY):
                if at and chance.random() < 0.1:
                    at -= 1
                    del texts[which][at]
                    lengths[which] -= 1
                else:
                    texts[which].insert(at, chance.choice(LETTERS))
                    at += 1
                    lengths[which] += 1
    doc.unobserve(kept)
    return updates, sum(lengths)
