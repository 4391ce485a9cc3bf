"""Structs: what an update brings. One struct is a run of clocks of one client, with content of one kind."""

from typing import NamedTuple

from sync.codec import MAX_CLOCK
from sync.gate.kinds import (
    ANY,
    DELETED,
    DOC,
    EMBED,
    FORMAT,
    GC,
    SKIP,
    STRING,
    TYPE,
    XML_ELEMENT,
    XML_HOOK,
    XML_TEXT,
    kind_name,
    type_name,
)
from sync.gate.scanner import Id, Scanner
from sync.gate.values import read_any, read_json

HAS_ORIGIN = 128
HAS_RIGHT = 64
HAS_SUB = 32


class Struct(NamedTuple):
    clock: int
    length: int  # in clocks; of text: UTF-16 units
    kind: int
    origin: Id | None = None
    right: Id | None = None
    parent: str | Id | None = None  # a root's name, a type's id, or None: as its neighbour's
    sub: str | None = None  # key, for an entry of a map or an attribute
    which: int = 0  # Type: which one
    pairs: bytes = b""  # String with surrogate pairs: the high byte of each UTF-16 unit


def read_struct(scanner: Scanner, clock: int) -> Struct:
    scanner.tick()
    offset = scanner.pos
    info = scanner.byte("a struct")
    kind = info & 31
    if info == GC or (info == SKIP and scanner.trusted):
        return Struct(clock, _length(scanner, kind), kind)
    if kind == GC or kind > DOC:  # also a GC with flags, of which one reader makes an item
        raise scanner.fail("a struct kind that we take", f"{info} ({kind_name(kind)})", offset)
    origin = scanner.id("origin") if info & HAS_ORIGIN else None
    right = scanner.id("right origin") if info & HAS_RIGHT else None
    parent: str | Id | None = None
    sub = None
    if origin is None and right is None:
        parent = scanner.name("root name") if scanner.uint("parent flag", 1) else scanner.id("parent")
        if info & HAS_SUB:
            sub = scanner.name("key")
    # With an origin the key is not in the bytes, though Yjs sets its flag: both readers take the neighbour's.
    if kind == STRING:
        length, pairs = _string(scanner)
        return Struct(clock, length, kind, origin, right, parent, sub, 0, pairs)
    length = 1
    which = 0
    if kind == FORMAT:
        scanner.name("format name")
        read_json(scanner, "format value")
    elif kind == TYPE:
        which = _type(scanner)
    elif kind == DELETED:
        length = _length(scanner, kind)
    elif kind == ANY:
        at = scanner.pos
        length = scanner.count("number of values", 1)
        if length == 0:
            raise scanner.fail("number of values above 0", 0, at)
        for _ in range(length):
            read_any(scanner)
    elif kind == EMBED:
        read_json(scanner, "embed")
    else:  # JSON, of which Yrs reads one string more than Yjs; Binary and Doc, which no editor of ours writes
        raise scanner.fail("a content kind that we take", kind_name(kind), offset)
    return Struct(clock, length, kind, origin, right, parent, sub, which)


def _length(scanner: Scanner, kind: int) -> int:
    at = scanner.pos
    length = scanner.uint(f"length of {kind_name(kind)}", MAX_CLOCK)
    if length == 0:
        raise scanner.fail(f"length of {kind_name(kind)} above 0", 0, at)
    return length


def _string(scanner: Scanner) -> tuple[int, bytes]:
    """Its length in UTF-16 units and, if there are surrogate pairs in it, the high byte of each unit."""
    at = scanner.pos
    raw = scanner.raw("string")
    if raw.isascii():
        if not raw:
            raise scanner.fail("a string", "an empty one", at)
        return len(raw), b""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise scanner.fail("string in UTF-8", error.reason, at) from None
    units = text.encode("utf-16-le")
    length = len(units) >> 1
    return length, units[1::2] if length != len(text) else b""


def _type(scanner: Scanner) -> int:
    at = scanner.pos
    which = scanner.byte("type")
    if which == XML_ELEMENT:
        scanner.name("node name")
    elif which > XML_TEXT or which == XML_HOOK:  # of a hook Yjs reads a name where Yrs reads none
        raise scanner.fail("a type that we take", f"{which} ({type_name(which)})", at)
    return which
