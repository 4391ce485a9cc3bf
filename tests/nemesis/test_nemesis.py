"""A minute of what `make nemesis` does for ten."""

import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.nemesis.arsenal import ARSENALS
from tests.nemesis.plan import Plan, draw
from tests.nemesis.run import Run

SECONDS = 20.0  # of blows; then everything is compared
LEFT_OUT: Mapping[str, Sequence[str]] = {"sqlite": (), "cluster": ("memory",)}  # to be quick


@pytest.mark.parametrize("topology", ARSENALS)
def test_nothing_is_lost_while_the_nemesis_strikes(tmp_path: Path, topology: str) -> None:
    seed = int(os.environ.get("PALIMPSEST_TEST_SEED", random.randrange(1 << 32)))
    plan = draw(seed, SECONDS, topology)
    saved = tmp_path / "plan.jsonl"
    plan.save(saved)
    print(f"PALIMPSEST_TEST_SEED={seed}; again: make nemesis PLAN={saved}")
    report = Run(plan, tmp_path / "run", print, skip=LEFT_OUT[topology]).run()
    print(report)
    assert report.failures == []
    assert report.numbers["kills"] >= 1, "it did not strike"
    assert report.numbers["updates acknowledged"] >= 10, "people hardly wrote"


@pytest.mark.parametrize("topology", ARSENALS)
def test_a_plan_is_drawn_from_its_seed_and_can_be_saved(tmp_path: Path, topology: str) -> None:
    plan = draw(7, 30.0, topology)
    assert plan == draw(7, 30.0, topology)
    assert plan != draw(8, 30.0, topology)
    plan.save(tmp_path / "plan")
    assert Plan.load(tmp_path / "plan") == plan


def test_a_file_that_is_no_plan_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan").write_text('{"seed": 1}\n')
    with pytest.raises(ValueError, match="expected a plan"):
        Plan.load(tmp_path / "plan")
