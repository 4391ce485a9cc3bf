"""A server as there are many: it merges what comes and passes it on, and believes everybody.

What it believes is what the attacks in this folder live on. Each of them is made on it as well as on our own server: an
attack that cannot hurt anybody here proves nothing there.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

from pycrdt import Doc, Text, XmlFragment

from sync.messages import Kind, Message
from tests.people import Json, Person


class Relay:
    """One document, and who listens to it."""

    def __init__(self, epoch: str = "first") -> None:
        self.epoch = epoch
        self.doc: Doc[Any] = Doc()
        self.doc.get("title", type=Text)
        self.doc.get("body", type=XmlFragment)
        self.log: list[tuple[int | None, bytes]] = []  # whose connection, which update
        self.people: dict[RelayLink, Person] = {}
        self.states: dict[RelayLink, bytes] = {}
        self._clients = count(1)

    def person(self, user_id: int | None = 1, *, can_write: bool = True, join: bool = True) -> Person:
        """It has heard of roles, and leaves them to the clients."""
        return Person(RelayLink(self, user_id), join=join, client_id=1000 + next(self._clients))

    def text(self) -> str:
        return str(self.doc.get("title", type=Text))


class RelayLink:
    """A tab's way to a relay: a `tests.people.Link`."""

    patience = 0.0

    def __init__(self, relay: Relay, user_id: int | None) -> None:
        self._relay = relay
        self._user_id = user_id

    def join(self, tab: Person, epoch: str | None, answer: Callable[[Json], None]) -> None:
        self._relay.people[self] = tab
        user = None if self._user_id is None else {"id": self._user_id, "name": f"Person {self._user_id}", "slot": 1}
        answer({"role": "editor", "epoch": self._relay.epoch, "seq": len(self._relay.log), "user": user})

    def message(self, data: bytes, answer: Callable[[Json], None]) -> None:
        message = Message.decode(data)
        match message.kind:
            case Kind.SYNC_STEP1:
                self._greet(message.payload)
                answer({})
            case Kind.AWARENESS:
                self._relay.states[self] = message.payload
                self._tell_others(message)
                answer({})
            case _:
                self._relay.log.append((self._user_id, message.payload))
                self._relay.doc.apply_update(message.payload)
                self._tell_others(Message(Kind.UPDATE, message.payload))
                answer({"seq": len(self._relay.log)})

    def leave(self) -> None:
        self._relay.people.pop(self, None)

    def wait(self, seconds: float) -> None:
        return

    def _greet(self, has: bytes) -> None:
        tab = self._relay.people.get(self)
        if tab is not None:
            tab.hear(Message(Kind.SYNC_STEP2, self._relay.doc.get_update(has)).encode(), len(self._relay.log))
            tab.hear(Message(Kind.SYNC_STEP1, self._relay.doc.get_state()).encode(), 0)
            for states in self._relay.states.values():
                tab.hear(Message(Kind.AWARENESS, states).encode(), 0)

    def _tell_others(self, message: Message) -> None:
        for link, tab in list(self._relay.people.items()):
            if link is not self:
                tab.hear(message.encode(), len(self._relay.log))
