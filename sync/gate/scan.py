"""The grammar of an update: it is well formed, or Malformed says where and why.

It is the intersection of what Yjs 13.6 and Yrs 0.28 read in the same way. Where one of them is laxer (numbers that wrap
at 32 bits, two delete sets for one client) the update is refused: bytes that two readers read differently are how
replicas diverge.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sync.codec import MAX_CLOCK
from sync.gate.kinds import SKIP
from sync.gate.limits import Limits, TooLarge
from sync.gate.ranges import Range, Spans, disjoint
from sync.gate.scanner import Scanner, no_pause
from sync.gate.structs import Struct, read_struct


class Section(NamedTuple):
    """Structs of one client that follow each other."""

    client: int
    first: int
    end: int  # the clock after it
    start: int  # offsets of its bytes
    stop: int
    structs: Sequence[Struct]


class Deletes(NamedTuple):
    client: int
    ranges: Sequence[Range]  # ascending, disjoint


class Scan(NamedTuple):
    sections: list[Section]
    deletes: list[Deletes]
    deletes_at: int  # offset of the delete set


def scan(update: bytes, limits: Limits = Limits(), pause: Callable[[], None] = no_pause, trusted: bool = False) -> Scan:
    """Read one whole update. Raises Malformed; TooLarge, which is one, if smaller updates would do."""
    if len(update) > limits.max_bytes:
        raise TooLarge(f"expected at most {limits.max_bytes} bytes, got {len(update)}")
    scanner = Scanner(update, limits, pause, trusted)
    sections = _sections(scanner)
    deletes_at = scanner.pos
    deletes = _deletes(scanner)
    scanner.finish()
    return Scan(sections, deletes, deletes_at)


def _sections(scanner: Scanner) -> list[Section]:
    limits = scanner.limits
    count = scanner.count("number of clients", 5)
    if count > limits.max_clients:
        raise TooLarge(f"expected at most {limits.max_clients} clients, got {count}")
    sections: list[Section] = []
    seen: set[int] = set()
    total = 0
    for _ in range(count):
        start = scanner.pos
        structs = scanner.count("number of structs", 2)
        if structs == 0:
            raise scanner.fail("number of structs above 0", 0, start)  # Yrs panics on an empty section
        total += structs
        if total > limits.max_structs:
            raise TooLarge(f"byte {start}: expected at most {limits.max_structs} structs, got {total}")
        client = scanner.uint("client")
        if client in seen:
            raise scanner.fail("each client once", client, start)
        seen.add(client)
        sections.append(_section(scanner, client, structs, start))
    return sections


def _section(scanner: Scanner, client: int, count: int, start: int) -> Section:
    first = clock = scanner.uint("clock", MAX_CLOCK)
    structs: list[Struct] = []
    for _ in range(count):
        at = scanner.pos
        struct = read_struct(scanner, clock)
        clock += struct.length
        if clock > MAX_CLOCK:
            raise scanner.fail(f"clocks up to {MAX_CLOCK}", clock, at)
        if struct.kind != SKIP:
            structs.append(struct)
    return Section(client, first, clock, start, scanner.pos, structs)


def _deletes(scanner: Scanner) -> list[Deletes]:
    deletes: list[Deletes] = []
    seen: set[int] = set()
    for _ in range(scanner.count("number of clients in the delete set", 4)):
        at = scanner.pos
        client = scanner.uint("client")
        if client in seen and not scanner.trusted:
            raise scanner.fail("each client once in the delete set", client, at)  # Yjs adds them up, Yrs keeps the last
        seen.add(client)
        deletes.append(Deletes(client, _ranges(scanner)))
    return deletes


def _ranges(scanner: Scanner) -> Sequence[Range]:
    at = scanner.pos
    count = scanner.count("number of delete ranges", 2)
    if count == 0 and not scanner.trusted:
        raise scanner.fail("number of delete ranges above 0", 0, at)
    ranges = Spans()
    after = 0
    tidy = True
    for _ in range(count):
        scanner.tick()
        at = scanner.pos
        first = scanner.uint("clock", MAX_CLOCK)
        length = scanner.uint("length", MAX_CLOCK)
        if first < after or length == 0 or first + length > MAX_CLOCK:
            if not scanner.trusted:
                raise scanner.fail(f"a delete range from {after} on", f"{length} clocks from {first} on", at)
            tidy = False
        after = first + length
        ranges.append(first, after)
    return ranges if tidy else Spans(disjoint(ranges))
