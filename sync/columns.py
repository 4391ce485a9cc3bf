"""Updates taken apart into columns, each of numbers or text of one kind, which compress far better than updates do.

Most of what a keystroke says can be foretold: its client, its clock, that it stands after the one before. What is as
foretold is a 0. Both sides go through the columns in step, so they foretell alike. Format: docs/http.md.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from sync.codec import MAX_CLOCK, Malformed, Reader, uint_bytes, var_bytes, write_uint
from sync.gate.kinds import ANY, GC, SKIP, STRING
from sync.gate.scanner import Id, no_pause
from sync.gate.structs import HAS_ORIGIN, HAS_RIGHT, HAS_SUB, Struct
from sync.parts import EMPTY, Parts, Run, take_apart
from sync.repeats import expand, squeeze

T = TypeVar("T")

AT_ONCE: Final = 100  # updates between two pauses: about two milliseconds
COLUMNS: Final = 6  # shape, clients, clocks, lengths, other, text


def slowly(work: Sequence[T], pause: Callable[[], None]) -> Iterator[T]:
    """With pauses."""
    for number, one in enumerate(work, 1):
        yield one
        if number % AT_ONCE == 0:
            pause()


class _Foretold:
    """What both sides know of each client, by its place in the table."""

    def __init__(self, clients: Sequence[int]) -> None:
        self.next = [0] * len(clients)  # the clock after its newest struct
        self.last = [0] * len(clients)  # its clock that was spoken of last
        self.right: list[Id | None] = [None] * len(clients)  # the right origin it gave last


class Columns:
    """Takes updates and makes columns of them."""

    def __init__(self, updates: Sequence[bytes], pause: Callable[[], None] = no_pause) -> None:
        self._columns = [bytearray() for _ in range(COLUMNS)]
        self._shape, self._clients, self._clocks, self._lengths, self._other, self._text = self._columns
        self._pause = pause
        parts = [_try(update) for update in slowly(updates, pause)]
        self._index: dict[int, int] = {}
        for part in slowly(parts, pause):
            for client in _named(part) if part is not None else ():
                self._index.setdefault(client, len(self._index))
        self._known = _Foretold(list(self._index))
        for update, part in slowly(list(zip(updates, parts, strict=True)), pause):
            if part is None:
                self._shape.append(0)
                write_uint(self._lengths, len(update))
                self._other += update
            else:
                self._add(part)

    def encode(self) -> bytes:
        out = bytearray(uint_bytes(len(self._index)))
        for client in self._index:
            write_uint(out, client)
        columns = [*self._columns[:-1], squeeze(bytes(self._text), self._pause)]
        for column in columns:
            write_uint(out, len(column))
        return bytes(out) + b"".join(map(bytes, columns))

    def _add(self, parts: Parts) -> None:
        write_uint(self._shape, len(parts.runs) + 1)
        for run in parts.runs:
            self._run(run)
        write_uint(self._shape, len(parts.deletes))
        for client, ranges in parts.deletes:
            index = self._index[client]
            write_uint(self._clients, index)
            write_uint(self._shape, len(ranges))
            for first, length in ranges:
                self._clock(first - self._known.last[index])
                write_uint(self._lengths, length)
                self._known.last[index] = first

    def _run(self, run: Run) -> None:
        own, known = self._index[run.client], self._known
        write_uint(self._shape, len(run.pieces))
        write_uint(self._clients, own)
        self._clock(run.clock - known.next[own])
        known.next[own] = run.clock
        for info, struct, content in run.pieces:
            self._shape.append(info)
            if info not in (GC, SKIP):
                self._place(own, struct)
            kind = struct.kind
            if kind in EMPTY or kind in (ANY, STRING):
                write_uint(self._lengths, struct.length)
            if kind == STRING:
                self._text += content
            elif kind not in EMPTY:
                write_uint(self._lengths, len(content))
                self._other += content
            known.next[own] = struct.clock + struct.length
            known.last[own] = known.next[own] - 1

    def _place(self, own: int, struct: Struct) -> None:
        known = self._known
        if struct.origin is not None:
            self._id(struct.origin, own, struct.clock - 1)
        if struct.right is not None:
            self._id(struct.right, *(known.right[own] or (0, -1)))
            known.right[own] = self._index[struct.right[0]], struct.right[1]
        if struct.parent is not None:
            if isinstance(struct.parent, str):
                self._shape.append(1)
                self._name(struct.parent)
            else:
                self._shape.append(0)
                self._id(struct.parent, own, struct.clock - 1)
            if struct.sub is not None:
                self._name(struct.sub)

    def _id(self, id: Id, index: int, clock: int) -> None:
        """0: the id that was foretold, which is of the client at this index."""
        place = self._index[id[0]]
        if (place, id[1]) == (index, clock):
            self._clients.append(0)
        else:
            write_uint(self._clients, place + 1)
            self._clock(id[1] - self._known.last[place])
        self._known.last[place] = id[1]

    def _name(self, name: str) -> None:
        raw = name.encode()
        write_uint(self._lengths, len(raw))
        self._other += raw

    def _clock(self, difference: int) -> None:
        write_uint(self._clocks, 2 * difference if difference >= 0 else -2 * difference - 1)


def _try(update: bytes) -> Parts | None:
    try:
        return take_apart(update)
    except Malformed:
        return None  # it stays whole


def _named(parts: Parts) -> Iterator[int]:
    """The clients that an update speaks of."""
    for client, _, pieces in parts.runs:
        yield client
        for _, struct, _ in pieces:
            for id in (struct.origin, struct.right, struct.parent):
                if id is not None and not isinstance(id, str):
                    yield id[0]
    for client, _ in parts.deletes:
        yield client


class Rows:
    """Reads columns and makes updates of them. Raises Malformed."""

    def __init__(self, reader: Reader, most: int) -> None:
        """`most`: bytes of text."""
        self._table = [reader.uint("client") for _ in range(reader.count("number of clients", 1))]
        sizes = [reader.uint("bytes of a column") for _ in range(COLUMNS)]
        if sum(sizes) != reader.end - reader.pos:
            raise reader.fail(f"{sum(sizes)} bytes of columns", reader.end - reader.pos, reader.pos)
        columns: list[Reader] = []
        for size in sizes:
            columns.append(Reader(reader.data[reader.pos : reader.pos + size]))
            reader.pos += size
        self._columns = columns
        self._shape, self._clients, self._clocks, self._lengths, self._other, text = columns
        try:
            self._units = expand(text.data, most).decode("utf-8").encode("utf-16-le")
        except UnicodeDecodeError as error:
            raise text.fail("text in UTF-8", error.reason, 0) from None
        self._unit = 0
        self._known = _Foretold(self._table)

    def next(self) -> bytes:
        """The next update."""
        runs = self._shape.uint("number of clients")
        if runs == 0:
            return self._bytes()
        out = bytearray(uint_bytes(runs - 1))
        for _ in range(runs - 1):
            self._run(out)
        clients = self._shape.uint("number of clients in the delete set")
        write_uint(out, clients)
        for _ in range(clients):
            index = self._client()
            ranges = self._shape.uint("number of delete ranges")
            out += uint_bytes(self._table[index]) + uint_bytes(ranges)
            for _ in range(ranges):
                clock = self._clock(self._known.last[index])
                self._known.last[index] = clock
                out += uint_bytes(clock) + uint_bytes(self._lengths.uint("length", MAX_CLOCK))
        return bytes(out)

    def finish(self) -> None:
        """Nothing may follow."""
        for column in self._columns[:-1]:
            column.finish()
        if self._unit != len(self._units):
            raise Malformed(f"expected {self._unit // 2} characters of text, got {len(self._units) // 2}")

    def _run(self, out: bytearray) -> None:
        known = self._known
        count = self._shape.uint("number of structs")
        own = self._client()
        clock = self._clock(known.next[own])
        out += uint_bytes(count) + uint_bytes(self._table[own]) + uint_bytes(clock)
        for _ in range(count):
            info = self._shape.byte("a struct")
            kind = info & 31
            out.append(info)
            if info not in (GC, SKIP):
                self._place(out, info, own, clock)
            length = 1
            if kind in EMPTY or kind in (ANY, STRING):
                length = self._lengths.uint("length", MAX_CLOCK)
            if kind == STRING:
                out += var_bytes(self._string(length))
            elif kind in EMPTY:
                write_uint(out, length)
            else:
                out += (uint_bytes(length) if kind == ANY else b"") + self._bytes()
            clock += length
            known.next[own] = clock
            known.last[own] = clock - 1

    def _place(self, out: bytearray, info: int, own: int, clock: int) -> None:
        known = self._known
        if info & HAS_ORIGIN:
            self._id(out, own, clock - 1)
        if info & HAS_RIGHT:
            known.right[own] = self._id(out, *(known.right[own] or (0, -1)))
        if not info & (HAS_ORIGIN | HAS_RIGHT):
            root = self._shape.byte("parent flag")
            out.append(root)
            if root:
                out += var_bytes(self._bytes())
            else:
                self._id(out, own, clock - 1)
            if info & HAS_SUB:
                out += var_bytes(self._bytes())

    def _id(self, out: bytearray, index: int, clock: int) -> Id:
        code = self._clients.uint("index of a client", len(self._table))
        if code:
            index = code - 1
            clock = self._clock(self._known.last[index])
        elif clock < 0:
            raise self._clients.fail("an id that can be foretold", "none", self._clients.pos)
        self._known.last[index] = clock
        out += uint_bytes(self._table[index]) + uint_bytes(clock)
        return index, clock

    def _client(self) -> int:
        return self._clients.uint("index of a client", len(self._table) - 1)

    def _clock(self, foretold: int) -> int:
        at = self._clocks.pos
        number = self._clocks.uint("difference of clocks")
        clock = foretold - (number >> 1) - 1 if number & 1 else foretold + (number >> 1)
        if not 0 <= clock <= MAX_CLOCK:
            raise self._clocks.fail(f"a clock of 0 to {MAX_CLOCK}", clock, at)
        return clock

    def _bytes(self) -> bytes:
        size = self._lengths.uint("number of bytes")
        at = self._other.pos
        if size > self._other.end - at:
            raise self._other.fail(f"{size} bytes", self._other.end - at, at)
        self._other.pos += size
        return self._other.data[at : at + size]

    def _string(self, length: int) -> bytes:
        at = self._unit
        self._unit += 2 * length
        if self._unit > len(self._units):
            raise Malformed(f"expected {length} characters of text, got {(len(self._units) - at) // 2}")
        try:
            return self._units[at : self._unit].decode("utf-16-le").encode()
        except UnicodeDecodeError as error:
            raise Malformed(f"expected whole characters, got {error.reason}") from None
