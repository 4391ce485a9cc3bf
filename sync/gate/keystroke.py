"""The fast path: somebody types on where they typed before."""

from sync.codec import MAX_CLOCK, uint_bytes
from sync.gate.kinds import STRING
from sync.gate.order import Run
from sync.gate.shape import Shape


class Typing:
    """The bytes with which a client's next keystroke begins: all of it up to its text.

    The struct before passed the gate. The next one differs only in clock, text and origin, which is the clock before.
    """

    __slots__ = ("_middle", "_right", "_start", "client", "clock", "head")

    def __init__(self, client: int, clock: int, right: tuple[int, int] | None) -> None:
        own = uint_bytes(client)
        self._start = b"\1\1" + own
        self._middle = (b"\x84" if right is None else b"\xc4") + own
        self._right = b"" if right is None else uint_bytes(right[0]) + uint_bytes(right[1])
        self.client = client
        self.move(clock)

    def move(self, clock: int) -> None:
        """The next keystroke has this clock."""
        self.clock = clock
        self.head = self._start + uint_bytes(clock) + self._middle + uint_bytes(clock - 1) + self._right

    def length(self, update: bytes) -> int:
        """How many clocks were typed on, if that is all the update says. 0: look closer."""
        head = self.head
        if not update.startswith(head):
            return 0
        at, size = len(head), len(update)
        length = update[at] if at < size else 0
        if length > 127 or at + length + 2 != size or update[-1] or self.clock + length > MAX_CLOCK:
            return 0
        raw = update[at + 1 : -1]
        if raw.isascii():
            return length
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            return 0
        return len(text) if max(text) < "\U00010000" else 0  # beyond are surrogate pairs, which the shape must know


def typist(update: bytes) -> int | None:
    """The client that typed this, if it may be a keystroke."""
    if not update.startswith(b"\1\1"):  # one client, one struct
        return None
    client = shift = 0
    for byte in update[2:10]:
        client |= (byte & 127) << shift
        if byte < 128:
            return client
        shift += 7
    return None


def typing_after(order: list[Run], shape: Shape) -> Typing | None:
    """What comes next if these structs, which are in the shape, were one piece of text that was put between others."""
    if len(order) != 1 or len(order[0].structs) != 1:
        return None
    client, (struct,) = order[0]
    if struct.kind != STRING or struct.sub is not None or (struct.origin is None and struct.right is None):
        return None
    place = shape.list_at(client, struct.clock)
    if place is None or place[1] is not None:  # it went with what it was in, or it is the value of a key
        return None
    return Typing(client, struct.clock + struct.length, struct.right)
