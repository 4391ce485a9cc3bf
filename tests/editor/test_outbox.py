"""What waits for a connection is known, whoever takes it."""

import base64

import gevent
import pytest
from engineio import packet
from engineio.socket import Socket
from flask import Flask
from gevent.queue import Empty

from editor import packets
from editor.outbox import BATCH_BYTES, BATCH_PACKETS, Frame, Outbox


def test_what_waits_is_counted_until_it_is_taken() -> None:
    outbox = Outbox()
    outbox.put(Frame(bytes(1000)))
    outbox.put(packet.Packet(packet.PING))
    outbox.put(Frame(bytes(24)))
    assert outbox.waiting == 1024
    outbox.get()
    assert outbox.waiting == 24
    outbox.get()
    outbox.get()
    assert outbox.waiting == 0


def test_who_waits_for_the_first_packet_takes_it_off_the_count() -> None:
    outbox = Outbox()
    taken = gevent.spawn(outbox.get)
    gevent.sleep(0)
    outbox.put(Frame(bytes(1000)))
    taken.join()
    assert outbox.waiting == 0


def batch(outbox: Outbox) -> int:
    """How many packets a poll gets."""
    outbox.get()
    count = 1
    while True:
        try:
            outbox.get(block=False)
        except Empty:
            return count
        count += 1


def test_a_batch_ends_before_it_grows_too_large() -> None:
    outbox = Outbox()
    for _ in range(BATCH_PACKETS + 3):
        outbox.put(Frame(b"x"))
    assert [batch(outbox), batch(outbox)] == [BATCH_PACKETS, 3]
    for _ in range(4):
        outbox.put(Frame(bytes(BATCH_BYTES // 2)))
    assert [batch(outbox), batch(outbox)] == [2, 2]


def test_it_says_once_when_nothing_waits_any_more() -> None:
    outbox = Outbox()
    told: list[int] = []
    outbox.drained = lambda: told.append(outbox.waiting)
    outbox.put(Frame(bytes(10)))
    outbox.put(Frame(bytes(10)))
    outbox.get()
    assert told == []
    outbox.get()
    assert told == [0]


def test_it_is_stuck_from_when_nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    outbox = Outbox()
    now = 200.0
    assert outbox.stuck() == 0
    outbox.put(Frame(b"x"))
    outbox.put(Frame(b"y"))
    now = 210.0
    assert outbox.stuck() == 10
    outbox.get()
    assert outbox.stuck() == 0


def test_a_frame_is_right_for_both_transports_whichever_comes_first() -> None:
    frame = Frame(b"\0\1\2")
    assert [frame.encode(), frame.encode(b64=True), frame.encode()] == [b"\0\1\2", "bAAEC", b"\0\1\2"]


def test_an_event_for_a_room_reaches_both_transports(app: Flask) -> None:
    server = app.extensions["socketio"].server
    sockets = {}
    for transport in ("websocket", "polling"):
        sockets[transport] = server.eio.sockets[transport] = Socket(server.eio, transport)
        server.enter_room(server.manager.connect(transport, "/"), "a note")
    app.extensions["socketio"].emit("document", {"title": "New"}, to="a note")
    (polled,), (written,) = sockets["polling"].poll(), sockets["websocket"].poll()
    packet = written.encode()
    assert packets.decode(packet).data == ["document", {"title": "New"}]
    assert polled.encode(b64=True) == "b" + base64.b64encode(packet).decode()
