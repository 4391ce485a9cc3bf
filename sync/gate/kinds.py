"""The numbers of the Yjs v1 encoding: kinds of content, and shared types."""

from typing import Final

# Kinds of content: the low five bits of a struct's first byte.
GC: Final = 0
DELETED: Final = 1
JSON: Final = 2
BINARY: Final = 3
STRING: Final = 4
EMBED: Final = 5
FORMAT: Final = 6
TYPE: Final = 7
ANY: Final = 8
DOC: Final = 9
SKIP: Final = 10
MOVE: Final = 11
KINDS: Final = (
    "GC", "Deleted", "JSON", "Binary", "String", "Embed", "Format", "Type", "Any", "Doc", "Skip", "Move",
)  # fmt: skip

# Shared types.
ARRAY: Final = 0
MAP: Final = 1
TEXT: Final = 2
XML_ELEMENT: Final = 3
XML_FRAGMENT: Final = 4
XML_HOOK: Final = 5
XML_TEXT: Final = 6
TYPES: Final = ("Array", "Map", "Text", "XmlElement", "XmlFragment", "XmlHook", "XmlText")


def kind_name(kind: int) -> str:
    return KINDS[kind] if kind < len(KINDS) else "unknown"


def type_name(which: int) -> str:
    return TYPES[which] if which < len(TYPES) else "unknown"
