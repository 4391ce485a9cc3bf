"""The bench itself: that it measures, and that it notices an edit which did not arrive or was not kept."""

import argparse
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from frontend.node import node
from tests.bench import table
from tests.bench.__main__ import write
from tests.bench.comparing import measure
from tests.bench.driving import Driver
from tests.bench.install import HERE
from tests.bench.scenarios import SCENARIOS, Scenario
from tests.bench.servers import OURS, Palimpsest
from tests.bench.table import Result, troubles_of

SHORT: dict[str, Any] = {"warming": {"rate": 20, "seconds": 0.5}, "seconds": 2, "attempts": 1, "patience": 0, "seed": 1}
LOSSY = """
import { connect as connectWell } from './palimpsest.mjs'

let heard = 0
export const connect = (how) => connectWell({ ...how, heard: (update) => { if (++heard !== 20) how.heard(update) } })
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """The driver with the packages of the frontend: the peers, which are not needed, are installed for `make bench`."""
    home = tmp_path_factory.mktemp("driver")
    (home / "node_modules").symlink_to(HERE.parents[1] / "frontend" / "node_modules")
    shutil.copytree(HERE / "driver", home / "driver")
    (home / "driver" / "adapters" / "lossy.mjs").write_text(LOSSY)
    return Driver(node(), home / "driver")


@pytest.fixture
def two_people() -> Scenario:
    return SCENARIOS["S1"]


class Careless(Palimpsest):
    """One update does not reach one of the people, and what was written last is not in the log afterwards."""

    adapter = "lossy"

    def kill(self) -> None:
        super().kill()
        assert self.server is not None
        with closing(sqlite3.connect(self.server.data / "palimpsest.sqlite")) as database, database:
            database.execute("DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)")


def test_what_two_people_write_is_measured_and_told(driver: Driver, two_people: Scenario, tmp_path: Path) -> None:
    measured = measure(driver, Palimpsest(), two_people, **SHORT)

    assert troubles_of(measured) == []
    assert measured["edits"] == pytest.approx(2 * 10 * 2, abs=5)
    assert measured["shown"] == pytest.approx(measured["edits"], abs=3)
    assert measured["acked"]["count"] == measured["edits"]
    results = [Result(0, "S1", OURS, measured)]
    rows = table.rows(results, [OURS], OURS)
    visible = table.number(measured["visible"]["p50"])
    assert any(name == "S1 visible p50, ms" and cell.startswith(visible) for name, cell in rows)
    options = argparse.Namespace(output=tmp_path / "bench.json", seed=1, quick=True)
    write(options, results, [rows])
    told = json.loads(options.output.read_text())
    assert told["results"][0]["measured"]["visible"] == measured["visible"]
    assert told["tables"] == [rows]


def test_an_edit_that_is_not_seen_or_not_kept_is_noticed(driver: Driver, two_people: Scenario) -> None:
    measured = measure(driver, Careless(), two_people, **SHORT, settling=500)

    assert measured["missing"] > 0
    assert any("copies differ" in trouble for trouble in measured["disagreements"])
    assert len(measured["lost"]) == 1
    assert len(troubles_of(measured)) == 3
