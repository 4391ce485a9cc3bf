"""What waits for a commit, in the order in which it came."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sync.gate import Admitted
from sync.limits import LIGHT, LIGHT_TURN, TURN_BYTES
from sync.peer import Answer, Peer, Refusal

Tell = Callable[[Answer], None]


@dataclass(eq=False, slots=True)
class Turn:
    """What one peer sent without another in between. It becomes one entry."""

    peer: Peer
    updates: list[bytes] = field(default_factory=list)
    clients: list[int] = field(default_factory=list)  # bound to the peer's user by it
    waiting: list[tuple[Peer, Tell]] = field(default_factory=list)  # for the answer; others may have sent the same
    size: int = 0  # bytes
    light: bool = True  # it may be taken into the doc at once
    inserted: int = 0  # characters
    deleted: int = 0

    def answer(self, answer: Answer, only: Peer | None = None) -> None:
        """Tell everybody who waits, or only this peer."""
        waiting, self.waiting = self.waiting, []
        if only is not None:
            self.waiting = [each for each in waiting if each[0] is not only]
            waiting = [each for each in waiting if each[0] is only]
        for _, tell in waiting:
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
    turn.light = turn.light and size <= LIGHT and turn.size <= LIGHT_TURN
    turn.inserted += admitted.inserted
    turn.deleted += admitted.deleted


def answer(turns: Iterable[Turn], refusal: Refusal) -> None:
    for turn in turns:
        turn.answer(refusal)
