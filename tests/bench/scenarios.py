"""What is measured: what people do, and the figures that tell how it went."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from tests.bench.driving import Measured


class Figure(NamedTuple):
    """One number of a measurement. `more`: more of it is better."""

    name: str
    of: Callable[[Measured], float | None]
    more: bool = False


class Scenario(NamedTuple):
    """`job` is the driver's (driver/kinds/), `quick` what of it is another for `make bench QUICK=1`.

    `viewers`: who reads may not write. `by`: who does it, all servers, ours alone, or several processes of ours.
    """

    title: str
    job: dict[str, Any]
    quick: dict[str, Any]
    figures: tuple[Figure, ...]
    viewers: bool = False
    by: Literal["all", "ours", "workers"] = "all"


def value(*path: str) -> Callable[[Measured], float | None]:
    """Where a number is, if it is there."""

    def find(measured: Any) -> float | None:
        for name in path:
            measured = measured.get(name) if measured else None
        return measured if isinstance(measured, int | float) else None

    return find


def at(rate: float, *path: str) -> Callable[[Measured], float | None]:
    """The same of the step with so many edits a second of each writer, if all of them arrived."""

    def find(measured: Measured) -> float | None:
        steps = [step for step in measured["steps"] if step["rate"] == rate and not step["missing"]]
        return value(*path)(steps[0]) if steps else None

    return find


def collapse(measured: Measured) -> float | None:
    """What is still shown beyond the highest rate, as a share of what was shown at it."""
    best, beyond = measured["best"], measured["beyond"]
    return beyond["shownPerSecond"] / best["shownPerSecond"] if best and beyond else None


def times(factor: float, found: Callable[[Measured], float | None]) -> Callable[[Measured], float | None]:
    return lambda measured: None if (number := found(measured)) is None else number * factor


VISIBLE = (Figure("visible p50, ms", value("visible", "p50")), Figure("visible p99, ms", value("visible", "p99")))
ACKED = Figure("acked p50, ms", value("acked", "p50"))
CPU_SHOWN = Figure("CPU per edit shown, us", value("cpuPerShown"))
CPU_EDIT = Figure("CPU per edit, us", value("cpuPerEdit"))
HIGHEST = (
    Figure("highest rate, edits/s", value("best", "editsPerSecond"), more=True),
    Figure("shown beyond it, of what was", collapse, more=True),
)

# A window in which others used the machine is measured again, so many times, after a wait for quiet of so many ms.
CAREFULLY = {"attempts": 3, "patience": 2500, "settling": 8000}
AT_ONCE = {"attempts": 1, "patience": 0, "settling": 4000}
TYPING = {"kind": "typing", "warming": {"rate": 20, "seconds": 4}, "seconds": 10, **CAREFULLY}
QUICKLY = {"warming": {"rate": 20, "seconds": 2}, "seconds": 5, **AT_ONCE}
RISING = {"kind": "rising", "seconds": 4, "through": 25, **CAREFULLY}
RISING_QUICKLY = {"seconds": 2, **AT_ONCE}
RESTING = {"kind": "resting", "seconds": 20}
RESTING_QUICKLY = {"seconds": 3}
CROWD = {"documents": 1, "writers": 10, "readers": 90}
ALL_WRITE = {"documents": 1, "writers": 100, "readers": 0}
MANY = {"documents": 100, "writers": 2, "readers": 1}

SCENARIOS = {
    "S1": Scenario(
        "2 people write, 10 edits/s each",
        {**TYPING, "documents": 1, "writers": 2, "readers": 0, "rate": 10},
        QUICKLY,
        (*VISIBLE, ACKED, CPU_SHOWN),
    ),
    "S2": Scenario(
        "one document, 10 write 10 edits/s each, 90 read",
        {**TYPING, **CROWD, "applying": {"readers": 1}, "rate": 10},
        QUICKLY,
        (*VISIBLE, ACKED, CPU_SHOWN),
    ),
    "S3": Scenario(
        "100 documents, in each 2 write 5 edits/s and 1 reads",
        {**TYPING, **MANY, "warming": {"rate": 5, "seconds": 4}, "rate": 5},
        {**QUICKLY, "warming": {"rate": 5, "seconds": 2}},
        (*VISIBLE, ACKED, CPU_EDIT),
    ),
    "S4": Scenario(
        "as S2, faster and faster until p99 > 250 ms",
        {**RISING, **CROWD, "rates": [10, 20, 40, 60, 90, 135, 200, 300, 450, 675, 1000]},
        {**RISING_QUICKLY, "rates": [10, 60, 200, 450, 1000]},
        HIGHEST,
    ),
    "S4d": Scenario(
        "as S3, faster and faster until p99 > 250 ms",
        {**RISING, **MANY, "rates": [5, 10, 15, 25, 35, 50]},
        {**RISING_QUICKLY, "rates": [5, 25]},
        (
            *HIGHEST,
            Figure("CPU per edit at 5,000/s, us", at(25, "cpuPerEdit")),
            Figure("visible p99 at 5,000/s, ms", at(25, "visible", "p99")),
        ),
    ),
    "S5": Scenario(
        "200 people open a document of 260,000 operations at once",
        {"kind": "joining", "documents": 1, "people": 200, **CAREFULLY},
        AT_ONCE,
        (
            Figure("CPU per join, ms", value("cpuPerJoin")),
            Figure("join p50, ms", value("joined", "p50")),
            Figure("join p99, ms", value("joined", "p99")),
        ),
    ),
    "S6": Scenario(
        "1,000 documents rest, each open in one connection",
        {**RESTING, "documents": 1000, "writers": 1, "readers": 0},
        {**RESTING_QUICKLY, "documents": 200},
        (
            Figure("memory, MiB", times(1 / (1 << 20), value("memory"))),
            Figure("memory per document, KiB", times(1 / 1024, value("memoryPerEach"))),
            Figure("CPU per open, ms", value("cpuPerOpen")),
            Figure("CPU at rest, % of a core", times(100, value("idle", "server"))),
        ),
    ),
    "S6c": Scenario(
        "1,000 connections rest in one document",
        {**RESTING, "documents": 1, "writers": 0, "readers": 1000},
        {**RESTING_QUICKLY, "readers": 200},
        (
            Figure("memory, MiB", times(1 / (1 << 20), value("memory"))),
            Figure("memory per connection, KiB", times(1 / 1024, value("memoryPerEach"))),
            Figure("CPU per open, ms", value("cpuPerOpen")),
            Figure("CPU at rest, % of a core", times(100, value("idle", "server"))),
        ),
    ),
    "S7": Scenario(
        "one document, 10 write 5 edits/s each, 500 may only read",
        {**TYPING, "documents": 1, "writers": 10, "readers": 500, "rate": 5},
        QUICKLY,
        (*VISIBLE, CPU_SHOWN),
        viewers=True,
    ),
    "S8": Scenario(
        "one document, 100 carets move 10 times a second each",
        {"kind": "carets", "warming": {"seconds": 2}, "seconds": 10, **CAREFULLY, **ALL_WRITE, "rate": 10},
        {"seconds": 4, **AT_ONCE},
        (*VISIBLE, Figure("CPU per move shown, us", value("cpuPerShown"))),
    ),
    "S9": Scenario(
        "as S2, who reads by long polling",
        {**TYPING, **CROWD, "transport": "polling", "applying": {"readers": 1}, "rate": 10},
        QUICKLY,
        (*VISIBLE, CPU_SHOWN),
        by="ours",
    ),
    "S10": Scenario(
        "as S4d, by several processes with PostgreSQL and Redis",
        {**RISING, **MANY, "rates": [2.5, 5, 10, 15, 20, 25, 35, 50], "through": 2.5},
        {**RISING_QUICKLY, "rates": [2.5, 10, 25]},
        (
            *HIGHEST[:1],
            Figure("CPU per edit at 500/s, us", at(2.5, "cpuPerEdit")),
            Figure("of PostgreSQL, us", at(2.5, "besidePerEdit", "postgres")),
            Figure("of Redis, us", at(2.5, "besidePerEdit", "redis")),
            Figure("visible p50 at 500/s, ms", at(2.5, "visible", "p50")),
            Figure("visible p99 at 500/s, ms", at(2.5, "visible", "p99")),
        ),
        by="workers",
    ),
    "S10r": Scenario(
        "as S6, by several processes with PostgreSQL and Redis",
        {**RESTING, "documents": 1000, "writers": 1, "readers": 0},
        {**RESTING_QUICKLY, "documents": 200},
        (
            Figure("memory, MiB", times(1 / (1 << 20), value("memory"))),
            Figure("CPU at rest, % of a core", times(100, value("idle", "server"))),
            Figure("of PostgreSQL, %", times(100, value("idle", "postgres"))),
            Figure("of Redis, %", times(100, value("idle", "redis"))),
        ),
        by="workers",
    ),
}
