"""The engine without a server, for tests: processes that share a store and a broker, a clock that tests turn, and links
that call the rooms."""

import heapq
import math
import random
from collections.abc import Callable
from itertools import count
from typing import Any

from pycrdt import Doc, Text, XmlFragment

from sync.broker import Broker, LocalBroker
from sync.gate import TEXT, XML_FRAGMENT
from sync.history import replay
from sync.messages import Kind, Message
from sync.peer import Answer, Peer, Refusal, Saved
from sync.room import Room
from sync.rooms import NotWhole, Rooms
from sync.store import Store
from tests.memory_store import MemoryStore
from tests.people import Json, Person

ROOTS = {"title": TEXT, "body": XML_FRAGMENT}
DOCUMENT = "a-document"


class Clock:
    """Time, and what is to be done at some time."""

    def __init__(self) -> None:
        self.ms = 1_000_000
        self._number = count()
        self._due: list[tuple[int, int, Callable[[], None]]] = []

    def now(self) -> int:
        return self.ms

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        # Whole milliseconds, and never too early: who looks at the clock then would ask for the rest of one, for ever.
        heapq.heappush(self._due, (self.ms + math.ceil(seconds * 1000), next(self._number), call))

    def turn(self, seconds: float = 0) -> None:
        """Let so much time pass, and do what is due."""
        until = self.ms + math.ceil(seconds * 1000)
        while self._due and self._due[0][0] <= until:
            self.ms, _, call = heapq.heappop(self._due)
            call()
        self.ms = until


class Process:
    """One server process: its rooms, and the tabs that are connected to it."""

    def __init__(self, store: Store, broker: Broker, clock: Clock, pause: Callable[[], None]) -> None:
        self.clock = clock
        self._host = store, broker, pause
        self._life = 0
        self.rooms = self._start()
        self.links: set[EngineLink] = set()

    def _start(self) -> Rooms:
        store, broker, pause = self._host
        self._life += 1
        life = self._life

        def later(seconds: float, call: Callable[[], None]) -> None:
            self.clock.later(seconds, lambda: call() if self._life == life else None)

        return Rooms(store, broker, ROOTS, now=self.clock.now, pause=pause, later=later)

    def kill(self) -> None:
        """It is gone, with everything it had in memory, and another one starts. Nobody is told; tabs notice."""
        self.rooms = self._start()
        for link in list(self.links):
            link.cut()


class EngineLink:
    """A tab's way to a process."""

    patience = 0.0

    def __init__(self, process: Process, user_id: int | None, can_write: bool, document_id: str) -> None:
        self.process = process
        self.user_id = user_id
        self.can_write = can_write
        self.document_id = document_id
        self.room: Room | None = None
        self.peer: Peer | None = None
        self.reads = True  # False: no update arrives, as on a connection that is too slow
        self._arrived = b""  # the state vector when the last one did
        self._tab: Person | None = None

    def join(self, tab: Person, epoch: str | None, answer: Callable[[Json], None]) -> None:
        def send(message: bytes, seq: int) -> None:
            if self.peer is peer:
                self._deliver(message, seq)

        def expel(refusal: Refusal) -> None:
            if self.peer is peer:
                self._end()
                tab.expelled(refusal._asdict())

        user: dict[str, object] | None = None
        if self.user_id is not None:
            user = {"id": self.user_id, "name": f"Person {self.user_id}", "slot": 1}
        peer = Peer(send, expel, self.user_id, random.getrandbits(63), tab.client_id, user, self.can_write)
        self._tab, self.peer = tab, peer
        try:
            room = self.process.rooms.enter(self.document_id, peer)
        except NotWhole as error:
            answer({"error": "damaged", "message": str(error)})
            return
        if self.peer is not peer:  # the tab left while the room was loaded
            self.process.rooms.leave(room, peer)
            return
        self.room = room
        self.process.links.add(self)
        if epoch not in (None, room.epoch):
            answer({"error": "epoch", "message": f"expected {room.epoch}, got {epoch}"})
            return
        answer({"role": "editor" if self.can_write else "viewer", "epoch": room.epoch, "seq": room.seq, "user": user})

    def message(self, data: bytes, answer: Callable[[Json], None]) -> None:
        assert self.room is not None
        assert self.peer is not None
        self.room.receive(self.peer, Message.decode(data), lambda given: answer(as_json(given)))

    def leave(self) -> None:
        room, peer = self.room, self.peer
        self._end()
        if room is not None and peer is not None:
            self.process.rooms.leave(room, peer)

    def wait(self, seconds: float) -> None:
        self.process.clock.turn()

    def cut(self) -> None:
        """The process died."""
        self._end()
        assert self._tab is not None
        self._tab.lost()

    def catch_up(self) -> None:
        """The connection has drained: what the transport does then."""
        assert self.room is not None
        assert self.peer is not None
        self.reads = True
        self.room.receive(self.peer, Message(Kind.SYNC_STEP1, self._arrived), lambda answer: None)

    def _end(self) -> None:
        self.room = self.peer = None
        self.process.links.discard(self)

    def _deliver(self, message: bytes, seq: int) -> None:
        assert self._tab is not None
        assert self.room is not None
        if self.reads:
            self._arrived = self.room.doc.get_state()
            self._tab.hear(message, seq)
        elif Message.decode(message).kind is not Kind.UPDATE:
            self._tab.hear(message, seq)


def as_json(answer: Answer) -> Json:
    match answer:
        case Saved(seq):
            return {"seq": seq}
        case Refusal(error, message):
            return {"error": error, "message": message}
    return {}


class World:
    """One document, one store, and some processes."""

    def __init__(
        self, processes: int = 1, broker: Broker | None = None, pause: Callable[[], None] | None = None
    ) -> None:
        self.store = MemoryStore(hold=False)
        self.store.create(DOCUMENT)
        self.clock = Clock()
        self.broker = broker or LocalBroker()
        self.processes = [
            Process(self.store, self.broker, self.clock, pause or (lambda: None)) for _ in range(processes)
        ]

    @property
    def rooms(self) -> Rooms:
        return self.processes[0].rooms

    def person(self, user_id: int | None = 1, *, can_write: bool = True, process: int = 0, join: bool = True) -> Person:
        link = EngineLink(self.processes[process], user_id, can_write, DOCUMENT)
        return Person(link, join=join, client_id=random.getrandbits(53))

    def room(self, person: Person) -> Room:
        """The room that somebody is in."""
        room = self.link(person).room
        assert room is not None
        return room

    def link(self, person: Person) -> EngineLink:
        assert isinstance(person.link, EngineLink)
        return person.link

    def entries(self) -> int:
        """How many entries the log has."""
        return self.store.open(DOCUMENT).head

    def text(self, until: int | None = None) -> str:
        """The title as the log has it."""
        return title(replay(self.store, DOCUMENT, until))

    def body(self) -> str:
        return str(replay(self.store, DOCUMENT).get("body", type=XmlFragment))


def title(doc: Doc[Any]) -> str:
    return str(doc.get("title", type=Text))
