"""One client: from the opening of its transport to its end.

It knows how to reach the client, who that is, and what a slow one may be spared; what the client asks for is decided in
`sockets`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import gevent

from editor import packets
from editor.bucket import Bucket
from editor.fan_out import FanOut
from editor.limits import Limits
from editor.outbox import Frame, Outbox
from sync.messages import Kind, Message
from sync.peer import Answer, Peer, Refusal, Saved
from sync.room import Room

LAGGING = 256 * 1024  # bytes that wait: from here on no updates, but one catch-up when nothing waits any more
DROWNING = 4 << 20  # bytes that wait: the end
STUCK = 30.0  # seconds in which nothing of what waits moved: the end
MOST_UNANSWERED = 4 << 20  # bytes of updates that wait for their answers


class EngineSocket(Protocol):
    """What we use of Engine.IO's socket."""

    sid: str
    queue: Outbox
    closed: bool
    quick: Callable[[bytes], bool] | None

    def close(self, wait: bool = ..., abort: bool = ..., reason: str | None = ...) -> None: ...


class Standing(NamedTuple):
    """What a person's connections depend on. If it is another one now, they end."""

    key: str  # another one with another password
    only_reads: bool  # a guest, while the administrator does not let guests write


class Identity(NamedTuple):
    """Who a client is, as its cookie said when it connected."""

    user_id: int | None = None
    sign_in: str | None = None  # the id of the sign-in, to end its connections with it
    guest: bool = False  # a name without an account
    links: Mapping[str, str] = {}  # document id -> token of the link that was opened
    standing: Standing | None = None  # None: it has changed, in a way that ends no connection; nobody has looked since


NOBODY = Identity()


@dataclass(eq=False)
class Connection:
    """A client, and the document it has joined."""

    socket: EngineSocket
    fan_out: FanOut
    limits: Limits
    identity: Identity = NOBODY
    doubted: bool = False  # the database has said that they stand otherwise, and nobody else has
    address: str = ""
    sio_sid: str | None = None  # its name in Socket.IO, once it has said that it speaks it
    document_id: str | None = None
    role: int = 0  # that it joined with
    room: Room | None = None
    peer: Peer | None = None
    joining: bool = False
    unjoined_since: float = field(default_factory=time.monotonic)
    updates: Bucket = field(init=False)
    whereabouts: Bucket = field(init=False)
    greetings: Bucket = field(init=False)  # joins, and questions for all that one lacks: these are expensive
    unanswered: int = 0  # bytes of messages that the room has not answered yet
    _behind: bytes | None = None  # lagging: the state vector of what it was sent last
    _catching_up: bool = False  # the room was asked for what was left out
    _drowned: bool = False  # too much waited: it is about to be abandoned

    def __post_init__(self) -> None:
        updates, whereabouts = self.limits.updates_per_second, self.limits.awareness_per_second
        self.updates, self.whereabouts = Bucket(updates, 2 * updates), Bucket(whereabouts, 2 * whereabouts)
        self.greetings = Bucket(self.limits.joins_per_minute / 60, self.limits.joins_per_minute / 6)
        self.socket.queue.changed = self._changed
        self.socket.queue.drained = self._drained

    @property
    def id(self) -> str:
        return self.socket.sid

    @property
    def about(self) -> Mapping[str, object]:
        """For a line of the log."""
        return {"document": self.document_id, "connection": self.id, "user": self.identity.user_id}

    @property
    def lagging(self) -> bool:
        """Whether it gets no updates, but one catch-up when nothing waits for it any more."""
        return self._behind is not None

    def joined(self, document_id: str, role: int, room: Room, peer: Peer) -> None:
        self.document_id, self.role, self.room, self.peer = document_id, role, room, peer
        self._changed()

    def left(self) -> None:
        if self.peer is not None:
            self.fan_out.shut(self.peer)
        self.document_id = self.room = self.peer = self._behind = None
        self._catching_up = False
        self.unjoined_since = time.monotonic()

    def wait(self, message: Message) -> float:
        """For how many seconds the client must wait before we take this message; 0.0: we take it."""
        if self.unanswered + len(message.payload) > MOST_UNANSWERED:
            return 1.0
        if message.kind is Kind.AWARENESS:
            return self.whereabouts.take()
        if message.kind is Kind.SYNC_STEP1:
            return self.greetings.take()
        return self.updates.take()

    # -- Towards the client: none of these blocks or raises ---------------------------------------

    def send(self, message: bytes, seq: int) -> None:
        """A Message of the room."""
        if self._behind is not None:
            if message.startswith(Kind.UPDATE):
                return  # The catch-up will have it.
            if message.startswith(Kind.SYNC_STEP2):
                self._behind, self._catching_up = None, False
                self._changed()
        self.fan_out.sent += 1
        self._lag(message, self._deliver(self.fan_out.frame(message, seq)))

    def answer(self, id: int | None, answer: Answer | Mapping[str, object]) -> None:
        """The ack of an event, if its sender asked for one."""
        if id is None or self.socket.closed:
            return
        if isinstance(answer, Saved):
            frame = Frame(packets.saved(id, answer.seq))
        else:
            frame = Frame(packets.answer(id, _as_json(answer)))
        self._deliver(frame)

    def emit(self, event: str, *arguments: object) -> None:
        self._put(Frame(packets.event(event, *arguments)))

    def end(self) -> None:
        """End the connection after what waits for it. It is a disconnect to the client, which connects again."""
        self.socket.close(wait=False)

    def abandon(self) -> None:
        """End the connection at once, and what waits for it with it."""
        self.socket.queue.discard()
        self.socket.close(wait=False, abort=True)

    def is_hopeless(self, now: float, deadline: float) -> bool:
        """Nothing moves, or nothing was ever joined."""
        idle = self.room is None and not self.joining and now - self.unjoined_since > deadline
        return idle or self.socket.queue.stuck() > STUCK

    def _changed(self) -> None:
        """What is shown to many may go straight to the socket, or no longer.

        Who is slow is shut out of that, gets no updates once much waits (`lagging`), one catch-up when nothing waits
        any more (`_drained`), and what is shown after that straight again.
        """
        if self.peer is None:
            return
        ready = self.socket.queue.ready
        if ready is None or self._behind is not None:
            self.fan_out.shut(self.peer)
        else:
            self.fan_out.open(self.peer, ready, self._rest)

    def _rest(self, message: bytes, frame: Frame, taken: int) -> None:
        """The socket has taken only so many bytes."""
        self._lag(message, self.socket.queue.take_rest(frame.framed, taken))

    def _lag(self, message: bytes, waiting: int) -> None:
        """From so many bytes on that wait, it gets no updates until none do."""
        if waiting > LAGGING and self.room is not None and message.startswith(Kind.UPDATE):
            self._behind = self.room.doc.get_state()

    def _deliver(self, frame: Frame) -> int:
        """How many bytes wait now."""
        waiting = self.socket.queue.send_at_once(frame.framed)
        return self._put(frame) if waiting is None else waiting

    def _put(self, frame: Frame) -> int:
        """After what waits already."""
        if self.socket.closed or self._drowned:
            return 0
        outbox = self.socket.queue
        if outbox.waiting > DROWNING:
            self._drowned = True
            gevent.spawn(self.abandon)  # not from within the room, which is busy telling its peers something
            return 0
        outbox.put(frame)
        return outbox.waiting

    def _drained(self) -> None:
        if self._behind is not None and not self._catching_up:
            self._catching_up = True
            gevent.spawn(self._catch_up)

    def _catch_up(self) -> None:
        """Greet the room again, as if the client had said what it has: it answers with all that was left out."""
        if self._behind is not None and self.room is not None and self.peer is not None:
            self.room.receive(self.peer, Message(Kind.SYNC_STEP1, self._behind), lambda answer: None)


def _as_json(answer: Refusal | Mapping[str, object] | None) -> Mapping[str, Any]:
    match answer:
        case None:
            return {}
        case Refusal(error, message):
            return {"error": error, "message": message}
    return answer
