"""Servers that are broken on purpose: for each kind of thing that the checks look for, one that does it.

A check that no broken server can set off proves nothing.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import gevent
from gevent import monkey

from editor import log_postgres, log_sqlite
from editor.connection import Connection
from editor.log_postgres import PostgresLog
from editor.log_sqlite import SqliteLog
from editor.log_writer import Outcome, Work
from editor.sockets import Sockets
from sync.broker import Hint
from sync.doc import merge
from sync.messages import Kind, Message
from sync.peer import Answer, Peer, Saved
from sync.room import Room
from sync.rooms import Rooms
from sync.store import Change, Entry, chain

SLOW = 0.05  # seconds
SLOWER = 1.0  # seconds: another process hears something, and tells its people

_sleep: Callable[[float], None] = monkey.get_original("time", "sleep")  # on a thread of its own

FAULTS: dict[str, Callable[[], None]] = {}


def fault(install: Callable[[], None]) -> Callable[[], None]:
    FAULTS[install.__name__] = install
    return install


def _put(owner: Any, name: str, function: Callable[..., Any]) -> None:
    setattr(owner, name, function)


def _slow_sqlite() -> None:
    write = log_sqlite.write

    def slow(log: SqliteLog, works: Sequence[Work], *how: Any) -> Sequence[Outcome]:
        _sleep(SLOW)
        return write(log, works, *how)

    _put(log_sqlite, "write", slow)


def _slow_postgres(seconds: float) -> None:
    write = log_postgres.write

    def slow(log: PostgresLog, works: Sequence[Work], *how: Any) -> list[Outcome]:
        gevent.sleep(seconds)
        return write(log, works, *how)

    _put(log_postgres, "write", slow)


@fault
def ack_before_commit() -> None:
    """Says "saved" as soon as the gate has let something pass, while it is on its way to a slow disk."""
    admit = Room._admit

    def hasty(room: Room, peer: Peer, update: bytes, answer: Callable[[Answer], None]) -> None:
        answer(Saved(room.seq + len(room._in_flight) + len(room._waiting) + 1))
        admit(room, peer, update, lambda answer: None)

    _put(Room, "_admit", hasty)
    _slow_sqlite()
    _slow_postgres(SLOW)


@fault
def show_before_commit() -> None:
    """Shows an update to the others while it is on its way to the disk, which is a slow one."""
    take = Room.take

    def hasty(room: Room) -> Sequence[Change]:
        changes = take(room)
        for number, change in enumerate(changes, 1):
            room._show(Message(Kind.UPDATE, change.update).encode(), room.seq + number)
        return changes

    _put(Room, "take", hasty)
    _slow_sqlite()


@fault
def publish_before_commit() -> None:
    """Tells the other processes of an update while it is on its way to PostgreSQL, which is a slow one."""
    take = Room.take

    def hasty(room: Room) -> Sequence[Change]:
        changes = take(room)
        last = room.seq + len(changes)
        message = Message(Kind.UPDATE, merge([change.update for change in changes])).encode()
        room._broker.publish(room.document_id, Hint(room.seq + 1, last, message), room.hear)
        return changes

    _put(Room, "take", hasty)
    _slow_postgres(SLOWER)


@fault
def lose_in_fan_out() -> None:
    """Now and then somebody is not sent an update."""
    send = Connection.send

    def careless(connection: Connection, message: bytes, seq: int) -> None:
        if not message.startswith(Kind.UPDATE) or random.random() > 0.1:
            send(connection, message, seq)

    _put(Connection, "send", careless)


@fault
def double_an_entry() -> None:
    """The last entry of each commit stands in the log twice."""
    insert, advance = SqliteLog.insert, SqliteLog.advance

    def again(entry: Entry) -> Entry:
        seq = entry.seq + 1
        fields = entry.user_id, entry.session_id, entry.time, entry.update
        return entry._replace(seq=seq, hash=chain(entry.hash, seq, *fields))

    def insert_again(log: SqliteLog, entries: Iterable[tuple[str, Entry]]) -> None:
        found = list(entries)
        newest = dict(found)
        insert(log, [*found, *((name, again(entry)) for name, entry in newest.items())])

    def advance_more(log: SqliteLog, heads: Mapping[str, Entry]) -> None:
        advance(log, {name: again(entry) for name, entry in heads.items()})

    _put(SqliteLog, "write_at_once", lambda log, guesses: False)
    _put(SqliteLog, "insert", insert_again)
    _put(SqliteLog, "advance", advance_more)


@fault
def leave_out_an_entry() -> None:
    """Each third entry is acknowledged and shown, but not written."""
    insert = SqliteLog.insert

    def forgetful(log: SqliteLog, entries: Iterable[tuple[str, Entry]]) -> None:
        insert(log, [(name, entry) for name, entry in entries if entry.seq % 3])

    _put(SqliteLog, "insert", forgetful)


@fault
def keep_ghosts() -> None:
    """Whoever disconnects stays in the room."""
    _put(Sockets, "_part", lambda sockets, connection: None)


@fault
def leak() -> None:
    """Each join takes some megabytes for ever."""
    enter = Rooms.enter
    kept: list[Any] = []

    def greedy(rooms: Rooms, document_id: str, peer: Peer) -> Room:
        kept.append(bytearray(random.randbytes(4 << 20)))
        return enter(rooms, document_id, peer)

    _put(Rooms, "enter", greedy)

