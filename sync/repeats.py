"""Long repeats in a text, however far apart: who moves a page writes it again, and deflate looks back 32 KiB only.

    Squeezed := { varUint(n) n bytes  varUint(length) varUint(distance) } varUint(n) n bytes

After n bytes as they are, `length` bytes come again that began `distance` bytes before.
"""

from collections.abc import Callable
from typing import Final

from sync.codec import Reader, write_uint
from sync.gate.scanner import no_pause

BLOCK: Final = 16  # bytes that are looked up
SHORTEST: Final = 64  # bytes that are worth it: shorter and nearer ones are found by deflate
PAUSE_EVERY: Final = 8192  # bytes, which take about a millisecond


def squeeze(data: bytes, pause: Callable[[], None] = no_pause) -> bytes:
    """The same, with long repeats told by where they were before."""
    seen: dict[bytes, int] = {}  # blocks that begin at a multiple of their length -> where
    known = at = plain = paused = 0
    end = len(data)
    out = bytearray()
    while at + BLOCK <= end:
        if at >= paused:
            paused = at + PAUSE_EVERY
            pause()
        earlier = seen.get(data[at : at + BLOCK])
        before, length = (0, 0) if earlier is None else _common(data, earlier, at, plain)
        if earlier is not None and before + length >= SHORTEST:
            _plain(out, data[plain : at - before])
            write_uint(out, before + length)
            write_uint(out, at - earlier)
            at = plain = at + length
        else:
            at += 1
        while known + BLOCK <= at:
            seen.setdefault(data[known : known + BLOCK], known)
            known += BLOCK
    _plain(out, data[plain:])
    return bytes(out)


def expand(data: bytes, most: int) -> bytes:
    """What was squeezed, of at most so many bytes. Raises Malformed."""
    reader = Reader(data)
    out = bytearray()
    while True:
        out += reader.raw("bytes")
        if reader.pos == reader.end:
            return bytes(out)
        at = reader.pos
        length, distance = reader.uint("length"), reader.uint("distance")
        if not 0 < distance <= len(out):
            raise reader.fail(f"a distance of 1 to {len(out)}", distance, at)
        if len(out) + length > most:
            raise reader.fail(f"at most {most} bytes", len(out) + length, at)
        start = len(out) - distance
        while length > 0:  # a repeat may run into itself
            part = out[start : start + length]
            out += part
            length -= len(part)


def _common(data: bytes, one: int, other: int, plain: int) -> tuple[int, int]:
    """How many bytes are alike before these places, down to `plain`, and from them on."""
    before = 0
    while before < one and other - before > plain and data[one - before - 1] == data[other - before - 1]:
        before += 1
    length, end = BLOCK, len(data)
    while other + length < end and data[one + length] == data[other + length]:
        length += 1
    return before, length


def _plain(out: bytearray, data: bytes) -> None:
    write_uint(out, len(data))
    out += data
