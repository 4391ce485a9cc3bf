"""People for tests: each has a tab with a copy of the document, which does what sync/README.md asks of a client.

A `Link` is how a tab reaches the server: `EngineLink` calls the engine directly, others go through a real server.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any, Protocol

import pytest
from pycrdt import Doc, Text, UndoManager, XmlElement, XmlFragment, XmlText, get_update, merge_updates

from sync.codec import state_vector
from sync.messages import Kind, Message

Json = Mapping[str, Any]  # an answer or an error, as it is on the wire

REJOIN = ("resync", "storage", "not-joined", "moved", "access", "rate")  # errors after which joining again helps


class Link(Protocol):
    """One tab's way to the server. Whatever comes from there arrives in the test's own thread, during a call of these.

    After `leave`, and after it told the tab that it is `lost`, nothing of that connection arrives any more: no news
    and no answers.
    """

    patience: float  # seconds that news may take

    def join(self, tab: "Person", epoch: str | None, answer: Callable[[Json], None]) -> None:
        """Connect, emit `join` with `tab.client_id`, and pass on what comes: `tab.hear`, `tab.expelled`, `tab.lost`."""

    def message(self, data: bytes, answer: Callable[[Json], None]) -> None:
        """Emit `message`."""

    def leave(self) -> None:
        """End the connection."""

    def wait(self, seconds: float) -> None:
        """Pass on what has arrived, or the first that does within so many seconds."""


class Person:
    """Somebody with the document open in a tab.

    What they type is kept until it is acknowledged, and is sent again after a reconnect. One send is in flight; what is
    typed meanwhile is merged into the next.
    """

    def __init__(self, link: Link, *, join: bool = True, client_id: int | None = None) -> None:
        self.link = link
        self._open(Doc(client_id=client_id))

        self.joined: Json | None = None  # the server's answer to the join
        self.epoch: str | None = None
        self.seq = 0  # everything up to this entry has arrived
        self.saved_seq = 0  # the newest entry that holds something typed here
        self.refusals: list[Json] = []
        self.refused: list[bytes] = []  # updates that the server will never take
        self.states: list[bytes] = []  # awareness payloads that arrived

        self._wants_in = False  # whether to join as soon as that is possible
        self._greeted = False  # the server has asked what it lacks: updates may flow
        self._in_flight: bytes | None = None
        self._unsent: list[bytes] = []
        self._hearing = False
        self._connection = count()
        self._current = -1  # which connection this is: answers to older ones are not for us
        if join:
            self.come()

    @property
    def client_id(self) -> int:
        return self.doc.client_id

    @property
    def saved(self) -> bool:
        """Whether all that was typed here is acknowledged."""
        return self._in_flight is None and not self._unsent and not self.refused

    # -- What people do ---------------------------------------------------------------------------

    def type(self, text: str, at: int | None = None) -> None:
        """Type into the title, at the end or before character `at`."""
        with self.doc.transaction(origin="typing"):
            self.text.insert(self._offset(at), text)
        self._send()

    def delete(self, at: int, length: int = 1) -> None:
        """Delete characters of the title."""
        with self.doc.transaction(origin="typing"):
            del self.text[self._offset(at) : self._offset(at + length)]
        self._send()

    def write(self, paragraph: str) -> None:
        """Add a paragraph to the body."""
        with self.doc.transaction(origin="typing"):
            element = self.body.children.append(XmlElement("paragraph"))
            element.children.append(XmlText(paragraph))
        self._send()

    def undo(self) -> None:
        """Take back the last thing this person did, and nothing of the others."""
        self.undoing.undo()
        self._send()

    def come(self) -> None:
        """Open the document, or go online again."""
        self._wants_in = True
        self.tend()

    def leave(self) -> None:
        """Go offline. The document stays open."""
        self._wants_in = False
        if self._current >= 0:
            self._disconnect()
            self.link.leave()

    @contextmanager
    def offline(self) -> Iterator[None]:
        self.leave()
        yield
        self.come()

    def tend(self) -> None:
        """Join again if the connection ended. A browser does it after a while; a test when it wants to."""
        if self._wants_in and self._current < 0:
            self._current = connection = next(self._connection)
            self.link.join(self, self.epoch, lambda answer: self._join_answered(connection, answer))

    def until(self, reached: Callable[[], bool]) -> None:
        """Wait until something is so, or fail."""
        deadline = time.monotonic() + self.link.patience
        while not reached():
            assert time.monotonic() < deadline, f"waited {self.link.patience} s in vain; refused: {self.refusals}"
            self.tend()
            self.link.wait(0.02)

    def say(self, message: Message, answer: Callable[[Json], None] = lambda answer: None) -> None:
        """Send any message, sensible or not."""
        self.link.message(message.encode(), answer)

    # -- What the server says ---------------------------------------------------------------------

    def hear(self, data: bytes, seq: int) -> None:
        message = Message.decode(data)
        self.seq = max(self.seq, seq)
        match message.kind:
            case Kind.SYNC_STEP1:
                self._greeted = True
                self._send(server_has=message.payload)
            case Kind.SYNC_STEP2 | Kind.UPDATE:
                self._hearing = True
                try:
                    self.doc.apply_update(message.payload)
                finally:
                    self._hearing = False
            case Kind.AWARENESS:
                self.states.append(message.payload)

    def expelled(self, refusal: Json) -> None:
        self._refused(refusal)

    def lost(self) -> None:
        """The connection ended."""
        self._disconnect()

    # -- The client -------------------------------------------------------------------------------

    def _open(self, doc: Doc[Any]) -> None:
        self.doc = doc
        self.text = doc.get("title", type=Text)
        self.body = doc.get("body", type=XmlFragment)
        self.undoing = UndoManager(scopes=[self.text, self.body], capture_timeout_millis=0)
        self.undoing.include_origin("typing")
        doc.observe(self._changed)

    def _join_answered(self, connection: int, answer: Json) -> None:
        if connection != self._current:
            return
        if "error" in answer:
            self._refused(answer)
            return
        self.joined = answer
        self.epoch = answer["epoch"]
        self.say(Message(Kind.SYNC_STEP1, self.doc.get_state()))

    def _changed(self, event: Any) -> None:
        if not self._hearing:
            self._unsent.append(event.update)

    def _send(self, server_has: bytes | None = None) -> None:
        """Send what was typed. What the server said it has need not be sent again."""
        if not self._greeted or self._in_flight is not None or not self._unsent or self.refused:
            return
        self._in_flight = merge_updates(*self._unsent)
        self._unsent = []
        kind, update = Kind.UPDATE, self._in_flight
        if server_has is not None:
            kind, update = Kind.SYNC_STEP2, get_update(update, server_has)
        connection = self._current
        self.say(Message(kind, update), lambda answer: self._answered(connection, answer))

    def _answered(self, connection: int, answer: Json) -> None:
        if connection != self._current:
            return
        if "error" not in answer:
            self.saved_seq = max(self.saved_seq, answer["seq"])
            self._in_flight = None
            self._send()
        elif answer["error"] in REJOIN:
            self._refused(answer)
        else:
            assert self._in_flight is not None
            self.refused.append(self._in_flight)
            self.refusals.append(answer)
            self._in_flight = None

    def _refused(self, refusal: Json) -> None:
        self.refusals.append(refusal)
        if self._current >= 0:
            self._disconnect()
            self.link.leave()
        if refusal["error"] not in REJOIN:
            self._wants_in = False

    def _disconnect(self) -> None:
        self._current = -1
        self._greeted = False
        self.joined = None
        if self._in_flight is not None:
            self._unsent.insert(0, self._in_flight)
            self._in_flight = None

    def _offset(self, at: int | None) -> int:
        """pycrdt counts bytes."""
        text = str(self.text)
        return len((text if at is None else text[:at]).encode())


def same(*people: Person) -> str:
    """The text that all of these see, once everything typed by those who are online is saved; else fail, saying how
    they differ."""
    deadline = time.monotonic() + max(person.link.patience for person in people)
    for attempt in count():
        for person in people:
            person.tend()
            person.link.wait(0.02)
        texts = [str(person.text) for person in people]
        bodies = [str(person.body) for person in people]
        unsaved = [number for number, person in enumerate(people) if person.joined and not person.saved]
        # People who have heard nothing of each other may have typed the same.
        heard = [state_vector(person.doc.get_state()) for person in people]
        if len(set(texts)) == len(set(bodies)) == 1 and all(one == heard[0] for one in heard) and not unsaved:
            return texts[0]
        if attempt >= 5 and time.monotonic() >= deadline:
            lines = [
                f"{number}: {text!r} {body!r} refused: {person.refusals}"
                for number, (person, text, body) in enumerate(zip(people, texts, bodies, strict=True))
            ]
            pytest.fail("\n".join(["people do not agree:", *lines, f"not saved: {unsaved}"]))
    raise AssertionError("count() never ends")
