"""What waits for a commit, in the order in which it came."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sync.gate import Admitted
from sync.limits import LIGHT, LIGHT_TURN, TURN_BYTES
from sync.peer import Answer, Peer, Refusal

Tell = Callable[[Answer], None]


@dataclass(eq=False)
class Turn:
    """What one peer sent without another in between. It becomes one entry."""

    peer: Peer
    updates: list[bytes] = field(default_factory=list)
    clients: list[int] = field(default_factory=list)  # bound to the peer's user by it
    waiting: list[tuple[Peer, Tell]] = field(default_factory=list)  # for the answer; others may have sent the same
    size: int = 0  # bytes
    largest: int = 0  # bytes of one update
    inserted: int = 0  # characters
    deleted: int = 0

    @property
    def light(self) -> bool:
        """Whether it may be taken into the doc at once."""
        return self.largest <= LIGHT and self.size <= LIGHT_TURN

    def answer(self, answer: Answer, only: Peer | None = None) -> None:
        """Tell everybody who waits, or only this peer."""
        told = [tell for peer, tell in self.waiting if only is None or peer is only]
        self.waiting = [] if only is None else [(peer, tell) for peer, tell in self.waiting if peer is not only]
        for tell in told:
            tell(answer)


def add(turns: list[Turn], peer: Peer, admitted: Admitted, tell: Tell) -> None:
    """Only what directly follows is put together: what comes after somebody else's update may need that."""
    size = len(admitted.update)
    if not turns or turns[-1].peer is not peer or turns[-1].size + size > TURN_BYTES:
        turns.append(Turn(peer))
    turn = turns[-1]
    turn.updates.append(admitted.update)
    turn.clients += admitted.clients
    turn.waiting.append((peer, tell))
    turn.size += size
    turn.largest = max(turn.largest, size)
    turn.inserted += admitted.inserted
    turn.deleted += admitted.deleted


def answer(turns: Iterable[Turn], refusal: Refusal) -> None:
    for turn in turns:
        turn.answer(refusal)
