"""Packing: entries that a snapshot stands for are put into chunks, which take a tenth of the space.

Nothing is packed that was not read back and compared: the same groups, and a doc that reads the same.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pycrdt import Doc

from sync.chunk import Group, decode, encode, gather
from sync.codec import state_vector as clocks
from sync.doc import apply, content
from sync.gate.scanner import no_pause
from sync.history import groups, nearest, replay_on
from sync.limits import CHUNK_BYTES, CHUNK_UPDATES, PACK_AT_ONCE
from sync.store import BEFORE_ALL, Chunk, Entry, Quarantined, Status, Store, link
from sync.walk import walk

logger = logging.getLogger(__name__)

SMALL: Final = 2048  # bytes of a chunk that cost nothing to write again
TOGETHER: Final = 4  # chunks that become one
RATIO: Final = 8  # an update is so many times larger than what it takes in a chunk, about


def pack(store: Store, document_id: str, roots: Mapping[str, int], pause: Callable[[], None] = no_pause) -> int:
    """Put into chunks what may be. May block. Returns how many entries were packed.

    Raises `UnknownDocument`, and `Broken` before entries that are damaged and of which nothing tells what they did.
    """
    status = store.status(document_id)
    began = status.packed
    if status.packable <= began:
        return 0
    # The same doc twice: one goes on with the entries, the other with what they are packed as.
    docs = _doc(store, document_id, began, pause), _doc(store, document_id, began, pause)
    while status.packed < status.packable:
        until = _end(store, document_id, status)
        if until == status.packed or not _pack(store, document_id, status, until, docs, roots, pause):
            break
        status = status._replace(packed=until)
    return status.packed - began


def _end(store: Store, document_id: str, status: Status) -> int:
    """The last entry of those that are packed together next: a whole one, for what comes after is chained to it.

    What stands for entries on both sides of the last chunk's end cannot be packed.
    """
    damaged = store.quarantined(document_id)
    if any(each.first <= status.packed < each.last for each in damaged):
        return status.packed

    def around(seq: int) -> Quarantined | None:
        return next((each for each in damaged if each.first <= seq <= each.last), None)

    until = min(status.packable, status.packed + PACK_AT_ONCE)
    while (inside := around(until)) is not None:
        until = inside.first - 1
    if until <= status.packed:
        until = status.packed + 1
        while (inside := around(until)) is not None:
            until = inside.last + 1
    return until if until <= status.packable else status.packed


def _doc(store: Store, document_id: str, seq: int, pause: Callable[[], None]) -> Doc[Any]:
    """The doc at this entry, which is the last one of a chunk, or 0."""
    doc: Doc[Any] = Doc()
    base, state = nearest(store, document_id, seq)
    if state is not None:
        apply(doc, [state])
        pause()
    replay_on(doc, base, groups(store, document_id, base, seq, pause=pause), pause)
    return doc


def _pack(
    store: Store,
    document_id: str,
    status: Status,
    until: int,
    docs: tuple[Doc[Any], Doc[Any]],
    roots: Mapping[str, int],
    pause: Callable[[], None],
) -> bool:
    entries = list(groups(store, document_id, status.packed, until, pause=pause))
    (last,) = [row for row in walk(store, document_id, until - 1, until) if isinstance(row, Entry)] or (None,)
    fresh: list[Group] = []
    for group in gather(entries, store.marks(document_id, status.packed, until)):
        fresh.append(group)
        pause()
    size = max(SMALL, sum(len(group.update) for group in fresh) // RATIO)
    rewritten = _small(store.sizes(document_id), status.packed, size) or status.packed + 1
    known = list(store.chunks(document_id, rewritten - 1))
    if last is None or (known and known[-1].last > status.packed):
        return False  # they were packed or rewritten meanwhile
    before, taken = _parted(known, rewritten)
    old = [group for chunk in taken for group in decode(chunk.data, pause)]
    onto = before[-1].hash if before else BEFORE_ALL
    chunks = chain_chunks(cut([*old, *fresh]), onto, {until: last.hash}, pause)
    if [group for chunk in chunks for group in decode(chunk.data, pause)] != [*old, *fresh]:
        logger.error(
            "%s is not packed: entries up to %d are unpacked as others", document_id, until,
            extra={"document": document_id},
        )  # fmt: skip
        return False
    if not _same(docs, entries, fresh, roots, pause):
        logger.warning(
            "%s is not packed beyond entry %d: it would read differently", document_id, status.packed,
            extra={"document": document_id},
        )  # fmt: skip
        return False
    return store.pack(document_id, known[-1].hash if known else BEFORE_ALL, chunks)


def cut(groups: Sequence[Group]) -> Iterator[list[Group]]:
    """Groups for one chunk each."""
    some: list[Group] = []
    size = 0
    for group in groups:
        some.append(group)
        size += len(group.update)
        if size >= CHUNK_UPDATES:
            yield some
            some, size = [], 0
    if some:
        yield some


def chain_chunks(
    cuts: Iterator[list[Group]],
    previous: bytes,
    hashes: Mapping[int, bytes],
    pause: Callable[[], None] = no_pause,
) -> list[Chunk]:
    """Make chunks that follow the one with the hash `previous`. `hashes`: of entries after which a raw one comes.

    Where nobody will look for the hash of a chunk's last entry, that of its bytes and of the chunk before will do.
    """
    chunks: list[Chunk] = []
    for some in cuts:
        first, last, data = some[0].first, some[-1].last, encode(some, pause)
        entry_hash = hashes.get(last) or link(previous, first, last, BEFORE_ALL, data)
        chunks.append(Chunk(first, last, data, entry_hash, link(previous, first, last, entry_hash, data)))
        previous = chunks[-1].hash
    return chunks


def _small(sizes: Sequence[tuple[int, int, int]], packed: int, size: int) -> int:
    """Where to begin to write chunks anew, so that in the end there are few; 0: only after the last one.

    Four of about the same size become one, so an entry of a note in which much is written is written again about three
    times in all. With two it would be six times, for up to 5 % less space.
    """
    begin, alike, total = 0, 0, size
    for first, last, bytes in reversed(sizes):
        if last != packed or bytes > 2 * size or total + bytes > CHUNK_BYTES:
            break
        packed, alike, total = first - 1, alike + 1, total + bytes
        if alike == TOGETHER - 1:
            begin, alike, size = first, 0, total
    return begin


def _parted(known: Sequence[Chunk], rewritten: int) -> tuple[Sequence[Chunk], Sequence[Chunk]]:
    """The chunks before entry `rewritten`, and those from it on, which are written anew; none if one is damaged."""
    before = [chunk for chunk in known if chunk.last < rewritten]
    taken = [chunk for chunk in known if chunk.first >= rewritten]
    previous = before[-1].hash if before else BEFORE_ALL
    for chunk in taken:
        if chunk.hash != link(previous, *chunk[:2], chunk.entry_hash, chunk.data):
            return known, []
        previous = chunk.hash
    return before, taken


def _same(
    docs: tuple[Doc[Any], Doc[Any]],
    entries: Sequence[Group],
    fresh: Sequence[Group],
    roots: Mapping[str, int],
    pause: Callable[[], None],
) -> bool:
    """Whether what is packed says what the entries say."""
    for doc, updates in zip(
        docs, ([entry.update for entry in entries], [group.update for group in fresh]), strict=True
    ):
        for at in range(0, len(updates), 100):
            apply(doc, updates[at : at + 100])
            pause()
    one, other = docs
    if clocks(one.get_state()) != clocks(other.get_state()):
        return False
    was = content(one, roots)
    pause()
    return was == content(other, roots)
