"""Message <-> bytes, as y-protocols writes them: one message in each Socket.IO event."""

from enum import Enum
from typing import NamedTuple, Self

from sync.codec import Malformed, Reader, var_bytes


class Kind(Enum):
    """What a message is about; the value is what its bytes begin with."""

    SYNC_STEP1 = b"\x00\x00"  # "this is what I have"
    SYNC_STEP2 = b"\x00\x01"  # "this is what you lack"
    UPDATE = b"\x00\x02"  # "this just changed"
    AWARENESS = b"\x01"  # "this is where I am"


_KINDS = {kind.value: kind for kind in Kind}  # to ask an enum takes longer than all the rest
UPDATE, SYNC_STEP2 = Kind.UPDATE.value, Kind.SYNC_STEP2.value  # what such messages begin with


class Message(NamedTuple):
    """The payload is a StateVector, an Update, an Update or awareness states."""

    kind: Kind
    payload: bytes

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read exactly one message. Raises `Malformed`, a ValueError."""
        if data.startswith(UPDATE) and len(data) > 3 and data[2] == len(data) - 3 < 128:
            return cls(Kind.UPDATE, data[3:])  # a keystroke
        for beginning, kind in _KINDS.items():
            if data.startswith(beginning):
                reader = Reader(data)
                reader.pos = len(beginning)
                payload = reader.raw("a payload")
                reader.finish()
                return cls(kind, payload)
        raise Malformed(f"expected a message that begins with 0 0, 0 1, 0 2 or 1, got {data[:8]!r}")

    def encode(self) -> bytes:
        return self.kind.value + var_bytes(self.payload)
