"""The walk through a log that finds what is damaged. Whoever wants to know whether a log is whole takes it.

Every row has a hash over itself and the row before it. A row that does not match its own may have been changed, or only
its hash was: the row after it, or the document, was chained to the right one and tells.
"""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

from sync.codec import Malformed
from sync.gate.limits import UNLIMITED
from sync.gate.scan import scan
from sync.gate.scanner import no_pause
from sync.store import BEFORE_ALL, Chunk, Damage, Entry, Status, Store, chain, link

AT_ONCE: Final = 500  # rows between two pauses: about two milliseconds

Row = Chunk | Entry | Damage


def walk(
    store: Store,
    document_id: str,
    after: int = 0,
    until: int | None = None,
    harmless: Callable[[Damage], None] = lambda damage: None,
    pause: Callable[[], None] = no_pause,
) -> Iterator[Row]:
    """What is after entry `after` up to `until`, in its order: chunks, entries, and what is damaged. May block.

    Chunks come whole: the first may begin before `after`, the last end after `until`. Nothing tells what the row after
    a lost one was chained to: it is taken if it can be read. If somebody erases history meanwhile, rows of before and
    after that meet, which looks like damage: compare `Store.status`. Where only the hash of a row is damaged the row
    comes with the right one, and `harmless` is told of it. Raises `UnknownDocument`.
    """
    status = store.status(document_id)
    end = status.head if until is None else min(until, status.head)
    rows = _rows(store, document_id, after, end)
    seen = _Seen(after, status, harmless)
    row = next(rows, None)
    for number in count(1):
        if row is None or _first(row) > end:
            return
        if number % AT_ONCE == 0:
            pause()
        ahead = next(rows, None)
        judged = seen.look(row, ahead)
        if seen.doubtful and after:  # the row that this one is chained to was not looked at: look at all of them
            yield from (each for each in walk(store, document_id, 0, until, harmless, pause) if _last(each) > after)
            return
        if judged is not None:
            yield judged
        row = ahead


class _Seen:
    """What is known of the rows so far."""

    def __init__(self, after: int, status: Status, harmless: Callable[[Damage], None]) -> None:
        self.doubtful = False  # the row that was looked at last is damaged, or the one that it is chained to
        self._at = after
        self._status = status
        self._harmless = harmless
        # What the next chunk and the next entry are chained to. None: that is not there.
        self._chunk: bytes | None = BEFORE_ALL
        self._entry: bytes | None = BEFORE_ALL if after == 0 else None
        self._borrowed = False  # they are of a row before `after`, which was not looked at

    def look(self, row: Row, ahead: Row | None) -> Row | None:
        """The row as it was written, or that it is damaged; None: it was seen, or not asked for."""
        if isinstance(row, Damage):
            self._chunk = self._entry = None
        elif _last(row) <= self._at:
            self._begin_after(row)
            return None
        elif isinstance(row, Chunk):
            row = self._look_at_chunk(row, ahead)
        else:
            row = self._look_at_entry(row, ahead)
        self._at = _last(row)
        self._borrowed = False
        return row

    def _begin_after(self, row: Chunk | Entry) -> None:
        if isinstance(row, Chunk):
            self._chunk = row.hash
            self._entry = row.entry_hash if row.last == self._at else None
            self._borrowed = True
        elif self._entry is None:
            self._entry, self._borrowed = row.hash, True

    def _look_at_chunk(self, chunk: Chunk, ahead: Row | None) -> Row:
        hash = chunk.hash if self._chunk is None else _link(self._chunk, chunk)
        next_entry = ahead if isinstance(ahead, Entry) else None
        if hash != chunk.hash and not (isinstance(ahead, Chunk) and _link(hash, ahead) == ahead.hash):
            self.doubtful = self._borrowed
            self._chunk = chunk.hash
            # What is damaged may be that hash itself.
            follows = next_entry is not None and _chain(chunk.entry_hash, next_entry) == next_entry.hash
            self._entry = chunk.entry_hash if follows else None
            return _damage(chunk.first, chunk.last, "a chunk", hash, chunk.hash)
        if hash != chunk.hash:
            self._harmless(_damage(chunk.first, chunk.last, "a chunk", hash, chunk.hash))
        self._chunk, self._entry = hash, chunk.entry_hash
        return chunk._replace(hash=hash)

    def _look_at_entry(self, entry: Entry, ahead: Row | None) -> Row:
        hash = entry.hash if self._entry is None else _chain(self._entry, entry)
        if hash != entry.hash and not self._is_confirmed(hash, entry, ahead):
            self.doubtful = self._borrowed
            self._entry = entry.hash
            return _damage(entry.seq, entry.seq, "an entry", hash, entry.hash)
        if hash != entry.hash:
            self._harmless(_damage(entry.seq, entry.seq, "an entry", hash, entry.hash))
        self._entry, unknown = hash, self._entry is None
        return (_unreadable(entry) if unknown else None) or entry._replace(hash=hash)

    def _is_confirmed(self, hash: bytes, entry: Entry, ahead: Row | None) -> bool:
        """Whether what comes next is chained to this hash."""
        if isinstance(ahead, Entry):
            return _chain(hash, ahead) == ahead.hash
        return ahead is None and entry.seq == self._status.head and hash == self._status.hash


def _rows(store: Store, document_id: str, after: int, end: int) -> Iterator[Row]:
    """All rows from the one at `after` to the one after `end`, as they are kept, and which of them are missing.

    One may come twice.
    """
    at = after
    looked_again = False
    while at < end:
        start = at
        anchored = at == 0
        for chunk in store.chunks(document_id, at):
            if chunk.last > at and chunk.first > at + 1:
                yield _missing(at, chunk.first - 1, f"a chunk from entry {chunk.first} on")
            yield chunk
            at = max(at, chunk.last)
            anchored = chunk.last == at
            if chunk.first > end:
                return
        for entry in store.entries(document_id, at if anchored else at - 1, end + 1):
            if entry.seq > at + 1:
                if at > start or not looked_again:
                    break  # perhaps it was packed while we read: look again
                yield _missing(at, entry.seq - 1, f"entry {entry.seq}")
            yield entry
            at = entry.seq
        if at == start and looked_again:
            yield Damage(at + 1, end, f"entries up to {end}", "nothing")
            return
        looked_again = at == start


def _unreadable(entry: Entry) -> Damage | None:
    """Why an entry, of which no hash tells whether it is what was written, cannot be that."""
    try:
        scan(entry.update, UNLIMITED, trusted=True)
    except Malformed as error:
        return Damage(entry.seq, entry.seq, "an update", str(error))
    return None


def _missing(at: int, last: int, came: str) -> Damage:
    return Damage(at + 1, last, f"entry {at + 1}", came)


def _damage(first: int, last: int, what: str, hash: bytes, came: bytes) -> Damage:
    return Damage(first, last, f"{what} with the hash {hash.hex()}", came.hex())


def _first(row: Row) -> int:
    return row.seq if isinstance(row, Entry) else row.first


def _last(row: Row) -> int:
    return row.seq if isinstance(row, Entry) else row.last


def _chain(previous: bytes, entry: Entry) -> bytes:
    return chain(previous, entry.seq, entry.user_id, entry.session_id, entry.time, entry.update)


def _link(previous: bytes, chunk: Chunk) -> bytes:
    return link(previous, chunk.first, chunk.last, chunk.entry_hash, chunk.data)
