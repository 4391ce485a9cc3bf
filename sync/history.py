"""A document as it was."""

from typing import Any

from pycrdt import Doc

from sync.doc import apply
from sync.store import Store


def replay(store: Store, document_id: str, until: int | None = None) -> Doc[Any]:
    """The doc as the log has it, or as of entry `until`. May block.

    A doc of the past keeps what was deleted, unless a snapshot was before it. Raises `UnknownDocument`; ValueError when
    there is no such entry; `Unreadable`.
    """
    doc, _ = replay_with_seq(store, document_id, until)
    return doc


def replay_with_seq(store: Store, document_id: str, until: int | None = None) -> tuple[Doc[Any], int]:
    """The same, and the newest entry that is in it."""
    log = store.open(document_id)
    if until is not None and not 0 <= until <= log.head:
        raise ValueError(f"expected an entry of 0 to {log.head}, got {until}")
    doc: Doc[Any] = Doc(skip_gc=until is not None)
    updates: list[bytes] = []
    seq = 0
    if log.snapshot is not None and (until is None or until >= log.snapshot.seq):
        updates.append(log.snapshot.state)
        seq = log.snapshot.seq
    # All is read before the first is applied: reading lets others run.
    for entry in store.entries(document_id, seq, until):
        updates.append(entry.update)
        seq = entry.seq
    apply(doc, updates)
    return doc, seq
