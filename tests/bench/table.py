"""What was measured, as one table: the median of all rounds, their spread, and the ratio to one server."""

import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.bench.scenarios import SCENARIOS, Figure

DRIVER_BUSY = 0.9  # of its core
MARKS = {"*": "noisy", "!": "limited"}


class Result(NamedTuple):
    """One server in one scenario in one round. `measured` is the driver's, with `error` if it went wrong."""

    round: int
    scenario: str
    server: str
    measured: dict[str, Any]

    def figure(self, figure: Figure) -> float | None:
        return None if "error" in self.measured else figure.of(self.measured)

    @property
    def noisy(self) -> bool:
        """Whether others used the machine."""
        return bool(self.measured.get("noisy"))

    @property
    def limited(self) -> bool:
        """Whether the driver had all that it could do: the server may be better than that."""
        return bool((self.measured.get("best") or self.measured).get("driverCpu", 0) > DRIVER_BUSY)


class Cell(NamedTuple):
    """A figure of a server: of all rounds in which there was one. The ratio is that of the same round's."""

    median: float
    least: float
    most: float
    ratio: float | None
    least_ratio: float | None
    most_ratio: float | None
    marks: str  # MARKS of what was not as it should be in some round


def cell(results: Sequence[Result], scenario: str, figure: Figure, server: str, base: str) -> Cell | None:
    """None: there is no such figure. `base`: the server to which the ratio is."""
    rounds = {each.round: each for each in results if each.scenario == scenario and each.server == server}
    bases = {each.round: each for each in results if each.scenario == scenario and each.server == base}
    values = {number: found for number, each in rounds.items() if (found := each.figure(figure)) is not None}
    if not values:
        return None
    ratios = [
        found / of_base
        for number, found in values.items()
        if number in bases and (of_base := bases[number].figure(figure))
    ]
    return Cell(
        statistics.median(values.values()),
        min(values.values()),
        max(values.values()),
        statistics.median(ratios) if ratios else None,
        min(ratios, default=None),
        max(ratios, default=None),
        "".join(mark for mark, what in MARKS.items() if any(getattr(rounds[number], what) for number in values)),
    )


def number(value: float) -> str:
    """Three digits that say something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def written(cell: Cell | None) -> str:
    """As `median [least-most] xratio [least-most]`."""
    if cell is None:
        return "-"
    words = number(cell.median)
    if cell.least != cell.most:
        words += f" [{number(cell.least)}-{number(cell.most)}]"
    if cell.ratio is not None:
        words += f" x{cell.ratio:.2f}"
        if cell.least_ratio != cell.most_ratio:
            words += f" [{cell.least_ratio:.2f}-{cell.most_ratio:.2f}]"
    return words + cell.marks


def rows(results: Sequence[Result], servers: Sequence[str], base: str) -> list[list[str]]:
    """The table with its heading."""
    found = [["", *servers]]
    for scenario in dict.fromkeys(each.scenario for each in results):
        for figure in SCENARIOS[scenario].figures:
            cells = [written(cell(results, scenario, figure, server, base)) for server in servers]
            found.append([f"{scenario} {figure.name}", *cells])
    return found


def aligned(table: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(words.ljust(width) for words, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join(lines)


def troubles(results: Sequence[Result]) -> list[str]:
    """Sentences about what was not as it should be, of all servers."""
    found = []
    for each in results:
        for trouble in troubles_of(each.measured):
            found.append(f"{each.server}, {each.scenario}, round {each.round + 1}: {trouble}")
    return found


def troubles_of(measured: dict[str, Any]) -> list[str]:
    """The same of one measurement."""
    if "error" in measured:
        return [measured["error"]]
    found = [*measured.get("lost", []), *measured.get("disagreements", []), *measured.get("complaints", [])]
    if measured.get("missing"):
        found.append(f"{measured['missing']} times somebody did not see an edit in time")
    return found
