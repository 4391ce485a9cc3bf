"""`python -m tests.bench.latency`: how long an edit takes until it is acknowledged, and until the other person has it.

Two editors over WebSockets type at once, on a real server with SQLite, each edit an update of its own.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgpack
import websocket

from sync.messages import Kind, Message
from tests.live import Server, Visitor
from tests.tab import Tab

AFTER = 2.0  # seconds to wait for what is still under way


class Editor:
    """Types at a steady pace, and notes when each edit was sent and acknowledged and when each entry arrived."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._sent: dict[int, float] = {}
        self.saved: list[tuple[int, float, float]] = []  # seq, when it was sent, when it was acknowledged
        self.arrived: list[tuple[int, float]] = []  # seq, when
        tab.joined()
        tab.say(Kind.SYNC_STEP1, b"\0")

    def type(self, seconds: float, rate: float, offset: float) -> None:
        end = time.perf_counter() + seconds
        then = time.perf_counter() + offset / rate
        while then < end:
            time.sleep(max(0.0, then - time.perf_counter()))
            update = Message(Kind.UPDATE, self._tab.typed("x")).encode()
            now = time.perf_counter()
            self._sent[self._tab.emit("message", update)] = now
            then += 1 / rate

    def listen(self, seconds: float) -> None:
        end = time.perf_counter() + seconds + AFTER
        self._tab.websocket.settimeout(0.5)
        while time.perf_counter() < end:
            try:
                data = self._tab.websocket.recv()
            except websocket.WebSocketTimeoutException:
                continue
            now = time.perf_counter()
            if data == "2":
                self._tab.websocket.send("3")
                continue
            packet = msgpack.unpackb(data)
            if packet["type"] == 3 and packet["id"] in self._sent:
                self.saved.append((packet["data"][0]["seq"], self._sent.pop(packet["id"]), now))
            elif packet["type"] == 2 and packet["data"][0] == "message" and packet["data"][2]:
                self.arrived.append((packet["data"][2], now))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.latency", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=10.0, help="edits a second of each editor (10)")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as data:
        server = Server(Path(data)).start()
        try:
            alice = Visitor(server).sign_up("Alice")
            note = alice.new_note()
            bob = Visitor(server).say_name("Bob")
            bob.follow(alice.share(note, "editor"))
            with Tab(server, alice, note) as one, Tab(server, bob, note) as other:
                editors = [Editor(one), Editor(other)]
                measure(editors, options.seconds, options.rate)
        finally:
            server.kill()


def measure(editors: Sequence[Editor], seconds: float, rate: float) -> None:
    threads = [threading.Thread(target=editor.listen, args=(seconds,)) for editor in editors]
    threads += [
        threading.Thread(target=editor.type, args=(seconds, rate, place / len(editors)))
        for place, editor in enumerate(editors)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    acked = [saved - sent for editor in editors for _, sent, saved in editor.saved]
    visible = [
        next(when for newest, when in other.arrived if newest >= seq) - sent
        for editor, other in zip(editors, reversed(editors), strict=True)
        for seq, sent, _ in editor.saved
    ]
    print(f"{len(acked)} edits, {rate:g} a second by each of {len(editors)} editors, over WebSockets")
    for name, durations in (("edit to acknowledged", acked), ("edit to visible", visible)):
        durations.sort()
        p50, p99 = (durations[int(len(durations) * share)] * 1000 for share in (0.5, 0.99))
        print(f"{name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {durations[-1] * 1000:.1f} ms")


if __name__ == "__main__":
    main()
