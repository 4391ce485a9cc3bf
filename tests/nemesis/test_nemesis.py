"""A minute of what `make nemesis` does for ten."""

import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.live import until
from tests.nemesis.arsenal import ARSENALS
from tests.nemesis.plan import Plan, draw
from tests.nemesis.run import Run
from tests.nemesis.sqlite import Sqlite

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


def test_a_server_has_not_fallen_while_a_worker_runs_whose_master_was_killed_before_it_was_started(
    tmp_path: Path,
) -> None:
    server = Sqlite(tmp_path)
    try:
        server.start()
        go_on = server.strike("freeze", "worker", 0)  # it cannot notice
        server.kill("master")
        until(lambda: not server.standing)
        server.tend()
        assert server.standing  # the next one, which waits for that worker to leave
        server.kill("server")
        until(lambda: not server.standing)
        assert not server.fallen
        assert go_on is not None
        go_on()
        until(lambda: server.fallen)
    finally:
        server.close()


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
