"""What we ask of pycrdt, with its traps closed.

Nothing here lets others run: a greenlet that runs inside a transaction joins it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText, merge_updates

from sync.codec import state_vector
from sync.gate import ARRAY, MAP, TEXT, XML_FRAGMENT
from sync.limits import FIRST_SLICE, LARGEST_SLICE, MERGE_AT_ONCE, SLICE_SECONDS
from sync.slices import Slices

_unreadable = count()  # what pycrdt cannot look into equals nothing, not even itself
_ROOTS = {ARRAY: Array, MAP: Map, TEXT: Text, XML_FRAGMENT: XmlFragment}


class TooSlow(Exception):
    """It takes too long to apply this. A doc that was given a part of it must not be trusted any more."""


class Unreadable(Exception):
    """pycrdt cannot take these bytes. A doc that was given them must not be trusted any more."""


def apply(doc: Doc[Any], updates: Sequence[bytes]) -> None:
    """Apply all of them at once, which is much faster than one by one; not in one of the doc's transactions.

    Raises `Unreadable`.
    """
    # Below pycrdt's own transactions, which nobody else is in: to go through them takes two to three times as long as
    # what they are for. It is private: it is pinned.
    below = doc._doc
    with _readable:
        transaction = below.create_transaction()
        try:
            for update in updates:
                below.apply_update(transaction, update)
            transaction.commit()
        finally:
            transaction.drop()


def apply_in_slices(doc: Doc[Any], update: bytes, pause: Callable[[], None], slowest: float) -> None:
    """Apply one large update with pauses, in which others see a part of it. Raises `Unreadable`.

    Raises `TooSlow` if it needs more than so many seconds of the thread's time.

    What a struct costs depends on what stands where it goes: a slice is as long as the last one was quick.
    """
    slices = Slices(update, state_vector(doc.get_state()), pause)
    size, spent = FIRST_SLICE, 0.0
    while (piece := slices.next(size)) is not None:
        pause()
        began = time.thread_time()
        with _readable:
            doc.apply_update(piece)
        took = time.thread_time() - began
        spent += took
        if spent > slowest:
            raise TooSlow(f"expected to be done within {slowest} s, was not")
        size = min(2 * size, LARGEST_SLICE) if took < SLICE_SECONDS / 2 else max(1, size // 2)


def merge(updates: Sequence[bytes]) -> bytes:
    """One update that brings the same structs and deletes the same. Raises `Unreadable`."""
    while len(updates) > 1:
        chunks = [updates[at : at + MERGE_AT_ONCE] for at in range(0, len(updates), MERGE_AT_ONCE)]
        with _readable:
            updates = [merge_updates(*chunk) for chunk in chunks]
    return updates[0]


def lacking(doc: Doc[Any], state_vector: bytes) -> bytes:
    """What somebody lacks who has this much. Raises `Unreadable`."""
    with _readable:
        return doc.get_update(state_vector)


class _Readable:
    """What pycrdt raises within it is raised as `Unreadable`. Not a generator: it is entered for each keystroke."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ValueError | RuntimeError):
            raise Unreadable(str(error)) from error
        # Where Yrs meets what it does not expect it panics, and that arrives as a BaseException. The others of these
        # (an interrupt, the end of a greenlet) are not ours.
        if kind is not None and kind.__name__ == "PanicException":
            raise Unreadable(f"it panicked: {error}") from error


_readable = _Readable()


def content(doc: Doc[Any], roots: Mapping[str, int]) -> object:
    """All that can be read in a doc, as something that can be compared."""
    return [(name, _content(doc.get(name, type=_ROOTS[kind]))) for name, kind in sorted(roots.items())]


def _content(value: object) -> object:
    match value:
        case XmlText():
            return _pairs(value.attributes), _runs(value)
        case XmlElement():
            return value.tag, _pairs(value.attributes), [_content(child) for child in value.children]
        case XmlFragment():
            return [_content(child) for child in value.children]
        case Text():
            return _runs(value)
        case Map():
            return _pairs(value.items())
        case Array():
            return [_content(item) for item in value]
        case dict():
            return _pairs(value.items())
        case list():
            return [_content(item) for item in value]
        case None | bool() | int() | float() | str() | bytes():
            return repr(value)  # NaN is not equal to itself, but its text is
    return f"unreadable {next(_unreadable)}"


def _runs(text: Text | XmlText) -> object:
    """Its pieces of one format each. `diff` cuts them also where the typing happened to be cut."""
    runs: list[tuple[object, object]] = []
    for part, attributes in text.diff():
        marks = _pairs((attributes or {}).items())
        if isinstance(part, str) and runs and isinstance(runs[-1][0], str) and runs[-1][1] == marks:
            runs[-1] = (runs[-1][0] + part, marks)
        else:
            runs.append((part if isinstance(part, str) else [_content(part)], marks))
    return runs


def _pairs(pairs: Any) -> object:
    """Keys come in any order."""
    return sorted((key, repr(_content(value))) for key, value in pairs)
