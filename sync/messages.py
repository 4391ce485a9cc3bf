"""Message <-> bytes, as y-protocols writes them: one message in each Socket.IO event."""

from enum import Enum
from typing import NamedTuple, Self

from sync.codec import Malformed, Reader, var_bytes


class Kind(bytes, Enum):
    """What a message is about: what its bytes begin with."""

    SYNC_STEP1 = b"\x00\x00"  # "this is what I have"
    SYNC_STEP2 = b"\x00\x01"  # "this is what you lack"
    UPDATE = b"\x00\x02"  # "this just changed"
    AWARENESS = b"\x01"  # "this is where I am"


_KINDS = tuple(Kind)  # to go through an enum takes longer than all the rest


class Message(NamedTuple):
    """The payload is a StateVector, an Update, an Update or awareness states."""

    kind: Kind
    payload: bytes

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read exactly one message. Raises `Malformed`, a ValueError."""
        if data.startswith(Kind.UPDATE) and len(data) > 3 and data[2] == len(data) - 3 < 128:
            return cls(Kind.UPDATE, data[3:])  # a keystroke
        for kind in _KINDS:
            if data.startswith(kind):
                reader = Reader(data)
                reader.pos = len(kind)
                payload = reader.raw("a payload")
                reader.finish()
                return cls(kind, payload)
        raise Malformed(f"expected a message that begins with 0 0, 0 1, 0 2 or 1, got {data[:8]!r}")

    def encode(self) -> bytes:
        return self.kind + var_bytes(self.payload)
