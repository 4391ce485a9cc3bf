"""Large notes, as years of typing leave them: written straight into the log, because nobody waits for 260,000 keys."""

import random
import time
from collections.abc import Iterable, Iterator
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
BLOCKS_OF_AN_ENTRY = 200
CLIENT = 4_242  # the Yjs client id that all of it was typed with
LETTERS = "etaoin shrdlu "
WORDS = (
    "note",
    "words",
    "again",
    "of",
    "somebody",
    "which",
    "was",
    "written",
    "here",
    "for",
    "all",
    "to",
    "read",
    "it",
)


def write_large_note(database_url: str, document_id: str, user_id: int, seed: int = 1) -> int:
    """Give an empty note a log of 260,000 operations, one character put in or taken out each. Returns its length.

    Nobody may have the note open.
    """
    updates, length = _typed(random.Random(seed))
    _write(database_url, document_id, user_id, updates)
    return length


def write_long_text(database_url: str, document_id: str, user_id: int, characters: int, seed: int = 1) -> int:
    """Give an empty note so many characters, in paragraphs with a heading now and then. How many blocks it has.

    Nobody may have the note open.
    """
    blocks = list(_prose(random.Random(seed), characters))
    _write(database_url, document_id, user_id, _put(blocks))
    return len(blocks)


def write_code_and_tables(database_url: str, document_id: str, user_id: int, code: int = 50, tables: int = 20) -> None:
    """Give an empty note so many blocks of code, of thirty lines each, and tables of ten rows, with text in between.

    Nobody may have the note open.
    """
    chance = random.Random(1)
    blocks: list[XmlElement] = []
    for number in range(code):
        blocks += [_block("heading", f"Part {number}", level=2), _paragraph(chance)]
        blocks.append(_block("codeBlock", _code(chance, number), language="python"))
        if number < tables:
            blocks += [_paragraph(chance), _table(chance)]
    blocks.append(_paragraph(chance))
    _write(database_url, document_id, user_id, _put(blocks))


def _write(database_url: str, document_id: str, user_id: int, updates: Iterable[bytes]) -> None:
    before, now = BEFORE_ALL, time.time_ns() // 1_000_000
    entries = []
    for seq, change in enumerate(updates, start=1):
        before = chain(before, seq, user_id, 1, now, change)
        entries.append(
            Entry(document_id=document_id, seq=seq, user_id=user_id, session_id=1, time=now, update=change, hash=before)
        )
    engine = connect(database_url)
    with Session(engine) as session, session.begin():
        session.add(Client(document_id=document_id, client_id=CLIENT, user_id=user_id))
        session.add_all(entries)
        head = update(Document).where(Document.id == document_id).values(head_seq=len(entries), head_hash=before)
        session.execute(head)
    engine.dispose()


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


def _put(blocks: list[XmlElement]) -> Iterator[bytes]:
    """The updates that put these blocks into a note, some at a time."""
    doc: Doc[Any] = Doc(client_id=CLIENT)
    updates: list[bytes] = []
    kept = doc.observe(lambda event: updates.append(event.update))
    body = doc.get("body", type=XmlFragment)
    for at in range(0, len(blocks), BLOCKS_OF_AN_ENTRY):
        with doc.transaction():
            for block in blocks[at : at + BLOCKS_OF_AN_ENTRY]:
                body.children.append(block)
        yield updates.pop()
    doc.unobserve(kept)


def _prose(chance: random.Random, characters: int) -> Iterator[XmlElement]:
    number = 0
    while characters > 0:
        words = f"Part {number}" if number % 20 == 0 else _words(chance, 180)[:characters]
        yield _block("heading", words, level=2) if number % 20 == 0 else _block("paragraph", words)
        characters -= len(words)
        number += 1


def _block(tag: str, *content: XmlElement | str, **attributes: Any) -> XmlElement:
    return XmlElement(tag, attributes, [XmlText(part) if isinstance(part, str) else part for part in content])


def _paragraph(chance: random.Random) -> XmlElement:
    return _block("paragraph", _words(chance, 60))


def _words(chance: random.Random, about: int) -> str:
    """Words of so many characters together, give or take a half."""
    return " ".join(chance.choice(WORDS) for _ in range(chance.randint(about // 10, about * 3 // 10)))


def _code(chance: random.Random, number: int) -> str:
    lines = [f"def part_{number}(words: list[str]) -> str:", '    """What is in it."""']
    for line in range(27):
        name, other = chance.choice(WORDS), chance.choice(WORDS)
        lines.append(f"    {name}_{line} = [len(word) for word in words if word != {other!r}]")
    return "\n".join([*lines, '    return "".join(words)  # all of them'])


def _table(chance: random.Random) -> XmlElement:
    def row(cell: str) -> XmlElement:
        cells = (_block(cell, _block("paragraph", _words(chance, 15)), colspan=1, rowspan=1) for _ in range(5))
        return _block("tableRow", *cells)

    return _block("table", row("tableHeader"), *(row("tableCell") for _ in range(9)))
