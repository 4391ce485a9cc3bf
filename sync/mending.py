"""Mending: what damaged entries did is told by the note as it was later, less all that the other entries did.

Their rows stay as they are. What they did is kept beside them (`Store.quarantine`), and whoever reads the log gets it
in their place: the text is what it was, of nobody, for who wrote it is in what is damaged. What was put in by them and
taken out again before that later moment is lost.
"""

import logging
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pycrdt import Doc

from sync.chunk import Group
from sync.codec import MAX_CLOCK, Malformed
from sync.codec import state_vector as clocks
from sync.doc import Unreadable, apply, content
from sync.gate import Gate, Refused
from sync.gate.scan import scan
from sync.gate.scanner import no_pause
from sync.history import groups, nearest, replay_on
from sync.parts import Parts, Run, between, deleted, put_together, take_apart
from sync.store import Broken, Damage, Quarantined, Store, UnknownMoment
from sync.walk import walk

TRIES: Final = 5  # somebody may be erasing the log
logger = logging.getLogger(__name__)

Pause = Callable[[], None]


class Known(NamedTuple):
    """A whole note at some moment, as something other than the entries has it."""

    seq: int
    state: bytes
    user_id: int | None = None  # whose copy it is; None: the server's own


class Copy(NamedTuple):
    """What somebody has of a note, as they say."""

    seq: int  # the newest entry that is in it
    user_id: int
    update: bytes  # what it holds that the note before the damaged entries (see `before`) does not
    unsent: bytes  # what of that was never acknowledged, one update


class Unfit(Exception):
    """A copy of the note does not tell what the damaged entries did. The text says why, for people."""


def mend(
    store: Store,
    document_id: str,
    roots: Mapping[str, int],
    live: Known | None,
    now: int,
    pause: Pause = no_pause,
) -> list[Quarantined]:
    """Find what is damaged, and what it did. All that is known to be damaged then. May block, and read the whole log.

    `live`: the note as a room has it that was opened when the log was whole. Raises `UnknownDocument`.
    """
    _remember(store, document_id, _find(store, document_id, pause), now)
    wanted = [each for each in store.quarantined(document_id) if each.known is None]
    for seq in _moments(store, document_id, live, wanted):
        some = [each for each in wanted if each.last <= seq]
        if not some:
            continue
        known = live if live is not None and live.seq == seq else _snapshot(store, document_id, seq)
        together = _together(some)
        found = _told(store, document_id, together, known, roots, pause) if known is not None else None
        if found is not None:
            store.quarantine(document_id, found)
            logger.warning(
                "%s: what the damaged entries %d to %d did is told by entry %d",
                document_id, found.first, found.last, seq,
                extra={"document": document_id},
            )  # fmt: skip
            wanted = [each for each in wanted if each.last > seq]
    return store.quarantined(document_id)


def mend_from(
    store: Store,
    document_id: str,
    copy: Copy,
    may_vouch: bool,
    roots: Mapping[str, int],
    pause: Pause = no_pause,
) -> Quarantined:
    """Have somebody's copy of the note, of which nothing is trusted, tell what the damaged entries did. May block.

    Of these it may hold only what this user wrote, unless they `may_vouch` for others. Raises `Unfit`; Malformed, a
    ValueError; `UnknownDocument`.
    """
    wanted = [each for each in store.quarantined(document_id) if each.known is None]
    if not wanted:
        raise Unfit("Nothing of this note is damaged.")
    status = store.status(document_id)
    together = _together(wanted)
    if not together.last <= copy.seq <= status.head:
        raise Unfit(f"Expected a copy with the entries up to {together.last}, not one with those up to {copy.seq}.")
    doc, seq = before(store, document_id, together.first, pause)
    owners = store.open(document_id).owners
    # Whose the pieces are is asked of those that are in no other entry, in the end.
    gate = Gate(roots, dict.fromkeys(owners, copy.user_id), pause=pause)
    gate.replay(doc.get_update())
    try:
        admitted = gate.admit(copy.user_id, _acknowledged(copy, owners, pause))
    except Refused as refused:
        raise Unfit(f"This copy does not go on from what the server has: {refused}.") from refused
    apply(doc, [] if admitted is None else [admitted.update])
    replay_on(doc, seq, groups(store, document_id, together.last, pause=pause), pause)
    known = Known(status.head, doc.get_update(), copy.user_id)
    found = _told(store, document_id, together, known, roots, pause)
    if found is None or found.update is None:
        raise Unfit("This copy does not hold all that is in the entries that are whole.")
    if not may_vouch and any(owners[run.client] != copy.user_id for run in take_apart(found.update, pause).runs):
        raise Unfit("What is damaged was written by somebody else. They can repair it, or the owner of the note can.")
    store.quarantine(document_id, found)
    logger.warning(
        "%s: what the damaged entries %d to %d did is told by a copy of user %s",
        document_id, found.first, found.last, copy.user_id,
        extra={"document": document_id},
    )  # fmt: skip
    return found


def _acknowledged(copy: Copy, owners: Container[int], pause: Pause) -> bytes:
    """What of a copy has been in the log."""
    for update in (copy.update, copy.unsent):
        scan(update, pause=pause)  # nobody vouches for these bytes
    whole, unsent = take_apart(copy.update, pause), take_apart(copy.unsent, pause)
    ends = {run.client: run.clock for run in unsent.runs}
    runs = [between(run, run.clock, ends.get(run.client, MAX_CLOCK)) for run in whole.runs if run.client in owners]
    return put_together(Parts([run for run in runs if run.pieces], _minus(whole, [unsent], ends)))


def before(store: Store, document_id: str, seq: int, pause: Pause = no_pause) -> tuple[Doc[Any], int]:
    """The doc before an entry, which begins a group, and the newest entry that is in it. May block.

    Raises `UnknownDocument`; `Broken` if something before is damaged.
    """
    doc: Doc[Any] = Doc()
    base, state = nearest(store, document_id, seq - 1)
    if state is not None:
        apply(doc, [state])
        pause()
    return doc, replay_on(doc, base, groups(store, document_id, base, seq - 1, pause=pause), pause)


def _find(store: Store, document_id: str, pause: Pause) -> list[Damage]:
    """What is damaged."""
    for _ in range(TRIES):
        status = store.status(document_id)
        damages = [row for row in walk(store, document_id, pause=pause) if isinstance(row, Damage)]
        now = store.status(document_id)
        if (now.epoch, now.first) == (status.epoch, status.first):
            return damages
    raise Broken(f"{document_id}: expected a log that is looked at to stay, it was erased {TRIES} times")


def _remember(store: Store, document_id: str, damages: Sequence[Damage], now: int) -> None:
    """Keep in mind what is damaged, and no more what is not."""
    before = store.quarantined(document_id)
    for each in before:
        if each.known is None and not any(_touch(each, damage) for damage in damages):
            store.release(document_id, each)
            logger.warning(
                "%s: entries %d to %d are whole again", document_id, each.first, each.last,
                extra={"document": document_id},
            )  # fmt: skip
    # What was put into a chunk, which is damaged now, is to be told anew.
    told = [each for each in before if each.known is None or each.update is not None]
    news = [damage for damage in damages if not any(_covers(each, damage) for each in told)]
    for damage in news:
        logger.error("%s: %s", document_id, damage, extra={"document": document_id})
    for damage in _joined(news, store.bases(document_id)):
        known = [each for each in before if _touch(each, damage)]
        found = Quarantined(
            min([damage.first, *(each.first for each in known)]),
            max([damage.last, *(each.last for each in known)]),
            min([now, *(each.found for each in known)]),
            f"expected {damage.expected}, found {damage.came}",
        )
        store.quarantine(document_id, found)


def _joined(damages: Sequence[Damage], bases: Container[int]) -> list[Damage]:
    """What comes one after the other is one, unless there is a snapshot between."""
    joined: list[Damage] = []
    for damage in damages:
        last = joined[-1] if joined else None
        if last is not None and last.last + 1 == damage.first and last.last not in bases:
            joined[-1] = last._replace(last=damage.last)
        else:
            joined.append(damage)
    return joined


def _covers(one: Quarantined, other: Damage) -> bool:
    return one.first <= other.first and other.last <= one.last


def _touch(one: Quarantined, other: Damage) -> bool:
    return one.first <= other.last and other.first <= one.last


def _together(some: Sequence[Quarantined]) -> Quarantined:
    """One range for all of them: what is between them is told with them."""
    return some[0]._replace(last=some[-1].last, found=min(each.found for each in some))


def _moments(store: Store, document_id: str, live: Known | None, wanted: Sequence[Quarantined]) -> Iterator[int]:
    """The moments at which the note is known, and not amid of what is wanted, oldest first."""
    seqs = {*store.bases(document_id), *([] if live is None else [live.seq])} if wanted else set()
    for seq in sorted(seqs):
        if not any(each.first <= seq < each.last for each in wanted):
            yield seq


def _snapshot(store: Store, document_id: str, seq: int) -> Known | None:
    try:
        return Known(seq, store.state(document_id, seq))
    except UnknownMoment:
        return None
    except Broken as error:
        logger.error("%s", error, extra={"document": document_id})
        return None


def _told(
    store: Store,
    document_id: str,
    damaged: Quarantined,
    known: Known,
    roots: Mapping[str, int],
    pause: Pause,
) -> Quarantined | None:
    """What the damaged entries did; None: this does not tell it."""
    try:
        later = _until(groups(store, document_id, damaged.last, pause=pause), known.seq)
        update = _less(store, document_id, damaged, known, later, pause)
        told, seq = before(store, document_id, damaged.first, pause)
        apply(told, [update])
        replay_on(told, seq, iter(later), pause)
        whole: Doc[Any] = Doc()
        # The last group may go on after that moment.
        apply(whole, [known.state, *(group.update for group in later[-1:])])
        pause()
        has = clocks(told.get_state())
        if any(_end(run) > has.get(run.client, 0) for group in later for run in take_apart(group.update, pause).runs):
            raise Unfit("it lacks something that later entries build on")
        if has != clocks(whole.get_state()) or content(told, roots) != content(whole, roots):
            raise Unfit("with that, the note would read differently")
    except (Unfit, Broken, Unreadable, Malformed) as error:
        logger.error(
            "%s: entry %d does not tell what the entries %d to %d did: %s",
            document_id, known.seq, damaged.first, damaged.last, error,
            extra={"document": document_id},
        )  # fmt: skip
        return None
    time = _time(store, document_id, damaged, pause)
    return damaged._replace(update=update, known=known.seq, time=time, user_id=known.user_id)


def _time(store: Store, document_id: str, damaged: Quarantined, pause: Pause) -> int:
    """When it was, about: when the next entry was made, or the one before if there is none."""
    for after, until in ((damaged.last, None), (damaged.first - 2, damaged.first - 1)):
        for group in groups(store, document_id, max(0, after), until, lambda damage: None, pause):
            return group.time
    return 0


def _less(
    store: Store, document_id: str, damaged: Quarantined, known: Known, later: Sequence[Group], pause: Pause
) -> bytes:
    """What a whole note holds, less all that entries before and after the damaged ones hold."""
    doc, _ = before(store, document_id, damaged.first, pause)
    has = clocks(doc.get_state())
    whole = take_apart(known.state, pause)
    others = [take_apart(update, pause) for update in (doc.get_update(), *(group.update for group in later))]
    ends: dict[int, int] = {}  # the first clock of each client that a later entry brings
    for parts in others[1:]:
        for run in parts.runs:
            ends[run.client] = min(run.clock, ends.get(run.client, run.clock))
    runs = [between(run, has.get(run.client, 0), ends.get(run.client, MAX_CLOCK)) for run in whole.runs]
    return put_together(Parts([run for run in runs if run.pieces], _minus(whole, others, ends)))


def _until(more: Iterator[Group], seq: int) -> list[Group]:
    """Those up to an entry: the last of them may go on after it."""
    some: list[Group] = []
    for group in more:
        if group.first > seq:
            break
        some.append(group)
    return some


def _minus(some: Parts, others: Sequence[Parts], ends: Mapping[int, int]) -> list[tuple[int, list[tuple[int, int]]]]:
    """What some parts delete and none of the others does, before these clocks."""
    gone = deleted(*others)
    deletes: list[tuple[int, list[tuple[int, int]]]] = []
    for client, ranges in deleted(some).items():
        most = ends.get(client, MAX_CLOCK)
        rest = [(first, min(end, most) - first) for first, end in gone.lacking(client, ranges) if first < most]
        if rest:
            deletes.append((client, rest))
    return deletes


def _end(run: Run) -> int:
    """The clock after it."""
    return run.clock + sum(piece.struct.length for piece in run.pieces)
