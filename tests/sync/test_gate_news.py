"""Only what is new goes on; who wrote it is settled; what does not continue the document is asked for again."""

from typing import Any

import pytest
from pycrdt import Doc, Text, XmlFragment, merge_updates

from sync.gate import TEXT, XML_FRAGMENT, Admitted, Gate, Refused
from tests.sync.handmade import element, section, struct, text, update

ROOTS = {"body": XML_FRAGMENT, "title": TEXT}
HELLO = update(section(10, 0, text("hello", parent="title")))


def refusal(gate: Gate, user_id: int | None, data: bytes) -> tuple[str, str]:
    before = (dict(gate.clocks), dict(gate.owners))
    with pytest.raises(Refused) as refused:
        gate.admit(user_id, data)
    assert (gate.clocks, gate.owners) == before
    return refused.value.error, str(refused.value)


@pytest.fixture
def gate() -> Gate:
    gate = Gate(ROOTS, {})
    assert gate.admit(1, HELLO) == Admitted(HELLO, (10,), 5)
    return gate


def test_a_first_update_binds_its_client_and_the_next_does_not(gate: Gate) -> None:
    assert gate.owners == {10: 1}
    assert gate.clocks == {10: 5}
    more = update(section(10, 5, text("!", origin=(10, 4))))
    assert gate.admit(1, more) == Admitted(more, (), 1)
    assert gate.clocks == {10: 6}


def test_a_resend_is_known_from_anybody(gate: Gate) -> None:
    assert gate.admit(1, HELLO) is None
    assert gate.admit(2, HELLO) is None
    assert gate.admit(None, HELLO) is None
    assert gate.admit(2, b"\0\0") is None
    assert gate.owners == {10: 1}


def test_typing_on_is_new_once(gate: Gate) -> None:
    strokes = [update(section(10, 5 + n, text(char, origin=(10, 4 + n)))) for n, char in enumerate("abcéü日d😀e")]
    strokes[-1] = update(section(10, 14, text("e", origin=(10, 13))))
    for stroke in strokes:
        assert gate.admit(1, stroke) == Admitted(stroke, (), 2 if stroke == strokes[7] else 1)
        assert gate.admit(1, stroke) is None
        assert gate.admit(2, stroke) is None
    assert gate.clocks == {10: 15}
    doc: Doc[Any] = Doc()
    for stroke in [HELLO, *strokes]:
        doc.apply_update(stroke)
    assert str(doc.get("title", type=Text)) == "helloabcéü日d😀e"


def test_somebody_in_two_tabs_types_on_in_both(gate: Gate) -> None:
    gate.admit(1, update(section(11, 0, text("a", origin=(10, 4)))))
    for clock in range(1, 5):
        for client, start in (10, 4), (11, 0):
            stroke = update(section(client, start + clock, text("x", origin=(client, start + clock - 1))))
            with pytest.raises(Refused, match="somebody else's"):
                gate.admit(2, stroke)
            assert gate.admit(1, stroke) == Admitted(stroke, (), 1)
    assert gate.clocks == {10: 9, 11: 5}


def test_typing_on_after_the_log_brought_the_same(gate: Gate) -> None:
    """Another process had it first."""
    first = update(section(10, 5, text("a", origin=(10, 4))))
    second = update(section(10, 6, text("b", origin=(10, 5))))
    gate.admit(1, first)
    gate.replay(second)
    assert gate.admit(1, second) is None
    assert gate.clocks == {10: 7}


@pytest.mark.parametrize("user_id", [2, None])
def test_nobody_writes_as_somebody_else(gate: Gate, user_id: int | None) -> None:
    more = update(section(10, 5, text("!", origin=(10, 4))))
    assert refusal(gate, user_id, more)[0] == "denied"
    gate.admit(1, more)
    typed = update(section(10, 6, text("?", origin=(10, 5))))
    assert refusal(gate, user_id, typed)[0] == "denied"


def test_nobody_squats_the_clocks_of_others(gate: Gate) -> None:
    """Nine bytes that make a server take all clocks of a victim for known, and ignore the victim for ever."""
    squat = b"\1\1\x0a\0\0\x87\xad\x4b\0"
    assert refusal(gate, 2, squat)[0] == "denied"
    victim = update(section(11, 0, text("mine", origin=(10, 4))))
    assert refusal(gate, 2, update(section(10, 5, b"\0\x7f")))[0] == "denied"
    assert gate.admit(3, victim) == Admitted(victim, (11,), 4)


def test_the_program_owns_ids_too(gate: Gate) -> None:
    mine = update(section(20, 0, text("a", origin=(10, 4))))
    assert gate.admit(None, mine) == Admitted(mine, (20,), 1)
    assert gate.owners == {10: 1, 20: None}
    assert refusal(gate, 1, update(section(20, 1, text("b", origin=(20, 0)))))[0] == "denied"
    assert gate.admit(None, update(section(20, 1, text("b", origin=(20, 0)))))


def test_clocks_of_nobody_are_nobodys() -> None:
    """A log without a row that says whose: better refused than given to the first who asks."""
    gate = Gate(ROOTS, {})
    gate.replay(HELLO)
    assert refusal(gate, 1, update(section(10, 5, text("!", origin=(10, 4)))))[0] == "denied"


def test_an_owner_of_the_table_may_go_on() -> None:
    gate = Gate(ROOTS, {10: 1, 12: 2})
    gate.replay(HELLO)
    assert gate.admit(1, update(section(10, 5, text("!", origin=(10, 4))))) is not None
    assert refusal(gate, 1, update(section(12, 0, text("!", origin=(10, 4)))))[0] == "denied"


@pytest.mark.parametrize(
    "data",
    [
        update(section(10, 6, text("!", origin=(10, 4)))),
        update(section(10, 3, text("lo!", origin=(10, 2)))),
        update(section(11, 1, text("x", origin=(10, 4)))),
        update(section(11, 0, text("x", origin=(10, 5)))),
        update(section(11, 0, text("x", right=(10, 5)))),
        update(section(11, 0, text("x", origin=(99, 0)))),
        update(section(11, 0, element("p", parent=(10, 9)))),
        update(deleted={10: [(0, 6)]}),
        update(deleted={99: [(0, 1)]}),
        update(section(11, 0, text("x", origin=(10, 4))), deleted={11: [(0, 2)]}),
    ],
)
def test_what_does_not_continue_the_document_is_asked_for_again(gate: Gate, data: bytes) -> None:
    assert refusal(gate, 1, data)[0] == "resync"


def test_structs_may_need_each_other_across_clients(gate: Gate) -> None:
    """One update of two clients of one person, each of whom wrote between what the other did."""
    eleven = section(11, 0, text("a", origin=(10, 4)), text("c", origin=(12, 0)))
    data = update(eleven, section(12, 0, text("b", origin=(11, 0))))
    assert gate.admit(1, data) == Admitted(data, (11, 12), 3)


@pytest.mark.parametrize(
    "data",
    [
        update(section(11, 0, text("a", origin=(12, 0))), section(12, 0, text("b", origin=(11, 0)))),
        update(section(11, 0, text("a", origin=(11, 0)))),
        update(section(11, 0, text("a", origin=(10, 4)), text("b", origin=(10, 4), right=(11, 5)))),
    ],
)
def test_structs_that_wait_for_each_other_are_malformed(gate: Gate, data: bytes) -> None:
    assert refusal(gate, 1, data)[0] == "malformed"


def test_known_sections_are_dropped_and_new_ones_kept_byte_for_byte(gate: Gate) -> None:
    known, new = section(10, 0, text("hello", parent="title")), section(11, 0, text("x", origin=(10, 4)))
    for data in (update(known, new), update(new, known)):
        fresh = Gate(ROOTS, {10: 1})
        fresh.replay(HELLO)
        assert fresh.admit(1, data) == Admitted(update(new), (11,), 1)


def test_known_deletes_are_dropped(gate: Gate) -> None:
    gate.admit(1, update(section(11, 0, text("0123456789", origin=(10, 4)))))
    first = update(deleted={11: [(2, 3)]})
    assert gate.admit(2, first) == Admitted(first, (), 0, 3)
    assert gate.admit(3, first) is None
    wider = update(deleted={10: [(0, 1)], 11: [(1, 3), (5, 1), (8, 2)]})
    assert gate.admit(2, wider) == Admitted(update(deleted={10: [(0, 1)], 11: [(1, 1), (5, 1), (8, 2)]}), (), 0, 5)
    assert gate.admit(2, update(deleted={10: [(0, 1)], 11: [(1, 5), (8, 2)]})) is None
    all_of_it = update(section(10, 5, text("!", origin=(10, 4))), deleted={10: [(0, 1)], 11: [(0, 10)]})
    assert gate.admit(1, all_of_it) == Admitted(
        update(section(10, 5, text("!", origin=(10, 4))), deleted={11: [(0, 1), (6, 2)]}), (), 1, 3
    )


def test_what_came_without_content_is_known_to_be_deleted(gate: Gate) -> None:
    """Written and deleted again before it was sent."""
    gate.admit(1, update(section(11, 0, b"\0\3", struct(1, b"\2", origin=(10, 4)))))
    assert gate.admit(1, update(deleted={11: [(0, 5)]})) is None


def test_a_whole_delete_set_of_a_big_document_passes_and_brings_nothing() -> None:
    """A y-protocols client answers SyncStep1 with all that was ever deleted."""
    size = 300_000
    gate = Gate(ROOTS, {})
    gate.replay(update(section(10, 0, text("x" * size, parent="title"))))
    ranges = [(clock, 1) for clock in range(0, size, 2)]
    assert len(update(deleted={10: ranges})) < 1 << 20
    admitted = gate.admit(1, update(deleted={10: ranges}))
    assert admitted == Admitted(update(deleted={10: ranges}), (), 0, size // 2)
    assert gate.admit(1, update(deleted={10: ranges})) is None
    assert gate.admit(1, update(deleted={10: [*ranges[:-1], (size - 2, 2)]})) == Admitted(
        update(deleted={10: [(size - 1, 1)]}), (), 0, 1
    )


def test_it_pauses_while_it_works() -> None:
    pauses: list[dict[int, int]] = []

    def pause() -> None:
        pauses.append(dict(working.clocks))

    working = Gate(ROOTS, {}, pause=pause)
    working.replay(update(section(10, 0, text("x" * 4000, parent="title"))))
    structs = [text("y", origin=(10, n)) for n in range(2000)]
    before = len(pauses)
    working.admit(1, update(section(11, 0, *structs), deleted={10: [(n, 1) for n in range(0, 4000, 2)]}))
    assert len(pauses) - before > 40  # 4000 structs and ranges, each looked at more than once, in parts of 256
    assert all(clocks == {10: 4000} for clocks in pauses[before:])  # nothing is taken over before the end


def test_the_log_may_overlap_itself() -> None:
    """Two processes that did not know of each other yet both took what one client sent."""
    gate = Gate(ROOTS, {10: 1})
    gate.replay(HELLO)
    gate.replay(update(section(10, 0, text("hello 😀", parent="title"))))
    gate.replay(HELLO)
    assert gate.clocks == {10: 8}
    assert refusal(gate, 1, update(section(10, 8, text("x", origin=(10, 6)))))[0] == "malformed"  # within the pair
    assert gate.admit(1, update(section(10, 8, text("x", origin=(10, 7))))) is not None


def test_the_log_may_hold_the_later_half_first() -> None:
    """What one client sent over two connections in one moment is merged for each, with a gap."""
    parts = [HELLO] + [update(section(10, n, text(str(n), origin=(10, n - 1)))) for n in (5, 6, 7)]
    with_gap = merge_updates(parts[0], parts[1], parts[3])
    gate = Gate(ROOTS, {10: 1})
    doc: Doc[Any] = Doc()
    for entry in (with_gap, parts[2]):
        gate.replay(entry)
        doc.apply_update(entry)
    assert gate.clocks == {10: 8}
    assert gate.admit(1, doc.get_update()) is None


def test_deleted_with_its_parent_is_known() -> None:
    """A paragraph was collected: whoever had put text there can go on, also after the document was opened again."""
    gate = Gate(ROOTS, {})
    doc: Doc[Any] = Doc()
    doc.get("body", type=XmlFragment)
    paragraph = update(section(10, 0, element("p", parent="body"), element("q", parent=(10, 0))))
    for data in (paragraph, update(deleted={10: [(0, 2)]})):
        assert gate.admit(1, data) == Admitted(data, (10,) if data is paragraph else ())
        doc.apply_update(data)
    state = doc.get_update()
    assert state == update(section(10, 0, bytes([1]) + b"\1\4body\1", b"\0\1"), deleted={10: [(0, 2)]})
    again = Gate(ROOTS, gate.owners)
    again.replay(state)
    late = update(
        section(11, 0, element("a", origin=(10, 1)), element("b", parent=(10, 0)), element("c", right=(10, 1)))
    )
    for one in (gate, again):
        assert one.admit(2, late) == Admitted(late, (11,))
        assert one.admit(2, update(deleted={10: [(0, 2)]})) is None
    doc.apply_update(late)
    assert str(doc.get("body", type=XmlFragment)) == ""
