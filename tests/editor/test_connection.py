"""What one client may ask for at once. What it is sent is seen through a real server, in test_sockets."""

import pytest
from engineio.socket import Socket
from flask import Flask

from editor import packets
from editor.access import Arrival
from editor.connection import DROWNING, MOST_UNANSWERED, Connection, Identity, Standing
from editor.fan_out import FanOut
from editor.limits import Limits
from editor.packets import Refused
from editor.sockets import Sockets
from sync.messages import Kind, Message
from sync.peer import Peer
from tests.editor.conftest import Arrive


@pytest.fixture
def connection(app: Flask) -> Connection:
    return Connection(Socket(app.extensions["socketio"].server.eio, "a client"), FanOut(), Limits())


@pytest.mark.parametrize(
    ("kind", "at_once"),
    [
        (Kind.UPDATE, 120),
        (Kind.SYNC_STEP2, 120),
        (Kind.AWARENESS, 120),
        (Kind.SYNC_STEP1, 20),
    ],
)
def test_each_kind_of_message_has_its_measure(connection: Connection, kind: Kind, at_once: int) -> None:
    waits = [connection.wait(Message(kind, b"")) for _ in range(at_once * 2)]
    assert waits[:at_once] == [0.0] * at_once
    assert all(0 < wait <= 1 for wait in waits[at_once + 2 :])


def test_what_is_not_answered_yet_has_a_bound(connection: Connection) -> None:
    update = Message(Kind.UPDATE, bytes(1 << 20))
    connection.unanswered = MOST_UNANSWERED - len(update.payload)
    assert connection.wait(update) == 0
    connection.unanswered += 1
    assert connection.wait(update) > 0


def test_no_more_waits_than_a_client_can_drown_in_and_one_message(connection: Connection) -> None:
    largest = bytes(1 << 20)
    for number in range(20):
        connection.send(b"\0\1" + largest + bytes([number]), 1)
    assert DROWNING < connection.socket.queue.waiting <= DROWNING + len(largest) + 100


def test_who_does_not_take_one_large_update_is_sent_no_more_of_them(
    app: Flask, arrive: Arrive, connection: Connection
) -> None:
    ada = arrive()
    ada.sign_up("Ada")
    peer = Peer(connection.send, lambda refusal: None, ada.who()["id"], 1, 2, None, True)
    left: list[bytes] = []

    def half(framed: bytes) -> int:
        """A network that takes the first half of all."""
        left.append(framed)
        return len(framed) // 2

    connection.socket.queue.send_at_once = half
    connection.room = app.extensions["rooms"].enter(ada.new_note(), peer)
    connection.send(b"\0\2" + bytes(1 << 20), 1)
    assert connection.lagging
    connection.send(b"\0\2" + bytes(10), 2)
    assert len(left) == 1


def test_a_message_for_many_is_encoded_once() -> None:
    fan_out = FanOut()
    message = b"\0\2\1x"
    assert fan_out.frame(message, 5) is fan_out.frame(message, 5)
    assert fan_out.frame(message, 6) is not fan_out.frame(message, 5)
    assert packets.decode(fan_out.frame(message, 7).data).data == ["message", message, 7]


@pytest.mark.parametrize("told", [True, False])
def test_whom_a_new_password_ends_is_said_by_who_changed_it_and_only_otherwise_found_in_the_database(
    app: Flask, connection: Connection, told: bool
) -> None:
    """The database is looked at between the change and the word of whom it ends."""
    sockets: Sockets = app.extensions["sockets"]
    connection.identity = Identity(user_id=1, sign_in="here", standing=Standing("old", only_reads=False))
    sockets._connections[connection.id] = connection
    changed = {1: Standing("new", only_reads=False)}
    assert sockets.check(changed)
    if told:
        sockets.expel_user(1, except_session="here")
    assert sockets.check(changed) is not told
    assert sockets.check(changed) is False
    assert connection.socket.closed is not told


def test_who_is_put_out_while_they_join_is_told_once(
    app: Flask, arrive: Arrive, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their page would join again at once, on this connection, and be refused for ever: it has joined already."""
    ada = arrive()
    ada.sign_up("Ada")
    note = ada.new_note()
    sockets: Sockets = app.extensions["sockets"]
    connection.identity, connection.sio_sid = Identity(user_id=ada.who()["id"]), "a name"
    look, asked = sockets._look, []

    def load_anew_at_that_moment(identity: Identity, document_id: str) -> Arrival:
        asked.append(document_id)
        if len(asked) == 2:
            app.extensions["rooms"].reload(note)
        return look(identity, document_id)

    monkeypatch.setattr(sockets, "_look", load_anew_at_that_moment)
    wanted = {"document": note, "client": 7, "schema": 1, "epoch": None}
    with pytest.raises(Refused) as refused:
        sockets._join(connection, 1, [wanted])
    assert refused.value.error == "resync"
    assert connection.socket.queue.waiting == 0
    assert (connection.room, connection.joining) == (None, False)
    assert len(asked) == 2
