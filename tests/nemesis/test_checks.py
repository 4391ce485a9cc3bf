"""Each check reports what it is for: servers that are broken on purpose, and logs that are."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text, XmlElement, XmlFragment, XmlText

from sync.chunk import Group
from sync.store import Snapshot
from tests.engine import DOCUMENT, World
from tests.nemesis import checks
from tests.nemesis.checks import Log
from tests.nemesis.plan import NEMESIS, Plan, Step
from tests.nemesis.reading import words
from tests.nemesis.run import Run
from tests.nemesis.somebody import Ack, Heard, Somebody
from tests.people import same

PEOPLE = 4
SETTLE = 3.0  # seconds in which those agree who ever will
WRITING = [Step(0.3 + number * 0.03, number % PEOPLE, "type", {"where": 1, "words": "x"}) for number in range(60)]
ONE_WRITES = [step if step.who == 1 else Step(step.at, step.who, "place") for step in WRITING]  # the others look on
KILL = {"what": "server", "point": "before commit", "times": 0}
KILLS = [Step(at, NEMESIS, "kill", KILL) for at in (0.8, 1.4)]
WORKER_KILLS = [Step(at, NEMESIS, "kill", {**KILL, "what": "worker"}) for at in (0.6, 1.0, 1.4)]


def failures(
    folder: Path,
    fault: str,
    steps: Sequence[Step],
    look: Sequence[str] = (),
    settle: float = SETTLE,
    topology: str = "sqlite",
) -> str:
    """What a run on a server with this fault reports. `look`: parts of a run that are not left out."""
    plan = Plan(0, 2.5, PEOPLE, 1, topology, sorted(steps, key=lambda step: step.at))
    skip = {"migrations", "presence", "memory"} - set(look)
    return "\n".join(Run(plan, folder, fault=fault, skip=skip, settle=settle).run().failures)


def test_nothing_is_reported_of_a_server_that_is_in_order(tmp_path: Path) -> None:
    assert failures(tmp_path, "", [*WRITING, *KILLS], settle=60) == ""


def test_an_ack_before_the_commit_is_reported(tmp_path: Path) -> None:
    found = failures(tmp_path, "ack_before_commit", [*WRITING, *KILLS])
    assert "was acknowledged to person" in found, found
    assert "nowhere in the log" in found
    assert "when the server was killed" in found


def test_what_is_shown_before_the_commit_is_reported(tmp_path: Path) -> None:
    found = failures(tmp_path, "show_before_commit", [*WRITING, *KILLS])
    assert "was shown to person" in found or "when the server was killed" in found, found


def test_an_ack_before_the_commit_is_reported_of_a_cluster(tmp_path: Path) -> None:
    found = failures(tmp_path, "ack_before_commit", [*WRITING, *WORKER_KILLS], topology="cluster")
    assert "was acknowledged to person" in found, found


def test_what_is_published_before_the_commit_is_reported(tmp_path: Path) -> None:
    found = failures(tmp_path, "publish_before_commit", [*ONE_WRITES, *KILLS], topology="cluster")
    assert "was told of entry" in found, found
    assert "when the server was killed" in found


def test_what_is_lost_in_fan_out_is_reported(tmp_path: Path) -> None:
    found = failures(tmp_path, "lose_in_fan_out", WRITING)
    assert "people did not agree" in found, found
    assert "lacks structs" in found


def test_an_entry_that_stands_in_the_log_twice_is_reported(tmp_path: Path) -> None:
    found = failures(tmp_path, "double_an_entry", WRITING[:5])  # before any are packed, into one that says both
    assert "says only what was said before it" in found, found


def test_an_entry_that_is_not_written_is_reported(tmp_path: Path) -> None:
    found = failures(tmp_path, "leave_out_an_entry", WRITING[:10])
    assert "expected entry 3, found entry 4" in found, found


def test_a_ghost_is_reported(tmp_path: Path) -> None:
    found = failures(tmp_path, "keep_ghosts", WRITING[:8], ["presence"])
    assert "is still shown" in found, found


def test_memory_that_is_not_given_back_is_reported(tmp_path: Path) -> None:
    found = failures(tmp_path, "leak", WRITING[:8], ["memory"])
    assert "MB more than before they came" in found, found


# Logs


@pytest.fixture
def world() -> World:
    """A note in which somebody wrote three lines."""
    world = World()
    alice = world.person()
    for line in ("one", "two", "three"):
        alice.write(line)
    return world


def log_of(world: World) -> Log:
    return checks.read_log(world.store, DOCUMENT)


def without(log: Log, seq: int) -> Log:
    """The same, but an entry is not there."""
    return log._replace(groups=[group for group in log.groups if group.last != seq])


def test_a_log_that_is_in_order_is_in_order_to_every_check(world: World) -> None:
    log = log_of(world)
    acks = [Ack(1, DOCUMENT, group.update, group.last) for group in log.groups]
    heard = [Heard(2, DOCUMENT, *ack[2:]) for ack in acks]
    assert list(checks.opened(world.store, log)) == []
    assert list(checks.held(log, acks, heard)) == []
    assert list(checks.same_in_yjs([log])) == []
    assert list(checks.same_history(log, log.groups, [(1, 2), (3, 3)])) == []


def test_what_the_log_has_only_later_is_reported(world: World) -> None:
    log = log_of(world)
    (found,) = checks.held(log, [], [Heard(2, DOCUMENT, log.groups[1].update, 1)])
    assert "was shown to person 2 as of entry 1, but is only in a later one" in found


def test_a_deletion_that_is_lost_is_reported(world: World) -> None:
    log = log_of(world)
    doc: Doc[Any] = Doc()
    doc.apply_update(log.doc.get_update())
    before = doc.get_state()
    del doc.get("body", type=XmlFragment).children[1]
    (found, *_) = checks.held(log, [Ack(1, DOCUMENT, doc.get_update(before), 3)], [])
    assert "the deletion of client" in found
    assert "nowhere in the log" in found


def test_two_people_at_two_workers_may_delete_the_same_at_once_but_nobody_twice(world: World) -> None:
    log = log_of(world)
    doc: Doc[Any] = Doc()
    doc.apply_update(log.doc.get_update())
    before = doc.get_state()
    del doc.get("body", type=XmlFragment).children[1]
    update = doc.get_update(before)
    one, other, one_again = (Group(seq, seq, who, who, 0, update) for seq, who in ((4, 1), (5, 2), (6, 1)))
    log.doc.apply_update(update)
    assert list(checks.held(log._replace(groups=[*log.groups, one, other]), [], [])) == []
    (found,) = checks.held(log._replace(groups=[*log.groups, one, other, one_again]), [], [])
    assert "entry 6 says only what was said before it" in found


def test_what_yjs_reads_otherwise_is_reported(world: World) -> None:
    found = list(checks.same_in_yjs([without(log_of(world), 3)]))
    assert any("in Yjs has client" in sentence for sentence in found)
    assert any("in Yjs differs in the body" in sentence for sentence in found)


def test_an_error_that_nobody_had_thought_of_is_reported() -> None:
    said = "Palimpsest is at http://127.0.0.1:8000\n[1] [ERROR] Error handling request POST /socket.io/\nTraceback ..."
    assert list(checks.handled(said)) == ["the server said: [1] [ERROR] Error handling request POST /socket.io/"]


def test_a_history_that_leaves_something_out_is_reported(world: World) -> None:
    log = log_of(world)
    assert list(checks.same_history(log, without(log, 3).groups, [(1, 3)]))
    assert list(checks.same_history(log, log.groups, [(1, 1), (3, 3)]))
    assert list(checks.same_history(log, log.groups, [(1, 2)]))


def test_a_snapshot_that_says_something_else_is_reported(world: World) -> None:
    doc: Doc[Any] = Doc()
    doc.get("title", type=Text).insert(0, "not what was written")
    state = doc.get_update()
    world.store.compact(DOCUMENT, Snapshot(3, state, doc.get_state(), hashlib.sha256(state).digest()))
    found = list(checks.opened(world.store, log_of(world)))
    assert any("as its snapshot opens it differs" in sentence for sentence in found)


def test_what_two_people_took_away_at_once_and_brought_back_may_be_there_twice(world: World) -> None:
    two = [world.person(1), world.person(2)]
    two[0].write("⟦1.1⟧")
    world.clock.turn()
    with two[0].offline(), two[1].offline():
        for person in two:
            with person.doc.transaction(origin="typing"):
                del person.body.children[3]
            person.undo()
    world.clock.turn()
    same(*two)
    log = log_of(world)
    assert words(log.doc).count("⟦1.1⟧") == 2
    writer = Somebody(1, DOCUMENT, link=None)  # type: ignore[arg-type]
    writer.written = writer.taken = {"⟦1.1⟧"}
    assert list(checks.marked(log, [writer])) == []


def test_a_paragraph_that_is_gone_or_doubled_is_reported() -> None:
    somebody = Somebody(3, DOCUMENT, link=None)  # type: ignore[arg-type]
    somebody.written = {"⟦3.1⟧", "⟦3.2⟧", "⟦3.3⟧"}
    somebody.taken = {"⟦3.3⟧"}
    doc: Doc[Any] = Doc()
    body = doc.get("body", type=XmlFragment)
    for _ in range(2):
        body.children.append(XmlElement("paragraph")).children.append(XmlText("⟦3.1⟧ hello"))
    groups: list[Group] = []
    assert list(checks.marked(Log(DOCUMENT, 0, groups, doc), [somebody])) == [
        f"{DOCUMENT}: paragraph ⟦3.1⟧ of person 3 is there 2 times",
        f"{DOCUMENT}: paragraph ⟦3.2⟧ of person 3 is not in the text",
    ]


@pytest.mark.parametrize("where", [0, 1])
def test_somebody_may_write_at_either_end(where: float) -> None:
    somebody = Somebody(3, DOCUMENT, link=None)  # type: ignore[arg-type]
    for mark in ("⟦3.1⟧", "⟦3.2⟧"):
        somebody._write(where, mark, "words")
    assert somebody.marks() == {"⟦3.1⟧", "⟦3.2⟧"}
