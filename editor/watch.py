"""What hints told, found in the database as well: heads, epochs and access of the documents that are open here.

Hints are lost when Redis is away, when a process has no way to it, and whenever Redis likes. So each process looks
itself, every second and a half, and four times a second while it hears nothing from Redis.
"""

import logging
from collections.abc import Iterable, Mapping
from itertools import islice
from time import monotonic
from typing import NamedTuple, TypeVar

import gevent
from flask import Flask
from sqlalchemy import select, text

from editor import outage, policy
from editor.connection import Standing
from editor.database import TIMELINE, session
from editor.models import Document, PastSignIn, Share, User
from editor.redis_broker import RedisBroker
from editor.sockets import Sockets
from sync.room import GONE
from sync.rooms import Rooms

EVERY = 1.5  # seconds between two looks: together with what a look takes less than two
TICK = 0.25  # seconds between two looks while hints may be missing
AT_ONCE = 1000  # rows that one query asks for

T = TypeVar("T")

log = logging.getLogger(__name__)


class _Access(NamedTuple):
    """What decides who may do what with a document."""

    deleted: bool
    share: int | None
    role: str | None


class Watch:
    """Looks at the database for the rooms and the connections of this process."""

    def __init__(self, app: Flask, rooms: Rooms, broker: RedisBroker) -> None:
        self._app = app
        self._rooms = rooms
        self._broker = broker
        self._access: dict[str, _Access] = {}  # of the documents that are open here, as they were seen last
        self._timeline: str | None = None  # of the PostgreSQL that was looked at last
        self.gaps = 0  # entries that were found here, and not told by a hint
        self._blind = False  # the database did not answer
        self._doubts = False  # what was found about somebody may be told by who did it, in a moment

    def start(self) -> None:
        gevent.spawn(self._go_on)

    def look(self) -> None:
        """Once this returns everything is known here that was committed before it was called.

        But for how people stand: that is known after two (`Sockets.check`).
        """
        with self._app.app_context():
            self._look_at_timeline()
            self._look_at_documents()
            self._look_at_people()

    def _go_on(self) -> None:
        due, silent = 0.0, True
        while True:
            was_silent, silent = silent, self._broker.silent
            # And once more when it is not silent any more: for what was said while nobody was heard.
            if silent or was_silent or self._doubts or monotonic() >= due:
                due = monotonic() + EVERY
                self._look()
            gevent.sleep(TICK)

    def _look(self) -> None:
        try:
            self.look()
            self._blind = False
        except Exception as error:
            if not self._blind:
                log.error("nobody looks for what other processes wrote: %s", outage.words(error) or repr(error))
            self._blind = True

    def _look_at_timeline(self) -> None:
        """A standby that took over may lack what rooms have, and have as many other entries by now."""
        before, self._timeline = self._timeline, session.scalar(text(TIMELINE))
        if before not in (None, self._timeline):
            self._rooms.reload_all()

    def _look_at_documents(self) -> None:
        sockets: Sockets = self._app.extensions["sockets"]
        asked = dict(self._rooms.open)
        seqs = {document_id: room.seq for document_id, room in asked.items()}
        found = self._find(asked)
        for document_id, room in asked.items():
            if self._rooms.open.get(document_id) is not room:
                continue
            if document_id not in found:
                room.close(GONE, GONE)
                continue
            epoch, head, access = found[document_id]
            if room.settled:
                self.gaps += max(0, head - room.seq)
            room.check(epoch, head, seqs[document_id])
            before = self._access.get(document_id)
            self._access[document_id] = access
            if access != before:  # or nobody has looked since they were let in
                sockets.ask_again(document_id)
        for document_id in self._access.keys() - self._rooms.open.keys():
            del self._access[document_id]

    def _find(self, document_ids: Iterable[str]) -> Mapping[str, tuple[str, int, _Access]]:
        found = {}
        for some in _batches(document_ids):
            rows = session.execute(
                select(Document.id, Document.epoch, Document.head_seq, Document.deleted, Share.id, Share.role)
                .outerjoin(Share, (Share.document_id == Document.id) & Share.revoked.is_(None))
                .where(Document.id.in_(some))
            )
            for name, epoch, head, deleted, share, role in rows:
                found[name] = epoch, head, _Access(deleted is not None, share, role)
        return found

    def _look_at_people(self) -> None:
        sockets: Sockets = self._app.extensions["sockets"]
        for names in _batches(sockets.sign_ins()):
            sockets.end(set(session.scalars(select(PastSignIn.id).where(PastSignIn.id.in_(names)))))
        writes = policy.read()[0].guests
        self._doubts = False
        for some in _batches(sockets.people()):
            rows = session.execute(select(User.id, User.fs_uniquifier, User.guest).where(User.id.in_(some)))
            self._doubts |= sockets.check({id: Standing(key, guest and not writes) for id, key, guest in rows})


def _batches(things: Iterable[T]) -> Iterable[list[T]]:
    rest = iter(things)
    while some := list(islice(rest, AT_ONCE)):
        yield some
