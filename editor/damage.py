"""What is damaged in the log of a note: for people in words, for pages in JSON."""

from typing import Any

from flask import current_app

from editor.errors import Damaged
from sync.rooms import Rooms
from sync.store import Broken, Damage, Quarantined, Store


def known(document_id: str) -> list[Quarantined]:
    """All that is known to be damaged. What nothing tells yet is looked at again: a row may be back, or a copy here."""
    found = _store().quarantined(document_id)
    return _rooms().mend(document_id) if any(each.known is None for each in found) else found


def describe(damaged: Quarantined) -> dict[str, Any]:
    """Damage (docs/http.md)."""
    return {
        "first": damaged.first,
        "last": damaged.last,
        "found": damaged.found,
        "known": damaged.known,
        "user": damaged.user_id,
    }


def check(document_id: str, seq: int) -> None:
    """Raises `Damaged` unless the note can be shown as it was at entry `seq`."""
    store = _store()
    try:
        _rooms().look_at(document_id, seq)
    except Broken as error:
        met = error.damage
        found = [each for each in store.quarantined(document_id) if met and each.first <= met.last <= each.last]
        raise refused(found[0] if found else met) from error
    for each in store.quarantined(document_id):
        if each.first <= seq < each.last:
            raise Damaged(f"{_entries(each.first, each.last)} damaged, and so is this moment.")


def refused(damage: Damage | Quarantined | None) -> Damaged:
    """Why something cannot be done with a note: a part of it is damaged."""
    return Damaged(f"{whole(damage)} What is built on that cannot be told until it is repaired.")


def whole(damage: Damage | Quarantined | None) -> str:
    """What is damaged, in a sentence."""
    if damage is None:
        return "The log of this note is damaged in the server's database."
    return f"{_entries(damage.first, damage.last)} damaged in the server's database."


def _entries(first: int, last: int) -> str:
    """The beginning of a sentence."""
    return f"Entry {first} of this note is" if first == last else f"Entries {first} to {last} of this note are"


def _store() -> Store:
    store: Store = current_app.extensions["store"]
    return store


def _rooms() -> Rooms:
    rooms: Rooms = current_app.extensions["rooms"]
    return rooms
