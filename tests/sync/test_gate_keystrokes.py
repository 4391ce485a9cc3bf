"""A keystroke is read at once. It is judged, and remembered, as if it had been looked at in every part."""

import os
import random

import pytest

from sync.gate import TEXT, XML_FRAGMENT, Gate, Refused
from tests.sync.handmade import element, section, shared, struct, text, update

ROOTS = {"body": XML_FRAGMENT, "title": TEXT}
SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(20)
WORDS = ("a", "bc", "é", "語り", "😀", "x" * 60, "x" * 200, "")
GONE = {1: [(9, 1)]}  # deleted already: to say so once more changes nothing, but the gate must look closer


def begun() -> Gate:
    """A title with an emoji, a paragraph with text and bold text, an attribute of two values, and something deleted."""
    gate = Gate(ROOTS, {})
    first = section(
        1,
        0,
        text("ab😀cd", parent="title"),  # 0 to 5
        element("p", parent="body"),  # 6
        shared(6, parent=(1, 6)),  # 7
        text("words", parent=(1, 7)),  # 8 to 12
        struct(6, b"\4bold\4true", origin=(1, 12)),  # 13
        text("bold", origin=(1, 13)),  # 14 to 17
        struct(4, b"\1v", parent=(1, 6), key="class"),  # 18
    )
    assert gate.admit(1, update(first)) is not None
    assert gate.admit(2, update(section(2, 0, text("two", origin=(1, 12), right=(1, 13))), deleted=GONE)) is not None
    return gate


def judged(gate: Gate, user_id: int, data: bytes) -> object:
    try:
        return gate.admit(user_id, data)
    except Refused as refused:
        return refused.error


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_judged_as_anything_else(seed: int) -> None:
    print(f"again with SEED={seed}")
    rng = random.Random(seed)
    quick, thorough = begun(), begun()
    taken = 0

    def any_id() -> tuple[int, int]:
        client = rng.choice((1, 2, 1, 2, 3))
        return client, rng.randrange(quick.clocks.get(client, 0) + 2)

    last: tuple[int, int] | None = None
    for _ in range(400):
        client = rng.choice((1, 2))
        clock = max(0, quick.clocks[client] + rng.choice((0,) * 8 + (1, -1)))
        origin = last if last and rng.random() < 0.3 else any_id()
        right = any_id() if rng.random() < 0.3 else None
        words = rng.choice(WORDS)
        if rng.random() < 0.1:
            typed = section(client, clock, text(words, right=right or any_id()))
        else:
            typed = section(client, clock, text(words, origin, right))
        user_id = client if rng.random() < 0.9 else 3 - client
        was = judged(quick, user_id, update(typed))
        assert was == judged(thorough, user_id, update(typed, deleted=GONE)), (typed, user_id)
        assert quick.clocks == thorough.clocks
        assert quick.structs <= thorough.structs, "what is typed on is counted once"
        last = (client, quick.clocks[client] - 1)
        taken += not isinstance(was, str)
    assert taken > 50


def test_numbers_with_padding_are_no_keystroke() -> None:
    gate = begun()
    honest = update(section(2, 3, text("a", origin=(1, 10))))
    padded = honest.replace(b"\x84\1\x0a", b"\x84\1\x8a\0")
    assert padded != honest
    assert judged(gate, 2, padded) == "malformed"
    assert judged(gate, 2, honest + b"\0") == "malformed"
    assert judged(gate, 2, honest) is not None


def test_what_is_typed_behind_something_deleted_is_another_piece() -> None:
    gate = begun()
    before = gate.structs
    for clock in range(3, 23):
        assert judged(gate, 2, update(section(2, clock, text("a", origin=(2, clock - 1))))) is not None
        assert judged(gate, 2, update(deleted={2: [(clock, 1)]})) is not None
    assert gate.structs - before == 20
