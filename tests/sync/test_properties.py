"""Whatever people do, in any order, while commits fail, rooms and processes go and hints are lost, doubled and late: in
the end all agree, with each other and with the log; and at any moment what was acknowledged is in the log.

Hypothesis looks for a plan that breaks this and makes it short; long random plays go deeper. Either prints its plan as
a program to paste into a test.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from sync.peer import Saved
from sync.room import Room
from tests.sync.play import NAMES, Play, Program

PLANS = int(os.environ.get("PLANS", "80"))
STEPS = 100
PLAYS, ACTS = 25, 150

DIFFERENT = (AssertionError, pytest.fail.Exception)
WORDS = ("a", "of", "hello ", "naïve ", "日本語", "😀", "x😀y", "\n", "lorem ipsum dolor ")
who = st.integers(0, len(NAMES) - 1)
places = st.integers(0, 40)
words = st.one_of(
    st.sampled_from(WORDS), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
)
fates = st.sampled_from(["lost", "doubled", "late", "arrives"])


class Writing(RuleBasedStateMachine):
    """Plays what Hypothesis draws."""

    steps = 0  # of all plays

    @initialize(people=st.integers(2, 5), processes=st.integers(1, 3))
    def begin(self, people: int, processes: int) -> None:
        self.program = Program(people, processes)
        self.broken = False

    def do(self, call: str, *arguments: object) -> None:
        Writing.steps += 1
        self.program.do(call, *arguments)

    @rule(number=who, words=words, at=places)
    def type(self, number: int, words: str, at: int) -> None:
        self.do(f"{self.program.name(number)}.type", words, at)

    @rule(number=who, at=places, length=st.integers(1, 6))
    def delete(self, number: int, at: int, length: int) -> None:
        self.do(f"{self.program.name(number)}.delete", at, length)

    @rule(number=who, words=words)
    def write(self, number: int, words: str) -> None:
        self.do(f"{self.program.name(number)}.write", words)

    @rule(number=who, act=st.sampled_from(["undo", "repeats", "looks", "tends", "tends", "room_is_thrown_away"]))
    def act(self, number: int, act: str) -> None:
        self.do(f"{self.program.name(number)}.{act}")

    @rule(number=who, act=st.sampled_from(["comes", "leaves"]))
    def come_or_go(self, number: int, act: str) -> None:
        self.do(f"{self.program.name(number)}.{act}")

    @rule(act=st.sampled_from(["commit", "commit", "begin_commit", "finish_commit", "fail_commit", "kill"]))
    def store(self, act: str) -> None:
        self.do(f"play.{act}")

    @rule(seconds=st.sampled_from([0, 0.05, 1, 40]))
    def wait(self, seconds: float) -> None:
        self.do("play.wait", seconds)

    @rule(fates=st.lists(fates, min_size=1, max_size=4), which=st.integers(0, 3))
    def hints(self, fates: list[str], which: int) -> None:
        self.do("play.hints", *fates)
        self.do("play.deliver", which)

    @rule(process=st.integers(0, 2))
    def program_edits(self, process: int) -> None:
        self.do("play.program_edits", process)

    @rule(number=who, words=words, at=places)
    def meanwhile(self, number: int, words: str, at: int) -> None:
        self.program.meanwhile(f"{self.program.name(number)}.type", words, at)

    @rule(number=who)
    def meanwhile_somebody_leaves(self, number: int) -> None:
        self.program.meanwhile(f"{self.program.name(number)}.leaves")

    @invariant()
    def nothing_is_lost(self) -> None:
        if hasattr(self, "program"):
            self.broken = True
            self.program.check()
            self.broken = False

    def teardown(self) -> None:
        if hasattr(self, "program"):
            try:
                if not self.broken:
                    self.program.end()
            finally:
                note(f"\n{self.program}")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The gate pauses after every second struct, and not only in the middle of a large paste; what is longer than a
    word is taken into the doc in slices."""
    monkeypatch.setattr("sync.turns.LIGHT", 40)
    for module in ("room", "replica"):
        monkeypatch.setattr(f"sync.{module}.AT_ONCE", 60)
    monkeypatch.setattr("sync.doc.FIRST_SLICE", 1)
    for module in ("gate", "order", "scanner"):
        monkeypatch.setattr(f"sync.gate.{module}.PAUSE_EVERY", 2)
    state = random.getstate()
    yield
    random.setstate(state)


def look_for_a_plan_that_breaks_it(plans: int, steps: int) -> None:
    run_state_machine_as_test(
        Writing,
        settings=settings(
            max_examples=plans,
            stateful_step_count=steps,
            deadline=None,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            database=None,
            print_blob=False,  # the plan itself is told, as a program
            suppress_health_check=list(HealthCheck),
        ),
    )


def play_at_random(seed: int, people: int, processes: int, hints: bool) -> None:
    dice = random.Random(seed)
    program = Program(people, processes)

    def somebody(act: str, *arguments: object) -> tuple[object, ...]:
        return f"{program.name(dice.randrange(people))}.{act}", *arguments

    acts: dict[Callable[[], tuple[Any, ...]], int] = {
        lambda: somebody("type", dice.choice(WORDS), dice.randrange(100)): 10,
        lambda: somebody("delete", dice.randrange(100), dice.randint(1, 6)): 4,
        lambda: somebody("write", dice.choice(WORDS)): 2,
        lambda: somebody(dice.choice(("undo", "repeats", "room_is_thrown_away"))): 3,
        lambda: somebody(dice.choice(("comes", "leaves"))): 3,
        lambda: somebody("looks"): 2,
        lambda: somebody("tends"): 4,
        lambda: (f"play.{dice.choice(('commit', 'commit', 'begin_commit'))}",): 6,
        lambda: (f"play.{dice.choice(('fail_commit', 'kill'))}",): 2,
        lambda: ("play.finish_commit",): 4,
        lambda: ("play.wait", dice.choice((0, 0.05, 1, 40))): 4,
        lambda: ("play.deliver", dice.randrange(5)): 3,
        lambda: ("play.program_edits", dice.randrange(processes)): 1,
    }
    meanwhile = ("type", "leaves", "delete", "looks")
    try:
        for act in dice.choices(list(acts), list(acts.values()), k=ACTS):
            call, *arguments = act()
            if hints and dice.random() < 0.5:
                program.do("play.hints", dice.choice(("lost", "arrives", "doubled", "late")))
            if call.split(".")[1] in meanwhile and dice.random() < 0.2:
                program.meanwhile(call, *arguments)
            else:
                program.do(call, *arguments)
            program.check()
        program.end()
    except BaseException:
        print(f"SESSION_SEED={seed}\n{program}")
        raise


def seeds() -> list[int]:
    given = os.environ.get("SESSION_SEED")
    # Processes that share a run must draw the same.
    run = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))
    return [int(given)] if given else [run.randrange(2**32) for _ in range(PLAYS)]


@pytest.mark.parametrize("seed", seeds())
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("hints", [False, True], ids=["reliable", "unreliable"])
def test_everybody_agrees_after_a_long_play(seed: int, processes: int, hints: bool) -> None:
    play_at_random(seed, random.Random(seed).randint(2, 5), processes, hints)


def test_no_plan_is_found_that_breaks_it() -> None:
    began, Writing.steps = time.monotonic(), 0
    look_for_a_plan_that_breaks_it(PLANS, STEPS)
    print(f"{Writing.steps:,} steps in {time.monotonic() - began:.1f} s")
    assert Writing.steps > 10 * PLANS


def answer_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that says "saved" when it has read something, and not when it is durable."""
    admit = Room._admit

    def hasty(self: Room, peer: Any, update: bytes, answer: Any) -> None:
        admit(self, peer, update, lambda given: None)
        answer(Saved(self.seq))

    monkeypatch.setattr(Room, "_admit", hasty)


def forget_a_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that shows an update to one too few."""
    show = Room._show

    def careless(self: Room, message: bytes, seq: int, skip: Any = None) -> None:
        show(self, message, seq, skip or next(iter(self._greeted), None))

    monkeypatch.setattr(Room, "_show", careless)


@pytest.mark.parametrize("break_engine", [answer_too_early, forget_a_peer])
def test_a_broken_engine_is_found_and_its_plan_is_a_program(
    break_engine: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        break_engine(broken)
        with pytest.raises(DIFFERENT) as failure:
            look_for_a_plan_that_breaks_it(plans=200, steps=20)
        said = "\n".join(failure.value.__notes__)
        lines = [line.strip() for line in said[said.index("def test_again()") :].splitlines()[1:]]
        assert lines[0].startswith("play = Play(people=")
        assert lines[-1] in ("play.check()", "play.end()")
        with pytest.raises(DIFFERENT):
            exec("\n".join(lines), {"Play": Play})
    exec("\n".join(lines), {"Play": Play})


def test_long_plays_find_a_broken_engine_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def ten() -> None:
        for seed in range(10):
            play_at_random(seed, people=3, processes=1, hints=False)

    answer_too_early(monkeypatch)
    with pytest.raises(DIFFERENT):
        ten()
