"""Clients that come back all at once, and clients that are gone without a word: nobody else suffers from them."""

import json
import time
from pathlib import Path

from sync.awareness import State, decode, encode
from sync.messages import Kind, Message
from tests.bench.storm import Storm, begin
from tests.live import Server, Visitor
from tests.tab import Tab


def test_who_types_is_served_between_those_who_come_back_all_at_once(tmp_path: Path) -> None:
    server, visitor, note = begin(tmp_path / "data")
    overtaken: list[int] = []
    try:
        # Without admission it is about half of them, each time. A busy machine may hold up one letter as well.
        while len(overtaken) < 3 and min(overtaken, default=120) > 20:
            storm = Storm(server, visitor, note, 120)
            assert storm.back == 120
            overtaken.append(storm.overtaken)
    finally:
        server.kill()
    assert min(overtaken) <= 20, f"a letter waited until so many tabs were in: {overtaken}"
    assert "Traceback" not in server.log


def test_who_is_silent_is_gone_within_twenty_seconds(tmp_path: Path) -> None:
    """A laptop that was closed, or a network that swallows everything: the connection does not end by itself."""
    server = Server(tmp_path / "data").start()
    try:
        alice = Visitor(server).sign_up("Alice")
        note = alice.new_note()
        with Tab(server, alice, note) as silent, Tab(server, alice, note) as awake:
            user = silent.join()["user"]
            awake.joined()
            awake.say(Kind.SYNC_STEP1, b"\0")
            state = json.dumps({"user": user, "cursor": None}).encode()
            here = encode([State(silent.doc.client_id, 1, state)])
            assert silent.say(Kind.AWARENESS, here) == {}
            began = time.monotonic()  # nothing is read from here on, and no ping is answered
            while True:
                message = Message.decode(awake.event("message")[0])
                if message.kind is Kind.AWARENESS and not decode(message.payload)[0].present:
                    break
            assert 5 < time.monotonic() - began < 22
    finally:
        server.kill()
