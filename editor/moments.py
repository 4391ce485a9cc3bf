"""Moments of a note: entries of its log. "The note at `seq`" is the note with all entries up to it."""

from editor.errors import NotFound
from editor.models import Document


def check(document: Document, seq: int) -> int:
    """`seq`, if it is a moment of this note. Raises `NotFound`."""
    first = max(1, document.history_from)
    if document.head_seq < 1:
        raise NotFound("Nothing was ever written in this note: it has no moments yet.")
    if not first <= seq <= document.head_seq:
        raise NotFound(f"This note has the moments {first} to {document.head_seq}, not {seq}.")
    return seq
