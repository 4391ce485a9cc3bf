"""Sittings: who wrote how much in one go. A summary of the log's entries, which may be made again at any time.

It follows the log (`Follower`) and knows how far it has come (`document.sitting_seq`); whoever asks brings it up to
date. Entries are put into chunks only when they are in it: a chunk does not say how much somebody wrote.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from flask import current_app
from gevent.lock import Semaphore
from sqlalchemy import Row, delete, func, insert, select, update

from editor.database import session
from editor.loop import paced, pause
from editor.models import Document, Entry, Sitting, Version
from editor.sql_store import SqlStore
from sync.chunk import Group, heads
from sync.codec import Malformed
from sync.columns import slowly

DELAY = 10.0  # seconds after the first change that is in no sitting; each time is a commit, so not more often
PAUSE = 30 * 60 * 1000  # milliseconds without an entry that end a sitting
PAGE = 1000  # entries read at once, of which only the small columns
PAGES = 50  # kept with one commit, which waits for the disk
COUNTED = 20_000  # entries counted at once
SHOWN = 50  # sittings in one answer

log = logging.getLogger(__name__)
_at_work: WeakValueDictionary[str, Semaphore] = WeakValueDictionary()

_Entry = Row[int, int | None, int, int, int]  # seq, user id, time, characters inserted and deleted


class Written(NamedTuple):
    """What somebody did in a sitting."""

    user_id: int | None
    inserted: int  # characters
    deleted: int
    entries: int


@dataclass
class Span:
    """A sitting that is being put together."""

    first: int
    last: int
    began: int
    ended: int
    people: dict[int | None, Written] = field(default_factory=dict)

    def add(self, seq: int, user_id: int | None, time: int, inserted: int, deleted: int) -> None:
        self.last = seq
        self.ended = max(self.ended, time)  # clocks step back
        before = self.people.get(user_id, Written(user_id, 0, 0, 0))
        self.people[user_id] = Written(
            user_id, before.inserted + inserted, before.deleted + deleted, before.entries + 1
        )


def catch_up(document_id: str, within: float = inf) -> int:
    """Put the entries there are into sittings. Others run in between.

    How many are in none yet once this returns: 0, unless it would have taken longer than `within` (seconds).
    """
    began = monotonic()
    with _at_work.setdefault(document_id, Semaphore()):  # what two would read at once, only one of them can keep
        while behind := _take_next(document_id):
            if monotonic() - began > within:
                return behind
            pause()
    return 0


def newest(document_id: str, before: int | None = None) -> tuple[list[dict[str, Any]], int | None]:
    """The newest sittings (docs/http.md) that began before an entry, newest first; where to go on, None: at no more."""
    query = _ALL.where(Sitting.document_id == document_id).order_by(Sitting.first_seq.desc())
    if before is not None:
        query = query.where(Sitting.first_seq < before)
    found = session.execute(query.limit(SHOWN + 1)).all()
    shown = [
        {
            "first": sitting.first_seq,
            "last": sitting.last_seq,
            "began": sitting.began,
            "ended": sitting.ended,
            "people": [[user_id, inserted, deleted] for user_id, inserted, deleted, _ in sitting.people],
        }
        for sitting in found[:SHOWN]
    ]
    return shown, found[SHOWN - 1].first_seq if len(found) > SHOWN else None


def authors(document_id: str) -> set[int]:
    """Everybody who wrote."""
    people = session.scalars(select(Sitting.people).where(Sitting.document_id == document_id))
    return {written[0] for sitting in people for written in sitting if written[0] is not None}


def by_others(document_id: str, user_id: int | None, after: int) -> int:
    """How many entries after this one somebody else made. Call `catch_up` before."""
    count = 0
    for sitting in session.execute(_ALL.where(Sitting.document_id == document_id, Sitting.last_seq > after)).all():
        if sitting.first_seq > after:
            count += sum(entries for author, _, _, entries in sitting.people if author != user_id)
        else:
            count += _count_others(document_id, user_id, after, sitting.last_seq)
    return count


def put_together(sittings: list[Span], entries: Iterable[_Entry], named: Mapping[int, int]) -> list[Span]:
    """Add entries, oldest first. `named`: seq -> when it got its name.

    A name ends a sitting if nobody had gone on writing when it was given; a moment named later lies within its sitting.
    """
    for seq, user_id, time, inserted, deleted in entries:
        last = sittings[-1] if sittings else None
        if last is None or time - last.ended >= PAUSE or named.get(last.last, time + 1) <= time:
            sittings.append(last := Span(seq, seq, time, time))
        last.add(seq, user_id, time, inserted, deleted)
    return sittings


def _take_next(document_id: str) -> int:
    """Put the next entries into sittings; how many are left."""
    columns = Document.sitting_seq, Document.head_seq, Document.history_from, Document.epoch
    known = select(*columns).where(Document.id == document_id)
    row = session.execute(known).one_or_none()
    if row is None or row.sitting_seq >= row.head_seq:
        return 0
    done: int = row.sitting_seq
    # What stands for an erased past was written in no sitting.
    reached = max(done, row.history_from)
    spans, named = _last(document_id), _named(document_id, done)
    for entries in _pages(document_id, reached):
        put_together(spans, entries, named)
        reached = entries[-1].seq
    if reached == done:
        log.error(
            "%s: expected entry %d and later ones, found none", document_id, done + 1,
            extra={"document": document_id},
        )  # fmt: skip
        return 0
    # Only now the row is locked, and not while the entries were read: people's changes wait for that lock. If another
    # process has been here meanwhile, this one looks again.
    unchanged = Document.id == document_id, Document.sitting_seq == done, Document.epoch == row.epoch
    claim = update(Document).where(*unchanged).values(sitting_seq=reached).returning(Document.id)
    if session.scalar(claim) is not None:
        _keep(document_id, spans)
        session.commit()
        return int(row.head_seq - reached)
    session.rollback()
    return int(row.head_seq - done)


def _pages(document_id: str, after: int) -> Iterator[Sequence[_Entry]]:
    """The next entries. Others run in between."""
    for _ in range(PAGES):
        query = (
            select(Entry.seq, Entry.user_id, Entry.time, Entry.inserted, Entry.deleted)
            .where(Entry.document_id == document_id, Entry.seq > after)
            .order_by(Entry.seq)
            .limit(PAGE)
        )
        entries = session.execute(query).all()
        if entries:
            yield entries
            after = entries[-1].seq
        if len(entries) < PAGE:
            return
        pause()


def _last(document_id: str) -> list[Span]:
    """The sitting that may go on; none if there are none."""
    query = _ALL.where(Sitting.document_id == document_id).order_by(Sitting.first_seq.desc()).limit(1)
    return [
        Span(
            sitting.first_seq,
            sitting.last_seq,
            sitting.began,
            sitting.ended,
            {user_id: Written(user_id, *counts) for user_id, *counts in sitting.people},
        )
        for sitting in session.execute(query)
    ]


def _named(document_id: str, since: int) -> Mapping[int, int]:
    query = select(Version.seq, Version.time).where(Version.document_id == document_id, Version.seq >= since)
    return {row.seq: row.time for row in session.execute(query)}


def _keep(document_id: str, spans: Sequence[Span]) -> None:
    """Replace the sitting that went on, and add those after it."""
    if not spans:
        return
    session.execute(
        delete(Sitting).where(Sitting.document_id == document_id, Sitting.first_seq >= spans[0].first)
    )
    session.execute(
        insert(Sitting),
        [
            {
                "document_id": document_id,
                "first_seq": span.first,
                "last_seq": span.last,
                "began": span.began,
                "ended": span.ended,
                "people": list(span.people.values()),
            }
            for span in spans
        ],
    )


def _count_others(document_id: str, user_id: int | None, after: int, until: int) -> int:
    """Among the entries of one sitting, of which the older ones may be in chunks."""
    packed = session.scalar(select(Document.packed_seq).where(Document.id == document_id)) or 0
    count = 0
    if after < packed:
        for group in _packed(document_id, after):
            if group.user_id != user_id:
                count += max(0, min(group.last, until) - max(group.first - 1, after))
        after = packed
    for start in range(after, until, COUNTED):
        span = Entry.document_id == document_id, Entry.seq > start, Entry.seq <= min(start + COUNTED, until)
        others = select(func.count()).where(*span, Entry.user_id.is_distinct_from(user_id))
        count += session.scalar(others) or 0
        pause()
    return count


def _packed(document_id: str, after: int) -> Iterator[Group]:
    """What is in chunks from this entry on, without the updates. Others run in between."""
    store: SqlStore = current_app.extensions["store"]
    pace = paced()
    for chunk in store.chunks(document_id, after):
        try:
            yield from slowly(heads(chunk.data, pace), pace)
        except Malformed as error:
            log.error(
                "%s: entries %d to %d are damaged: %s", document_id, chunk.first, chunk.last, error,
                extra={"document": document_id},
            )  # fmt: skip
        pause()


_ALL = select(Sitting.first_seq, Sitting.last_seq, Sitting.began, Sitting.ended, Sitting.people)
