"""Gives inputs to the targets, measures, and keeps what went wrong."""

import json
import random
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.meter import LONGEST, Cost, Meter, allowed
from tests.fuzz.targets import Broke, Input, Target

CORPUS = Path(__file__).parent / "corpus"
MEASURE_AGAIN = 4  # times, of which the quickest counts
TRACE_EVERY = 4  # cases: of each such one memory is measured, of the others time


@dataclass
class Tally:
    """What became of the inputs of one target."""

    inputs: int = 0
    bytes: int = 0
    cost: Cost = field(default_factory=Cost)  # the most that any input cost
    share: float = 0.0  # the most memory for each byte, of inputs above a kilobyte
    failures: list[Path] = field(default_factory=list)


class Fuzz:
    def __init__(self, targets: Sequence[Target], seed: int, corpus: Path = CORPUS) -> None:
        self.tallies = {target.name: Tally() for target in targets}
        self._targets = targets
        self._seed = seed
        self._corpus = corpus
        self._meter = Meter()

    def run(self, count: int, progress: Callable[[int], None] = lambda done: None) -> None:
        """Gives so many inputs, or a few more: the last case of each target is played to its end."""
        shares = sum(target.share for target in self._targets)
        done, number = 0, 0
        while done < count:
            target = max(
                self._targets, key=lambda each: each.share / shares * (done + 1) - self.tallies[each.name].inputs
            )
            traced = target.in_process and number % TRACE_EVERY == 0
            if traced:
                tracemalloc.start()
            try:
                done += self._case(target, f"{self._seed}/{target.name}/{number}", traced)
            finally:
                tracemalloc.stop()
            number += 1
            progress(done)

    def _case(self, target: Target, seed: str, traced: bool) -> int:
        """Plays one case; how many inputs it had."""
        tally, given = self.tallies[target.name], list[Input]()
        case = target.case(self._meter)
        try:
            for user, data in case.inputs(random.Random(seed)):
                given.append((user, data))
                cost = self._cost(target, given, lambda: case.take(user, data), traced)  # noqa: B023
                tally.inputs += 1
                tally.bytes += len(data)
                if target.in_process:
                    tally.cost = tally.cost.most(cost)
                    if len(data) > 1000:
                        tally.share = max(tally.share, cost.memory / len(data))
                    if cost.held > LONGEST:
                        raise Broke(f"nobody else could run for {cost.held * 1000:.1f} ms")
                    if cost.memory > allowed(len(data)):
                        raise Broke(f"{len(data)} bytes took {cost.memory} bytes of memory")
            case.end()
        except Exception as error:
            tally.failures.append(self._keep(target, seed, given, error))
        return len(given) or 1

    def _cost(self, target: Target, given: Sequence[Input], take: Callable[[], None], traced: bool) -> Cost:
        if traced:
            return self._meter.cost(take)._replace(held=0.0)  # tracing makes everything slower
        held = self._meter.time(take)
        for _ in range(MEASURE_AGAIN if target.in_process else 0):
            if held <= LONGEST:
                break
            held = min(held, self._last_of(target, given))  # something else may have been in the way
        return Cost(held)

    def _last_of(self, target: Target, given: Sequence[Input]) -> float:
        """How long the last of these inputs holds."""
        again = target.case(self._meter)
        for user, data in given[:-1]:
            again.take(user, data)
        user, data = given[-1]
        return self._meter.time(lambda: again.take(user, data))

    def _keep(self, target: Target, seed: str, given: Sequence[Input], error: Exception) -> Path:
        folder = self._corpus / target.name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{seed.replace('/', '-')}.json"
        inputs = [[user, data.hex()] for user, data in given]
        path.write_text(
            json.dumps({"about": f"{type(error).__name__}: {error}"[:300], "seed": seed, "inputs": inputs}, indent=1)
        )
        return path


def play(target: Target, path: Path) -> Cost:
    """What was kept, again. Raises what it raises; returns the most that an input costs."""
    meter, most = Meter(), Cost()
    held: list[float] = []
    inputs = [(user, bytes.fromhex(data)) for user, data in json.loads(path.read_text())["inputs"]]
    for attempt in range(MEASURE_AGAIN):
        case, held = target.case(meter), []
        tracemalloc.start()
        for user, data in inputs:
            if attempt:
                tracemalloc.stop()
                held.append(meter.time(lambda: case.take(user, data)))  # noqa: B023
                continue
            cost = meter.cost(lambda: case.take(user, data))  # noqa: B023
            if target.in_process and cost.memory > allowed(len(data)):
                raise Broke(f"{len(data)} bytes took {cost.memory} bytes of memory")
            held.append(cost.held)
            most = most.most(cost)
        tracemalloc.stop()
        case.end()
        if max(held, default=0) <= LONGEST or not target.in_process:
            break
    else:
        raise Broke(f"nobody else could run for {max(held) * 1000:.1f} ms")
    return most._replace(held=max(held, default=0))


def repeats(path: Path) -> str:
    return f"python -m tests.fuzz --again {path}"


class Progress:
    """A line every few seconds."""

    def __init__(self, count: int, every: float, say: Callable[[str], None]) -> None:
        self._count, self._every, self._say = count, every, say
        self._began = self._said = time.monotonic()

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self._said > self._every:
            self._said = now
            left = (now - self._began) / max(1, done) * (self._count - done)
            self._say(f"{done:,} of {self._count:,} inputs; about {max(0, left):.0f} s left")
