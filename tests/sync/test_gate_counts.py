"""How many characters an update puts into the text and takes out of it."""

import pytest

from sync.gate import TEXT, XML_FRAGMENT, Gate
from tests.sync.handmade import element, entry, section, shared, struct, text, update

ROOTS = {"body": XML_FRAGMENT, "title": TEXT}
BOLD = b"\4bold\4true"


@pytest.fixture
def gate() -> Gate:
    """A title, and a paragraph with an attribute, a text in bold and an emoji: clocks 0-4, and 10-20."""
    gate = Gate(ROOTS, {})
    assert counts(gate, update(section(10, 0, text("hello", parent="title")))) == (5, 0)
    paragraph = section(
        11,
        0,
        element("p", parent="body"),
        entry("level", b"\x7d\1", parent=(11, 0)),
        shared(6, parent=(11, 0)),
        struct(6, BOLD, parent=(11, 2)),
        text("ab😀", origin=(11, 3)),
        struct(6, b"\4bold\4null", origin=(11, 7)),
        text("c", origin=(11, 8)),
    )
    assert counts(gate, update(paragraph)) == (5, 0)
    return gate


def counts(gate: Gate, data: bytes) -> tuple[int, int]:
    admitted = gate.admit(1, data)
    assert admitted is not None
    return admitted.inserted, admitted.deleted


def test_a_keystroke_is_one_character(gate: Gate) -> None:
    for number, character in enumerate("xyüz"):
        clock = 5 + number
        assert counts(gate, update(section(10, clock, text(character, origin=(10, clock - 1))))) == (1, 0)


def test_deleting_counts_only_text_and_only_once(gate: Gate) -> None:
    assert counts(gate, update(deleted={10: [(1, 2)]})) == (0, 2)
    assert counts(gate, update(deleted={10: [(0, 5)]})) == (0, 3)
    assert counts(gate, update(deleted={11: [(0, 10)]})) == (0, 5)


def test_what_comes_and_goes_at_once_counts_for_neither(gate: Gate) -> None:
    typed = section(10, 5, text("abc", origin=(10, 4)), struct(6, BOLD, origin=(10, 7)), text("d", origin=(10, 8)))
    assert counts(gate, update(typed, deleted={10: [(4, 3), (8, 1)]})) == (2, 1)
    gone = section(10, 10, struct(1, b"\3", origin=(10, 9)), b"\0\2")
    assert counts(gate, update(gone, deleted={10: [(9, 6)]})) == (0, 1)


def test_attributes_are_no_text(gate: Gate) -> None:
    words = struct(4, b"\4wide", None, None, (11, 0), "class")
    with pytest.raises(Exception, match="length 1"):
        gate.admit(1, update(section(11, 10, words)))
    assert counts(gate, update(section(11, 10, struct(4, b"\1w", None, None, (11, 0), "class")))) == (0, 0)
    # Nor is what seems to be typed on after one.
    with pytest.raises(Exception, match="length 1"):
        gate.admit(1, update(section(11, 11, text("ide", origin=(11, 10)))))
    again = update(section(11, 11, text("v", origin=(11, 10))), deleted={11: [(10, 1)]})
    assert counts(gate, again) == (0, 0)
    with pytest.raises(Exception, match="length 1"):
        gate.admit(1, update(section(11, 12, text("ide", origin=(11, 11)))))
    assert counts(gate, update(section(11, 12, text("u", origin=(11, 11))))) == (0, 0)
    with pytest.raises(Exception, match="length 1"):
        gate.admit(1, update(section(11, 13, text("ide", origin=(11, 12)))))


def test_a_gate_that_read_a_snapshot_counts_the_same(gate: Gate) -> None:
    again = Gate(ROOTS, gate.owners)
    again.replay(update(section(10, 0, text("hello", parent="title"))))
    again.replay(
        update(
            section(
                11,
                0,
                element("p", parent="body"),
                entry("level", b"\x7d\1", parent=(11, 0)),
                shared(6, parent=(11, 0)),
                struct(6, BOLD, parent=(11, 2)),
                text("ab😀", origin=(11, 3)),
                struct(6, b"\4bold\4null", origin=(11, 7)),
                struct(1, b"\1", origin=(11, 8)),
            ),
            deleted={11: [(9, 1)]},
        )
    )
    assert counts(again, update(deleted={10: [(0, 1)], 11: [(0, 10)]})) == (0, 5)
