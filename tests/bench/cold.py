"""What the steps of a keystroke cost when nothing of them is in the caches. Usage: python -m tests.bench.cold

Between two keystrokes of people who type slowly whatever else the machine does takes the caches; then a step costs what
it touches, and not how long it works. Prints microseconds of each step cold and warm: the median after the caches were
filled with something else, and over and over.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

from pycrdt import Doc

from editor import packets
from editor.outbox import Frame
from sync.broker import LocalBroker
from sync.doc import apply
from sync.gate.keystroke import keystroke
from sync.limits import Capacity
from sync.messages import Kind, Message
from sync.peer import Answer, Peer, Saved
from sync.replica import Host
from sync.room import Room
from sync.store import BEFORE_ALL, chain
from tests.bench import gate
from tests.memory_store import MemoryStore

CACHES = 96 << 20  # bytes: more than they have
TIMES = 41

Step = Callable[[], object]


class _Typist:
    """Somebody in a room, whose keystrokes go through it step by step."""

    def __init__(self) -> None:
        store = MemoryStore()
        store.create("a note")
        host = Host(store, gate.ROOTS, lambda: 0, lambda: None, lambda seconds, then: then(), Capacity())
        self._room = Room("a note", host, LocalBroker(), lambda room: None, lambda room, seq: None)
        self._room.load()
        self._peer = Peer(lambda message, seq: None, lambda refusal: None, 1, 1, gate.CLIENT, None, True)
        self._room.join(self._peer)
        self._clock = 5002
        self._update = gate.text()
        self.take, self.commit = store.begin, store.finish
        for step in (self.receive, self.take, self.commit):
            step()

    def receive(self) -> None:
        self._room.receive(self._peer, Message(Kind.UPDATE, self._update), self._saved)

    def _saved(self, answer: Answer) -> None:
        assert isinstance(answer, Saved), answer
        self._update = gate.keystroke(self._clock, self._clock - 1, b"abc", None)
        self._clock += 3


def main() -> None:
    junk = bytearray(CACHES)
    update = gate.keystroke(5002, 5001, b"abc", None)
    message = Message(Kind.UPDATE, update).encode()
    packet = packets.message(message, 7)
    doc: Doc[Any] = Doc()
    typist = _Typist()
    steps: dict[str, Step] = {
        "a packet is read": lambda: packets.quick(packet),
        "a message is read": lambda: Message.decode(message),
        "an update is read": lambda: keystroke(update),
        "an update is chained": lambda: chain(BEFORE_ALL, 7, 1, 1, 1, update),
        "the doc takes an update": lambda: apply(doc, [update]),
        "a message is put together": lambda: Frame(packets.message(message, 7)),
        "an answer is put together": lambda: Frame(packets.saved(7, 7)),
    }
    print("                            cold    warm")
    for name, step in steps.items():
        print(f"{name:26} {cold(step, junk):6.1f}  {warm(step):6.2f}")
    print("a room, of one keystroke:")
    through: dict[str, list[float]] = {"receive": [], "take": [], "commit": []}
    for _ in range(TIMES):
        for name, took in through.items():
            took.append(once(getattr(typist, name), junk))
    for name, took in through.items():
        print(f"{name:26} {statistics.median(took):6.1f}")


def once(step: Step, junk: bytearray) -> float:
    for at in range(0, len(junk), 1 << 20):
        junk[at : at + (1 << 20)] = bytes(1 << 20)
    began = time.perf_counter()
    step()
    return (time.perf_counter() - began) * 1e6


def cold(step: Step, junk: bytearray) -> float:
    return statistics.median(once(step, junk) for _ in range(TIMES))


def warm(step: Step) -> float:
    began = time.perf_counter()
    for _ in range(10_000):
        step()
    return (time.perf_counter() - began) / 10_000 * 1e6


if __name__ == "__main__":
    main()
