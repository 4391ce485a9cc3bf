"""The rooms that are open in this process: each opened once, shared, and forgotten when nobody is left."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from pycrdt import Doc

from sync.broker import Broker, Hint
from sync.compaction import compact
from sync.doc import apply
from sync.history import nearest, read, replay_with_seq
from sync.limits import (
    AWARENESS_REPEAT,
    AWARENESS_TICK,
    COMPACT_BYTES,
    COMPACT_DELAY,
    COMPACT_ENTRIES,
    COMPACT_IDLE,
    IDLE,
    NOT_WHOLE,
    Capacity,
)
from sync.mending import Copy, Known, before, mend, mend_from
from sync.packing import pack
from sync.peer import Answer, Peer, Refusal, Saved, Show, show_each
from sync.replica import Host, Tail
from sync.room import Room
from sync.store import Broken, NotStored, Quarantined, Snapshot, Store, UnknownDocument, Unreachable

COMMIT_PAUSES: Final = 10_000  # while one waits for a commit

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Expelled(Exception):
    """Access to the document changed while it was being opened: ask for it again."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Crowded(Exception):
    """As many people as may are in the document."""


class NotWhole(Exception):
    """The log is damaged after its newest snapshot: the document can be read as it was before that, and not opened."""

    def __init__(self, damage: Quarantined, has: bytes) -> None:
        super().__init__(f"entries {damage.first} to {damage.last} are damaged")
        self.damage = damage
        self.has = has  # the state vector of the document before it


class Rooms:
    """`enter`, `edit`, `read`, `look_at`, `mend`, `compact` and `evict_idle` may block on the store; the others do not.

    All calls come from one thread, and `later` calls back on it where blocking is allowed. After each commit
    `on_committed(document_id, seq)` is called, and `on_filling(document_id, filled)` when a document that people have
    open comes near what it may hold (`Room.filled`). `on_opened(entries)` says how many were read after the snapshot.
    """

    def __init__(
        self,
        store: Store,
        broker: Broker,
        roots: Mapping[str, int],
        *,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        pause: Callable[[], None] = lambda: None,
        later: Callable[[float, Callable[[], None]], object],
        capacity: Capacity | None = None,
        show: Show = show_each,
    ) -> None:
        self.on_committed: Callable[[str, int], None] | None = None
        self.on_filling: Callable[[str, float], None] | None = None
        self.on_opened: Callable[[int], None] | None = None
        self._host = Host(store, roots, now, pause, later, capacity or Capacity(), show)
        self._broker = broker
        self._open: dict[str, Room] = {}
        self._unsubscribe: dict[Room, Callable[[], None]] = {}
        self._opening: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        self._entering: dict[Peer, tuple[str, Refusal | None]] = {}
        # Until when it is remembered, and why.
        self._not_whole: dict[str, tuple[int, Quarantined, bytes]] = {}
        self._sweeping = False
        self._repeated: float | None = None  # seconds since presence was told anew; None: nobody counts them

    def enter(self, document_id: str, peer: Peer) -> Room:
        """Once this returns, the peer is in the document's room.

        Raises `UnknownDocument`, `Expelled`, `Crowded`, `NotWhole`.
        """
        self._entering[peer] = document_id, None
        try:
            self._check(document_id, peer)
            room = self._room(document_id)
        finally:
            _, expelled = self._entering.pop(peer)
        if expelled is not None:
            raise Expelled(expelled)
        if len(room.peers) >= self._host.capacity.people:
            raise Crowded(f"expected at most {self._host.capacity.people} people in a document at once")
        room.join(peer)
        return room

    def leave(self, room: Room, peer: Peer) -> None:
        room.leave(peer)

    def expel(self, document_id: str, refusal: Refusal, user_id: int | None = None) -> None:
        """Send everybody out of a document, or one user, here and in the other processes."""
        for peer, (entering, _) in self._entering.items():
            if entering == document_id and user_id in (None, peer.user_id):
                self._entering[peer] = document_id, refusal
        room = self._open.get(document_id)
        if room is not None:
            room.expel(refusal, user_id)
        hint = Hint(expel=refusal, user_id=user_id)
        self._broker.publish(document_id, hint, None if room is None else room.hear)

    def reload(self, document_id: str) -> None:
        """Something about the log changed: have everybody load the document anew, here and in the other processes.

        They join again and are told then if the epoch is another. What they have not saved they keep. A room that is
        being opened, and may have read what was, hears it as well.
        """
        room = self._open.get(document_id)
        if room is not None:
            room.close()
        self._broker.publish(document_id, Hint(reload=True))

    def reload_all(self) -> None:
        """The same for whatever is open, or being opened, in this process."""
        for document_id in {*self._open, *self._opening}:
            self.reload(document_id)

    def edit(
        self, document_id: str, user_id: int, change: Callable[[Doc[Any]], None], answer: Callable[[Answer], None]
    ) -> None:
        """Have the program edit a document for somebody.

        `change` is given a doc of its own, and what it does there goes the way of every edit. Raises `UnknownDocument`,
        `NotWhole`, and what `change` raises.
        """
        room = self._room(document_id)
        state, seq, _ = self.read(document_id)
        doc: Doc[Any] = Doc(client_id=secrets.randbits(53) or 1)
        apply(doc, [state])
        news: list[bytes] = []
        subscription = doc.observe(lambda event: news.append(event.update))
        with doc.transaction():
            change(doc)
        doc.unobserve(subscription)
        if not news:
            answer(Saved(seq))
            return
        (update,) = news
        room.submit(_program(user_id, doc.client_id), update, answer)

    def read(self, document_id: str) -> tuple[bytes, int, str]:
        """The document as one update, the newest entry that is in it, and its epoch. Raises `UnknownDocument`.

        If it is not whole, it is the document before what is damaged.
        """
        room = self._open.get(document_id)
        if room is not None and room.settled:
            return room.state(), room.seq, room.epoch
        store, pause = self._host.store, self._host.pause
        epoch = store.status(document_id).epoch
        try:
            self._ask(document_id)
            doc, seq = self.mending(document_id, lambda: replay_with_seq(store, document_id, pause=pause))
        except (NotWhole, Broken) as error:
            why = error if isinstance(error, NotWhole) else self._refuse(document_id, error)
            doc, seq = before(store, document_id, why.damage.first, pause)
        return doc.get_update(), seq, epoch

    @property
    def open(self) -> Mapping[str, Room]:
        """The documents that are open in this process, and their rooms."""
        return self._open

    def mending(self, document_id: str, work: Callable[[], T]) -> T:
        """What `work` returns. If the log turns out to be damaged it is mended, if it can be, and tried again."""
        try:
            return work()
        except Broken:
            self.mend(document_id)
            return work()

    def look_at(self, document_id: str, seq: int) -> None:
        """Raises `Broken` unless all is there that tells what it was at entry `seq`, and `UnknownDocument`."""
        store = self._host.store

        def look() -> None:
            base, _ = nearest(store, document_id, seq)
            for _ in read(store, document_id, base, seq, pause=self._host.pause):
                pass

        self.mending(document_id, look)

    def mend(self, document_id: str) -> list[Quarantined]:
        """Find what is damaged, and what it did. All that is known to be damaged. Raises `UnknownDocument`."""
        host = self._host
        return mend(host.store, document_id, host.roots, self._live(document_id), host.now(), host.pause)

    def mend_from(self, document_id: str, copy: Copy, may_vouch: bool) -> Quarantined:
        """Have somebody's copy tell what the damaged entries did. Raises as `sync.mending.mend_from` does."""
        host = self._host
        told = mend_from(host.store, document_id, copy, may_vouch, host.roots, host.pause)
        self._not_whole.pop(document_id, None)
        self.reload(document_id)
        return told

    def _live(self, document_id: str) -> Known | None:
        """The document as people have it open. The room read a log that was whole, or wrote it."""
        room = self._open.get(document_id)
        if room is None:
            return None
        found: list[Known] = []

        def take() -> None:
            if not room.closed:
                found.append(Known(room.seq, room.state()))

        room.when_settled(take)
        for _ in range(COMMIT_PAUSES):
            if found or room.closed:
                break
            self._host.pause()
        return found[0] if found else None

    def evict_idle(self) -> None:
        """Forget the rooms that have been empty for half a minute."""
        for room in list(self._open.values()):
            if self._idle(room):
                self._look_after(room)
                if self._idle(room):  # nobody has come meanwhile
                    room.close()

    def _idle(self, room: Room) -> bool:
        return not room.busy and room.empty_since is not None and self._host.now() - room.empty_since >= IDLE

    def _look_after(self, room: Room) -> None:
        """Before it goes: it may be the only whole copy of what the log says."""
        if room.tail.entries >= COMPACT_IDLE:
            self._compact(room.document_id)
        elif room.tail.entries:
            try:
                self.look_at(room.document_id, room.seq)
            except UnknownDocument:
                logger.info("%s was deleted while it was open", room.document_id, extra={"document": room.document_id})
            except Unreachable as error:
                logger.warning(
                    "%s could not be looked at before it was forgotten: %s", room.document_id, error,
                    extra={"document": room.document_id},
                )  # fmt: skip
            except Exception:
                logger.exception(
                    "%s could not be looked at before it was forgotten", room.document_id,
                    extra={"document": room.document_id},
                )  # fmt: skip

    def _check(self, document_id: str, peer: Peer) -> None:
        """Whoever comes from another process finds here what was acknowledged there, whether or not a hint came."""
        if document_id not in self._open:
            return
        store = self._host.store
        was = self._open[document_id].seq
        status = store.status(document_id)
        room = self._open.get(document_id)
        if room is None:
            return
        room.check(status.epoch, status.head, was)
        # A guest who signs in takes their tabs along: the room here may know them as the guest's.
        if room.takes_for_another(peer) and store.owner(document_id, peer.client_id) == peer.user_id:
            room.close()

    def _room(self, document_id: str) -> Room:
        room = self._open.get(document_id)
        if room is None:
            lock = self._opening.setdefault(document_id, threading.Lock())
            with lock:
                room = self._open.get(document_id) or self._load(document_id)
        return room

    def _load(self, document_id: str) -> Room:
        self._ask(document_id)
        mended = False
        while True:
            was = self._host.store.status(document_id)
            room = Room(document_id, self._host, self._broker, self._forget, self._noted)
            # Listen first, then read the log, so that nothing falls in between.
            unsubscribe = self._broker.subscribe(document_id, room.hear)
            try:
                room.load()
            except Broken as error:
                unsubscribe()
                now = self._host.store.status(document_id)
                if now._replace(head=0, hash=b"") != was._replace(head=0, hash=b""):
                    continue  # what was missing was packed or rewritten while it was read
                if mended:
                    raise self._refuse(document_id, error) from error
                self.mend(document_id)
                mended = True
                continue
            except BaseException:
                unsubscribe()
                raise
            if not room.closed:
                break
            unsubscribe()  # the log was rewritten since it was read
        self._not_whole.pop(document_id, None)
        self._open[document_id] = room
        self._unsubscribe[room] = unsubscribe
        if self.on_opened is not None:
            self.on_opened(room.tail.entries)
        self._sweep_later()
        if self._repeated is None:
            self._repeated = 0.0
            self._host.later(AWARENESS_TICK, self._tend_presence)
        return room

    def _ask(self, document_id: str) -> None:
        """Raises `NotWhole` if that was found a moment ago: to find out takes a walk through the whole log."""
        refused = self._not_whole.get(document_id)
        if refused is not None and self._host.now() < refused[0]:
            raise NotWhole(*refused[1:])

    def _refuse(self, document_id: str, error: Broken) -> NotWhole:
        """Why nobody is let in. Raises the error if it is something else."""
        store, met = self._host.store, error.damage
        if met is None:
            raise error
        quarantined = store.quarantined(document_id)
        wanted = [each for each in quarantined if each.known is None and each.last >= met.first]
        if not wanted:
            raise error
        damage = wanted[0]._replace(last=wanted[-1].last)
        doc, _ = before(store, document_id, damage.first, self._host.pause)
        self._not_whole[document_id] = self._host.now() + NOT_WHOLE, damage, doc.get_state()
        return NotWhole(damage, doc.get_state())

    def _forget(self, room: Room) -> None:
        if self._open.get(room.document_id) is room:
            del self._open[room.document_id]
            self._unsubscribe.pop(room)()

    def _sweep_later(self) -> None:
        if not self._sweeping and self._open:
            self._sweeping = True
            self._host.later(IDLE / 1000, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = False
        try:
            self.evict_idle()
        finally:
            self._sweep_later()

    def _tend_presence(self) -> None:
        """Renew the lease of the people here in the other processes, and end those that nobody renews."""
        assert self._repeated is not None
        self._repeated += AWARENESS_TICK
        due = self._repeated >= AWARENESS_REPEAT
        for room in list(self._open.values()):
            room.tend_presence(due)
        self._repeated = (0.0 if due else self._repeated) if self._open else None
        if self._open:
            self._host.later(AWARENESS_TICK, self._tend_presence)

    def _noted(self, room: Room, seq: int) -> None:
        if room.tail.entries >= COMPACT_ENTRIES or room.tail.size >= COMPACT_BYTES:
            room.tail = Tail()
            self._host.later(COMPACT_DELAY, lambda: self._compact(room.document_id))
        if self.on_committed is not None:
            self.on_committed(room.document_id, seq)
        if self.on_filling is not None and room.is_filling():
            self.on_filling(room.document_id, room.filled)

    def compact(self, document_id: str) -> tuple[Snapshot | None, int]:
        """Have a snapshot, and pack what may be packed: how many entries were. Raises `UnknownDocument`, `Broken`."""
        store, roots, pause = self._host.store, self._host.roots, self._host.pause

        def work() -> tuple[Snapshot | None, int]:
            return compact(store, document_id, roots, pause), pack(store, document_id, roots, pause)

        return self.mending(document_id, work)

    def _compact(self, document_id: str) -> None:
        try:
            self.compact(document_id)
        except UnknownDocument:
            logger.info("%s was deleted before it could be compacted", document_id, extra={"document": document_id})
        except (NotStored, Unreachable) as error:
            logger.warning(
                "%s could not be compacted or packed; it is tried again later: %s", document_id, error,
                extra={"document": document_id},
            )  # fmt: skip
        except Exception:
            logger.exception(
                "%s could not be compacted or packed; it is tried again later", document_id,
                extra={"document": document_id},
            )  # fmt: skip


def _program(user_id: int, client_id: int) -> Peer:
    """Nobody hears it: it sends an update and reads the answer."""
    return Peer(
        send=lambda message, seq: None,
        expel=lambda refusal: None,
        user_id=user_id,
        session_id=secrets.randbits(63),
        client_id=client_id,
        user=None,
        can_write=True,
    )
