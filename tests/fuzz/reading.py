"""What is read without a past: messages, state vectors, presence, Socket.IO packets, bodies of polls."""

import io
import json
import random
from collections.abc import Callable, Iterable
from typing import Any

import msgpack
from engineio import payload

from editor import packets
from editor.entrance import MOST_PACKETS, Entrance
from sync.codec import Malformed, state_vector, uint_bytes, var_bytes
from sync.gate import AwarenessGate
from sync.gate import Refused as GateRefused
from sync.messages import Kind, Message
from tests.fuzz.meter import Meter
from tests.fuzz.mutation import mutate
from tests.fuzz.targets import Broke, Input, Reading

ADA = {"id": 1, "name": "Ada", "slot": 3}
POLL = {"REQUEST_METHOD": "POST", "PATH_INFO": "/socket.io/", "wsgi.url_scheme": "http", "HTTP_HOST": "here"}


class _Simple:
    """A target whose cases are functions of some bytes."""

    in_process = True

    def __init__(self, name: str, share: float, case: Callable[[], Reading]) -> None:
        self.name = name
        self.share = share
        self._case = case

    def case(self, meter: Meter) -> Reading:
        return self._case()

    def close(self) -> None:
        pass


# -- Messages ----------------------------------------------------------------------------------------


def read_message(user: int, data: bytes) -> None:
    try:
        message = Message.decode(data)
        if message.kind is Kind.SYNC_STEP1:
            state_vector(message.payload)
    except Malformed:
        return
    if message.encode() != data:
        raise Broke("a message that was read is written differently")


def message(dice: random.Random) -> bytes:
    if dice.random() < 0.1:
        return dice.randbytes(dice.randrange(40))
    clocks = {
        dice.randrange(1 << dice.choice((7, 32, 53))): dice.randrange(1 << 20)
        for _ in range(dice.choice((0, 1, 3, 20)))
    }
    vector = uint_bytes(len(clocks)) + b"".join(
        uint_bytes(client) + uint_bytes(clock) for client, clock in clocks.items()
    )
    kind = dice.choice((Kind.SYNC_STEP1, Kind.SYNC_STEP1, *Kind))
    whole = Message(kind, mutate(dice, vector) if dice.random() < 0.5 else vector).encode()
    return whole if dice.random() < 0.3 else mutate(dice, whole)


# -- Presence ----------------------------------------------------------------------------------------


class Presence:
    """One connection's. It remembers the clock, so a case has a past."""

    def __init__(self) -> None:
        self._gate = AwarenessGate(7, ADA)

    def inputs(self, dice: random.Random) -> Iterable[Input]:
        for clock in range(100):
            yield 1, presence(dice, clock)

    def take(self, user: int, data: bytes) -> None:
        present = self._gate.present
        try:
            self._gate.admit(data)
        except GateRefused as refused:
            if self._gate.present != present:
                raise Broke(f"refused, and yet something changed: {refused}") from refused
            if "expected" not in str(refused):
                raise Broke(f"expected an answer that says why, got {refused}") from refused

    def end(self) -> None:
        pass


def presence(dice: random.Random, clock: int) -> bytes:
    place = {"type": None, "tname": "body", "item": {"client": 1, "clock": dice.randrange(9)}, "assoc": 0}
    states: tuple[object, ...] = (
        None, {"user": ADA}, {"user": ADA, "cursor": {"anchor": place, "head": place}}, {"user": ADA, "cursor": None},
        {"user": {**ADA, "id": 2}}, {"user": ADA, "x": "y" * 1900}, {"user": ADA, "x": [[[[[[[[[]]]]]]]]]}, [], "x", {},
    )  # fmt: skip
    raw = json.dumps(dice.choice(states), ensure_ascii=dice.random() < 0.5).encode()
    if dice.random() < 0.1:
        raw = dice.choice(
            (b"[" * 1900, b'{"user":NaN}', b'{"user":"\\ud800"}', b"\xff\xfe", b"9" * 1900, b'{"a":' * 300)
        )
    client = 7 if dice.random() < 0.95 else dice.choice((8, 0, (1 << 53) - 1, 1 << 53))
    data = b"\1" + uint_bytes(client) + uint_bytes(clock + dice.choice((0, 1, 1, 1, 1 << 31))) + var_bytes(raw)
    if dice.random() < 0.01:
        return b"\xff" * dice.choice((1000, 1000, 20_000))
    return data if dice.random() < 0.4 else mutate(dice, data)


class Presences:
    name, share, in_process = "presence", 0.12, True

    def case(self, meter: Meter) -> Presence:
        return Presence()

    def close(self) -> None:
        pass


# -- Socket.IO packets --------------------------------------------------------------------------------


def read_packet(user: int, data: bytes) -> None:
    quickly = packets.quick(data)
    try:
        packet = packets.decode(data)
    except packets.Refused as refused:
        if quickly is not None:
            raise Broke("a packet was read quickly that is refused otherwise") from refused
        if refused.error not in ("malformed", "too-large") or len(str(refused)) > 200:
            raise Broke(f"expected a short answer, got {refused.error} {refused}") from refused
        return
    if quickly is not None and (packet.id, packet.data) != (quickly[0], ["message", quickly[1]]):
        raise Broke("a packet is read otherwise quickly")
    again = packets.decode(packet.encode())
    # NaN is not equal to itself, but its text is.
    if repr((again.packet_type, again.data, again.id)) != repr((packet.packet_type, packet.data, packet.id)):
        raise Broke("a packet that was read is written differently")


def packet(dice: random.Random) -> bytes:
    if dice.random() < 0.05:
        return dice.randbytes(dice.randrange(200))
    if dice.random() < 0.01:
        head = b"\x83\xa4type\x02\xa4data"
        claim = dice.choice(
            (
                b"\xdd\xff\xff\xff\xff",
                b"\xdf\xff\xff\xff\xff",
                b"\xdb\xff\xff\xff\xff",
                b"\xc6\xff\xff\xff\xff",
                b"\x91",
            )
        )
        return head + claim * dice.choice((1, 5000)) + b"\x80" * dice.choice((10, 5000))
    events: tuple[list[object], ...] = (
        ["join", {"document": "x" * 22, "client": 1 << 50, "schema": 1, "epoch": None}],
        ["message", dice.randbytes(dice.choice((0, 5, 300)))],
        ["message", b"x" * 600],
        ["leave"],
        ["join", _value(dice, 0)],
        [_value(dice, 0) for _ in range(dice.randrange(3))],
    )
    fields: dict[object, object] = {
        "type": dice.choice((2, 2, 2, 2, 0, 1, 3, 4, 9, "2")),
        "data": dice.choice(events),
        "nsp": "/",
        "id": dice.choice((0, 7, -1, None, 1 << 63, True)),
    }
    if dice.random() < 0.1:
        fields.pop(dice.choice(list(fields)))
    whole: bytes = msgpack.packb(fields)
    return whole if dice.random() < 0.3 else mutate(dice, whole)


def _value(dice: random.Random, depth: int) -> object:
    plain = (
        None,
        True,
        0,
        1 << 53,
        -(1 << 63),
        1.5,
        float("nan"),
        "",
        "é" * 20,
        "x" * 5000 if depth else "x",
        b"",
        bytes(5000) if depth else b"x",
        msgpack.ExtType(0, b"x"),
        msgpack.ExtType(9, b""),
    )
    if depth > 5 or dice.random() < 0.7:
        return dice.choice(plain)
    if dice.random() < 0.5:
        return [_value(dice, depth + 1) for _ in range(dice.choice((0, 1, 3, 40)) if depth < 1 else 1)]
    return {dice.choice(("a", "b", "document", "")): _value(dice, depth + 1)}


# -- Bodies of polls ----------------------------------------------------------------------------------


payload.Payload.max_decode_packets = MOST_PACKETS  # as `sockets` sets it


def _engine(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """What Engine.IO does with a body that was let through."""
    body = environ["wsgi.input"].read().decode("utf-8")
    for each in payload.Payload(encoded_payload=body).packets:
        if each.packet_type == 4 and not isinstance(each.data, bytes):
            raise Broke(f"text reached Engine.IO: {body[:100]!r}")
    start_response("200 OK", [])
    return [b"ok"]


def read_body(user: int, data: bytes) -> None:
    statuses: list[str] = []
    entrance = Entrance(_engine)
    environ = {**POLL, "CONTENT_LENGTH": str(len(data)), "wsgi.input": io.BytesIO(data)}
    answer = b"".join(entrance(environ, lambda status, headers: statuses.append(status)))
    if statuses == ["200 OK"]:
        return
    if len(statuses) != 1 or json.loads(answer)["status"] not in (400, 411, 413):
        raise Broke(f"expected a refusal, got {statuses} {answer[:200]!r}")


def body(dice: random.Random) -> bytes:
    words = (
        b"b",
        b"bAAEC",
        b"bAAE=",
        b"bAA==",
        b"3",
        b"2probe",
        b"1",
        b"6",
        b"4[[[[",
        b'0{"sid":1}',
        b"b" + b"A" * 2000,
        b"d=4x",
        b"",
        b"4" + b"[" * 500,
    )
    whole = b"\x1e".join(
        dice.choice(words if dice.random() < 0.2 else words[:8]) for _ in range(dice.choice((1, 1, 2, 5, 70)))
    )
    return whole if dice.random() < 0.3 else mutate(dice, whole)


def targets() -> list[Any]:
    return [
        _Simple("messages", 0.08, lambda: Reading(read_message, message)),
        Presences(),
        _Simple("packets", 0.14, lambda: Reading(read_packet, packet)),
        _Simple("polls", 0.06, lambda: Reading(read_body, body)),
    ]
