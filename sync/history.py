"""The log, read from where it is kept: old entries in chunks, the newer ones each for itself; and docs of the past."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, Final

from pycrdt import Doc

from sync.chunk import Group, alone, decode, encode
from sync.codec import Malformed
from sync.doc import apply
from sync.gate.scanner import no_pause
from sync.store import Broken, Chunk, Damage, Quarantined, Store, UnknownMoment
from sync.walk import walk

AT_ONCE: Final = 1000  # groups that are applied, or packed for a reader, in one go

Damaged = Callable[[Damage], None]

logger = logging.getLogger(__name__)


def groups(
    store: Store,
    document_id: str,
    after: int = 0,
    until: int | None = None,
    damaged: Damaged | None = None,
    pause: Callable[[], None] = no_pause,
) -> Iterator[Group]:
    """What was written after entry `after` up to `until`, oldest first. May block.

    Entries that are packed come as they were put together, whole: the first group may begin before `after`; one that
    ends after `until` is left out. The others come as groups of one. What is damaged comes as one group of nobody, if
    it is known what it did (`Store.quarantined`); else it is told to `damaged` and left out, and without that `Broken`
    is raised. Raises `UnknownDocument`.
    """
    for part in read(store, document_id, after, until, damaged, pause):
        for group in [part] if isinstance(part, Group) else _decode(part, pause):
            if group.last > after and (until is None or group.last <= until):
                after = group.last
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
    for part in read(store, document_id, after, until, damaged, pause):
        if loose and (len(loose) == AT_ONCE or part.first != loose[-1].last + 1 or isinstance(part, Chunk)):
            yield encode(loose, pause)
            loose = []
        if isinstance(part, Chunk):
            yield part.data
        else:
            loose.append(part)
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
        base, state = nearest(store, document_id, until)
    doc: Doc[Any] = Doc(skip_gc=until is not None)
    if state is not None:
        apply(doc, [state])
        pause()
    return doc, replay_on(doc, base, groups(store, document_id, base, until, pause=pause), pause)


def nearest(store: Store, document_id: str, until: int) -> tuple[int, bytes | None]:
    """The newest snapshot of entry `until` or an earlier one: which entry, and the state. 0, None: there is none.

    One that is damaged is passed over. Raises `UnknownDocument`.
    """
    for seq in sorted(store.bases(document_id), reverse=True):
        if seq <= until:
            try:
                return seq, store.state(document_id, seq)
            except Broken as error:
                logger.error("%s", error, extra={"document": document_id})
            except UnknownMoment:
                continue  # nothing needs it any more: there is a newer one, or none before `until`
    return 0, None


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


def read(
    store: Store,
    document_id: str,
    after: int = 0,
    until: int | None = None,
    damaged: Damaged | None = None,
    pause: Callable[[], None] = no_pause,
) -> Iterator[Chunk | Group]:
    """The same as chunks, which are not unpacked, and groups where there are none."""
    stands_for: Quarantined | None = None  # what came last in the place of damaged entries
    told = after  # what `damaged` was told of is left out whole, even if it looks after it at once
    for part in walk(store, document_id, after, until, pause=pause):
        if isinstance(part, Damage):
            if stands_for is not None and part.last <= stands_for.last:
                continue
            stands_for = known(store, document_id, part)
            if stands_for is not None and (stands_for.first > told or told == after):
                yield whole(stands_for)
            elif damaged is not None:
                stands_for, told = None, part.last
                damaged(part)
            else:
                raise Broken(f"{document_id}: {part}", part)
        elif isinstance(part, Chunk):
            yield part
        elif stands_for is None or part.seq > stands_for.last:
            yield alone(part)


def known(store: Store, document_id: str, damage: Damage) -> Quarantined | None:
    """What tells what damaged entries did; None: nothing does."""
    for each in store.quarantined(document_id):
        if each.update is not None and each.first <= damage.first and damage.last <= each.last:
            return each
    return None


def whole(damaged: Quarantined) -> Group:
    """What stands for damaged entries. Nobody knows who made them."""
    if damaged.update is None:
        raise ValueError(f"expected entries of which it is known what they did, not {damaged.first} to {damaged.last}")
    return Group(damaged.first, damaged.last, None, 0, damaged.time, damaged.update)


def _decode(chunk: Chunk, pause: Callable[[], None]) -> list[Group]:
    try:
        return decode(chunk.data, pause)
    except Malformed as error:
        raise Broken(f"entries {chunk.first} to {chunk.last}: {error}") from error
