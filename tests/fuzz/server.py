"""A real server: packets and messages that are almost right over its sockets. Its worker must live, say nothing of an
exception, and go on answering."""

import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import psutil
import requests
import websocket
from pycrdt import Doc, Text

from sync.codec import uint_bytes
from sync.messages import Kind, Message
from tests.fuzz.forger import Forger
from tests.fuzz.meter import Meter
from tests.fuzz.mutation import mutate
from tests.fuzz.reading import packet, presence
from tests.fuzz.targets import Broke, Input
from tests.live import Server, Visitor
from tests.tab import Tab

SLOWEST = 2.0  # seconds for an answer of a server that has nothing else to do


class Live:
    name, share, in_process = "server", 0.001, False

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp())
        self.server = Server(self._folder).start()
        self.people = {1: Visitor(self.server).sign_up("Ada"), 2: Visitor(self.server).sign_up("Bob")}
        self.slowest = 0.0
        self._workers = self._alive()

    def _alive(self) -> set[int]:
        return {child.pid for child in psutil.Process(self.server.pid).children()}

    def case(self, meter: Meter) -> "Socket":
        return Socket(self)

    def check(self) -> None:
        began = time.monotonic()
        answer = requests.get(f"{self.server.url}/healthz", timeout=20)
        self.slowest = max(self.slowest, time.monotonic() - began)
        if not answer.ok or self.slowest > SLOWEST:
            raise Broke(
                f"expected a healthy answer within {SLOWEST} s, got {answer.status_code} in {self.slowest:.1f} s"
            )
        if self._alive() != self._workers:
            raise Broke(f"expected workers {self._workers}, found {self._alive()}: one has died")
        if "Traceback" in self.server.log:
            raise Broke(f"an exception: {self.server.log[-2000:]}")

    def close(self) -> None:
        self.server.kill()
        shutil.rmtree(self._folder)


class Socket:
    def __init__(self, live: Live) -> None:
        self._live = live
        note = live.people[1].new_note()
        live.people[2].follow(live.people[1].share(note, "editor"))
        self._note = note
        self._tabs = {user: Tab(live.server, visitor, note) for user, visitor in live.people.items()}
        for tab in self._tabs.values():
            tab.join()

    def inputs(self, dice: random.Random) -> Iterator[Input]:
        forger = Forger(dice)
        doc: Doc[Any] = Doc()
        doc.get("title", type=Text).insert(0, "hello")
        honest = doc.get_update()
        for number in range(20):
            user = dice.randrange(1, 3)
            client = self._tabs[user].doc.client_id
            message: Message = dice.choice(
                (
                    Message(Kind.UPDATE, forger.update([client])),
                    Message(Kind.UPDATE, mutate(dice, honest)),
                    Message(Kind.SYNC_STEP2, mutate(dice, honest)),
                    Message(
                        Kind.SYNC_STEP1, dice.choice((b"\0", b"\1" + uint_bytes(client) + b"\5", dice.randbytes(5)))
                    ),
                    Message(Kind.AWARENESS, presence(dice, number)),
                )
            )
            data = mutate(dice, message.encode()) if dice.random() < 0.2 else message.encode()
            whole: bytes = msgpack.packb({"type": 2, "data": ["message", data], "nsp": "/", "id": number})
            yield user, dice.choice((whole, whole, whole, mutate(dice, whole), packet(dice)))

    def take(self, user: int, data: bytes) -> None:
        tab = self._tabs[user]
        try:
            tab.raw(data)
        except (OSError, websocket.WebSocketException):
            # The server has ended the connection, as it says it does: come again.
            self._tabs[user] = Tab(self._live.server, self._live.people[user], self._note)
            self._tabs[user].join()

    def end(self) -> None:
        for tab in self._tabs.values():
            tab.websocket.shutdown()  # type: ignore[no-untyped-call]
        self._live.check()
