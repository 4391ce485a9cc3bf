"""Updates made by hand, byte for byte: what an honest client would never send."""

from collections.abc import Mapping, Sequence

from sync.codec import uint_bytes, var_bytes

Id = tuple[int, int]


def name(text: str) -> bytes:
    return var_bytes(text.encode())


def struct(
    info: int,
    content: bytes,
    origin: Id | None = None,
    right: Id | None = None,
    parent: str | Id | None = None,
    key: str | None = None,
) -> bytes:
    out = bytes([info | (128 if origin else 0) | (64 if right else 0) | (32 if key is not None else 0)])
    for id in (origin, right):
        if id is not None:
            out += uint_bytes(id[0]) + uint_bytes(id[1])
    if origin is None and right is None:
        if isinstance(parent, str):
            out += b"\1" + name(parent)
        elif parent is not None:
            out += b"\0" + uint_bytes(parent[0]) + uint_bytes(parent[1])
        if key is not None:
            out += name(key)
    return out + content


def text(words: str, origin: Id | None = None, right: Id | None = None, parent: str | Id | None = None) -> bytes:
    return struct(4, name(words), origin, right, parent)


def element(
    tag: str, origin: Id | None = None, right: Id | None = None, parent: str | Id | None = None, key: str | None = None
) -> bytes:
    return struct(7, b"\3" + name(tag), origin, right, parent, key)


def shared(which: int, origin: Id | None = None, parent: str | Id | None = None, key: str | None = None) -> bytes:
    """A type without a name: array 0, map 1, text 2, fragment 4, XML text 6."""
    return struct(7, bytes([which]), origin, None, parent, key)


def entry(key: str, values: bytes, parent: str | Id, count: int = 1) -> bytes:
    return struct(8, uint_bytes(count) + values, None, None, parent, key)


def section(client: int, clock: int, *structs: bytes) -> bytes:
    return uint_bytes(len(structs)) + uint_bytes(client) + uint_bytes(clock) + b"".join(structs)


def deletes(ranges: Mapping[int, Sequence[tuple[int, int]]]) -> bytes:
    """Client -> (first clock, how many)."""
    out = uint_bytes(len(ranges))
    for client, some in ranges.items():
        out += uint_bytes(client) + uint_bytes(len(some))
        out += b"".join(uint_bytes(first) + uint_bytes(length) for first, length in some)
    return out


def update(*sections: bytes, deleted: Mapping[int, Sequence[tuple[int, int]]] | None = None) -> bytes:
    return uint_bytes(len(sections)) + b"".join(sections) + deletes(deleted or {})
