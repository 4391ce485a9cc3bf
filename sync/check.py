"""Check a log: that it is what was written, and that its snapshots say what its entries say."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from pycrdt import Doc

from sync.chunk import Group
from sync.codec import Malformed
from sync.codec import state_vector as clocks
from sync.doc import Unreadable, apply, content
from sync.gate.scanner import no_pause
from sync.history import AT_ONCE, groups, known
from sync.store import Broken, Damage, Snapshot, Store
from sync.walk import walk


class Finding(NamedTuple):
    """Something that is not as it should be."""

    document_id: str | None
    what: str  # where: "entries 3 to 4", "the snapshot of entry 9"
    expected: str
    came: str

    def __str__(self) -> str:
        where = self.what if self.document_id is None else f"{self.document_id}: {self.what}"
        return f"{where}: expected {self.expected}, found {self.came}"


def check(
    store: Store,
    document_id: str,
    snapshots: Iterable[Snapshot],
    roots: Mapping[str, int],
    pause: Callable[[], None] = no_pause,
) -> Iterator[Finding]:
    """Walk through all entries and chunks of a log. `snapshots`: all of it that there are, in their order. May block.

    A snapshot is compared with the doc that the entries make, as far as these are whole. Raises `UnknownDocument`.
    """
    yield from _rows(store, document_id, pause)
    checked = _Checked(document_id, roots)
    damages: list[Damage] = []
    log = groups(store, document_id, damaged=damages.append, pause=pause)
    try:
        for snapshot in snapshots:
            yield from checked.hash(snapshot)
            if checked.reach(snapshot.seq, log, damages, pause):
                yield from checked.compare(snapshot)
            pause()
        checked.reach(None, log, damages, pause)
    except (Broken, Unreadable) as error:
        yield Finding(document_id, f"the entries after {checked.seq}", "what can be read", str(error))


def _rows(store: Store, document_id: str, pause: Callable[[], None]) -> Iterator[Finding]:
    """What is damaged in the rows of the log, and what of it is known."""
    harmless: list[Damage] = []
    for row in walk(store, document_id, harmless=harmless.append, pause=pause):
        for damage in harmless:
            yield _finding(document_id, damage, "only its hash")
        harmless.clear()
        if isinstance(row, Damage):
            told = known(store, document_id, row)
            yield _finding(document_id, row, f"what it did is told by entry {told.known}" if told else "")


class _Checked:
    """What the entries up to `seq` make."""

    def __init__(self, document_id: str, roots: Mapping[str, int]) -> None:
        self.seq = 0
        self._document_id = document_id
        self._roots = roots
        self._doc: Doc[Any] = Doc()
        self._whole = True  # nothing was damaged until here
        self._last: Group | None = None

    def reach(self, seq: int | None, walk: Iterator[Group], damages: list[Damage], pause: Callable[[], None]) -> bool:
        """Go on to this entry, or to the end. Whether the doc is what was written."""
        updates: list[bytes] = []
        while seq is None or self.seq < seq:
            group = next(walk, None)
            self._whole = self._whole and not damages
            if group is not None and self._whole:
                updates.append(group.update)
            if group is None or len(updates) == AT_ONCE:
                apply(self._doc, updates)
                updates = []
                pause()
            if group is None:
                break
            self.seq, self._last = group.last, group
        apply(self._doc, updates)
        return self._whole

    def hash(self, snapshot: Snapshot) -> Iterator[Finding]:
        found = sha256(snapshot.state).digest()
        if found != snapshot.hash:
            yield self._finding(snapshot, f"a state with the hash {snapshot.hash.hex()}", found.hex())

    def compare(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Whether a snapshot says what the entries say. If one group goes on after it, that is added to it."""
        doc: Doc[Any] = Doc()
        more = [self._last.update] if self._last is not None and self._last.last > snapshot.seq else []
        try:
            apply(doc, [snapshot.state])
            own = clocks(doc.get_state())
            apply(doc, more)
            if differs := _different(own, clocks(snapshot.state_vector)):
                yield self._finding(snapshot, *differs)
            if differs := _different(clocks(self._doc.get_state()), clocks(doc.get_state())):
                yield self._finding(snapshot, *differs)
            elif content(self._doc, self._roots) != content(doc, self._roots):
                yield self._finding(snapshot, "what the entries make", "a note that reads differently")
        except (Unreadable, Malformed) as error:
            yield self._finding(snapshot, "what can be read", str(error))

    def _finding(self, snapshot: Snapshot, expected: str, came: str) -> Finding:
        return Finding(self._document_id, f"the snapshot of entry {snapshot.seq}", expected, came)


def _different(wanted: Mapping[int, int], found: Mapping[int, int]) -> tuple[str, str] | None:
    """A client of which one state vector says something else than the other, in words; None: they are equal."""
    for client in sorted(wanted.keys() | found.keys()):
        if wanted.get(client) != found.get(client):
            return f"clocks of client {client} below {wanted.get(client, 0)}", f"below {found.get(client, 0)}"
    return None


def _finding(document_id: str, damage: Damage, more: str) -> Finding:
    came = f"{damage.came} ({more})" if more else damage.came
    return Finding(document_id, _entries(damage.first, damage.last), damage.expected, came)


def _entries(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"
