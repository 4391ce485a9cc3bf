"""Snapshots: one update that stands for all entries before it, so that opening a document stays quick."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

from pycrdt import Doc

from sync.codec import state_vector as clocks
from sync.doc import apply, content
from sync.gate.scanner import no_pause
from sync.history import replay_with_seq
from sync.store import Snapshot, Store

logger = logging.getLogger(__name__)


def compact(
    store: Store, document_id: str, roots: Mapping[str, int], pause: Callable[[], None] = no_pause
) -> Snapshot | None:
    """Have a snapshot of the document as it is now. May block. Raises `UnknownDocument`.

    Without one, which is said in the server's log, the document is read entry by entry as before.
    """
    epoch = store.status(document_id).epoch
    doc, seq = replay_with_seq(store, document_id, pause=pause)
    pause()
    snapshot = snapshot_of(doc, seq, roots, pause)
    if snapshot is None:
        logger.warning(
            "%s has no snapshot at entry %d: it would read differently than the log", document_id, seq,
            extra={"document": document_id},
        )  # fmt: skip
        return None
    store.compact(document_id, snapshot, epoch)
    return snapshot


def snapshot_of(
    doc: Doc[Any], seq: int, roots: Mapping[str, int], pause: Callable[[], None] = no_pause
) -> Snapshot | None:
    """A snapshot of a doc, nobody else's, as of entry `seq`. None: it would read differently.

    There are legal sequences of updates after which a doc that is encoded and loaded again reads differently. So the
    state is decoded and compared before it may stand for the log.
    """
    state, state_vector = doc.get_update(), doc.get_state()
    pause()
    reloaded: Doc[Any] = Doc()
    apply(reloaded, [state])
    pause()
    if clocks(reloaded.get_state()) != clocks(state_vector) or content(reloaded, roots) != content(doc, roots):
        return None
    return Snapshot(seq, state, state_vector, hashlib.sha256(state).digest())
