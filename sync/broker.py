"""How the processes that have one document open hear of each other."""

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple, Protocol

from sync.peer import Refusal


class Hint(NamedTuple):
    """News of a document. It may be lost, doubled or late: the log is the truth, this only saves reading it."""

    first: int = 0  # seq of the first entry in `message`; 0: it is not an update
    last: int = 0
    message: bytes = b""  # an encoded Message: Update (empty: it is read from the log) or Awareness
    owners: tuple[tuple[int, int | None], ...] = ()  # Yjs client ids that write for the first time, and for which user
    expel: Refusal | None = None  # why somebody must ask for access again
    reload: bool = False  # the log was rewritten: whatever was made from it is old
    user_id: int | None = None  # whom `expel` means; None: everybody
    who: bool = False  # somebody new listens: say who is here
    notice: bytes = b""  # nothing of a document: what one process tells the others, in its own words


class Broker(Protocol):
    """Carries hints between processes. May lose one; must not invent one."""

    def subscribe(self, document_id: str, deliver: Callable[[Hint], None]) -> Callable[[], None]:
        """Hear the other processes through `deliver`, from now until the returned function is called.

        The others hear a hint with `who`. `deliver` is called on the loop's thread. It never blocks and never raises.
        """

    def publish(self, document_id: str, hint: Hint, sender: Callable[[Hint], None] | None = None) -> None:
        """Tell everybody who subscribed, but not `sender`, one of their functions. Never blocks, never raises."""


class LocalBroker:
    """For a single process, and for tests that pretend to be several."""

    def __init__(self) -> None:
        self._ears: defaultdict[str, list[Callable[[Hint], None]]] = defaultdict(list)

    def subscribe(self, document_id: str, deliver: Callable[[Hint], None]) -> Callable[[], None]:
        ears = self._ears[document_id]
        ears.append(deliver)
        self.publish(document_id, Hint(who=True), deliver)

        def unsubscribe() -> None:
            ears.remove(deliver)
            if not ears:
                self._ears.pop(document_id, None)

        return unsubscribe

    def publish(self, document_id: str, hint: Hint, sender: Callable[[Hint], None] | None = None) -> None:
        for deliver in list(self._ears.get(document_id, ())):
            if deliver != sender:
                deliver(hint)
