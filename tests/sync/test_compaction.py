"""Snapshots: quick to load, and never another document than the log."""

import itertools
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from sync.compaction import compact
from sync.doc import content
from sync.gate import ARRAY, MAP, TEXT, XML_FRAGMENT, Gate, Refused
from sync.limits import COMPACT_BYTES, COMPACT_ENTRIES, COMPACT_IDLE
from sync.store import Change, Entry, Snapshot
from tests.engine import DOCUMENT, ROOTS, World
from tests.memory_store import MemoryStore
from tests.people import same

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))
EVERY_KIND = {"prosemirror": XML_FRAGMENT, "text": TEXT, "map": MAP, "arr": ARRAY}


@pytest.fixture
def world() -> World:
    return World()


def snapshot(world: World) -> Snapshot | None:
    return world.store.open(DOCUMENT).snapshot


def test_after_many_entries_there_is_a_snapshot(world: World) -> None:
    alice = world.person(1)
    for number in range(COMPACT_ENTRIES):
        alice.type(str(number % 10))
    assert snapshot(world) is None  # never on the path of a keystroke
    world.clock.turn(1)
    kept = snapshot(world)
    assert kept is not None
    assert kept.seq == COMPACT_ENTRIES
    assert world.entries() == COMPACT_ENTRIES  # nothing is deleted
    alice.type("!")
    world.processes[0].kill()
    assert same(alice, world.person(2)) == world.text()


def test_after_much_text_there_is_a_snapshot(world: World) -> None:
    alice = world.person(1)
    for _ in range(3):
        alice.type("x" * (COMPACT_BYTES // 2))
        world.clock.turn(1)
    kept = snapshot(world)
    assert kept is not None
    assert kept.seq == 2


def test_when_everybody_has_left_a_short_tail_is_worth_it(world: World) -> None:
    alice = world.person(1)
    for _ in range(COMPACT_IDLE):
        alice.type("x")
    alice.leave()
    world.clock.turn(61)
    kept = snapshot(world)
    assert kept is not None
    assert kept.seq == COMPACT_IDLE
    alice.come()
    alice.type("y")
    alice.leave()
    world.clock.turn(61)
    assert snapshot(world) == kept  # one entry is not


def test_what_waits_for_a_commit_is_not_in_a_snapshot(world: World) -> None:
    alice = world.person(1)
    alice.type("written")
    world.store.hold = True
    alice.type(" and lost")
    world.store.begin()
    kept = compact(world.store, DOCUMENT, ROOTS)
    assert kept is not None
    assert kept.seq == 1
    assert b"lost" not in kept.state


def test_a_snapshot_opens_what_was_closed(world: World) -> None:
    alice = world.person(1)
    alice.type("one 😀")
    alice.write("Fünf")
    alice.delete(0, 2)
    assert compact(world.store, DOCUMENT, ROOTS)
    with alice.offline():
        alice.type(" offline")
        world.processes[0].kill()
        bob = world.person(2)
        bob.delete(0)
    assert same(alice, bob) == " 😀 offline"
    assert alice.refusals == []


def test_what_cannot_be_read_equals_nothing() -> None:
    """Where two objects stood in memory decided whether they were equal."""
    path = Path(__file__).parent / "corpus" / "content-pycrdt-cannot-read.json"
    doc = _doc()
    for _, update in json.loads(path.read_text())["updates"]:
        doc.apply_update(bytes.fromhex(update))
    readings = [content(doc, EVERY_KIND) for _ in range(50)]
    assert all(one != other for one, other in itertools.combinations(readings, 2))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_snapshot_that_reads_differently_is_not_kept(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Legal sequences of updates, of which some read differently once encoded and loaded again."""
    store = MemoryStore(hold=False)
    store.create(DOCUMENT)
    live = _doc()
    gate = Gate(EVERY_KIND, {})
    for user_id, data in json.loads(path.read_text())["updates"]:
        try:
            admitted = gate.admit(user_id, bytes.fromhex(data))
        except Refused:
            continue
        if admitted is not None:
            live.apply_update(admitted.update)
            store.append(Written(admitted.update))
    reloaded = _doc()
    reloaded.apply_update(live.get_update())
    with caplog.at_level(logging.WARNING):
        kept = compact(store, DOCUMENT, EVERY_KIND)
    assert (kept is not None) == (store.open(DOCUMENT).snapshot is not None)
    if content(reloaded, EVERY_KIND) == content(live, EVERY_KIND):
        assert kept is not None
    else:
        assert kept is None
        assert "no snapshot" in caplog.text


def test_content_tells_every_difference() -> None:
    changes: list[Callable[[Doc[Any]], object]] = [
        lambda doc: doc.get("text", type=Text).insert(0, "a"),
        lambda doc: doc.get("text", type=Text).format(0, 1, {"bold": True}),
        lambda doc: doc.get("arr", type=Array).append(float("nan")),
        lambda doc: doc.get("arr", type=Array).append([1, {"a": None}]),
        lambda doc: doc.get("arr", type=Array).append(Map({"a": Text("x")})),
        lambda doc: doc.get("map", type=Map).update({"k": 1}),
        lambda doc: doc.get("map", type=Map).update({"k": "1"}),
        lambda doc: doc.get("prosemirror", type=XmlFragment).children.append(XmlElement("p", {"class": "a"})),
        lambda doc: doc.get("prosemirror", type=XmlFragment).children.append(XmlText("p")),
    ]
    doc = _doc()
    seen = [content(doc, EVERY_KIND)]
    for change in changes:
        change(doc)
        now = content(doc, EVERY_KIND)
        assert now not in seen
        seen.append(now)
        again = _doc()
        again.apply_update(doc.get_update())
        assert content(again, EVERY_KIND) == now


class Written:
    """One update that goes into the log as it is."""

    document_id = DOCUMENT
    epoch = None
    seq = 0

    def __init__(self, update: bytes) -> None:
        self._update = update

    def take(self) -> Sequence[Change]:
        return [Change(self._update, 1, 1, 0)]

    def committed(self, entries: Sequence[Entry]) -> None: ...

    def failed(self, error: Exception) -> None:
        raise error


def _doc() -> Doc[Any]:
    doc: Doc[Any] = Doc()
    for name, kind in (("prosemirror", XmlFragment), ("text", Text), ("map", Map), ("arr", Array)):
        doc.get(name, type=kind)
    return doc
