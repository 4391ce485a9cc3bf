"""Presence says what it may, of nobody but the one who is connected, and never goes back in time."""

import json
import time

import pytest

from sync.codec import uint_bytes, var_bytes
from sync.gate import AwarenessGate, Refused

ADA = {"id": 1, "name": "Ada", "slot": 3}
HERE = {"user": ADA, "cursor": {"anchor": {"tname": "body"}, "head": {"tname": "body"}}}


def states(state: object, clock: int = 1, client: int = 7) -> bytes:
    raw = state if isinstance(state, bytes) else json.dumps(state, ensure_ascii=False).encode()
    return b"\1" + uint_bytes(client) + uint_bytes(clock) + var_bytes(raw)


def error(gate: AwarenessGate, data: bytes) -> str:
    before = gate.present
    with pytest.raises(Refused) as refused:
        gate.admit(data)
    assert gate.present == before
    assert "expected" in str(refused.value)
    return refused.value.error


def test_somebody_comes_moves_and_leaves() -> None:
    gate = AwarenessGate(7, ADA)
    assert not gate.present
    for data in (states(HERE, 1), states({"user": ADA, "cursor": None}, 2)):
        assert gate.admit(data) == data
        assert gate.present
    gone = states(None, 2)
    assert gate.admit(gone) == gone
    assert not gate.present
    assert gate.admit(gone) is None
    back = states(HERE, 3)
    assert gate.admit(back) == back
    assert gate.present


def test_what_is_not_newer_is_no_news() -> None:
    gate = AwarenessGate(7, ADA)
    gate.admit(states(HERE, 5))
    assert gate.admit(states({"user": ADA}, 5)) is None
    assert gate.admit(states({"user": ADA}, 4)) is None
    assert gate.admit(states(None, 4)) is None
    assert gate.present


def test_nobody_is_shown_as_somebody_else() -> None:
    gate = AwarenessGate(7, ADA)
    for user in (None, {}, {**ADA, "id": 2}, {**ADA, "name": "Bob"}, {**ADA, "x": 1}, "Ada", [ADA]):
        assert error(gate, states({"user": user})) == "denied"
    assert error(gate, states({})) == "denied"
    assert error(AwarenessGate(7, {"id": 1}), states({"user": {"id": True}})) == "denied"  # which in Python are equal
    assert error(gate, states(HERE, client=8)) == "denied"
    twice = b'{"user":%s,"user":{"id":2,"name":"Bob","slot":1}}' % json.dumps(ADA).encode()
    assert error(gate, states(twice)) == "denied"


@pytest.mark.parametrize(
    "cursor", ["x", 5, [1], {}, {"anchor": {}}, {"anchor": None, "head": None}, {"anchor": {}, "head": 1}]
)
def test_a_caret_is_a_place_or_nothing(cursor: object) -> None:
    assert error(AwarenessGate(7, ADA), states({"user": ADA, "cursor": cursor})) == "malformed"


def test_a_connection_without_a_user_has_no_presence() -> None:
    gate = AwarenessGate(7, None)
    assert error(gate, states({})) == "denied"
    assert error(gate, states({"user": None})) == "denied"
    assert gate.admit(states(None)) is None
    assert not gate.present


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\2" + states(HERE)[1:] + states(HERE, client=8)[1:],
        states(HERE) + b"\0",
        states(HERE)[:-1],
        states(b"{"),
        states(b'{"user":NaN}'),
        states(b'{"user":1e999}'),
        states(b'"text"'),
        states(b"[]"),
        states(b"1"),
        states(b"\xff\xfe"),
        states(b'{"user":"\\ud800"}'),
        states({"user": ADA, "deep": [[[[[[[[0]]]]]]]]}),
        states(b"[" * 1900),
        states(HERE, 1 << 31),
        states(HERE, client=1 << 53),
        b"\x81\0" + states(HERE)[1:],
        b"\xff" * 2000,
    ],
)
def test_what_is_no_presence_is_malformed(data: bytes) -> None:
    assert error(AwarenessGate(7, ADA), data) == "malformed"


def test_a_large_one_is_refused_before_it_is_read() -> None:
    """200 KB of 0xff cost 6 s in pycrdt's reader, which adds up a number of that length."""
    start = time.process_time()
    assert error(AwarenessGate(7, ADA), b"\xff" * 200_000) == "too-large"
    assert error(AwarenessGate(7, ADA), states({"user": ADA, "x": "y" * 2048})) == "too-large"
    assert time.process_time() - start < 0.5


def test_eight_levels_are_enough() -> None:
    data = states({"user": ADA, "deep": [[[[[[[0]]]]]]]})
    assert AwarenessGate(7, ADA).admit(data) == data
