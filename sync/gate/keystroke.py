"""What people do most: they put some letters between others. It is read at once."""

import re
from functools import lru_cache
from typing import NamedTuple

from sync.gate.scanner import Id

_NUMBER = rb"([\x80-\xff]{1,7}[\x01-\x7f]|[\x00-\x7f])"  # as the codec has it: the shortest, up to eight bytes
# One client, one struct: its id, that it is text with an origin or with both, where it goes, and how long the text is.
_BEGINNING = rb"\x01\x01" + 2 * _NUMBER + rb"(?:\x84|(\xc4))" + 2 * _NUMBER + rb"(?(3)" + 2 * _NUMBER + rb")[\x01-\x7f]"
_head = re.compile(_BEGINNING, re.DOTALL).match


class Keystroke(NamedTuple):
    """One piece of text. Nothing is known yet of whether it may stand there."""

    client: int
    clock: int
    length: int  # in clocks: UTF-16 units
    origin: Id
    right: Id | None


def keystroke(update: bytes) -> Keystroke | None:
    """What was typed, if that is all the update says. None: look closer."""
    head = _head(update)
    if head is None or update[-1]:  # something is deleted
        return None
    end = head.end()
    raw = update[end:-1]
    if len(raw) != update[end - 1]:
        return None
    length = len(raw)
    if not raw.isascii():
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            return None
        if max(text) >= "\U00010000":  # beyond are surrogate pairs, which the shape must know
            return None
        length = len(text)
    client, clock, has_right, origin, origin_clock, right, right_clock = head.groups()
    return Keystroke(
        _number(client),
        _number(clock),
        length,
        (_number(origin), _number(origin_clock)),
        (_number(right), _number(right_clock)) if has_right else None,
    )


@lru_cache(maxsize=1 << 12)
def _number(raw: bytes) -> int:
    value = 0
    for byte in reversed(raw):
        value = value << 7 | byte & 127
    return value
