"""Message <-> bytes."""

import os

import pytest

from sync.messages import Kind, Message


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_384, 1 << 20])
def test_what_is_written_is_read(kind: Kind, size: int) -> None:
    message = Message(kind, os.urandom(size))
    assert Message.decode(message.encode()) == message


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (Message(Kind.SYNC_STEP1, b"\x00"), "00 00 01 00"),
        (Message(Kind.SYNC_STEP2, b"\x00\x00"), "00 01 02 00 00"),
        (Message(Kind.UPDATE, b"\x00\x00"), "00 02 02 00 00"),
        (Message(Kind.AWARENESS, b"\x01\x07\x01\x04null"), "01 08 01 07 01 04 6e 75 6c 6c"),
    ],
)
def test_the_bytes_are_those_of_y_protocols(message: Message, data: str) -> None:
    assert message.encode() == bytes.fromhex(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x00\x02",  # no length
        b"\x00\x02\x80",  # the end inside the length
        b"\x00\x02\x05ab",  # less than it says
        b"\x00\x02\x01ab",  # more than it says
        b"\x00\x02\x81\x00a",  # a length with padding
        b"\x00\x02" + b"\xff" * 9 + b"\x01",  # longer than anything
        b"\x00\x03\x00",
        b"\x02\x00",
        b"\x07abc",
    ],
)
def test_anything_else_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        Message.decode(data)
