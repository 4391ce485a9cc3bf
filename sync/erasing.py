"""Erasing: what an owner wants out of a note's history goes out of every row of its log. The note as it is now stays.

Nothing is written here. What comes back is the log as it shall be, for `Store.rewrite`; it was read back and compared.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from pycrdt import Doc

from sync.blanks import Blanks, StillThere
from sync.chunk import Group, decode
from sync.codec import state_vector as clocks
from sync.columns import slowly
from sync.compaction import snapshot_of
from sync.doc import apply, content
from sync.gate.ranges import Ranges, disjoint
from sync.gate.scanner import no_pause
from sync.history import groups, nearest, replay_on, replay_with_seq
from sync.packing import chain_chunks, cut
from sync.parts import deleted, take_apart
from sync.store import BEFORE_ALL, Broken, Chunk, Damage, Rewriting, Snapshot, Store
from sync.walk import walk

logger = logging.getLogger(__name__)

__all__ = ["StillThere", "Unerasable", "before", "last_before", "pieces"]


class Unerasable(Exception):
    """Without that part of its history the note would read differently. Nothing was changed."""


def before(
    store: Store, document_id: str, seq: int, roots: Mapping[str, int], pause: Callable[[], None] = no_pause
) -> Rewriting:
    """Have the note as it was at entry `seq` stand for all that was before. May block.

    Where that entry was put together with later ones it is the moment before them. Raises `UnknownDocument`; ValueError
    when there is no such entry; `Unerasable`; `Broken`.
    """
    status = store.status(document_id)
    if not status.first < seq <= status.head:
        raise ValueError(f"expected an entry of {status.first + 1} to {status.head}, got {seq}")
    doc: Doc[Any] = Doc()
    base, state_then = nearest(store, document_id, seq)
    if state_then is not None:
        apply(doc, [state_then])
    moment = replay_on(doc, base, groups(store, document_id, base, seq, pause=pause), pause)
    state = _snapshot(doc, moment, roots, pause).state
    (at,) = groups(store, document_id, moment - 1, moment, pause=pause) if moment else (None,)
    if at is None or moment <= status.first:
        raise ValueError(f"expected an entry that ends a second of somebody's, got {seq}")
    past = Group(1, moment, None, 0, at.time, state)

    present, head = replay_with_seq(store, document_id, pause=pause)
    again: Doc[Any] = Doc()
    apply(again, [state])
    replay_on(again, moment, groups(store, document_id, moment, head, pause=pause), pause)
    if not _same(again, present, roots):
        raise Unerasable(f"without what was before entry {moment} the note would read differently")
    snapshots = [_base(each, state) for each, state in _states(store, document_id, head) if each > moment]
    snapshots.append(_snapshot(present, head, roots, pause))

    # What stands for damaged entries takes their place: a row that is given a new hash would pass for a whole one.
    until = max([moment, status.packed, *(each.last for each in store.quarantined(document_id))])
    whole = [past, *groups(store, document_id, moment, until, pause=pause)]
    chunks = _chunks(cut(whole), whole, pause)
    newest, freed = _newest(store, document_id, chunks[-1].last)
    freed -= sum(_size(chunk) for chunk in chunks)
    return Rewriting(status.epoch, newest, head, moment, chunks, {}, snapshots, moment - status.first, max(0, freed))


def pieces(
    store: Store,
    document_id: str,
    wanted: Iterable[tuple[int, int, int]],
    words: str,
    roots: Mapping[str, int],
    pause: Callable[[], None] = no_pause,
) -> Rewriting:
    """Blank characters in all of history: ranges of (Yjs client id, clock, length). May block.

    `words`: what they say. Where that stands in an address or an attribute that is gone from the note it is blanked as
    well; it must be nowhere afterwards. Raises `UnknownDocument`; ValueError for a range that is nobody's;
    `StillThere`; `Broken`, also where it is known what damaged entries did: nobody knows what is in their rows.
    """
    status = store.status(document_id)
    for row in walk(store, document_id, pause=pause):
        if isinstance(row, Damage):
            raise Broken(f"{document_id}: {row}", row)
    present, head = replay_with_seq(store, document_id, pause=pause)
    newest = _snapshot(present, head, roots, pause)
    eraser = Blanks(_ranges(wanted, clocks(present.get_state())), words, deleted(take_apart(newest.state, pause)))
    blanked = newest._replace(state=eraser.erase(newest.state))
    if blanked != newest:
        raise StillThere("It is still in the note. Delete it there first.")
    eraser.characters = 0
    snapshots = []
    for each, state in _states(store, document_id, head):
        snapshots.append(_base(each, eraser.erase(state)))
        pause()
    eraser.characters = 0

    erased = 0
    cuts: list[list[Group]] = []
    onto = BEFORE_ALL
    for chunk in store.chunks(document_id):
        was = decode(chunk.data, pause)
        some = [group._replace(update=eraser.erase(group.update)) for group in slowly(was, pause)]
        erased += sum(one.last + 1 - one.first for one, other in zip(was, some, strict=True) if one != other)
        cuts.append(some)
        onto = chunk.hash
        pause()
    entries: dict[int, bytes] = {}
    for entry in store.entries(document_id, cuts[-1][-1].last if cuts else 0, head):
        update = eraser.erase(entry.update)
        if update != entry.update:
            entries[entry.seq] = update
    chunks = _chunks(iter(cuts), [group for some in cuts for group in some], pause)
    snapshots.append(newest)
    erased += len(entries)
    return Rewriting(status.epoch, onto, head, status.first, chunks, entries, snapshots, erased, eraser.characters)


def last_before(store: Store, document_id: str, time: int, pause: Callable[[], None] = no_pause) -> int:
    """The last entry before the first one that is as new as `time` (ms), of those that are whole. May block."""
    last = 0
    for group in groups(store, document_id, damaged=lambda damage: None, pause=pause):
        if group.time >= time:
            break
        last = group.last
    return last


def _ranges(wanted: Iterable[tuple[int, int, int]], known: Mapping[int, int]) -> Ranges:
    """Raises ValueError for what is not in the note."""
    by_client: dict[int, list[tuple[int, int]]] = {}
    for client, clock, length in wanted:
        end = known.get(client, 0)
        if clock < 0 or length <= 0 or clock + length > end:
            raise ValueError(f"expected pieces of client {client} from 0 to {end}, got {length} from {clock} on")
        by_client.setdefault(client, []).append((clock, clock + length))
    if not by_client:
        raise ValueError("expected at least one piece, got none")
    ranges = Ranges()
    for client, some in by_client.items():
        ranges.add(client, disjoint(some))
    return ranges


def _snapshot(doc: Doc[Any], seq: int, roots: Mapping[str, int], pause: Callable[[], None]) -> Snapshot:
    snapshot = snapshot_of(doc, seq, roots, pause)
    if snapshot is None:
        raise Unerasable(f"the note as of entry {seq} cannot be written down as one: it would read differently")
    return snapshot


def _chunks(cuts: Iterator[list[Group]], whole: list[Group], pause: Callable[[], None]) -> list[Chunk]:
    chunks = chain_chunks(cuts, BEFORE_ALL, {}, pause)
    if [group for chunk in chunks for group in decode(chunk.data, pause)] != whole:
        raise Unerasable("what is left of history would be unpacked as something else")
    return chunks


def _base(seq: int, state: bytes) -> Snapshot:
    doc: Doc[Any] = Doc()
    apply(doc, [state])
    return Snapshot(seq, state, doc.get_state(), sha256(state).digest())


def _states(store: Store, document_id: str, head: int) -> Iterator[tuple[int, bytes]]:
    """The snapshots before the newest entry. A damaged one need not stay: older ones and what comes after say it."""
    for each in store.bases(document_id):
        if each < head:
            try:
                yield each, store.state(document_id, each)
            except Broken as error:
                logger.error("%s", error, extra={"document": document_id})


def _newest(store: Store, document_id: str, until: int) -> tuple[bytes, int]:
    """The hash of the newest chunk, and the bytes of chunks, and of entries up to `until`."""
    hash, size = BEFORE_ALL, 0
    for chunk in store.chunks(document_id):
        hash = chunk.hash
        size += _size(chunk)
    for entry in store.entries(document_id, 0, until):
        size += len(entry.update) + len(entry.hash)
    return hash, size


def _size(chunk: Chunk) -> int:
    return len(chunk.data) + len(chunk.entry_hash) + len(chunk.hash)


def _same(one: Doc[Any], other: Doc[Any], roots: Mapping[str, int]) -> bool:
    return clocks(one.get_state()) == clocks(other.get_state()) and content(one, roots) == content(other, roots)
