"""A tab that sends what a test tells it to: Engine.IO and Socket.IO by hand, over one bare WebSocket."""

import socket
import time
from contextlib import suppress
from typing import Any

import msgpack
import websocket
from pycrdt import Doc, Text

from sync.messages import Kind, Message
from tests.live import Server, Visitor

PATIENCE = 20.0  # seconds


class Tab:
    """Connected to Socket.IO, and `joined` if the test asks for it. Reads only while the test waits for something."""

    def __init__(
        self,
        server: Server,
        visitor: Visitor | None = None,
        document_id: str = "",
        *,
        receive_buffer: int = 0,
        origin: str | None = None,
    ) -> None:
        options = [(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)] if receive_buffer else []
        self.websocket = websocket.create_connection(
            f"ws://127.0.0.1:{server.port}/socket.io/?EIO=4&transport=websocket&doc={document_id}",
            cookie=visitor.cookies if visitor else None,
            origin=origin,
            suppress_origin=origin is None,
            sockopt=options,
            timeout=PATIENCE,
        )
        self.doc: Doc[Any] = Doc()
        self.text = self.doc.get("title", type=Text)
        self.document_id = document_id
        self.events: list[list[Any]] = []  # that came while the test waited for something else
        self.acks: dict[int, Any] = {}
        self._last_id = 0
        assert str(self.websocket.recv()).startswith("0")
        self.packet({"type": 0, "data": None, "nsp": "/"})
        assert self._next()["type"] == 0

    def __enter__(self) -> "Tab":
        return self

    def __exit__(self, *_: object) -> None:
        self.websocket.shutdown()  # type: ignore[no-untyped-call]

    def packet(self, packet: object) -> None:
        self.raw(msgpack.packb(packet))

    def raw(self, data: bytes) -> None:
        self.websocket.send_binary(data)

    def emit(self, *event: object) -> int:
        """Returns the id of the ack."""
        self._last_id += 1
        self.packet({"type": 2, "data": list(event), "nsp": "/", "id": self._last_id})
        return self._last_id

    def ask(self, *event: object) -> Any:
        """The answer to an event."""
        return self.answer(self.emit(*event))

    def answer(self, id: int) -> Any:
        while id not in self.acks:
            self._take(self._next())
        return self.acks.pop(id)

    def event(self, name: str) -> list[Any]:
        """The arguments of the next event of this name."""
        while True:
            for event in self.events:
                if event[0] == name:
                    self.events.remove(event)
                    return event[1:]
            self._take(self._next())

    def join(self, **others: object) -> Any:
        wanted = {"document": self.document_id, "client": self.doc.client_id, "schema": 1, "epoch": None}
        return self.ask("join", {**wanted, **others})

    def joined(self) -> "Tab":
        answer = self.join()
        assert "error" not in answer, answer
        return self

    def say(self, kind: Kind, payload: bytes) -> Any:
        return self.ask("message", Message(kind, payload).encode())

    def typed(self, text: str) -> bytes:
        """Type at the end of the title. Returns the update, which the server does not know yet."""
        before = self.doc.get_state()
        self.text.insert(len(str(self.text).encode()), text)
        return self.doc.get_update(before)

    def hears(self, seconds: float) -> None:
        """Take in what comes within so many seconds."""
        self.websocket.settimeout(0.05)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(websocket.WebSocketTimeoutException):  # Nothing came; perhaps something will.
                self._take(self._next())
        self.websocket.settimeout(PATIENCE)

    def ends(self) -> int | None:
        """Wait for the server to end the connection. Returns its close code."""
        while True:
            try:
                opcode, data = self.websocket.recv_data()
            except (websocket.WebSocketConnectionClosedException, OSError):
                return None
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2])
            if opcode == websocket.ABNF.OPCODE_BINARY:
                self._take(msgpack.unpackb(data))

    def _next(self) -> Any:
        while True:
            data = self.websocket.recv()
            if isinstance(data, bytes):
                return msgpack.unpackb(data)
            if data == "2":
                self.websocket.send("3")
            elif data in ("", "1"):
                raise websocket.WebSocketConnectionClosedException("the server ended the connection")

    def _take(self, packet: Any) -> None:
        if packet["type"] == 3:
            (self.acks[packet["id"]],) = packet["data"]
        elif packet["type"] == 2:
            self.events.append(packet["data"])
