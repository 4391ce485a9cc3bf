"""Socket.IO on one side, the rooms of `sync` on the other. No other file knows both.

Flask-SocketIO opens connections and says who somebody is; the events are taken before Socket.IO sees them, because the
ack of an update is sent when it is durable and not when a handler returns. The protocol is in sync/README.md.
"""

import json
import logging
import math
import random
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from sys import intern
from time import monotonic
from typing import Any, NamedTuple

import gevent
import socketio
from engineio.payload import Payload
from flask import Flask, request
from flask import session as cookie
from flask_socketio import SocketIO
from gevent.lock import Semaphore
from socketio import packet as kinds

from editor import access, damage, database, engine, epochs, outage, outbox, packets, websocket
from editor.access import Arrival
from editor.bucket import Bucket
from editor.connection import Connection, Identity, Standing
from editor.content.schema import SCHEMA_VERSION
from editor.entrance import LARGEST_BODY, MOST_PACKETS, Entrance
from editor.fan_out import FanOut
from editor.limits import Limits
from editor.loop import pause
from editor.metrics import Metrics
from editor.outbox import Frame
from editor.packets import Packet, Refused
from sync.broker import Broker, Hint
from sync.messages import Kind, Message
from sync.peer import Answer, Peer, Refusal, Saved
from sync.room import Room
from sync.rooms import Crowded, Expelled, NotWhole, Rooms
from sync.store import UnknownDocument

SWEEP_EVERY = 2.0  # seconds
DRAIN_PAUSE = 1.2  # seconds between telling clients to go and ending their connections; the listener closes within 1
DRAIN_SPREAD = 3.0  # seconds over which they come back
MOST_CONNECTIONS = 10_000  # of this process
CROWDED_AGAIN = 30  # seconds after which somebody with too many connections may try again
MOST_BUCKETS = 10_000  # of people who joined, of which those that are full again are forgotten
PING_INTERVAL, PING_TIMEOUT = 10, 10  # seconds: whoever is silent for both together is gone

EVERYWHERE = "everywhere"  # what all processes hear; no document is called so
SIGNED_OUT = "You have signed out."
MOST_CLIENT_ID = (1 << 53) - 1
_EXIT = (gevent.GreenletExit, KeyboardInterrupt, SystemExit)

log = logging.getLogger(__name__)


def register(app: Flask, rooms: Rooms, broker: Broker, fan_out: FanOut) -> SocketIO:
    """Serve `rooms` at /socket.io/. The Sockets are at `app.extensions["sockets"]`.

    Browsers may come from the server's own address and from those that the operator allows. Whatever reads the headers
    of proxies must be wrapped around the app after this: they say what the server's own address is.
    """
    websocket.install()
    outbox.install()
    engine.install()
    Payload.max_decode_packets = MOST_PACKETS  # of what is more Engine.IO reads nothing, and answers "ok"
    server = SocketIO(
        app,
        async_mode="gevent",
        async_handlers=False,
        manage_session=False,  # who somebody is, is asked once
        serializer=Packet,
        client_manager=_Manager(),
        cors_allowed_origins=[],  # the entrance decides
        http_compression=False,  # it would hold everybody while it compresses a large document
        max_http_buffer_size=LARGEST_BODY,
        ping_interval=PING_INTERVAL,
        ping_timeout=PING_TIMEOUT,
        monitor_clients=False,  # each `EngineSocket` does, without a greenlet that looks at all of them in turn
    )
    app.extensions["sockets"] = sockets = Sockets(app, rooms, broker, fan_out, server)
    origins = app.extensions["config"].origins
    app.wsgi_app = Entrance(app.wsgi_app, origins, sockets.crowded)  # type: ignore[method-assign]
    return server


class _Manager(socketio.Manager):  # type: ignore[misc]
    """Socket.IO's rooms, with packets that WebSocket and polling clients can share."""

    def emit(self, event: str, data: Any, namespace: str, room: Any = None, to: Any = None, **options: Any) -> None:
        if options.get("callback") is not None or options.get("skip_sid") is not None:
            raise ValueError("expected an event for a whole room, and nobody to answer it")
        arguments = data if isinstance(data, tuple) else () if data is None else (data,)
        frame = Frame(packets.event(event, *arguments))
        for _, eio_sid in self.get_participants(namespace, to or room):
            self.server.eio.send_packet(eio_sid, frame)

    def basic_disconnect(self, sid: str, namespace: str, **_: object) -> None:
        """It has left its document's room already. Socket.IO's own would look for it in the rooms of everybody."""
        for room in (sid, None):
            self.basic_leave_room(sid, namespace, room)
        for pending in (self.pending_connect, self.pending_disconnect):
            if sid in pending.get(namespace, ()):
                pending[namespace].remove(sid)


class _Join(NamedTuple):
    """What a client wants to join, and what it has of it."""

    document_id: str
    client_id: int
    schema: int
    epoch: str | None

    @classmethod
    def of(cls, arguments: Sequence[object]) -> "_Join":
        """Raises `Refused`."""
        match arguments:
            case [{"document": str(document_id), "client": int(client_id), "schema": int(schema), "epoch": epoch}]:
                numbers = type(client_id) is int and type(schema) is int  # to Python, true and false are numbers, too
                if numbers and isinstance(epoch, str | None) and 0 < client_id <= MOST_CLIENT_ID:
                    return cls(document_id, client_id, schema, epoch)
        expected = "{document: string, client: 1 to 2^53 - 1, schema: number, epoch: string or null}"
        raise Refused("malformed", f"expected {expected}")


class Sockets:
    """The connections of this process. What ends some of them is told to the other processes as well."""

    def __init__(self, app: Flask, rooms: Rooms, broker: Broker, fan_out: FanOut, socketio: SocketIO) -> None:
        self._app = app
        self._rooms = rooms
        self._broker = broker
        self._metrics: Metrics = app.extensions["metrics"]
        self._server: Any = socketio.server
        self._limits: Limits = app.extensions["config"].limits
        # Who comes is let in one after the other, and those who type come in between: a thousand may come back at once.
        self._admission = Semaphore(1)
        self._joins: dict[object, Bucket] = {}  # of each person, or of an address without a name
        self._connections: dict[str, Connection] = {}
        self._addresses: Counter[str] = Counter()  # how many connections are open from each
        self._users: Counter[int] = Counter()  # how many each person has open
        self._fan_out = fan_out
        self._sweeping = False
        self.draining = False  # this process is about to stop
        self._events = {"join": self._join, "message": self._message, "leave": self._leave}
        # Engine.IO's events first come here; what opens and closes connections goes on to Socket.IO.
        self._server.eio.on("connect", self._opened)
        self._server.eio.on("message", self._receive)
        self._server.eio.on("disconnect", self._closed)
        socketio.on_event("connect", self._connected)
        self._server.on("disconnect", self._disconnected)
        broker.subscribe(EVERYWHERE, self._hear)

    # -- For the rest of the program ---------------------------------------------------------------

    def expel_session(self, sign_in: str) -> None:
        """A sign-in has ended: its connections end, too, and come back as whoever their cookie says then."""
        self._everywhere("session", sign_in)

    def expel_user(self, user_id: int, except_session: str | None = None) -> None:
        """End all connections of a person, but those of one sign-in."""
        self._everywhere("user", user_id, except_session)

    def expel_guests(self) -> None:
        """The administrator decided anew what guests may do: they are asked for access again."""
        self._everywhere("guests")

    def tell_binned(self, document_id: str) -> None:
        """Tell those who have a document open that it is in the bin now, before they are put out of it."""
        self._everywhere("binned", document_id)

    @property
    def connections(self) -> Collection[Connection]:
        return self._connections.values()

    @property
    def lagging(self) -> int:
        """How many clients are sent no updates, because much waits for them already."""
        return sum(connection.lagging for connection in self.connections)

    @property
    def sent(self) -> int:
        """How many messages went to clients, each counted for each of them."""
        return self._fan_out.sent

    def renew(self, user_id: int) -> None:
        """Somebody goes on as they are, though they have an account or a password now that they had not before."""
        self._everywhere("renewed", user_id)

    def people(self) -> set[int]:
        """Who is connected to this process."""
        return set(self._users)

    def sign_ins(self) -> set[str]:
        """The sessions that are connected to this process."""
        return {each.identity.sign_in for each in self._connections.values() if each.identity.sign_in is not None}

    def end(self, sign_ins: Collection[str]) -> None:
        """These sessions have ended, as the database says; perhaps no other process told us."""
        self._expel(lambda identity: identity.sign_in in sign_ins, SIGNED_OUT)

    def check(self, now: Mapping[int, Standing]) -> bool:
        """How these people stand, as the database says. Ends the connections of whom no other process told us.

        Who changes it says whom that ends, right after: so this ends those whom it finds changed twice. Returns whether
        it should be called again soon.
        """
        doubts = False
        for connection in list(self._connections.values()):
            identity = connection.identity
            standing = None if identity.user_id is None else now.get(identity.user_id)
            if standing is None:
                continue
            differs = identity.standing not in (None, standing)
            if differs and connection.doubted:
                self._end(connection, "Sign in again.")
            elif identity.standing is None:
                connection.identity = identity._replace(standing=standing)
            connection.doubted = differs
            doubts = doubts or differs
        return doubts

    def ask_again(self, document_id: str) -> None:
        """Whether those who have a document open here may still do what they could when they came. Blocks."""
        for connection in list(self._connections.values()):
            if connection.document_id == document_id:
                identity = connection.identity
                role = access.role_of(database.session, document_id, identity.user_id, identity.links)
                if role != connection.role:
                    self._end(connection, "Your access to this note has changed.")

    def tell_filling(self, document_id: str, filled: float) -> None:
        """Tell those who have a document open how full it is."""
        log.warning(
            "%s is %d %% full (PALIMPSEST_NOTE_BYTES, PALIMPSEST_NOTE_STRUCTS)", document_id, 100 * filled,
            extra={"document": document_id},
        )  # fmt: skip
        self._server.emit("document", {"filled": _share(filled)}, to=document_id, namespace="/")

    def crowded(self, address: str) -> bool:
        """Whether as many connections as may are open from this address, or at all."""
        full = max(len(self._connections), len(websocket.alive)) >= MOST_CONNECTIONS  # who is leaving counts, too
        return full or self._addresses[address] >= self._limits.connections_per_address

    def drain(self) -> None:
        """Before this process stops: send everybody away, to come back one after the other. Takes about a second."""
        self.draining = True
        going = list(self._connections.values())
        random.shuffle(going)
        for place, connection in enumerate(going):
            connection.emit("drain", {"delay": round(DRAIN_PAUSE + DRAIN_SPREAD * place / len(going), 3)})
        gevent.sleep(DRAIN_PAUSE)
        # Not with Socket.IO's disconnect: JavaScript clients would take it as a wish and stay away.
        for connection in list(self._connections.values()):
            connection.end()

    def _everywhere(self, *notice: object) -> None:
        """Do it here, and tell the other processes."""
        self._do(notice)
        self._broker.publish(EVERYWHERE, Hint(notice=json.dumps(notice).encode()), self._hear)

    def _hear(self, hint: Hint) -> None:
        if hint.notice:
            self._do(json.loads(hint.notice))

    def _do(self, notice: Sequence[object]) -> None:
        match notice:
            case ["session", sign_in]:
                self._expel(lambda identity: identity.sign_in == sign_in, SIGNED_OUT)
            case ["user", user_id, except_session]:
                self._expel(
                    lambda identity: identity.user_id == user_id and identity.sign_in != except_session,
                    "Sign in again.",
                )
                self._renewed(user_id)
            case ["renewed", user_id]:
                self._renewed(user_id)
            case ["guests"]:
                self._expel(lambda identity: identity.guest, "The administrator changed what guests may do.")
            case ["binned", document_id]:
                self._server.emit("document", {"deleted": True}, to=document_id, namespace="/")
            case _:
                # Perhaps of a newer version, during an upgrade.
                log.warning("another process said %.100r, which this one does not know", notice)

    # -- Connections come and go -------------------------------------------------------------------

    def _opened(self, sid: str, environ: dict[str, Any]) -> Any:
        self._connections[sid] = connection = Connection(self._server.eio.sockets[sid], self._fan_out, self._limits)
        connection.socket.quick = partial(self._receive_quickly, connection)
        connection.address = address = environ.get("REMOTE_ADDR", "")
        self._addresses[address] += 1
        if not self._sweeping:
            self._sweeping = True
            gevent.spawn(self._sweep)
        # What says who it is; most of it is the same in all, and is kept once. The rest would keep the whole request as
        # long as the connection is there.
        kept = {intern(name): intern(value) for name, value in environ.items() if isinstance(value, str)}
        return self._server._handle_eio_connect(sid, {**kept, "flask.app": self._app})

    def _connected(self, auth: object = None) -> None:
        """Within the request that opened the connection: who is it?"""
        sio_sid: str = request.sid  # type: ignore[attr-defined]
        connection = self._connections[self._server.manager.eio_sid_from_sid(sio_sid, "/")]
        self._wait_for_admission()
        caller = access.caller()
        if self._connections.get(connection.id) is not connection:
            return  # it has ended meanwhile
        self._count(connection.identity.user_id, -1)  # it may say twice that it speaks Socket.IO
        connection.identity = Identity(
            user_id=caller.id if caller else None,
            # Of one that has ended nothing is left: who comes with its cookie is nobody, and is told to sign in.
            sign_in=cookie.get("sign_in") if caller else None,
            guest=caller is not None and caller.guest,
            links=access.links(),
            standing=Standing(caller.key, caller.only_reads) if caller else None,
        )
        connection.sio_sid = sio_sid
        self._count(connection.identity.user_id, 1)
        if caller is not None and self._users[caller.id] > self._limits.connections_per_user:
            gevent.spawn(self._crowd_out, connection)  # once it knows that it is connected

    def _count(self, user_id: int | None, more: int) -> None:
        if user_id is not None:
            self._users[user_id] += more
            if not self._users[user_id]:
                del self._users[user_id]

    def _crowd_out(self, connection: Connection) -> None:
        most = self._limits.connections_per_user
        message = f"You have {most} connections open already, in other tabs or on other devices. Close some."
        connection.emit("expelled", {"error": "rate", "message": message, "retry_after": CROWDED_AGAIN})
        connection.end()

    def _disconnected(self, sio_sid: str, reason: object) -> None:
        connection = self._connections.get(self._server.manager.eio_sid_from_sid(sio_sid, "/"))
        if connection is not None:
            self._part(connection)
            connection.sio_sid = None

    def _closed(self, sid: str, reason: object) -> None:
        connection = self._connections.pop(sid, None)
        if connection is not None:
            self._addresses[connection.address] -= 1
            if not self._addresses[connection.address]:
                del self._addresses[connection.address]
            self._count(connection.identity.user_id, -1)
            self._part(connection)
        self._server._handle_eio_disconnect(sid, reason)

    def _sweep(self) -> None:
        while True:
            gevent.sleep(SWEEP_EVERY)
            now = monotonic()
            for connection in list(self._connections.values()):
                try:
                    if connection.is_hopeless(now, self._limits.seconds_to_join):
                        connection.abandon()
                except Exception:
                    # Whatever is the matter with this one, the others are looked after for as long as we live.
                    log.exception("connection %s could not be ended", connection.id, extra=connection.about)

    # -- Events --------------------------------------------------------------------------------------

    def _receive_quickly(self, connection: Connection, data: bytes) -> bool:
        """For the loop itself: act on a small message that nobody has to wait for. Whether that was done."""
        found = None if connection.room is None or connection.peer is None else packets.quick(data)
        if found is None or found[1].startswith(Kind.SYNC_STEP1):
            return False
        id, message = found
        try:
            self._pass_on(connection, id, message)
        except BaseException as error:
            self._failed(connection, id, error)
        return True

    def _receive(self, sid: str, data: object) -> None:
        """A packet. Whatever it is, neither this connection nor another suffers from more than it asked for."""
        connection = self._connections.get(sid)
        if connection is None:
            return  # It has ended, and this was still under way.
        try:
            packet = packets.decode(data)
        except Refused as refused:
            self._refuse(connection, refused.id, refused)
            return
        try:
            match packet.packet_type:
                case kinds.EVENT:
                    self._handle(connection, packet)
                case kinds.CONNECT | kinds.DISCONNECT:
                    self._server._handle_eio_message(sid, data)
                case kinds.ACK:
                    pass  # nothing is asked of clients
                case _:
                    raise Refused("malformed", "expected an event")
        except BaseException as error:
            self._failed(connection, packet.id, error)

    def _failed(self, connection: Connection, id: int | None, error: BaseException) -> None:
        """Whatever went wrong, who sent it hears of it, and the connection goes on if it can. Not of our own end."""
        if isinstance(error, _EXIT):
            raise error
        if isinstance(error, Refused):
            self._refuse(connection, id, error)
        elif (words := outage.words(error)) is not None:
            log.error("%s could not be served: %s", connection.id, words, extra=connection.about)
            self._refuse(connection, id, Refused("storage", f"{words} Keep this and send it again."))
        else:
            # Not the message of the error: it may hold what somebody wrote.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error(
                "%s in %s on %s\n%s", type(error).__name__, connection.document_id, connection.id, where,
                extra=connection.about,
            )  # fmt: skip
            self._refuse(connection, id, Refused("storage", "The server failed. Keep this and send it again."))

    def _handle(self, connection: Connection, packet: Packet) -> None:
        name, *arguments = packet.data  # type: ignore[misc]  # an event has a list; `packets` has seen to it
        if connection.sio_sid is None:
            raise Refused("not-joined", f"expected a Socket.IO connection before {name[:40]!r}")
        if name not in self._events:
            raise Refused("malformed", f"expected join, message or leave; not {name[:40]!r}")
        self._events[name](connection, packet.id, arguments)

    def _message(self, connection: Connection, id: int | None, arguments: Sequence[object]) -> None:
        if connection.room is None or connection.peer is None:
            raise Refused("not-joined", "expected a join before a message")
        match arguments:
            case [bytes(data)]:
                self._pass_on(connection, id, data)
            case _:
                raise Refused("malformed", "expected one argument, the bytes of a message")

    def _pass_on(self, connection: Connection, id: int | None, data: bytes) -> None:
        """What should be a message, to the room. Raises `Refused`, also when nobody has joined."""
        try:
            message = Message.decode(data)
        except ValueError as error:
            raise Refused("malformed", str(error)) from None
        wait = connection.wait(message)
        if wait:
            connection.answer(id, _too_fast(wait))
            return

        if message.kind is Kind.SYNC_STEP1:
            self._wait_for_admission()
        if connection.room is None or connection.peer is None:
            raise Refused("not-joined", "expected a join before a message")
        began = monotonic()

        def answered(answer: Answer) -> None:
            connection.unanswered -= len(message.payload)
            connection.answer(id, answer)
            if isinstance(answer, Saved):
                user_id = connection.identity.user_id
                self._metrics.answered(connection.document_id, connection.id, monotonic() - began, user_id)
            elif answer is not None:
                self._metrics.refused[answer.error] += 1

        self._metrics.updates += message.kind in (Kind.UPDATE, Kind.SYNC_STEP2)
        connection.unanswered += len(message.payload)
        connection.room.receive(connection.peer, message, answered)

    def _leave(self, connection: Connection, id: int | None, arguments: Sequence[object]) -> None:
        self._part(connection)
        connection.answer(id, {})

    def _join(self, connection: Connection, id: int | None, arguments: Sequence[object]) -> None:
        wanted = _Join.of(arguments)
        if connection.room is not None or connection.joining:
            raise Refused("malformed", "expected to be asked once: this connection has joined a document already")
        wait = connection.greetings.take() or self._joins_of(connection).take()
        if wait:
            connection.answer(id, _too_fast(wait))
            return
        if wanted.schema != SCHEMA_VERSION:
            raise Refused("schema", f"expected schema {SCHEMA_VERSION}, not {wanted.schema}; load the page again")
        connection.joining = True
        try:
            self._wait_for_admission()
            arrival = self._look(connection.identity, wanted.document_id)
            if arrival.past:
                # Who signed in while this connection was being opened comes back with another cookie.
                connection.answer(id, {"error": "access", "message": "Connect again."})
                connection.end()
            else:
                connection.answer(id, self._enter(connection, wanted, arrival))
        finally:
            connection.joining = False

    def _wait_for_admission(self) -> None:
        """Before something that takes some milliseconds: all others who are there now get their turn first."""
        with self._admission:
            pause()

    def _joins_of(self, connection: Connection) -> Bucket:
        key = connection.identity.user_id or connection.address
        if key not in self._joins:
            if len(self._joins) > MOST_BUCKETS:
                self._joins = {key: bucket for key, bucket in self._joins.items() if not bucket.full}
            most = self._limits.joins_per_person
            self._joins[key] = Bucket(most / 60, most / 2)
        return self._joins[key]

    def _enter(self, connection: Connection, wanted: _Join, arrival: Arrival) -> dict[str, object]:
        """Into the room. Returns the answer; what the room says comes after it. Raises `Refused`."""
        identity, document_id, role = connection.identity, wanted.document_id, arrival.role
        if role is None:
            raise _not_found(identity)
        user = self._introduce(identity, document_id, arrival)
        peer = Peer(
            send=connection.send,
            expel=lambda refusal: self._expelled(connection, refusal),
            user_id=identity.user_id,
            session_id=random.getrandbits(63),
            client_id=wanted.client_id,
            user=user,
            can_write=access.may_write(role, identity.user_id),
        )
        try:
            room = self._rooms.enter(document_id, peer)
        except UnknownDocument:
            raise _not_found(identity) from None
        except Expelled:
            raise Refused("resync", "access has changed just now; join again") from None
        except Crowded as error:
            raise Refused("full", f"This note has as many people in it as it may have: {error}.") from None
        except NotWhole as error:
            first, last = error.damage.first, error.damage.last
            raise Refused("damaged", damage.whole(error.damage), first=first, last=last, has=error.has) from None
        try:
            # Asked again, now that a change of access would expel us: one that came just before would be missed.
            if self._look(identity, document_id).role != role:
                raise Refused("resync", "access has changed just now; join again")
            self._check_epoch(document_id, room.epoch, wanted.epoch)
            if peer not in room.peers:
                raise Refused("resync", "the document was loaded again just now; join again")
            if connection.socket.closed or connection.sio_sid is None:
                raise Refused("not-joined", "the connection has ended")
        except BaseException:
            self._rooms.leave(room, peer)
            raise
        connection.joined(document_id, role, room, peer)
        self._server.enter_room(connection.sio_sid, document_id)
        return {"role": role.word, "epoch": room.epoch, "seq": room.seq, "user": user, "filled": _share(room.filled)}

    def _look(self, identity: Identity, document_id: str) -> Arrival:
        with self._app.app_context():
            return access.look(database.session, document_id, identity.user_id, identity.links, identity.sign_in)

    def _introduce(self, identity: Identity, document_id: str, arrival: Arrival) -> dict[str, object] | None:
        """How the others will know somebody; None: no name, nobody to show."""
        user_id, slot = identity.user_id, arrival.slot
        if user_id is None:
            return None
        if slot is None:
            with self._app.app_context():
                slot = access.arrive(database.session, document_id, user_id)
        return {"id": user_id, "name": arrival.name, "slot": slot}

    def _check_epoch(self, document_id: str, epoch: str, wanted: str | None) -> None:
        """Raises `Refused` for a copy of another history."""
        if wanted in (None, epoch):
            return
        with self._app.app_context():
            erased = epochs.was_erased(database.session, document_id, wanted)
        why = "something was erased" if erased else "this is not the history that the note has now"
        raise Refused("epoch", f"expected epoch {epoch}, not {wanted[:22]}: {why}", erased=erased)

    # -- Ways out --------------------------------------------------------------------------------------

    def _part(self, connection: Connection) -> None:
        """Out of the room, by the client's own wish or because it is gone."""
        if connection.room is not None and connection.peer is not None:
            room: Room = connection.room
            peer = connection.peer
            self._forget(connection)
            self._rooms.leave(room, peer)

    def _expelled(self, connection: Connection, refusal: Refusal) -> None:
        if connection.joining:
            return  # the answer to the join says so; who was told twice would join while that is still going on
        connection.emit("expelled", refusal._asdict())
        self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        if connection.document_id is not None and connection.sio_sid is not None:
            self._server.leave_room(connection.sio_sid, connection.document_id)
        connection.left()

    def _renewed(self, user_id: object) -> None:
        for connection in self._connections.values():
            if connection.identity.user_id == user_id:
                connection.identity = connection.identity._replace(standing=None)

    def _expel(self, concerns: Callable[[Identity], bool], message: str) -> None:
        for connection in list(self._connections.values()):
            if concerns(connection.identity):
                self._end(connection, message)

    def _end(self, connection: Connection, message: str) -> None:
        connection.emit("expelled", {"error": "access", "message": message})
        connection.end()

    def _refuse(self, connection: Connection, id: int | None, refused: Refused) -> None:
        """Tell the client, as the answer to what it sent. If that had no id, the connection cannot go on."""
        self._metrics.refused[refused.error] += 1
        answer = {"error": refused.error, "message": str(refused), **refused.more}
        if id is not None:
            connection.answer(id, answer)
        else:
            connection.emit("expelled", answer)
            connection.end()


def _share(filled: float) -> float:
    return round(min(1.0, filled), 3)


def _too_fast(wait: float) -> dict[str, object]:
    return {"error": "rate", "message": "too many messages", "retry_after": math.ceil(wait * 1000) / 1000}


def _not_found(identity: Identity) -> Refused:
    if identity.user_id is None:
        return Refused("sign-in", "Sign in to open this note.")
    return Refused("not-found", "There is no such note for you.")
