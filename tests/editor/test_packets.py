"""What a client may send in a packet, and what reading it may cost."""

import random
import tracemalloc

import msgpack
import pytest

from editor import packets
from editor.packets import LARGEST_MESSAGE, LARGEST_REST, MOST_VALUES, Refused

MIB = 1 << 20


def packed(data: object, type: object = 2, **others: object) -> bytes:
    encoded: bytes = msgpack.packb({"type": type, "data": data, "nsp": "/", **others})
    return encoded


def refused(data: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        packets.decode(data)
    return caught.value


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65535, 65536, MIB, LARGEST_MESSAGE])
def test_a_message_carries_an_update(size: int) -> None:
    update = random.Random(size).randbytes(size)
    packet = packets.decode(packed(["message", update], id=7))
    assert (packet.packet_type, packet.data, packet.id, packet.namespace) == (2, ["message", update], 7, "/")


def test_everything_that_clients_write() -> None:
    values: list[object] = [
        None,
        True,
        False,
        0,
        127,
        128,
        -1,
        -33,
        1 << 15,
        -(1 << 15),
        1 << 40,
        -(1 << 40),
        (1 << 53) - 1,
        1.5,
    ]
    values += ["", "ü" * 20, "x" * 300, b"", b"x" * 300]
    packet = packets.decode(packed(["join", {"a": values}, [[1]]], id=0, options={"compress": True}))
    assert packet.data == ["join", {"a": values}, [[1]]]
    assert packet.id == 0


def test_a_small_message_is_read_quickly_and_anything_else_with_care() -> None:
    assert packets.quick(packed(["message", b"abc"], id=7)) == (7, b"abc")
    assert packets.quick(packed(["message", b"abc"], options={"compress": True})) == (None, b"abc")
    for other in (
        packed(["message", bytes(1000)], id=7),
        packed(["message", b"abc"], id=-1),
        packed(["message", b"abc"], id=True),
        packed(["message", b"abc"], more=1),
        packed(["message", b"abc", 1], id=7),
        packed(["message", "abc"], id=7),
        packed(["leave"], id=7),
        packed(["message", b"abc"], type=3, id=7),
        packed(["message", b"abc"], type=2.0, id=7),
        packed(["message", b"abc"], nsp="/other", id=7),
        packed({"message": b"abc", "b": 1}, id=7),
        packed({"message": None, b"abc": None}, id=7),
        b"\x84" + packed(["message", b"abc"])[1:] + b"\xa4data\x92\xa7message\xc4\x01a",
        packed(["message", b"abc"], id=7) + b"\0",
        b"\x93\x01\x02\x03",
        b"\xc1",
        b"",
    ):
        assert packets.quick(other) is None


def test_undefined_of_javascript_is_nothing() -> None:
    encoded = b"\x83\xa4type\x00\xa4data\xd4\x00\x00\xa3nsp\xa1/"
    assert packets.decode(encoded).data is None


@pytest.mark.parametrize("length", [b"\xc7\x64", b"\xc8\x01\x00", b"\xc9\x00\x10\x00\x00"])
def test_an_array_buffer_of_javascript_outside_browsers_is_bytes(length: bytes) -> None:
    content = bytes(int.from_bytes(length[1:]))
    encoded = b"\x83\xa4type\x02\xa4data\x92\xa7message" + length + b"\x00" + content + b"\xa3nsp\xa1/"
    assert packets.decode(encoded).data == ["message", content]


def test_what_we_send_is_read_by_the_library_and_by_us() -> None:
    assert msgpack.unpackb(packets.event("message", b"\0\2\1x", 5)) == {
        "type": 2,
        "data": ["message", b"\0\2\1x", 5],
        "nsp": "/",
    }
    assert packets.decode(packets.answer(3, {"seq": 9})).data == [{"seq": 9}]


@pytest.mark.parametrize("number", [0, 1, 127, 128, 65536, (1 << 32) - 1, 1 << 32, (1 << 53) - 1])
def test_what_is_sent_for_a_keystroke_says_what_it_would_otherwise(number: int) -> None:
    for size in (0, 1, 255, 256, 70_000):
        message = bytes(size)
        shortly, at_length = packets.message(message, number), packets.event("message", message, number)
        assert msgpack.unpackb(shortly) == msgpack.unpackb(at_length)
    for id, seq in ((number, 7), (7, number), (number, number)):
        assert msgpack.unpackb(packets.saved(id, seq)) == msgpack.unpackb(packets.answer(id, {"seq": seq}))


@pytest.mark.parametrize(
    ("data", "error", "id"),
    [
        pytest.param(packed(["message", bytes(LARGEST_MESSAGE + 1)], id=7), "too-large", 7, id="a large message"),
        pytest.param(packed(["message", "x" * 5000], id=7), "too-large", 7, id="a long text as a message"),
        pytest.param(packed(["message", b"", bytes(5000)], id=7), "too-large", 7, id="a second large argument"),
        pytest.param(packed(["join", bytes(5000)], id=7), "too-large", 7, id="a large join"),
        pytest.param(packed(["join", *["x" * 1000] * 5], id=7), "too-large", 7, id="a join large in sum"),
        pytest.param(packed(["message", [bytes(5000)]], id=7), "too-large", 7, id="a large message, nested"),
        pytest.param(packed([b"\xff"], id=7), "malformed", 7, id="no name of an event"),
        pytest.param(packed([], id=7), "malformed", 7, id="an empty event"),
        pytest.param(packed({"a": 1}, id=7), "malformed", 7, id="an event that is a map"),
        pytest.param(packed(["join"], type=9, id=7), "malformed", 7, id="an unknown type"),
        pytest.param(packed(["join"], type="2", id=7), "malformed", 7, id="a type in words"),
        pytest.param(packed(["join"], id=-1), "malformed", None, id="a negative id"),
        pytest.param(packed(["join"], id=True), "malformed", None, id="an id that is true"),
        pytest.param(packed([1], type=0), "malformed", None, id="a connect with a list"),
        pytest.param(msgpack.packb({"type": 2, "data": ["join"], "id": 7}), "malformed", 7, id="no namespace"),
        pytest.param(msgpack.packb(["join"]), "malformed", None, id="not a map"),
        pytest.param(msgpack.packb({1: 2}), "malformed", None, id="a field without a name"),
        pytest.param(packed(["join"]) + b"\xc0", "malformed", None, id="something after the end"),
        pytest.param(packed(["join", [[[[1]]]]], id=7), "malformed", None, id="nested too deep"),
        pytest.param(packed([0] * MOST_VALUES, id=7), "too-large", None, id="many values"),
        pytest.param(packed(["join", msgpack.ExtType(1, b"x")]), "malformed", None, id="an extension"),
        pytest.param(b"\x83\xa4type\x02\xa4data\x91\xa2\xff\xff\xa3nsp\xa1/", "malformed", None, id="not UTF-8"),
        pytest.param(b"", "malformed", None, id="nothing"),
    ],
)
def test_what_is_refused_has_a_name(data: bytes, error: str, id: int | None) -> None:
    reason = refused(data)
    assert (reason.error, reason.id) == (error, id)


def test_text_is_refused() -> None:
    with pytest.raises(Refused):
        packets.decode("2")


def hostile() -> list[bytes]:
    claims = [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"]
    head = b"\x83\xa4type\x02\xa4data"
    return [
        head + b"\xdd\x00\x10\x00\x00" + b"\x80" * MIB,  # a million empty maps
        head + b"\x91" * MIB,
        head + b"\x92\xa7message\x91" * 2 + b"\x80" * MIB,
        b"\xdf\x00\x10\x00\x00" + b"\xa0\xc0" * MIB,
        *(head + claim + b"\x80" * MIB for claim in claims),
        *(claim + b"\x80" * MIB for claim in claims),
        packed(["message", bytes(2 * MIB)]),
        packed(["join", "x" * 2 * MIB]),
        packed(["join", *["x" * 4000] * 100]),
    ]


@pytest.mark.parametrize("data", hostile())
def test_a_refused_packet_costs_less_than_it_weighs(data: bytes) -> None:
    tracemalloc.start()
    try:
        refused(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(data)


def test_random_bytes_are_read_or_refused_and_never_cost_much() -> None:
    seen, longest = set(), 0
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    whole = packed(["join", {"document": "x" * 22, "client": 1 << 50, "schema": 1, "epoch": None}], id=7)
    try:
        for _ in range(20_000):
            data = bytearray(whole if chance.random() < 0.8 else chance.randbytes(chance.randrange(200)))
            for _ in range(chance.randrange(4)):
                if data:
                    data[chance.randrange(len(data))] = chance.choice(
                        (0x80, 0x91, 0xC6, 0xD4, 0xDD, 0xDF, 0xFF, chance.randrange(256))
                    )
            try:
                packets.decode(bytes(data[: chance.randrange(len(data) + 1)] if chance.random() < 0.2 else data))
            except Refused as refusal:
                seen.add(refusal.error)
                longest = max(longest, len(str(refusal)))
    except BaseException:
        print(f"seed {seed}")
        raise
    assert seen <= {"malformed", "too-large"}
    assert longest < 200


def test_a_packet_of_values_up_to_the_limit_is_read() -> None:
    text = "x" * (LARGEST_REST - 60)
    assert packets.decode(packed(["join", text], id=7)).data == ["join", text]
