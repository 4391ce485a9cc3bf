"""Numbers, strings and state vectors of lib0: what is written is read again, and nothing else is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Text

from sync.codec import MAX_CLOCK, MAX_SAFE, Malformed, Reader, state_vector, uint_bytes, var_bytes, write_uint

uints = st.integers(0, MAX_SAFE)


@given(uints)
def test_a_number_comes_back(value: int) -> None:
    reader = Reader(uint_bytes(value))
    assert reader.uint("number") == value
    reader.finish()
    out = bytearray()
    write_uint(out, value)
    assert bytes(out) == uint_bytes(value)


@given(st.binary(max_size=300), st.binary(max_size=20))
def test_bytes_come_back_and_nothing_of_what_follows(data: bytes, more: bytes) -> None:
    reader = Reader(var_bytes(data) + more)
    assert reader.raw("bytes") == data
    assert reader.end - reader.pos == len(more)


@given(st.text())
def test_text_comes_back(text: str) -> None:
    assert Reader(var_bytes(text.encode())).text("text") == text


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """A number that was read has one encoding: writing it gives the same bytes."""
    for read in (Reader.uint, Reader.sint, Reader.raw, Reader.text, Reader.byte):
        reader = Reader(data)
        try:
            value = read(reader, "thing")
        except Malformed:
            continue
        assert reader.pos <= len(data)
        if read is Reader.uint:
            assert data.startswith(uint_bytes(int(value)))


@given(st.dictionaries(uints, st.integers(0, MAX_CLOCK), max_size=20))
def test_a_state_vector_comes_back(clocks: dict[int, int]) -> None:
    data = uint_bytes(len(clocks)) + b"".join(uint_bytes(n) for pair in clocks.items() for n in pair)
    assert state_vector(data) == clocks


def test_the_state_vector_of_a_doc() -> None:
    doc: Doc[Any] = Doc(client_id=MAX_SAFE)
    doc["title"] = Text("twelve bytes")
    assert state_vector(doc.get_state()) == {MAX_SAFE: 12}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "byte 0: expected number of clients, got the end"),
        (b"\1\1", "of at most 0, got 1"),
        (b"\xff\xff\xff\xff\x0f\1\1", "number of clients of at most 1, got 4294967295"),
        (b"\x81\0\1\1", "got a number with padding"),
        (b"\2\1\1\1\1", "each client once, got 1"),
        (b"\1\1\1\0", "expected the end, got 1 bytes more"),
        (b"\1\1" + uint_bytes(MAX_CLOCK + 1), f"clock of at most {MAX_CLOCK}"),
        (b"\1" + uint_bytes(MAX_SAFE + 1) + b"\1", f"client of at most {MAX_SAFE}"),
        (b"\1" + b"\xff" * 9 + b"\1\1", "a longer number"),
        (b"\xff" * 200_000, "a longer number"),
    ],
)
def test_what_is_no_state_vector_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match="byte") as refused:
        state_vector(data)
    assert said in str(refused.value)


SIGNED = [
    (b"\0", 0),
    (b"\x41", -1),
    (b"\x3f", 63),
    (b"\x80\1", 64),
    (b"\xff\1", -127),
    (b"\xbf\xff\xff\xff\xff\xff\xff\x1f", MAX_SAFE),
]


@pytest.mark.parametrize(("data", "value"), SIGNED)
def test_a_signed_number(data: bytes, value: int) -> None:
    assert Reader(data).sint("integer") == value


@pytest.mark.parametrize("data", [b"\x80\0", b"\xbf\xff\xff\xff\xff\xff\xff\x3f", b"\x80" * 9 + b"\1", b"\x80", b""])
def test_a_signed_number_too_long_or_padded_or_cut(data: bytes) -> None:
    with pytest.raises(Malformed):
        Reader(data).sint("integer")


def test_a_negative_number_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="got -1"):
        uint_bytes(-1)
