"""The log, read from where it is kept: old entries in chunks, the newer ones each for itself; and docs of the past."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from pycrdt import Doc

from sync.chunk import Group, alone, decode, encode
from sync.codec import Malformed
from sync.doc import apply
from sync.gate.scanner import no_pause
from sync.store import BEFORE_ALL, Broken, Chunk, Entry, Store, chain, link

AT_ONCE: Final = 1000  # groups that are applied, or packed for a reader, in one go


class Damage(NamedTuple):
    """Entries that cannot be read."""

    first: int  # seq
    last: int
    expected: str
    came: str

    def __str__(self) -> str:
        return f"entries {self.first} to {self.last}: expected {self.expected}, found {self.came}"


Damaged = Callable[[Damage], None]


def groups(
    store: Store, document_id: str, after: int = 0, until: int | None = None, damaged: Damaged | None = None
) -> Iterator[Group]:
    """What was written after entry `after` up to `until`, oldest first. May block.

    Entries that are packed come as they were put together, whole: the first group may begin before `after`; one that
    ends after `until` is left out. The others come as groups of one. What does not match its hash is told to `damaged`
    and left out; without it, `Broken` is raised. Raises `UnknownDocument`.
    """
    for part in _read(store, document_id, after, until, damaged):
        for group in [alone(part)] if isinstance(part, Entry) else _decode(part):
            if group.last > after and (until is None or group.last <= until):
                yield group


def chunks(
    store: Store,
    document_id: str,
    after: int = 0,
    until: int | None = None,
    damaged: Damaged | None = None,
    pause: Callable[[], None] = no_pause,
) -> Iterator[bytes]:
    """The same as chunks (docs/http.md), each whole: the first may begin before `after`, the last end after `until`."""
    loose: list[Group] = []
    for part in _read(store, document_id, after, until, damaged):
        if isinstance(part, Chunk):
            yield part.data
            continue
        if loose and (len(loose) == AT_ONCE or part.seq != loose[-1].last + 1):
            yield encode(loose, pause)
            loose = []
        loose.append(alone(part))
    if loose:
        yield encode(loose, pause)


def replay(
    store: Store, document_id: str, until: int | None = None, pause: Callable[[], None] = no_pause
) -> Doc[Any]:
    """The doc as the log has it, or as of entry `until`. May block.

    Where that entry was put together with later ones it is the doc before all of them. A doc of the past keeps what was
    deleted, unless a snapshot was before it. Raises `UnknownDocument`; ValueError when there is no such entry;
    `Unreadable`; `Broken`.
    """
    doc, _ = replay_with_seq(store, document_id, until, pause)
    return doc


def replay_with_seq(
    store: Store, document_id: str, until: int | None = None, pause: Callable[[], None] = no_pause
) -> tuple[Doc[Any], int]:
    """The same, and the newest entry that is in it."""
    if until is None:
        log = store.open(document_id)
        base, state = (log.snapshot.seq, log.snapshot.state) if log.snapshot is not None else (0, None)
    else:
        status = store.status(document_id)
        if not status.first <= until <= status.head:
            raise ValueError(f"expected an entry of {status.first} to {status.head}, got {until}")
        base = max((seq for seq in store.bases(document_id) if seq <= until), default=0)
        state = store.state(document_id, base) if base else None
    doc: Doc[Any] = Doc(skip_gc=until is not None)
    if state is not None:
        apply(doc, [state])
    return doc, replay_on(doc, base, groups(store, document_id, base, until), pause)


def replay_on(doc: Doc[Any], seq: int, more: Iterator[Group], pause: Callable[[], None] = no_pause) -> int:
    """Apply groups to a doc, nobody else's, that has all up to entry `seq`; the newest entry that it has then."""
    updates: list[bytes] = []
    for group in more:
        updates.append(group.update)
        seq = group.last
        if len(updates) == AT_ONCE:
            apply(doc, updates)
            updates = []
            pause()
    apply(doc, updates)
    return seq


def _read(
    store: Store, document_id: str, after: int, until: int | None, damaged: Damaged | None
) -> Iterator[Chunk | Entry]:
    """Chunks and entries that follow each other, each compared with its hash."""

    def cannot(first: int, last: int, expected: str, came: str) -> None:
        damage = Damage(first, last, expected, came)
        if damaged is None:
            raise Broken(f"{document_id}: {damage}")
        damaged(damage)

    head = store.status(document_id).head
    end = head if until is None else min(until, head)
    at = after
    looked_again = False
    while at < end:
        start = at
        # What the next chunk and the next entry are chained to. None: unknown, after something that is not there.
        before: bytes | None = BEFORE_ALL
        previous: bytes | None = BEFORE_ALL if at == 0 else None
        for chunk in store.chunks(document_id, at):
            if chunk.last > at:
                if chunk.first > at + 1:
                    cannot(at + 1, chunk.first - 1, f"entry {at + 1}", f"a chunk from entry {chunk.first} on")
                    before = None
                hash = chunk.hash if before is None else link(before, *chunk[:2], chunk.entry_hash, chunk.data)
                if chunk.hash != hash:
                    cannot(chunk.first, chunk.last, f"a chunk with the hash {hash.hex()}", chunk.hash.hex())
                else:
                    yield chunk
                at = chunk.last
            before, previous = chunk.hash, chunk.entry_hash if chunk.last == at else None
            if at >= end:
                return
        for entry in store.entries(document_id, at if previous is not None else at - 1, end):
            if entry.seq > at + 1:
                if at > start or not looked_again:
                    break  # perhaps it was packed while we read: look again
                cannot(at + 1, entry.seq - 1, f"entry {at + 1}", f"entry {entry.seq}")
                previous = None
            elif entry.seq == at:
                previous = entry.hash
                continue
            hash = entry.hash if previous is None else chain(previous, entry.seq, *entry[2:5], entry.update)
            if entry.hash != hash:
                cannot(entry.seq, entry.seq, f"an entry with the hash {hash.hex()}", entry.hash.hex())
            else:
                yield entry
            at, previous = entry.seq, entry.hash
        if at == start and looked_again:
            cannot(at + 1, end, f"entries up to {end}", "nothing")
            return
        looked_again = at == start


def _decode(chunk: Chunk) -> list[Group]:
    try:
        return decode(chunk.data)
    except Malformed as error:
        raise Broken(f"entries {chunk.first} to {chunk.last}: {error}") from error
