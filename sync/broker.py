"""How the processes that have one document open hear of each other."""

from collections.abc import Callable
from typing import NamedTuple, Protocol


class Hint(NamedTuple):
    """News of a document. It may be lost, doubled or late: the log is the truth, this only saves reading it."""

    first: int  # seq of the first entry in `update`; 0: not an update
    last: int
    message: bytes  # an encoded Message: Update or Awareness; empty with `expel`
    expel: str = ""  # why somebody must ask for access again
    user_id: int | None = None  # whom `expel` means; None: everybody here


class Broker(Protocol):
    """Carries hints between processes. May lose one; must not invent one."""

    def subscribe(self, document_id: str, deliver: Callable[[Hint], None]) -> Callable[[], None]:
        """Hear the other processes through `deliver`, from now until the returned function is called."""

    def publish(self, document_id: str, hint: Hint, sender: Callable[[Hint], None] | None = None) -> None:
        """Tell everybody who subscribed, except `sender`."""
