"""Values inside an update: JSON, and lib0's Any. Read without recursion: a recursion is what they could exhaust."""

import json
from typing import Final

from sync.codec import MAX_SAFE
from sync.gate.scanner import Scanner

PLAIN_JSON: Final = frozenset((b"true", b"false", b"null", b"{}", b'""'))

# Tags of Any values.
BUFFER: Final = 116
LIST: Final = 117
OBJECT: Final = 118
TEXT: Final = 119
BIGINT: Final = 122
FLOAT64: Final = 123
FLOAT32: Final = 124
INTEGER: Final = 125
CONSTANTS: Final = frozenset((120, 121, 126, 127))  # true, false, null, undefined


def _constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")) or (value == 0 and text[0] == "-"):
        raise ValueError("a number out of range")
    return value


def _int(text: str) -> int:
    # Yrs makes a BigInt of a larger one, JavaScript rounds it.
    if text == "-0" or len(text) > 17 or not -MAX_SAFE <= int(text) <= MAX_SAFE:
        raise ValueError("an integer out of range")
    return int(text)


_decoder: Final = json.JSONDecoder(parse_constant=_constant, parse_float=_float, parse_int=_int)


def json_depth(value: object) -> int:
    """How deep lists and objects are nested."""
    depth = 0
    level = [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def parse_json(raw: bytes, max_nesting: int) -> object:
    """JSON that Python, serde_json and JSON.parse all take, and with one meaning. Raises ValueError."""
    text = raw.decode("utf-8")
    try:
        value: object = _decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if text.count("[") + text.count("{") > max_nesting and json_depth(value) > max_nesting:
        raise ValueError("nested too deep")
    if "\\u" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError("a lone surrogate") from None
    return value


def read_json(scanner: Scanner, what: str) -> None:
    at = scanner.pos
    raw = scanner.raw(what)
    if scanner.trusted or raw in PLAIN_JSON:
        return
    if len(raw) > scanner.limits.max_json:
        raise scanner.fail(f"{what} of at most {scanner.limits.max_json} bytes", len(raw), at)
    try:
        parse_json(raw, scanner.limits.max_nesting)
    except ValueError as error:
        raise scanner.fail(f"JSON as {what}", error, at) from None
    scanner.worked(len(raw))


def read_any(scanner: Scanner) -> None:
    """One Any value, and all that is in it."""
    wanted: list[int] = []  # how many values each open list or object still wants
    keyed: list[bool] = []  # whether it is an object
    while True:
        if keyed and keyed[-1]:
            scanner.name("key")
        scanner.value()
        at = scanner.pos
        tag = scanner.byte("a value")
        if tag in (LIST, OBJECT):
            count = scanner.count("number of values", 1 if tag == LIST else 2)
            if count:
                if len(wanted) >= scanner.limits.max_nesting:
                    raise scanner.fail(f"at most {scanner.limits.max_nesting} levels", "a deeper value", at)
                wanted.append(count)
                keyed.append(tag == OBJECT)
                continue
        elif tag == TEXT:
            scanner.text("string")
        elif tag == INTEGER:
            scanner.sint("integer")
        elif tag in (FLOAT64, FLOAT32) or (tag == BIGINT and scanner.trusted):
            scanner.pos += 4 if tag == FLOAT32 else 8
            if scanner.pos > scanner.end:
                raise scanner.fail("a number", "the end", scanner.end)
        elif tag == BUFFER and scanner.trusted:
            scanner.raw("buffer")
        elif tag not in CONSTANTS:
            raise scanner.fail("a value that we take", f"tag {tag}", at)
        while wanted:
            wanted[-1] -= 1
            if wanted[-1]:
                break
            wanted.pop()
            keyed.pop()
        if not wanted:
            return
