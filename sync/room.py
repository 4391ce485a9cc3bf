"""A document that people have open in this process."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVarTuple

from pycrdt import Doc

from sync import turns
from sync.awareness import Awareness
from sync.broker import Broker, Hint
from sync.chunk import Group
from sync.codec import Malformed, state_vector, var_bytes
from sync.doc import TooSlow, Unreadable, apply, apply_in_slices, merge
from sync.gate import Admitted, Refused
from sync.limits import (
    AT_ONCE,
    CROWD,
    CROWD_REST,
    CROWD_REST_MOST,
    FILLING,
    NEARLY,
    SLICE_SECONDS,
    SLOWEST,
)
from sync.messages import Kind, Message
from sync.peer import Answer, Peer, Refusal, Saved
from sync.replica import Host, Replica, Tail
from sync.store import Change, Entry, Rewritten, UnknownDocument, Unreachable
from sync.turns import Tell, Turn

__all__ = ["Answer", "Peer", "Refusal", "Room", "Saved"]

NOT_JOINED = Refusal("not-joined", "Join the document before sending anything.")
READ_ONLY = Refusal("denied", "You may read this document, but not change it.")
REJOIN = Refusal("resync", "The document is being loaded again. Join it once more.")
MOVED = Refusal("moved", "The document is being loaded again. Join it once more.")
GONE = Refusal("not-found", "This document does not exist any more.")

Arguments = TypeVarTuple("Arguments")

logger = logging.getLogger(__name__)


class Room:
    """Passes messages between the peers that have one document open: commit first, then show.

    The log is the document, `doc` a copy of it for quick answers, and a room can be thrown away at any moment. An
    update passes the gate and waits. When the store begins a commit it takes what waits, which puts it into the doc;
    when that is in the log, the others see it. In between the doc is ahead of the log and nobody is shown any of it:
    whenever something is shown, the doc is exactly the log up to `seq`.

    All calls come from one thread. Only `load` blocks on the store; what other processes wrote is read in `Host.later`.
    """

    def __init__(
        self,
        document_id: str,
        host: Host,
        broker: Broker,
        forget: Callable[["Room"], None],
        noted: Callable[["Room", int], None],
    ) -> None:
        """`forget(room)` is called when the room closes, `noted(room, seq)` after each commit."""
        self.document_id = document_id
        self._log = logging.LoggerAdapter(logger, {"document": document_id})
        self.peers: set[Peer] = set()
        self.closed = False  # it is not this document's room any more
        self.empty_since: int | None = host.now()  # when the last peer left; None while there is one

        self._host = host
        self._broker = broker
        self._forget = forget
        self._noted = noted
        self._replica = Replica(document_id, host)
        self._awareness = Awareness(
            self._show_awareness, self._tell_awareness, host.now, host.later, host.capacity.awareness
        )
        self._warned = NEARLY  # how full it was when that was last said
        self._greeted: dict[Peer, None] = {}  # they have what the doc had, so what is shown from then on continues it
        # What must not run while the gate is at work, and with what.
        self._jobs: deque[tuple[Callable[..., None], tuple[object, ...]]] = deque()
        self._working = False
        self._waiting: list[Turn] = []  # admitted, for the next commit
        self._wanted = False  # the store knows that something waits
        self._shown = 0  # when an update was last shown to a crowd, in milliseconds
        self._resting = False  # until it may be shown another one
        self._in_flight: list[Turn] = []  # in the doc, but not in the log yet
        self._preparing = False  # what is in flight is being taken into the doc, or waits for its commit then
        self._prepared: Sequence[Change] = ()
        self._reading = True  # the log is ahead of the doc, and somebody reads it
        self._unshown: list[bytes] = []  # what was read, until the doc is the log again
        self._after_landing: deque[Callable[[], None]] = deque()
        self._after_settling: deque[Callable[[], None]] = deque()

    def load(self) -> None:
        """Read the log, once, before anybody joins. May block; raises as `Replica.load`: then the room is of no use."""
        self._replica.load()
        self._reading = False

    @property
    def doc(self) -> Doc[Any]:
        return self._replica.doc

    @property
    def epoch(self) -> str:
        return self._replica.epoch

    @property
    def seq(self) -> int:
        """The newest entry that everybody here was shown."""
        return self._replica.seq

    @property
    def tail(self) -> Tail:
        """How much of the log came after the last snapshot; may be set when there is a new one."""
        return self._replica.tail

    @tail.setter
    def tail(self, tail: Tail) -> None:
        self._replica.tail = tail

    @property
    def filled(self) -> float:
        """How much of what it may hold the document has: at 1.0 nothing is taken any more that adds to it."""
        return self._replica.filled

    def is_filling(self) -> bool:
        """Whether it has filled so much since this was last asked that people should hear of it."""
        filled = self._replica.filled
        if filled < self._warned:
            return False
        self._warned = filled + FILLING
        return True

    @property
    def settled(self) -> bool:
        """Whether the doc is exactly the log up to `seq`."""
        return not self._in_flight and not self._reading

    @property
    def busy(self) -> bool:
        """Whether somebody waits for an answer, or is here."""
        return bool(self.peers or self._waiting or self._jobs or not self.settled)

    def when_settled(self, then: Callable[[], None]) -> None:
        """Call it as soon as the doc is the log, or the room is closed."""
        self._after_settling.append(then)
        self._settle()

    def state(self) -> bytes:
        """The whole document as one update. Only to be called when settled."""
        return self._replica.state()

    # -- People ------------------------------------------------------------------------------------

    def join(self, peer: Peer) -> None:
        self.peers.add(peer)
        self.empty_since = None

    def leave(self, peer: Peer) -> None:
        """Nothing is sent to it any more. What it sent before is still committed."""
        if peer in self.peers:
            self.peers.discard(peer)
            self._greeted.pop(peer, None)
            self._awareness.leave(peer)
            if not self.peers:
                self.empty_since = self._host.now()

    def expel(self, refusal: Refusal, user_id: int | None = None) -> None:
        """Send everybody out, or only this user."""
        for peer in list(self.peers):
            if user_id is None or peer.user_id == user_id:
                self.leave(peer)
                peer.expel(refusal)

    def receive(self, peer: Peer, message: Message, answer: Tell) -> None:
        """Act on a message. `answer` is called once: for an update when it is durable, or refused."""
        self._do(self._act, peer, message, answer)

    def submit(self, peer: Peer, update: bytes, answer: Tell) -> None:
        """Take an update of somebody who need not have joined: the program itself."""
        self._do(self._admit, peer, update, answer)

    def close(self, why: Refusal = MOVED, unsaved: Refusal = REJOIN) -> None:
        """Throw the doc away: everybody joins again and gets one that is read from the log."""
        if self.closed:
            return
        self.closed = True
        self._forget(self)
        waiting, self._waiting = self._waiting, []
        turns.answer([*self._in_flight, *waiting], unsaved)
        if self._preparing:  # and is not going to be committed
            self._in_flight, self._prepared = [], ()
        peers, self.peers, self._greeted = self.peers, set(), {}
        for peer in peers:
            peer.expel(why)
        self._settle()

    # -- Messages ----------------------------------------------------------------------------------

    def _do(self, job: Callable[[*Arguments], None], *arguments: *Arguments) -> None:
        """Run it when nothing else is at work with the gate, whose pauses let others call us."""
        self._jobs.append((job, arguments))
        if self._working:
            return
        self._working = True
        try:
            while self._jobs:
                waiting, its = self._jobs.popleft()
                waiting(*its)
        finally:
            self._working = False

    def _act(self, peer: Peer, message: Message, answer: Tell) -> None:
        if peer not in self.peers:
            answer(NOT_JOINED)
        elif message.kind is Kind.SYNC_STEP1:
            self._greet(peer, message.payload, answer)
        elif message.kind is Kind.AWARENESS:
            self._place(peer, message.payload, answer)
        elif peer.can_write:
            self._admit(peer, message.payload, answer)
        else:
            answer(READ_ONLY)

    def _greet(self, peer: Peer, has: bytes, answer: Tell) -> None:
        try:
            state_vector(has)
        except Malformed as error:
            answer(Refusal("malformed", str(error)))
        else:
            self.when_settled(lambda: self._greet_now(peer, has, answer))

    def _greet_now(self, peer: Peer, has: bytes, answer: Tell) -> None:
        """Send what the peer lacks, ask what we lack, and say who is here."""
        if peer not in self.peers:
            answer(NOT_JOINED)
            return
        try:
            update = self._replica.lacking(has)
        except Unreadable as error:
            self._log.error("%s: nobody knows what is lacking after %r: %s", self.document_id, has, error)
            answer(Refusal("malformed", "This state vector is of another document."))
            self.close()
            return
        peer.send(Message(Kind.SYNC_STEP2, update).encode(), self.seq)
        peer.send(Message(Kind.SYNC_STEP1, self.doc.get_state()).encode(), self.seq)
        for states in self._awareness.everybody():
            peer.send(Message(Kind.AWARENESS, states).encode(), 0)
        self._greeted[peer] = None
        answer(None)

    def _place(self, peer: Peer, states: bytes, answer: Tell) -> None:
        try:
            self._awareness.place(peer, states)
        except Refused as refused:
            answer(Refusal(refused.error, str(refused)))
        else:
            answer(None)

    def _show_awareness(self, states: bytes, skip: Peer | None) -> None:
        self._show(Message(Kind.AWARENESS, states).encode(), 0, skip)

    def _tell_awareness(self, states: bytes) -> None:
        hint = Hint(message=Message(Kind.AWARENESS, states).encode())
        self._broker.publish(self.document_id, hint, self.hear)

    def _show(self, message: bytes, seq: int, skip: Peer | None = None) -> None:
        self._host.show([peer for peer in self._greeted if peer is not skip], message, seq)

    # -- Updates: admit, take, commit, show --------------------------------------------------------

    def _admit(self, peer: Peer, update: bytes, answer: Tell) -> None:
        admitted: Admitted | None = None
        if not self.closed:
            try:
                admitted = self._replica.gate.admit(peer.user_id, update, full=self._replica.filled >= 1)
            except Refused as refused:
                answer(Refusal(refused.error, str(refused)))
                return
        if self.closed:  # perhaps only since the gate paused
            answer(REJOIN)
        elif admitted is None and (known := self._waiting or self._in_flight):
            known[-1].waiting.append((peer, answer))  # all of it is known, but perhaps it is not durable yet
        elif admitted is None:
            answer(Saved(self.seq))
        else:
            turns.add(self._waiting, peer, admitted, answer)
            self._want()

    def _want(self) -> None:
        """Have what waits committed. If some of it is large, all is taken into the doc before, a slice at a time."""
        if self._wanted or not self._waiting or self._resting:
            return
        rest = self._rest()
        if rest > 0:
            self._resting = True
            self._host.later(rest / 1000, self._rested)
        elif all(turn.light for turn in self._waiting):
            self._wanted = True
            self._host.store.append(self)
        elif not self._in_flight:
            self._wanted = self._preparing = True
            self._in_flight, self._waiting = self._waiting, []
            self._host.later(0, self._prepare)

    def _rest(self) -> float:
        """Milliseconds until a crowd may be shown the next update."""
        crowd = len(self._greeted)
        if crowd < CROWD:
            return 0
        rest = min(CROWD_REST_MOST, crowd * CROWD_REST)
        since = self._host.now() - self._shown
        return rest - since if 0 <= since < rest else 0  # the clock may step back

    def _rested(self) -> None:
        self._resting = False
        if not self.closed:
            self._want()

    def _prepare(self) -> None:
        """Pauses. From here to the store's answer the doc is ahead of the log."""
        changes: list[Change] = []
        for turn in self._in_flight:
            if self.closed:
                return
            try:
                update = merge(turn.updates)
                apply_in_slices(self.doc, update, self._host.pause, SLOWEST)
            except TooSlow as error:
                self._log.error("%s: a change of %d bytes: %s", self.document_id, turn.size, error)
                turn.answer(Refusal("too-large", "This change takes too long to merge, for everybody."), turn.peer)
                self.close()
            except Unreadable as error:
                self._unreadable(turn, error)
            except Exception:
                self._log.exception("%s: a change could not be taken into the doc", self.document_id)
                self.close()
            else:
                changes.append(self._change(turn, update))
        if not self.closed:
            self._prepared = changes
            self._host.store.append(self)

    def take(self) -> Sequence[Change]:
        """For the store: what is to be committed now. From here to its answer the doc is ahead of the log."""
        self._wanted = False
        if self._prepared:
            prepared, self._prepared, self._preparing = self._prepared, (), False
            return prepared
        began = time.thread_time()
        changes: list[Change] = []
        for turn in self._waiting:
            if not turn.light or (changes and time.thread_time() - began > SLICE_SECONDS):
                break  # this and what came after it is for the next commit
            try:
                update = merge(turn.updates)
                apply(self.doc, [update])
            except Unreadable as error:
                self._unreadable(turn, error)
                return ()
            changes.append(self._change(turn, update))
        self._in_flight, self._waiting = self._waiting[: len(changes)], self._waiting[len(changes) :]
        return changes

    def _change(self, turn: Turn, update: bytes) -> Change:
        peer, clients = turn.peer, tuple(turn.clients)
        now = self._host.now()
        return Change(update, peer.user_id, peer.session_id, now, clients, turn.inserted, turn.deleted)

    def _unreadable(self, turn: Turn, error: Unreadable) -> None:
        self._log.error("%s: the gate let pass what pycrdt cannot read: %s", self.document_id, error)
        turn.answer(Refusal("malformed", "The server could not read this change."), turn.peer)
        self.close()

    def committed(self, entries: Sequence[Entry]) -> None:
        """For the store: what was taken is durable. Everybody is shown it, and its senders are told."""
        if entries:
            self._publish(entries)
        landed, self._in_flight = self._in_flight, []
        for turn, entry in zip(landed, entries, strict=True):
            turn.answer(Saved(entry.seq))
        self._settle()
        if self._waiting:
            self._want()
        if entries:
            self._noted(self, entries[-1].seq)

    def failed(self, error: Exception) -> None:
        """For the store: what was taken is not in the log, so the doc is none of its copies any more."""
        if isinstance(error, UnknownDocument):
            self.close(GONE, GONE)
        elif isinstance(error, Rewritten):
            self.close()
        else:
            self.close(MOVED, Refusal("storage", f"The server could not write it down: {error}"))

    def _publish(self, entries: Sequence[Entry]) -> None:
        update = merge([entry.update for entry in entries])
        message = Kind.UPDATE + var_bytes(update)
        first, last = entries[0].seq, entries[-1].seq
        if self._reading or first != self.seq + 1:
            self._read_on(last)
        else:
            senders = {turn.peer for turn in self._in_flight}
            self._replica.advance([update], last)
            if len(self._greeted) >= CROWD:
                self._shown = self._host.now()
            self._show(message, last, senders.pop() if len(senders) == 1 else None)
        owners = [(client, turn.peer.user_id) for turn in self._in_flight for client in turn.clients]
        # If this room is closed, the document may be open in another one of this process: it is told as well.
        self._broker.publish(self.document_id, Hint(first, last, message, tuple(owners)), self.hear)
        if self.closed and owners:
            # Perhaps because they are somebody else's now, who was a guest: only the log knows.
            self._broker.publish(self.document_id, Hint(0, 0, b"", reload=True), self.hear)

    # -- Other processes ---------------------------------------------------------------------------

    def hear(self, hint: Hint) -> None:
        """For the broker: news from another process."""
        if self.closed:
            return
        if hint.reload:
            self.close()
        elif hint.expel is not None:
            self.expel(hint.expel, hint.user_id)
        elif hint.who:
            self._awareness.repeat()
        elif hint.first:
            self._when_landed(lambda: self._follow(hint))
        elif hint.message:
            self._awareness.hear(Message.decode(hint.message).payload)
        # Else it says what only a newer version knows: all that must be known is in the log.

    def check(self, epoch: str, head: int, was: int) -> None:
        """What the database says of the document. Make good what no hint has told.

        `was`: the seq that this room had before the database was asked. If that has less, it has lost something.
        """
        if self.closed:
            return
        if epoch != self.epoch or head < was:
            self.close()
        elif head > self.seq:
            self._when_landed(lambda: self._follow(Hint(head, head)))

    def takes_for_another(self, peer: Peer) -> bool:
        """Whether the client id that a peer came with is somebody else's, as far as is known here."""
        owners = self._replica.gate.owners
        return peer.client_id in owners and owners[peer.client_id] != peer.user_id

    def tend_presence(self, repeat: bool) -> None:
        """Forget the people of other processes that are silent; with `repeat`, say who is here, so that they do not."""
        self._awareness.forget()
        if repeat:
            self._awareness.repeat()

    def _when_landed(self, job: Callable[[], None]) -> None:
        """Run it when the gate is free and the doc is not ahead of the log."""

        def attempt() -> None:
            if self._in_flight:
                self._after_landing.append(lambda: self._when_landed(job))
            elif not self.closed:
                job()

        self._do(attempt)

    def _follow(self, hint: Hint) -> None:
        if hint.last <= self.seq:
            return
        if self._reading or hint.first > self.seq + 1 or not hint.message or len(hint.message) > AT_ONCE:
            self._read_on(hint.last)  # there are pauses in it
            return
        update = Message.decode(hint.message).payload
        try:
            self._replica.apply([update], hint.last)
            self._show(hint.message, hint.last)
            self._replica.gate.owners.update(hint.owners)
            self._replica.gate.replay(update)
        except (Unreadable, Malformed) as error:
            first, last = hint.first, hint.last
            self._log.error("%s: entries %d to %d are not readable: %s", self.document_id, first, last, error)
            self.close()

    def _read_on(self, head: int) -> None:
        """Others wrote entries that we have not seen: read the log, up to this one at least."""
        self._replica.head = max(self._replica.head, head)
        if not self._reading:
            self._reading = True
            self._host.later(0, self._read)

    def _read(self) -> None:
        """May block."""
        try:
            some = self._replica.read()
        except Unreachable as error:
            self._log.error("%s: the log could not be read: %s", self.document_id, error)
            self.close()
        except Exception:
            self._log.exception("%s: the log could not be read", self.document_id)
            self.close()
        else:
            self._when_landed(lambda: self._catch_up(some))

    def _catch_up(self, some: Sequence[Group]) -> None:
        updates = [group.update for group in some]
        self._unshown += updates
        try:
            self._replica.apply(updates, some[-1].last)
            # What was committed meanwhile may be in the doc already: it is shown together with this.
            more = self.seq < self._replica.head
            if not more:
                self._reading = False
                self._show(Message(Kind.UPDATE, merge(self._unshown)).encode(), self.seq)
                self._unshown = []
            self._replica.replay(some)
        except (Unreadable, Malformed) as error:
            self._log.error("%s: entries up to %d are not readable: %s", self.document_id, some[-1].last, error)
            self.close()
            return
        if more:
            self._host.later(0, self._read)
        self._settle()

    def _settle(self) -> None:
        while self._after_landing and not self._in_flight:
            self._after_landing.popleft()()
        while self._after_settling and (self.settled or self.closed):
            self._after_settling.popleft()()
