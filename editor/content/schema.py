"""What a note's doc consists of. The browser's half is `frontend/src/schema.ts`."""

from typing import Any

from pycrdt import Doc, Text, XmlFragment

from sync.gate import TEXT, XML_FRAGMENT

# Raise it with every change of the editor's schema: a client that lacks a node type deletes such nodes for everybody,
# so a join with another number is refused.
SCHEMA_VERSION = 1

ROOTS = {"body": XML_FRAGMENT, "title": TEXT}


def load(state: bytes) -> Doc[Any]:
    """The doc that `state` (an update that stands for the whole document) describes."""
    doc: Doc[Any] = Doc()
    doc.apply_update(state)
    return doc


def body(doc: Doc[Any]) -> XmlFragment:
    """The text of a note."""
    fragment: XmlFragment = doc.get("body", type=XmlFragment)
    return fragment


def title(doc: Doc[Any]) -> Text:
    """The title of a note, as people edit it."""
    text: Text = doc.get("title", type=Text)
    return text
