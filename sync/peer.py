"""Someone to exchange messages with: a browser tab that has joined a document, or the program itself."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple


class Saved(NamedTuple):
    """It is durable."""

    seq: int  # the entry that holds it


class Refusal(NamedTuple):
    """It was not taken."""

    error: str  # one of the errors in sync/README.md
    message: str  # why, for people


Answer = Saved | Refusal | None  # None: there is nothing to tell


@dataclass(eq=False)
class Peer:
    send: Callable[[bytes, int], None]  # (an encoded Message, seq): towards the person; never blocks, never raises
    expel: Callable[[Refusal], None]  # tells the person that they are out of the document, which they are by then
    user_id: int | None
    session_id: int  # random, below 2**63
    client_id: int  # the Yjs client id that it joined with
    user: dict[str, object] | None  # whom to show to the others: {"id", "name", "slot"}; None: nobody
    can_write: bool


Show = Callable[[Collection[Peer], bytes, int], None]  # sends each of them (an encoded Message, seq)


def show_each(peers: Collection[Peer], message: bytes, seq: int) -> None:
    """One after the other."""
    for peer in peers:
        peer.send(message, seq)
