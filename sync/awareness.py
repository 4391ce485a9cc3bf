"""Who is here, and where: never stored, and gone with the connection."""

from collections.abc import Callable
from typing import NamedTuple

from sync.codec import Reader, uint_bytes, var_bytes, write_uint
from sync.gate import AwarenessGate
from sync.limits import AWARENESS_INTERVAL, AWARENESS_LEASE
from sync.peer import Peer

GONE = b"null"  # the state of somebody who has left


class State(NamedTuple):
    """What one Yjs client says of itself."""

    client_id: int
    clock: int
    json: bytes  # GONE: it has left

    @property
    def present(self) -> bool:
        return self.json != GONE

    def after(self, other: "State | None") -> bool:
        """Whether it is news to somebody who knows the other, by the rule of y-protocols."""
        if other is None:
            return True
        return self.clock > other.clock or (self.clock == other.clock and other.present and not self.present)


def decode(states: bytes) -> list[State]:
    """Read what `encode` or the gate wrote. Raises `Malformed`, a ValueError."""
    reader = Reader(states)
    count = reader.count("number of clients", 3)
    found = [State(reader.uint("client"), reader.uint("clock"), reader.raw("state")) for _ in range(count)]
    reader.finish()
    return found


def encode(states: list[State]) -> bytes:
    out = bytearray(uint_bytes(len(states)))
    for state in states:
        write_uint(out, state.client_id)
        write_uint(out, state.clock)
        out += var_bytes(state.json)
    return bytes(out)


class Awareness:
    """The people in a room, keyed by peer, and those who have the document open in other processes.

    `show(states, skip)` tells everybody but `skip`: of each person the newest state, and not more often than every
    50 ms. `tell(states)` tells the other processes.
    """

    def __init__(
        self,
        show: Callable[[bytes, Peer | None], None],
        tell: Callable[[bytes], None],
        now: Callable[[], int],
        later: Callable[[float, Callable[[], None]], object],
        most: int,
    ) -> None:
        """`most`: bytes of one message."""
        self._show = show
        self._tell = tell
        self._now = now
        self._later = later
        self._most = most
        self._gates: dict[Peer, AwarenessGate] = {}
        self._here: dict[Peer, State] = {}
        self._elsewhere: dict[int, tuple[State, int]] = {}  # client id -> state, when it was heard
        self._news: dict[Peer, State] = {}
        self._resting = False  # something was shown less than 50 ms ago

    def place(self, peer: Peer, states: bytes) -> None:
        """Take what a peer says of itself. Raises `Refused`."""
        gate = self._gates.get(peer)
        if gate is None:
            gate = self._gates[peer] = AwarenessGate(peer.client_id, peer.user, self._most)
        if gate.admit(states) is None:
            return
        (state,) = decode(states)
        if not gate.present:
            state = state._replace(json=GONE)  # whatever white space was around it
        self._here[peer] = self._news[peer] = state
        if not self._resting:
            self._show_news()

    def leave(self, peer: Peer) -> None:
        """Nobody sees it any more, from now on."""
        self._gates.pop(peer, None)
        unshown = self._news.pop(peer, None)
        state = self._here.pop(peer, None)
        # A tab that closes says so itself, and then its connection ends: perhaps before that was shown.
        if state is not None and (state.present or unshown is not None):
            # With the same clock, so that the same tab is seen again as soon as it comes back with the next one.
            self._publish([state._replace(json=GONE)], peer)

    def hear(self, states: bytes) -> None:
        """Take what another process says of its people, and show to ours what is new in it."""
        here = {state.client_id: state for state in self._here.values()}
        news = []
        for state in decode(states):
            known = self._elsewhere.get(state.client_id)
            # Of a tab that has come here from there, the last word of its old process may arrive late.
            newest = here.get(state.client_id) or (None if known is None else known[0])
            if state.after(newest):
                news.append(state)
            if state.after(newest) or (known is not None and known[0] == state):
                self._elsewhere[state.client_id] = state, self._now()
        if news:
            self._show(encode(news), None)

    def everybody(self) -> list[bytes]:
        """States for somebody who has just come: one for each person present."""
        states = [*self._here.values(), *(state for state, _ in self._elsewhere.values())]
        return [encode([state]) for state in states if state.present]

    def repeat(self) -> None:
        """Tell the other processes once more who is here: of one that was killed nothing is heard any more."""
        present = [state for state in self._here.values() if state.present]
        if present:
            self._tell(encode(present))

    def forget(self) -> None:
        """Those of whom nothing was heard for too long are gone; nobody sees them any more."""
        since = self._now() - AWARENESS_LEASE
        lost = [state for state, heard in self._elsewhere.values() if heard < since]
        for state in lost:
            del self._elsewhere[state.client_id]
        gone = [state._replace(json=GONE) for state in lost if state.present]
        if gone:
            self._show(encode(gone), None)

    def _show_news(self) -> None:
        self._resting = bool(self._news)
        if self._news:
            news, self._news = self._news, {}
            self._publish(list(news.values()), next(iter(news)) if len(news) == 1 else None)
            self._later(AWARENESS_INTERVAL, self._show_news)

    def _publish(self, states: list[State], skip: Peer | None) -> None:
        encoded = encode(states)
        self._show(encoded, skip)
        self._tell(encoded)
