"""A walk through a fragment, depth first and without recursion: a hostile note may be nested ten thousand deep."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from pycrdt import Text, XmlElement, XmlFragment, XmlText
from pycrdt._xml import _integrated_to_wrapper

PIECE = 500  # steps: a few milliseconds

TEXT_BLOCKS = frozenset({"paragraph", "heading", "codeBlock"})


class Open(NamedTuple):
    """An element begins."""

    tag: str
    attributes: dict[str, Any]  # numbers as Tiptap means them: 2, not the 2.0 that the doc keeps
    parent: str  # tag of the element around it; "" at the top


class Close(NamedTuple):
    """The element that began last ends."""

    tag: str


class Run(NamedTuple):
    """Text with the same marks throughout."""

    text: str
    marks: dict[str, dict[str, Any]]  # mark name -> its attributes


Step = Open | Close | Run


def walk(fragment: XmlFragment) -> Iterator[Step]:
    """Every element and every run of text in the order of reading. Call it within a transaction: that is faster."""
    waiting: list[Iterator[XmlElement | XmlFragment | XmlText]] = [_children(fragment)]
    tags = [""]
    while waiting:
        child = next(waiting[-1], None)
        if child is None:
            waiting.pop()
            tag = tags.pop()
            if waiting:
                yield Close(tag)
        elif isinstance(child, XmlText):
            yield from _runs(child)
        else:
            tag = child.tag or "" if isinstance(child, XmlElement) else ""
            yield Open(tag, _attributes(child), tags[-1])
            waiting.append(_children(child))
            tags.append(tag)


def _children(node: XmlElement | XmlFragment) -> Iterator[XmlElement | XmlFragment | XmlText]:
    # What pycrdt's own view does, but each child is wrapped when its turn comes: for all at once that takes 20 times
    # as long as to find them. pycrdt is pinned.
    with node.doc.transaction() as transaction:
        found = list(node.integrated.children(transaction._txn))
    return (_integrated_to_wrapper(node.doc, child) for child in found)


def in_pieces(fragment: XmlFragment, pause: Callable[[], None]) -> Iterator[Step]:
    """The same, with a pause now and then, and each piece in a transaction of its own."""
    steps = walk(fragment)
    while True:
        with fragment.doc.transaction():
            piece = list(islice(steps, PIECE))
        if not piece:
            return
        yield from piece
        pause()


def _runs(text: XmlText) -> Iterator[Run]:
    for content, attributes in text.diff():
        if isinstance(content, (Text, XmlText)):
            content = str(content)
        if isinstance(content, str):
            yield Run(content, _marks(attributes or {}))


def _marks(attributes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    # Marks that may overlap themselves are stored as `name--hash`. None: a mark that was taken off again.
    return {
        name.split("--")[0]: value if isinstance(value, dict) else {}
        for name, value in attributes.items()
        if value is not None
    }


def _attributes(element: XmlElement | XmlFragment) -> dict[str, Any]:
    if not isinstance(element, XmlElement):
        return {}
    # It can be iterated, but says so in a way that only Python understands.
    pairs: Iterator[tuple[str, Any]] = element.attributes.__iter__()  # type: ignore[assignment]
    return {name: _whole(value) for name, value in pairs}


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
