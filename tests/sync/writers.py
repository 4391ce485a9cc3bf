"""Honest writers of rich text, for random tests: what an editor may do to a document, and all the ways to send it."""

import json
import random
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pycrdt import Doc, Text, TransactionEvent, XmlElement, XmlFragment, XmlText, merge_updates

from sync.codec import state_vector

WORDS = ("a", "of", "hello ", "naïve ", "日本語", "😀", "x😀y", "\n", "lorem ipsum dolor ", "👩‍👩‍👧")
MARKS: tuple[dict[str, Any], ...] = (
    {"bold": {}},
    {"bold": None},
    {"link": {"href": "https://example.org/?q=é"}},
    {"link": None},
    {"code": True},
)
ATTRIBUTES = ("level", "class", "checked")


def new_doc(client_id: int | None = None) -> Doc[Any]:
    doc: Doc[Any] = Doc() if client_id is None else Doc(client_id=client_id)
    doc.get("title", type=Text)
    doc.get("body", type=XmlFragment)
    return doc


def spans(text: Text | XmlText) -> list[tuple[object, object]]:
    """Its pieces of one format each. (`diff` cuts them where the writers happened to cut.)"""
    out: list[tuple[object, object]] = []
    for insert, attributes in text.diff():
        marks = sorted((attributes or {}).items())
        if out and isinstance(insert, str) and isinstance(out[-1][0], str) and out[-1][1] == marks:
            out[-1] = (out[-1][0] + insert, marks)
        else:
            out.append((insert, marks))
    return out


def attributes(node: XmlElement | XmlText) -> dict[str, Any]:
    return {str(key): value for key, value in node.attributes}  # type: ignore[attr-defined]


def tree(node: XmlFragment | XmlElement | XmlText) -> object:
    """All that can be seen of a node, to compare."""
    if isinstance(node, XmlText):
        return spans(node), sorted(attributes(node).items())
    children = [tree(child) for child in node.children]
    return (node.tag, sorted(attributes(node).items()), children) if isinstance(node, XmlElement) else children


def _copy(node: XmlElement | XmlText) -> XmlElement | XmlText:
    if isinstance(node, XmlText):
        return XmlText("".join(part for part, _ in node.diff() if isinstance(part, str)) or ".")
    children = [_copy(child) for child in node.children if isinstance(child, XmlElement | XmlText)]
    return XmlElement(node.tag, attributes(node), children)


def content(doc: Doc[Any]) -> str:
    return repr((spans(doc.get("title", type=Text)), tree(doc.get("body", type=XmlFragment))))


def boundaries(text: Text | XmlText) -> list[int]:
    """The offsets (UTF-8 bytes) between its characters."""
    at, out = 0, [0]
    for insert, _ in text.diff():
        for size in [len(char.encode()) for char in insert] if isinstance(insert, str) else [1]:
            at += size
            out.append(at)
    return out


class Reading(NamedTuple):
    """What somebody makes of a log."""

    clocks: dict[int, int]
    state: bytes
    content: object  # in the shape of JSON; all numbers are floats


def read(log: Sequence[bytes]) -> Reading:
    """What a log is to Yrs."""
    doc = new_doc()
    for update in log:
        doc.apply_update(update)
    title, body = doc.get("title", type=Text), doc.get("body", type=XmlFragment)
    return Reading(state_vector(doc.get_state()), doc.get_update(), plain([spans(title), tree(body)]))


def _reading(said: dict[str, Any]) -> Reading:
    assert not said["pending"], "Yjs waits for something"
    return Reading(state_vector(b64decode(said["vector"])), b64decode(said["state"]), plain(said["content"]))


def plain(value: object) -> object:
    match value:
        case list() | tuple():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case bool() | str() | None:
            return value
        case int() | float():
            return float(value)
    raise TypeError(f"expected something that JSON has, got {type(value).__name__}")


class Writer(Protocol):
    """Somebody with a copy of the document, who edits it at random. `unsent`: one update for each transaction."""

    user_id: int
    client_id: int
    online: bool

    def edit(self) -> None: ...
    def hear(self, update: bytes) -> None: ...
    def take(self) -> list[bytes]:
        """The updates made since the last take(), one for each transaction."""

    def merge(self, updates: list[bytes]) -> bytes: ...
    def diff(self, state_vector: bytes) -> bytes: ...
    def state_vector(self) -> bytes: ...


class YrsWriter:
    def __init__(self, rng: random.Random, client_id: int, user_id: int) -> None:
        self.rng = rng
        self.user_id = user_id
        self.client_id = client_id
        self.online = True
        self.doc = new_doc(client_id)
        self.title = self.doc.get("title", type=Text)
        self.body = self.doc.get("body", type=XmlFragment)
        self._unsent: list[bytes] = []
        self._hearing = False
        self._subscription = self.doc.observe(self._changed)

    def _changed(self, event: TransactionEvent) -> None:
        if not self._hearing:
            self._unsent.append(event.update)

    def hear(self, update: bytes) -> None:
        self._hearing = True
        self.doc.apply_update(update)
        self._hearing = False

    def take(self) -> list[bytes]:
        unsent, self._unsent = self._unsent, []
        return unsent

    def merge(self, updates: list[bytes]) -> bytes:
        return merge_updates(*updates)

    def diff(self, state_vector: bytes) -> bytes:
        return self.doc.get_update(state_vector)

    def state_vector(self) -> bytes:
        return self.doc.get_state()

    def edit(self) -> None:
        """One change, now and then several in one transaction."""
        with self.doc.transaction():
            for _ in range(self.rng.choice((1, 1, 1, 2, 5))):
                self._change()

    def _nodes(self) -> list[XmlFragment | XmlElement | XmlText]:
        found: list[XmlFragment | XmlElement | XmlText] = [self.body]
        for node in found:
            if not isinstance(node, XmlText):
                found += node.children
        return found

    def _change(self) -> None:
        rng = self.rng
        if rng.random() < 0.15:
            self._write(self.title)
            return
        node = rng.choice(self._nodes())
        if isinstance(node, XmlText):
            self._write(node)
            return
        children, roll = node.children, rng.random()
        if len(children) and roll < 0.2:
            del children[rng.randrange(len(children))]
        elif len(children) and roll < 0.28:
            self._rearrange(children, rng.randrange(len(children)))
        elif isinstance(node, XmlElement) and roll < 0.45:
            key = rng.choice(ATTRIBUTES)
            if key in attributes(node) and rng.random() < 0.4:
                del node.attributes[key]
            else:
                node.attributes[key] = rng.choice(("1", "two", "ü😀"))
        elif roll < 0.75 or not isinstance(node, XmlElement):  # text stands only in elements
            inside = XmlElement("paragraph", {"class": "x"}, [XmlText(rng.choice(WORDS))])
            if rng.random() < 0.15:
                inside = self._table()
            children.insert(rng.randrange(len(children) + 1), inside)
        else:
            children.insert(rng.randrange(len(children) + 1), XmlText(rng.choice(WORDS)))

    def _table(self) -> XmlElement:
        def cell(number: int) -> XmlElement:
            words = XmlText(self.rng.choice(WORDS))
            return XmlElement("tableCell", {"colspan": str(1 + number)}, [XmlElement("paragraph", {}, [words])])

        return XmlElement("table", {}, [XmlElement("tableRow", {}, [cell(0), cell(1)]) for _ in range(2)])

    def _rearrange(self, children: Any, at: int) -> None:
        """Move a child, cut a paragraph in two, or join it with the next: these are deletions and copies."""
        child, roll = children[at], self.rng.random()
        if roll < 0.4 or isinstance(child, XmlText):
            del children[at]
            children.insert(self.rng.randrange(len(children) + 1), _copy(child))
            return
        text = next((inside for inside in child.children if isinstance(inside, XmlText)), None)
        if text is None:
            return
        if roll < 0.7:
            places = boundaries(text)
            cut = self.rng.choice(places)
            whole = "".join(part for part, _ in text.diff() if isinstance(part, str))
            rest = whole.encode()[cut:].decode("utf-8", "ignore")  # embeds count in `cut`, and are lost in a copy
            if cut < places[-1]:
                del text[cut : places[-1]]
            children.insert(at + 1, XmlElement(child.tag, {}, [XmlText(rest or ".")]))
        elif at + 1 < len(children) and isinstance(children[at + 1], XmlElement):
            joined = [part for inside in children[at + 1].children if isinstance(inside, XmlText)
                      for part, _ in inside.diff() if isinstance(part, str)]  # fmt: skip
            del children[at + 1]
            text.insert(boundaries(text)[-1], "".join(joined) or ".")

    def _write(self, text: Text | XmlText) -> None:
        rng, places = self.rng, boundaries(text)
        first, last = sorted((rng.choice(places), rng.choice(places)))
        roll = rng.random()
        if roll < 0.3 and first < last:
            del text[first:last]
        elif roll < 0.45 and first < last:
            text.format(first, last, rng.choice(MARKS))
        elif roll < 0.5:
            text.insert_embed(first, {"image": "/é.png"})
        else:
            for word in rng.choices(WORDS, k=rng.choice((1, 3))):
                text.insert(first, word)
                first += len(word.encode())


class YjsProcess:
    """Writers in Node, with Yjs itself and its undo manager."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).with_name("yjs_writers.mjs")
        command = ["node", str(script), str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def begin(self, seed: int, client_ids: Sequence[int], users: int = 2) -> list["YjsWriter"]:
        """New writers, so many for each user."""
        self.ask(0, "begin", [seed, *client_ids])
        return [YjsWriter(self, number, client_id, number // users) for number, client_id in enumerate(client_ids)]

    def read(self, log: Sequence[bytes]) -> "Reading":
        """What a log is to Yjs."""
        return _reading(self.ask(0, "read", [b64encode(update).decode() for update in log]))

    def follow(self, log: Sequence[bytes]) -> tuple["Reading", list[bytes]]:
        """The same to a client that reads it entry by entry, and what that client sends: formats that it tidied up."""
        said = self.ask(0, "follow", [b64encode(update).decode() for update in log])
        return _reading(said), [b64decode(update) for update in said["tidied"]]

    def ask(self, writer: int, command: str, argument: object = None) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([writer, command, argument]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


class YjsWriter:
    def __init__(self, process: YjsProcess, number: int, client_id: int, user_id: int) -> None:
        self.user_id = user_id
        self.client_id = client_id
        self.online = True
        self._ask = partial(process.ask, number)

    def edit(self) -> None:
        self._ask("edit")

    def hear(self, update: bytes) -> None:
        self._ask("hear", b64encode(update).decode())
        assert not self._ask("pending")

    def take(self) -> list[bytes]:
        return [b64decode(update) for update in self._ask("take")]

    def merge(self, updates: list[bytes]) -> bytes:
        return b64decode(self._ask("merge", [b64encode(update).decode() for update in updates]))

    def diff(self, state_vector: bytes) -> bytes:
        return b64decode(self._ask("diff", b64encode(state_vector).decode()))

    def state_vector(self) -> bytes:
        return b64decode(self._ask("vector"))
