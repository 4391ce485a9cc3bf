"""What is said to many: made into a packet once, and written straight into each socket that takes it."""

from collections.abc import Callable, Collection

from editor import packets
from editor.outbox import Frame
from sync.peer import Peer

Write = Callable[[bytes], int]  # the system's own send
Rest = Callable[[bytes, Frame, int], None]


class FanOut:
    """Each keystroke goes to everybody: this calls no function of ours for those to whom nothing waits."""

    def __init__(self) -> None:
        self.sent = 0  # messages, each counted for each of those who were sent it
        # Not one of pairs: for each keystroke all of the first is gone through, and hardly ever anything of the second.
        self._writes: dict[Peer, Write] = {}
        self._rests: dict[Peer, Rest] = {}
        self._message: bytes | None = None
        self._seq = 0
        self._frame = Frame(b"")

    def open(self, peer: Peer, write: Write, rest: Rest) -> None:
        """From now on all may be written to it that has nothing else in its way.

        `rest(message, frame, taken)` is called when a socket has taken only so many bytes.
        """
        self._writes[peer], self._rests[peer] = write, rest

    def shut(self, peer: Peer) -> None:
        """From now on it is asked itself to send what there is."""
        if self._writes.pop(peer, None) is not None:
            del self._rests[peer]

    def show(self, peers: Collection[Peer], message: bytes, seq: int) -> None:
        """Send all of them this message of their room. Never blocks, never raises."""
        if not peers:
            return
        frame = self.frame(message, seq)
        framed, size, writes = frame.framed, len(frame.framed), self._writes
        for peer in peers:
            write = writes.get(peer)
            if write is None:
                peer.send(message, seq)
                continue
            self.sent += 1
            try:
                taken = write(framed)
            except OSError:
                taken = 0  # whatever is the matter, it is found out by who writes the rest
            if taken < size:
                self._rests[peer](message, frame, taken)

    def frame(self, message: bytes, seq: int) -> Frame:
        """The packet for a message: made once, then the same object for each of those who are sent it."""
        if self._message is not message or self._seq != seq:
            self._message, self._seq = message, seq
            self._frame = Frame(packets.message(message, seq))
        return self._frame
