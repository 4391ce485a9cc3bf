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
from sync.history import groups, replay_on
from sync.limits import CHUNK_BYTES, CHUNK_UPDATES, PACK_AT_ONCE
from sync.store import BEFORE_ALL, Broken, Chunk, Entry, Status, Store, link, verify

logger = logging.getLogger(__name__)

SMALL: Final = 2048  # bytes of a chunk that cost nothing to write again
RATIO: Final = 8  # an update is so many times larger than what it takes in a chunk, about


def pack(store: Store, document_id: str, roots: Mapping[str, int], pause: Callable[[], None] = no_pause) -> int:
    """Put into chunks what may be. May block. Returns how many entries were packed. Raises `UnknownDocument`."""
    status = store.status(document_id)
    began = status.packed
    if status.packable <= began:
        return 0
    # The same doc twice: one goes on with the entries, the other with what they are packed as.
    docs = _doc(store, document_id, began, pause), _doc(store, document_id, began, pause)
    while status.packed < status.packable:
        until = min(status.packable, status.packed + PACK_AT_ONCE)
        try:
            done = _pack(store, document_id, status, until, docs, roots, pause)
        except Broken as error:
            logger.error("%s is not packed: %s", document_id, error)
            break
        if not done:
            break
        status = status._replace(packed=until)
    return status.packed - began


def _doc(store: Store, document_id: str, seq: int, pause: Callable[[], None]) -> Doc[Any]:
    """The doc at this entry, which is the last one of a chunk, or 0."""
    doc: Doc[Any] = Doc()
    base = max((base for base in store.bases(document_id) if base <= seq), default=0)
    if base:
        apply(doc, [store.state(document_id, base)])
        pause()
    replay_on(doc, base, groups(store, document_id, base, seq), pause)
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
    entries = list(store.entries(document_id, status.packed, until))
    fresh: list[Group] = []
    for group in gather(entries, store.marks(document_id, status.packed, until)):
        fresh.append(group)
        pause()
    size = max(SMALL, sum(len(group.update) for group in fresh) // RATIO)
    rewritten = _small(store.sizes(document_id), size)
    known = list(store.chunks(document_id, rewritten - 1 if rewritten else status.packed))
    before = [chunk for chunk in known if not rewritten or chunk.last < rewritten]
    taken = [chunk for chunk in known if rewritten and chunk.first >= rewritten]
    _intact(before, taken)
    newest = known[-1] if known else None
    verify(entries, newest.entry_hash if newest else BEFORE_ALL, status.packed)
    if not entries or entries[-1].seq != until:
        raise Broken(f"expected entries {status.packed + 1} to {until}, found {len(entries)}")
    old = [group for chunk in taken for group in decode(chunk.data, pause)]
    chunks = chain_chunks(
        cut([*old, *fresh]), before[-1].hash if before else BEFORE_ALL, {until: entries[-1].hash}, pause
    )
    if [group for chunk in chunks for group in decode(chunk.data, pause)] != [*old, *fresh]:
        logger.error("%s is not packed: entries up to %d are unpacked as others", document_id, until)
        return False
    if not _same(docs, entries, fresh, roots, pause):
        logger.warning("%s is not packed beyond entry %d: it would read differently", document_id, status.packed)
        return False
    return store.pack(document_id, newest.hash if newest else BEFORE_ALL, chunks)


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


def _small(sizes: Sequence[tuple[int, int, int]], size: int) -> int:
    """Where to begin to write chunks anew, so that in the end there are few; 0: only after the last one.

    Only what is not much larger than what comes is written again: an entry is so about a dozen times in all.
    """
    begin = 0
    for first, _, bytes in reversed(sizes):
        if bytes > 2 * size or bytes + size > CHUNK_BYTES:
            break
        begin = first
        size += bytes
    return begin


def _intact(before: Sequence[Chunk], taken: Sequence[Chunk]) -> None:
    previous = before[-1].hash if before else BEFORE_ALL
    for chunk in taken:
        if chunk.hash != link(previous, *chunk[:2], chunk.entry_hash, chunk.data):
            raise Broken(f"the chunk of entries {chunk.first} to {chunk.last} does not match its hash")
        previous = chunk.hash


def _same(
    docs: tuple[Doc[Any], Doc[Any]],
    entries: Sequence[Entry],
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
