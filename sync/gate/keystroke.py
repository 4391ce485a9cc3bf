"""What people do most: they put some letters between others. It is read at once."""

import re
from functools import lru_cache
from typing import NamedTuple

from sync.gate.scanner import Id

_NUMBER = rb"([\x80-\xff]{1,7}[\x01-\x7f]|[\x00-\x7f])"  # as the codec has it: the shortest, up to eight bytes
_IDS = {b"\x84": 1, b"\xc4": 2}  # text, with an origin, or with both
_FORMS = b"|".join([re.escape(info) + 2 * count * _NUMBER for info, count in _IDS.items()])
# One client, one struct: its id, what it is, where it goes, and the length of the text.
_head = re.compile(rb"\x01\x01" + 2 * _NUMBER + rb"(?:" + _FORMS + rb")[\x01-\x7f]", re.DOTALL).match


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
    client, clock, origin, origin_clock, left, left_clock, right, right_clock = head.groups()
    own = _number(client)
    if right is None:
        return Keystroke(own, _number(clock), length, (_number(origin), _number(origin_clock)), None)
    origin = own if left == client else _number(left)
    return Keystroke(own, _number(clock), length, (origin, _number(left_clock)), (_number(right), _number(right_clock)))


@lru_cache(maxsize=1 << 12)
def _number(raw: bytes) -> int:
    value = 0
    for byte in reversed(raw):
        value = value << 7 | byte & 127
    return value
