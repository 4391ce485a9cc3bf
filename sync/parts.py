"""Updates taken apart into structs, and put together again byte by byte."""

from collections.abc import Callable
from typing import Final, NamedTuple

from sync.codec import MAX_CLOCK, Malformed, uint_bytes, var_bytes, write_uint
from sync.gate.kinds import ANY, DELETED, GC, SKIP, STRING
from sync.gate.limits import UNLIMITED
from sync.gate.ranges import Ranges, disjoint
from sync.gate.scanner import Scanner, no_pause
from sync.gate.structs import HAS_ORIGIN, HAS_SUB, Struct, read_struct
from sync.gate.values import read_any

EMPTY: Final = (GC, SKIP, DELETED)  # a length and nothing else


class Piece(NamedTuple):
    """A struct and the bytes it came as."""

    info: int
    struct: Struct
    content: bytes  # without the length in front of a string or before the values of an Any


class Run(NamedTuple):
    client: int
    clock: int
    pieces: list[Piece]


class Parts(NamedTuple):
    """An update, taken apart."""

    runs: list[Run]
    deletes: list[tuple[int, list[tuple[int, int]]]]  # client, [(first clock, how many)]


class _Scanner(Scanner):
    """Remembers the last bytes that had a length in front."""

    __slots__ = ("bytes_read",)

    def raw(self, what: str) -> bytes:
        self.bytes_read = super().raw(what)
        return self.bytes_read


def take_apart(update: bytes, pause: Callable[[], None] = no_pause) -> Parts:
    """Raises Malformed for what the gate lets nobody write."""
    scanner = _Scanner(update, UNLIMITED, pause, trusted=True)
    runs = [_run(scanner) for _ in range(scanner.count("number of clients", 5))]
    deletes: list[tuple[int, list[tuple[int, int]]]] = []
    for _ in range(scanner.count("number of clients in the delete set", 2)):
        client = scanner.uint("client")
        count = scanner.count("number of delete ranges", 2)
        ranges: list[tuple[int, int]] = []
        for _ in range(count):
            scanner.tick()
            ranges.append((scanner.uint("clock", MAX_CLOCK), scanner.uint("length", MAX_CLOCK)))
        deletes.append((client, ranges))
    scanner.finish()
    return Parts(runs, deletes)


def _run(scanner: _Scanner) -> Run:
    count = scanner.count("number of structs", 2)
    client = scanner.uint("client")
    first = clock = scanner.uint("clock", MAX_CLOCK)
    pieces: list[Piece] = []
    for _ in range(count):
        at = scanner.pos
        struct = read_struct(scanner, clock)
        clock += struct.length
        info = scanner.data[at]
        if struct.kind in EMPTY:
            content = b""
        elif struct.kind == STRING:
            content = scanner.bytes_read
        else:
            head = 1 + len(_place(info, struct)) + (len(uint_bytes(struct.length)) if struct.kind == ANY else 0)
            content = scanner.data[at + head : scanner.pos]
        pieces.append(Piece(info, struct, content))
    return Run(client, first, pieces)


def put_together(parts: Parts) -> bytes:
    """The update again, byte for byte."""
    out = bytearray(uint_bytes(len(parts.runs)))
    for client, clock, pieces in parts.runs:
        out += uint_bytes(len(pieces)) + uint_bytes(client) + uint_bytes(clock)
        for info, struct, content in pieces:
            out.append(info)
            out += _place(info, struct)
            if struct.kind in EMPTY:
                write_uint(out, struct.length)
            elif struct.kind == STRING:
                out += var_bytes(content)
            elif struct.kind == ANY:
                out += uint_bytes(struct.length) + content
            else:
                out += content
    write_uint(out, len(parts.deletes))
    for client, ranges in parts.deletes:
        out += uint_bytes(client) + uint_bytes(len(ranges))
        for first, length in ranges:
            out += uint_bytes(first) + uint_bytes(length)
    return bytes(out)


def deleted(*several: Parts) -> Ranges:
    """What updates delete."""
    by_client: dict[int, list[tuple[int, int]]] = {}
    for parts in several:
        for client, some in parts.deletes:
            by_client.setdefault(client, []).extend((first, first + length) for first, length in some)
    ranges = Ranges()
    for client, spans in by_client.items():
        ranges.add(client, disjoint(spans))
    return ranges


def squash(update: bytes) -> bytes:
    """The same update with what was typed on in one piece, as Yjs would have it after a while."""
    try:
        parts = take_apart(update)
    except Malformed:
        return update
    return put_together(parts._replace(runs=[run._replace(pieces=_squashed(run)) for run in parts.runs]))


def _squashed(run: Run) -> list[Piece]:
    pieces: list[Piece] = []
    for piece in run.pieces:
        struct = piece.struct
        if pieces and struct.kind == STRING and struct.origin == (run.client, struct.clock - 1):
            info, before, content = pieces[-1]
            if before.kind == STRING and before.right == struct.right and before.sub is None and not info & HAS_SUB:
                length = before.length + struct.length
                pieces[-1] = Piece(info, before._replace(length=length), content + piece.content)
                continue
        pieces.append(piece)
    return pieces


def between(run: Run, first: int, end: int) -> Run:
    """What a run says of the clocks from `first` up to the one before `end`."""
    pieces = [
        _cut(run.client, piece, first, end)
        for piece in run.pieces
        if first < end and piece.struct.clock < end and piece.struct.clock + piece.struct.length > first
    ]
    return Run(run.client, max(first, run.clock), pieces)


def _cut(client: int, piece: Piece, first: int, end: int) -> Piece:
    info, struct, content = piece
    skip, length = max(0, first - struct.clock), min(end - struct.clock, struct.length)
    if (skip, length) == (0, struct.length):
        return piece
    if struct.kind == STRING:
        content = content.decode().encode("utf-16-le")[2 * skip : 2 * length].decode("utf-16-le").encode()
    elif struct.kind == ANY:
        content = _values(content, skip, length)
    struct = struct._replace(clock=struct.clock + skip, length=length - skip)
    if skip and struct.kind not in (GC, SKIP):
        # It stands after what was cut off, and in the same place as that.
        info = info & ~HAS_SUB | HAS_ORIGIN
        struct = struct._replace(origin=(client, struct.clock - 1), parent=None, sub=None)
    return Piece(info, struct, content)


def _values(content: bytes, first: int, end: int) -> bytes:
    """Some of the Any values that follow each other."""
    scanner = Scanner(content, UNLIMITED, no_pause, trusted=True)
    edges = [0]
    while len(edges) <= end:
        read_any(scanner)
        edges.append(scanner.pos)
    return content[edges[first] : edges[end]]


def _place(info: int, struct: Struct) -> bytes:
    """Where a struct stands, as it is in an update."""
    out = b"".join([uint_bytes(id[0]) + uint_bytes(id[1]) for id in (struct.origin, struct.right) if id is not None])
    parent = struct.parent
    if isinstance(parent, str):
        out = b"\1" + var_bytes(parent.encode())
    elif parent is not None:
        out = b"\0" + uint_bytes(parent[0]) + uint_bytes(parent[1])
    return out if struct.sub is None else out + var_bytes(struct.sub.encode())
