"""lib0, the byte encoding of Yjs: variable-length integers, strings and byte arrays.

The reader trusts nothing: every read checks the end, nothing is allocated from a number that came in, and a number has
exactly one encoding, the shortest. (Readers differ in what they make of the others, and then replicas differ.)
"""

from typing import Final

MAX_SAFE: Final = (1 << 53) - 1  # the largest integer that JavaScript counts with: the largest client id
MAX_CLOCK: Final = (1 << 31) - 1  # Yrs holds clocks in 32 bits, computes in signed ones and wraps without a word


class Malformed(ValueError):
    """These bytes are not what was expected: what was expected, what came, and where."""


class Reader:
    """A cursor over bytes. `what` names the thing that is read, for the error."""

    __slots__ = ("data", "end", "pos")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.pos = 0
        self.end = len(data)

    def fail(self, expected: str, got: object, at: int) -> Malformed:
        return Malformed(f"byte {at}: expected {expected}, got {got}")

    def byte(self, what: str) -> int:
        pos = self.pos
        if pos >= self.end:
            raise self.fail(what, "the end", pos)
        self.pos = pos + 1
        return self.data[pos]

    def uint(self, what: str, most: int = MAX_SAFE) -> int:
        """An unsigned integer, 0 to `most`, seven bits a byte, low bits first."""
        data, start = self.data, self.pos
        pos = start
        if pos >= self.end:
            raise self.fail(what, "the end", pos)
        byte = data[pos]
        if byte < 128:
            self.pos = pos + 1
            if byte > most:
                raise self.fail(f"{what} of at most {most}", byte, start)
            return byte
        value = byte & 127
        shift = 7
        while True:
            pos += 1
            if pos >= self.end:
                raise self.fail(what, "the end inside a number", pos)
            if shift > 56:  # 2^53 takes eight bytes, and ten would already wrap 64 bits
                raise self.fail(f"{what} of at most {most}", "a longer number", start)
            byte = data[pos]
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
        if byte == 0:
            raise self.fail(what, "a number with padding", start)
        if value > most:
            raise self.fail(f"{what} of at most {most}", value, start)
        self.pos = pos + 1
        return value

    def sint(self, what: str) -> int:
        """A signed integer within +-(2^53 - 1): the first byte holds the sign and six bits."""
        at = self.pos
        byte = self.byte(what)
        negative = byte & 64
        value = byte & 63
        shift = 6
        while byte > 127:
            if shift > 48:
                raise self.fail(f"{what} below 2^53", "a longer number", at)
            byte = self.byte(what)
            value |= (byte & 127) << shift
            shift += 7
            if byte == 0:
                raise self.fail(what, "a number with padding", at)
        if value > MAX_SAFE:
            raise self.fail(f"{what} below 2^53", value, at)
        return -value if negative else value

    def count(self, what: str, each: int) -> int:
        """How many things follow that take at least `each` bytes: never more than can be there."""
        at = self.pos
        count = self.uint(what)
        room = (self.end - self.pos) // each
        if count > room:
            raise self.fail(f"{what} of at most {room}", count, at)
        return count

    def raw(self, what: str) -> bytes:
        """A length and that many bytes."""
        length = self.count(what, 1)
        pos = self.pos
        self.pos = pos + length
        return self.data[pos : pos + length]

    def text(self, what: str) -> str:
        at = self.pos
        raw = self.raw(what)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.fail(f"{what} in UTF-8", error.reason, at) from None

    def finish(self) -> None:
        """Nothing may follow."""
        if self.pos != self.end:
            raise self.fail("the end", f"{self.end - self.pos} bytes more", self.pos)


def write_uint(out: bytearray, value: int) -> None:
    """Append an unsigned integer. Raises ValueError for a negative one."""
    if value < 0:
        raise ValueError(f"expected an unsigned integer, got {value}")
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def uint_bytes(value: int) -> bytes:
    """An unsigned integer as bytes."""
    if 0 <= value < 128:
        return bytes((value,))
    if 0 <= value < 16384:
        return bytes((value & 127 | 128, value >> 7))
    out = bytearray()
    write_uint(out, value)
    return bytes(out)


def var_bytes(data: bytes) -> bytes:
    """Bytes with their length in front."""
    return uint_bytes(len(data)) + data


def state_vector(data: bytes) -> dict[int, int]:
    """Read a StateVector: Yjs client id -> the first clock that its holder lacks. Raises Malformed, a ValueError."""
    reader = Reader(data)
    clocks: dict[int, int] = {}
    for _ in range(reader.count("number of clients", 2)):
        at = reader.pos
        client = reader.uint("client")
        if client in clocks:
            raise reader.fail("each client once", client, at)
        clocks[client] = reader.uint("clock", MAX_CLOCK)
    reader.finish()
    return clocks
