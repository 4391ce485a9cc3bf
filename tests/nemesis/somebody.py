"""Somebody who does what the plan says, and remembers what the server told them."""

import json
import random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pycrdt import Doc, XmlElement, XmlText

from sync.awareness import State, decode, encode
from sync.messages import Kind, Message
from tests.nemesis.plan import Step
from tests.nemesis.reading import words
from tests.people import REJOIN, Json, Link, Person

MARK = re.compile(r"⟦\d+\.\d+⟧")  # what each written paragraph begins with, and nothing else
BACKOFF = 0.1, 0.8  # seconds between two attempts to connect
LONGEST = 20_000  # characters of a title, after which people only take away from it


class Ack(NamedTuple):
    """An update that the server said it has in this entry."""

    who: int
    note: str
    update: bytes
    seq: int


class Heard(NamedTuple):
    """An update that the server showed; everything in it is in the log up to this entry, it said."""

    who: int
    note: str
    update: bytes
    seq: int


class Somebody(Person):
    """Lives in a thread of its own while the plan is carried out, afterwards in the one that checks."""

    def __init__(self, number: int, note: str, link: Link, polls: bool = False) -> None:
        self.number = number
        self.polls = polls
        self.note = note
        self.acked: list[Ack] = []
        self.heard: list[Heard] = []
        self.written: set[str] = set()  # marks
        self.taken: set[str] = set()  # marks that may be gone: crossed out, or undone
        self.sent = 0  # updates
        self.latest = 0  # the newest entry that the server ever told of
        self.complaints: list[str] = []
        self._place = 0
        self._try_at = 0.0
        self._dice = random.Random(number)
        super().__init__(link, join=False)

    def live(self, steps: Sequence[Step], now: Callable[[], float], ended: threading.Event) -> None:
        """Carry out the steps, each at its time or as soon after it as that goes."""
        try:
            self.come()
            for step in steps:
                while now() < step.at and not ended.is_set():
                    self._rest(min(0.05, step.at - now()))
                if ended.is_set():
                    return
                self.do(step.do, step.how, now, ended)
        except BaseException as error:  # a panic of Yrs is not an Exception
            self.complaints.append(f"person {self.number} came to grief: {type(error).__name__}: {error}")
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise

    def do(self, what: str, how: Mapping[str, Any], now: Callable[[], float], ended: threading.Event) -> None:
        match what:
            case "type":
                if len(self.text) < LONGEST:
                    self.type(how["words"], self._at(how["where"]))
            case "delete":
                self.delete(self._at(how["where"]), how["length"])
            case "paste":
                words = how["words"] * how["times"]
                if len(self.text) < LONGEST:
                    self.type(words[: LONGEST // 10], self._at(how["where"]))
                    self.delete(self._at(how["where"]), len(words) // 2)
            case "write":
                self._write(how["where"], how["mark"], how["words"])
            case "add":
                self._add(how["where"], how["end"], how["words"], how["format"])
            case "format":
                self._format(how["where"], how["from"], how["name"], how["on"])
            case "cross out":
                self._cross_out(how["where"])
            case "undo":
                before = self.marks()
                self.undo()
                self.taken |= before - self.marks()
            case "place":
                self.place()
            case "again":
                self._send_again(how["where"])
            case "away":
                self._be_away(now() + how["seconds"], now, ended)
            case "reload":
                self.reload(self.doc)
            case "fresh":
                if self.saved:
                    self.reload()
            case _:
                raise ValueError(f"expected something that people do, got {what!r}")

    def marks(self) -> set[str]:
        return set(MARK.findall(words(self.doc)))

    @property
    def present(self) -> set[int]:
        """The clients that are shown as present."""
        states = {state.client_id: state.present for data in self.states for state in decode(data)}
        return {client for client, present in states.items() if present}

    def place(self) -> None:
        """Say where the caret is. People who were not told their name yet say nothing."""
        if self.joined is None or not self._greeted:
            return
        self._place += 1
        state = json.dumps({"user": self.joined["user"], "cursor": None}).encode()
        self.say(Message(Kind.AWARENESS, encode([State(self.client_id, self._place, state)])), self._expect_yes)

    def stay_away(self) -> None:
        """Not to come again if the connection ends: as if the laptop were closed at that moment."""
        self._wants_in = False

    def reload(self, kept: Doc[Any] | None = None) -> None:
        """Load the page again, on a device that has kept this much; what was not saved is always kept there."""
        self.leave()
        doc: Doc[Any] = Doc()
        if kept is not None:
            doc.apply_update(kept.get_update())
        self._place = 0
        self._open(doc)
        self.come()

    def tend(self) -> None:
        if self._current < 0 and time.monotonic() >= self._try_at:
            super().tend()
            self._try_at = time.monotonic() + self._dice.uniform(*BACKOFF)

    def hear(self, data: bytes, seq: int) -> None:
        message = Message.decode(data)
        if message.kind in (Kind.SYNC_STEP2, Kind.UPDATE):
            self.heard.append(Heard(self.number, self.note, message.payload, seq))
            self.latest = max(self.latest, seq)
        super().hear(data, seq)
        if message.kind == Kind.SYNC_STEP1 and self._place:
            self.place()  # as a page does when it is back

    # -- What they do -----------------------------------------------------------------------------

    def _at(self, where: float) -> int:
        return int(where * (len(str(self.text)) + 1))

    def _paragraph(self, where: float) -> XmlText | None:
        children = self.body.children
        count = len(children)
        if count == 0:
            return None
        element = children[min(count - 1, int(where * count))]
        assert isinstance(element, XmlElement)
        text = element.children[0] if len(element.children) else None
        return text if isinstance(text, XmlText) else None

    def _write(self, where: float, mark: str, words: str) -> None:
        self.written.add(mark)
        with self.doc.transaction(origin="typing"):
            count = len(self.body.children)
            at = min(count, int(where * (count + 1)))
            element = XmlElement("paragraph")
            self.body.children.insert(at, element)
            element.children.append(XmlText(mark + words))
        self._send()

    def _add(self, where: float, end: bool, words: str, format: str | None) -> None:
        text = self._paragraph(where)
        if text is not None:
            with self.doc.transaction(origin="typing"):
                text.insert(len(text) if end else 0, words, {format: {}} if format else None)
            self._send()

    def _format(self, where: float, first: float, name: str, on: bool) -> None:
        text = self._paragraph(where)
        if text is None:
            return
        content = "".join(part for part, _ in text.diff() if isinstance(part, str))
        begin = len(content[: int(first * len(content))].encode())
        if begin < len(text):
            with self.doc.transaction(origin="typing"):
                text.format(begin, len(text), {name: {} if on else None})
            self._send()

    def _cross_out(self, where: float) -> None:
        count = len(self.body.children)
        if count:
            before = self.marks()
            with self.doc.transaction(origin="typing"):
                del self.body.children[min(count - 1, int(where * count))]
            self.taken |= before - self.marks()
            self._send()

    def _send_again(self, where: float) -> None:
        """The network doubled it, or a browser was not sure: the server has it already."""
        if self.acked and self._greeted and self.acked[-1].note == self.note:
            ack = self.acked[int(where * len(self.acked))]
            self.say(Message(Kind.UPDATE, ack.update), self._expect_yes)

    def _be_away(self, until: float, now: Callable[[], float], ended: threading.Event) -> None:
        self.leave()
        while now() < until and not ended.is_set():
            ended.wait(min(0.05, max(0.0, until - now())))
        self.come()

    def _rest(self, seconds: float) -> None:
        self.tend()
        self.link.wait(max(0.001, seconds))

    # -- What the server says ---------------------------------------------------------------------

    def _send(self, server_has: bytes | None = None) -> None:
        before = self._in_flight
        super()._send(server_has)
        if self._in_flight is not before:
            self.sent += 1

    def _answered(self, connection: int, answer: Json) -> None:
        if connection == self._current and "error" not in answer and self._in_flight is not None:
            self.acked.append(Ack(self.number, self.note, self._in_flight, answer["seq"]))
            self.latest = max(self.latest, answer["seq"])
        super()._answered(connection, answer)

    def _disconnect(self) -> None:
        super()._disconnect()
        self.states.clear()  # who was there is not known any more

    def _refused(self, refusal: Json) -> None:
        if refusal["error"] not in REJOIN:
            self.complaints.append(f"person {self.number}, who may write, was sent away: {refusal}")
        super()._refused(refusal)

    def _expect_yes(self, answer: Json) -> None:
        if answer.get("error") not in (None, *REJOIN):
            self.complaints.append(f"person {self.number} was refused what was fine before: {answer}")
