"""A document as it was, and as it is."""

import pytest
from pycrdt import Doc

from sync.compaction import compact
from sync.history import replay
from sync.store import UnknownDocument
from tests.engine import DOCUMENT, ROOTS, World, title


@pytest.fixture
def world() -> World:
    world = World()
    alice = world.person(1)
    for letter in "abc":
        alice.type(letter)
    alice.delete(0)
    return world


def test_the_past_can_be_read(world: World) -> None:
    assert [world.text(until) for until in range(5)] == ["", "a", "ab", "abc", "bc"]
    assert world.text() == "bc"


def test_a_snapshot_hides_nothing_of_the_past(world: World) -> None:
    assert compact(world.store, DOCUMENT, ROOTS)
    world.person(2).type("!")
    assert [world.text(until) for until in range(6)] == ["", "a", "ab", "abc", "bc", "bc!"]
    assert world.text() == "bc!"


def test_what_was_deleted_is_still_in_a_doc_of_the_past(world: World) -> None:
    past, now = replay(world.store, DOCUMENT, 4), replay(world.store, DOCUMENT)
    assert title(past) == title(now) == "bc"
    assert b"\x01a" in past.get_update()
    assert b"\x01a" not in now.get_update()


@pytest.mark.parametrize("until", [-1, 5])
def test_there_is_no_moment_before_the_first_or_after_the_last(world: World, until: int) -> None:
    with pytest.raises(ValueError, match="0 to 4"):
        replay(world.store, DOCUMENT, until)


def test_there_is_no_past_of_a_document_that_does_not_exist(world: World) -> None:
    with pytest.raises(UnknownDocument):
        replay(world.store, "nothing")


def test_entries_can_be_applied_to_a_doc_of_the_past(world: World) -> None:
    doc = replay(world.store, DOCUMENT, 2)
    for entry in world.store.entries(DOCUMENT, 2):
        doc.apply_update(entry.update)
    assert isinstance(doc, Doc)
    assert title(doc) == "bc"
