"""What a process has of one document in memory: the doc, the gate, and how far in the log they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

from pycrdt import Doc

from sync.chunk import Group
from sync.doc import apply, apply_in_slices, lacking
from sync.gate import Gate
from sync.history import groups
from sync.limits import AT_ONCE, NEARLY, Capacity
from sync.peer import Show, show_each
from sync.store import Broken, Store

NOTHING = b"\x00"  # the state vector of somebody who has nothing


class Host(NamedTuple):
    """What a room needs from the process it lives in."""

    store: Store
    roots: Mapping[str, int]  # the doc's roots: name -> number of the type
    now: Callable[[], int]  # milliseconds since 1970
    pause: Callable[[], None]  # lets others run, for a moment, in the middle of long work
    later: Callable[[float, Callable[[], None]], object]  # calls after so many seconds, where blocking is allowed
    capacity: Capacity
    show: Show = show_each


@dataclass(slots=True)
class Tail:
    """The end of the log: what came after a snapshot. It goes on counting."""

    entries: int = 0
    size: int = 0  # bytes


class Replica:
    """A copy of a document, which can be thrown away at any moment. `load` and `read` may block on the store."""

    def __init__(self, document_id: str, host: Host) -> None:
        self.document_id = document_id
        self.epoch = ""
        self.doc: Doc[Any] = Doc()
        self.gate = Gate(host.roots, {})
        self.seq = 0  # all entries up to this one are in the doc
        self.head = 0  # the newest entry that we know to exist
        self.tail = Tail()  # since the last snapshot that we know of
        self._host = host
        self._encoded = (-1, b"")  # seq, the state then
        self._size = 0  # bytes of the doc, at most
        self._measured = 0  # and when it was last measured

    def load(self) -> None:
        """Read the log. Raises `UnknownDocument`; `Broken`, `Unreadable` or `Malformed` when the log is not whole."""
        log = self._host.store.open(self.document_id)
        self.epoch = log.epoch
        self.gate = Gate(self._host.roots, log.owners, self._host.capacity.update, self._host.pause)
        self.head = max(self.head, log.head)
        if log.snapshot is not None:
            apply(self.doc, [log.snapshot.state])
            self.gate.replay(log.snapshot.state)
            self.seq = log.snapshot.seq
            self._size = len(log.snapshot.state)
        while self.seq < self.head:
            some = self.read()
            self.apply([group.update for group in some], some[-1].last)
            self.replay(some)

    def read(self) -> list[Group]:
        """The entries after `seq`, at least one. Raises `Broken` when one is damaged or missing."""
        some = list(groups(self._host.store, self.document_id, self.seq, pause=self._host.pause))
        if not some:
            raise Broken(f"{self.document_id}: expected entries {self.seq + 1} to {self.head}, found none")
        return some

    def apply(self, updates: Sequence[bytes], seq: int) -> None:
        """Take the entries up to `seq` into the doc. Pauses where they are large. Raises `Unreadable`."""
        light: list[bytes] = []
        for update in updates:
            if len(update) <= AT_ONCE:
                light.append(update)
            else:
                apply(self.doc, light)
                apply_in_slices(self.doc, update, self._host.pause, inf)
                light = []
        apply(self.doc, light)
        self.advance(updates, seq)

    def advance(self, updates: Sequence[bytes], seq: int) -> None:
        """The doc has the entries up to `seq`, which are these updates."""
        size = sum(map(len, updates))
        self.tail.entries += seq - self.seq
        self.tail.size += size
        self._size += size
        self.seq = seq
        self.head = max(self.head, seq)

    def replay(self, some: Sequence[Group]) -> None:
        """Take entries that somebody else wrote into the gate. Pauses. Raises `Malformed`."""
        for group in some:
            self.gate.replay(group.update)
            for client in self.gate.clocks.keys() - self.gate.owners.keys():
                self.gate.owners[client] = group.user_id

    @property
    def filled(self) -> float:
        """How much of what it may hold the doc has: 1.0 is full. What is deleted leaves a trace that counts."""
        capacity = self._host.capacity
        # What was typed takes less in the doc than as it came. To encode it takes a while: only if it may be full, and
        # only when it has grown again.
        if self._size > NEARLY * capacity.bytes and self._size > self._measured + capacity.bytes / 100:
            self._size = self._measured = len(self.doc.get_update())
        return max(self._size / capacity.bytes, self.gate.structs / capacity.structs)

    def state(self) -> bytes:
        """The doc as one update."""
        if self._encoded[0] != self.seq:
            self._encoded = self.seq, self.doc.get_update()
        return self._encoded[1]

    def lacking(self, state_vector: bytes) -> bytes:
        """What somebody lacks who has this much. Raises `Unreadable`."""
        return self.state() if state_vector == NOTHING else lacking(self.doc, state_vector)
