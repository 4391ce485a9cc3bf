"""Chunks: old entries, put together for each person and second, taken apart into columns, and compressed.

The format is in docs/http.md.
"""

import zlib
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from sync.codec import Malformed, Reader, write_uint
from sync.columns import Columns, Rows, slowly
from sync.doc import merge
from sync.gate.scanner import no_pause
from sync.parts import squash
from sync.store import Entry

SECOND: Final = 1000  # milliseconds: who wrote what is told this exactly
MOST_ENTRIES: Final = 100  # in one group: merging is superlinear
DEFLATE_AT_ONCE: Final = 1 << 15  # bytes, which take a millisecond or two
MOST_BYTES: Final = 1 << 28  # of one chunk that is unpacked


class Group(NamedTuple):
    """Entries of one person, in one join, within one second, as one update."""

    first: int  # seq
    last: int
    user_id: int | None
    session_id: int
    time: int  # milliseconds since 1970, of the first entry
    update: bytes


def alone(entry: Entry) -> Group:
    """A group of one."""
    return Group(entry.seq, entry.seq, entry.user_id, entry.session_id, entry.time, entry.update)


def gather(groups: Iterable[Group], keep: Container[int] = ()) -> Iterator[Group]:
    """Put together what one person wrote in one join within one second, at most 100 entries.

    `groups`: of one entry each, but for what stands for damaged ones. `keep`: seqs that stay the last of a group.
    Raises `Unreadable`.
    """
    together: list[Group] = []
    for group in groups:
        if together and not (_alike(together[0], group) and len(together) < MOST_ENTRIES):
            yield _put_together(together)
            together = []
        together.append(group)
        if group.last in keep:
            yield _put_together(together)
            together = []
    if together:
        yield _put_together(together)


def encode(groups: Sequence[Group], pause: Callable[[], None] = no_pause) -> bytes:
    """Pack groups that follow each other. Raises ValueError if they do not."""
    if not groups:
        raise ValueError("expected at least one group, got none")
    users = list(dict.fromkeys(group.user_id for group in groups))
    joins = list(dict.fromkeys(group.session_id for group in groups))
    user_at = {user: index for index, user in enumerate(users)}
    join_at = {join: index for index, join in enumerate(joins)}
    out = bytearray()
    for number in (groups[0].first, len(groups), groups[0].time):
        write_uint(out, number)
    write_uint(out, len(users))
    for user in users:
        write_uint(out, 0 if user is None else user + 1)
    write_uint(out, len(joins))
    for join in joins:
        write_uint(out, join)
    seq = groups[0].first
    for group in slowly(groups, pause):
        if group.first != seq or group.last < seq:
            raise ValueError(f"expected a group from entry {seq} on, got {group.first} to {group.last}")
        write_uint(out, group.last + 1 - seq)
        seq = group.last + 1
    for group in slowly(groups, pause):
        write_uint(out, user_at[group.user_id])
    for group in slowly(groups, pause):
        write_uint(out, join_at[group.session_id])
    before = groups[0].time
    for group in slowly(groups, pause):
        passed = group.time - before
        write_uint(out, 2 * passed if passed >= 0 else -2 * passed - 1)
        before = group.time
    out += Columns([group.update for group in groups], pause).encode()
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
    packed = bytearray()
    for at in range(0, len(out), DEFLATE_AT_ONCE):
        packed += deflate.compress(out[at : at + DEFLATE_AT_ONCE])
        pause()
    return bytes(packed + deflate.flush())


def decode(data: bytes, pause: Callable[[], None] = no_pause) -> list[Group]:
    """Unpack a chunk. Raises Malformed, a ValueError: what was expected, what came, and where."""
    reader = Reader(_inflate(data))
    found = _heads(reader, pause)
    rows = Rows(reader, MOST_BYTES)
    groups = [group._replace(update=rows.next()) for group in slowly(found, pause)]
    rows.finish()
    return groups


def heads(data: bytes, pause: Callable[[], None] = no_pause) -> list[Group]:
    """The groups of a chunk without their updates, which is much quicker. Raises Malformed."""
    return _heads(Reader(_inflate(data)), pause)


def _heads(reader: Reader, pause: Callable[[], None]) -> list[Group]:
    first = reader.uint("first seq")
    if first == 0:
        raise reader.fail("first seq above 0", 0, 0)
    count = reader.count("number of groups", 4)  # a byte in each column
    time = reader.uint("time")
    users = [_user(reader.uint("user")) for _ in range(reader.count("number of users", 1))]
    joins = [_long(reader) for _ in range(reader.count("number of joins", 1))]
    each = range(count)
    counts = [_positive(reader) for _ in slowly(each, pause)]
    authors = [users[_index(reader, "user", len(users))] for _ in slowly(each, pause)]
    sessions = [joins[_index(reader, "join", len(joins))] for _ in slowly(each, pause)]
    times = [_zigzag(reader.uint("time")) for _ in slowly(each, pause)]
    groups: list[Group] = []
    for n in slowly(each, pause):
        time += times[n]
        groups.append(Group(first, first + counts[n] - 1, authors[n], sessions[n], time, b""))
        first += counts[n]
    return groups


def _alike(one: Group, other: Group) -> bool:
    return (
        one.user_id == other.user_id
        and one.session_id == other.session_id
        and one.time // SECOND == other.time // SECOND
    )


def _put_together(groups: Sequence[Group]) -> Group:
    if len(groups) == 1:
        return groups[0]
    return groups[0]._replace(last=groups[-1].last, update=squash(merge([group.update for group in groups])))


def _inflate(data: bytes) -> bytes:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        table = inflate.decompress(data, MOST_BYTES)
    except zlib.error as error:
        raise Malformed(f"expected deflated bytes, got {error}") from None
    if not inflate.eof or inflate.unused_data:
        raise Malformed(f"expected one deflated table of at most {MOST_BYTES} bytes, got more or less")
    return table


def _user(number: int) -> int | None:
    return number - 1 if number else None


def _long(reader: Reader) -> int:
    """A join has a random number below 2**63, which is more than a Reader takes for a number of its own."""
    value = shift = 0
    at = reader.pos
    while True:
        byte = reader.byte("join")
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
        if shift >= 63:
            raise reader.fail("join below 2**63", "a longer number", at)
    return value


def _positive(reader: Reader) -> int:
    at = reader.pos
    count = reader.uint("number of entries")
    if count == 0:
        raise reader.fail("number of entries above 0", 0, at)
    return count


def _index(reader: Reader, what: str, count: int) -> int:
    at = reader.pos
    index = reader.uint(f"index of a {what}")
    if index >= count:
        raise reader.fail(f"index of a {what} below {count}", index, at)
    return index


def _zigzag(number: int) -> int:
    return -(number >> 1) - 1 if number & 1 else number >> 1
