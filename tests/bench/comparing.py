"""Several servers do the same, one after the other, again and again: the machine is the same for all of them."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.bench import logged, machine
from tests.bench.driving import Driver, Measured, drive, installed
from tests.bench.scenarios import Scenario
from tests.bench.servers import Contender
from tests.bench.table import Result, number, troubles_of

Contenders = Mapping[str, Callable[[], Contender]]


def rounds(
    scenarios: Mapping[str, Scenario],
    contenders: Contenders,
    count: int,
    quick: bool,
    seed: int,
    until: float = float("inf"),
    **more: Any,
) -> Iterator[Result]:
    """In each round each scenario by each server, in an order that changes. `more`: for the driver.

    After `until`, a time of `time.monotonic`, no other is begun.
    """
    driver = installed()
    for turn in range(count):
        first = turn % len(contenders)  # nobody is always the first
        names = list(contenders)[first:] + list(contenders)[:first]
        for scenario in scenarios:
            if time.monotonic() > until:
                print(f"no time is left for {scenario}")
                continue
            for name in names:
                began = time.monotonic()
                measured = measure(driver, contenders[name](), scenarios[scenario], quick, seed=seed + turn, **more)
                result = Result(turn, scenario, name, measured)
                print(told(result, scenarios[scenario], time.monotonic() - began), flush=True)
                yield result


def measure(driver: Driver, server: Contender, scenario: Scenario, quick: bool = False, **more: Any) -> Measured:
    """One scenario on a server of its own, with nothing in it; for ours, whether its log has all that it promised."""
    with tempfile.TemporaryDirectory(prefix="palimpsest-bench-") as folder:
        try:
            with machine.on(server.cores):
                server.start(Path(folder))
            job = {**scenario.job, **(scenario.quick if quick else {}), **more}
            measured = drive(driver, server, job, scenario.viewers)
            server.kill()
            promises = measured.pop("promises")
            if server.database_url:
                measured["lost"] = logged.lost(server.database_url, promises)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            return {"error": str(error)}
        finally:
            server.close()
        return measured


def told(result: Result, scenario: Scenario, seconds: float) -> str:
    """A line while it runs."""
    figures = [(figure.name, result.figure(figure)) for figure in scenario.figures]
    words = [f"{name} {number(found)}" for name, found in figures if found is not None]
    window = result.measured.get("best") or result.measured
    if "driverCpu" in window:
        shares = {"driver": window["driverCpu"], "others": window["otherCpu"]}
        words += [f"{who} {share:.0%} of a core" for who, share in shares.items()]
        words.append(f"driver late by {number(window['driverLate'])} ms (p99)")
    wrong = troubles_of(result.measured)[:2]
    return f"[{seconds:3.0f} s] {result.scenario:4} {result.server:17} " + "; ".join([*words, *wrong])
