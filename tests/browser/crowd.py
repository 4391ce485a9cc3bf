"""A note that thirty people wrote over weeks, with everything a note can hold, straight into the log."""

from collections.abc import Callable, Iterator
from typing import Any

from pycrdt import Doc, Text, XmlElement, XmlFragment, XmlText
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from editor.database import connect
from editor.log_sqlite import SqliteLog
from editor.log_writer import Work, write
from editor.models import Document, Member, User
from sync.store import Change

LONG = "Somebodywithonenamethatisaslongasanameisallowedtobe and a second one"
STRANGE = (LONG, "María José Íñiguez de la Torre", "王小明", "نور الهدى", "👩‍🚀 Astrid", "Øyvind", "X")
NAMES = (*STRANGE, *(f"Person {number}" for number in range(len(STRANGE) + 2, 31)))
MINUTE = 60_000
DAY = 24 * 60 * MINUTE
TITLE = "The plan for everything that must be done, decided and written down before the spring release is frozen"


class _Writer:
    """One of those who write the note, with a doc of their own."""

    def __init__(self, user_id: int, behind: bytes) -> None:
        self.user_id = user_id
        self.doc: Doc[Any] = Doc(client_id=5_000_000 + user_id)
        self.title = self.doc.get("title", type=Text)
        self.body = self.doc.get("body", type=XmlFragment)
        self.doc.apply_update(behind)

    def does(self, edit: Callable[["_Writer"], None], time: int) -> Change:
        before, length = self.doc.get_state(), _letters(self)
        with self.doc.transaction():
            edit(self)
        grown = _letters(self) - length
        update = self.doc.get_update(before)
        client = (self.doc.client_id,)
        return Change(update, self.user_id, self.user_id, time, client, max(0, grown), max(0, -grown))

    def text(self, *path: int) -> XmlText:
        """The text that is reached by these children, from the body on."""
        here: Any = self.body
        for at in (*path, 0):
            here = here.children[at]
        assert isinstance(here, XmlText)
        return here


def write_crowded_note(database_url: str, document_id: str, owner_id: int, until: int, rounds: int = 1) -> None:
    """Give an empty note a log that ends at `until` (milliseconds since 1970), in which everybody comes so many times.

    Nobody may have it open.
    """
    engine = connect(database_url)
    others = _arrive(engine, document_id)
    log = SqliteLog(engine)
    whole: Doc[Any] = Doc()
    changes = list(_changes(owner_id, others * rounds, whole, until))
    for change in changes:
        write(log, [Work(document_id, [change])])
    log.close()
    with Session(engine) as session, session.begin():
        session.execute(update(Document).where(Document.id == document_id).values(created=changes[0].time))
    engine.dispose()


def _arrive(engine: Engine, document_id: str) -> list[int]:
    """The ids of those who come; each has opened the note."""
    with Session(engine) as session, session.begin():
        people = [User(name=name, guest=True) for name in NAMES]
        session.add_all(people)
        session.flush()
        taken = len(session.scalars(select(Member).where(Member.document_id == document_id)).all())
        for number, user in enumerate(people, taken):
            session.add(Member(document_id=document_id, user_id=user.id, slot=number % 12 + 1))
        return [user.id for user in people]


def _changes(owner: int, others: list[int], whole: Doc[Any], until: int) -> Iterator[Change]:
    edits: list[tuple[int, int, Callable[[_Writer], None]]] = [(owner, until - len(others) * 2 * DAY, _begins)]
    for number, user_id in enumerate(others):
        time = until - (len(others) - number - 1) * 2 * DAY
        edits.append((user_id, time - MINUTE, _adds(f"Written by number {number + 2} of those who were asked.")))
        edits.append((user_id, time, _DONE[number % len(_DONE)]))
    for user_id, time, edit in edits:
        change = _Writer(user_id, whole.get_update()).does(edit, time)
        whole.apply_update(change.update)
        yield change


def _begins(writer: _Writer) -> None:
    writer.title.insert(0, TITLE)
    for block in (
        _heading(1, "Before the freeze"),
        _paragraph("Everything older than this is in its history, and nothing of it is lost."),
        _list("bulletList", "listItem", "The importer", "Printing, one page for each note"),
        _list("taskList", "taskItem", "Read the agreement", "Stop the server in a save"),
        _table(("What", "When", "Who"), ("Feature freeze", "31 March", "Ana")),
        XmlElement("codeBlock", {"language": "python"}, [XmlText("def saved(room):\n    return True")]),
        XmlElement("blockquote", {}, [_paragraph("A note I cannot trust is one I write twice.")]),
        XmlElement("horizontalRule", {}, []),
        _heading(2, "Said by each of us"),
    ):
        writer.body.children.append(block)


def _adds(words: str) -> Callable[[_Writer], None]:
    def add(writer: _Writer) -> None:
        writer.body.children.append(_paragraph(words))

    return add


def _deletes_words(writer: _Writer) -> None:
    text = writer.text(1)
    del text[len(str(text)) - 10 :]


def _makes_bold(writer: _Writer) -> None:
    writer.text(1).format(0, 10, {"bold": {}})


def _ticks(writer: _Writer) -> None:
    tasks = writer.body.children[3]
    assert isinstance(tasks, XmlElement)
    item = tasks.children[0]
    assert isinstance(item, XmlElement)
    item.attributes["checked"] = True


def _deletes_an_item(writer: _Writer) -> None:
    text = writer.text(2, 1, 0)
    del text[0 : len(str(text))]


def _changes_a_cell(writer: _Writer) -> None:
    text = writer.text(4, 1, 1, 0)
    del text[0 : len(str(text))]
    text.insert(0, f"{writer.user_id % 28 + 1} April")


def _changes_the_code(writer: _Writer) -> None:
    text = writer.text(5)
    del text[len(str(text)) - 4 :]
    text.insert(len(str(text)), "None")


_DONE = (_deletes_words, _makes_bold, _ticks, _deletes_an_item, _changes_a_cell, _changes_the_code)


def _paragraph(words: str) -> XmlElement:
    return XmlElement("paragraph", {}, [XmlText(words)])


def _heading(level: int, words: str) -> XmlElement:
    attributes: dict[str, Any] = {"level": level}
    return XmlElement("heading", attributes, [XmlText(words)])


def _list(tag: str, item: str, *words: str) -> XmlElement:
    attributes: dict[str, Any] = {"checked": False} if item == "taskItem" else {}
    return XmlElement(tag, {}, [XmlElement(item, attributes, [_paragraph(each)]) for each in words])


def _table(*rows: tuple[str, ...]) -> XmlElement:
    tags = ["tableHeader", *["tableCell"] * (len(rows) - 1)]
    return XmlElement(
        "table",
        {},
        [
            XmlElement("tableRow", {}, [XmlElement(tag, {}, [_paragraph(cell)]) for cell in row])
            for tag, row in zip(tags, rows, strict=True)
        ],
    )


def _letters(writer: _Writer) -> int:
    return len(str(writer.title)) + len(str(writer.body))
