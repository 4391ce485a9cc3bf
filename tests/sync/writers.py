"""Honest writers of rich text, for random tests: what an editor may do to a document, and all the ways to send it."""

import json
import random
import subprocess
from base64 import b64decode, b64encode
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from pycrdt import Doc, Text, TransactionEvent, XmlElement, XmlFragment, XmlText, merge_updates

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
        if len(children) and roll < 0.25:
            del children[rng.randrange(len(children))]
        elif isinstance(node, XmlElement) and roll < 0.45:
            key = rng.choice(ATTRIBUTES)
            if key in attributes(node) and rng.random() < 0.4:
                del node.attributes[key]
            else:
                node.attributes[key] = rng.choice(("1", "two", "ü😀"))
        elif roll < 0.75 or not isinstance(node, XmlElement):  # text stands only in elements
            inside = XmlElement("paragraph", {"class": "x"}, [XmlText(rng.choice(WORDS))])
            children.insert(rng.randrange(len(children) + 1), inside)
        else:
            children.insert(rng.randrange(len(children) + 1), XmlText(rng.choice(WORDS)))

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

    def __init__(self, folder: Path, seed: int, client_ids: list[int]) -> None:
        script = Path(__file__).with_name("yjs_writers.mjs")
        command = ["node", str(script), str(folder), str(seed), *map(str, client_ids)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

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
