"""Carries out the blows of a plan, and tends what they broke."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from tests.nemesis.arsenal import SELDOM
from tests.nemesis.line import Line, Network
from tests.nemesis.plan import Step
from tests.nemesis.somebody import Somebody
from tests.nemesis.switches import Deed
from tests.nemesis.topology import Topology

TEND_EVERY = 0.02  # seconds
BREATH = 3.0  # seconds that a kill waits, at most, for the last one, and for somebody's words to be saved after it
RECOVERY = 30.0  # seconds that it may take to answer again on a busy machine
GRACE = 20.0  # seconds that it may take to end when it is told to
DEEDS = {
    "server": Deed.KILL_SERVER,
    "worker": Deed.KILL_WORKER,
    "postgres": Deed.KILL_POSTGRES,
    "redis": Deed.KILL_REDIS,
}


class Onslaught:
    def __init__(
        self,
        topology: Topology,
        network: Network,
        lines: Sequence[Line],
        people: Sequence[Somebody],
        now: Callable[[], float],
    ) -> None:
        self.count: Counter[str] = Counter()
        self.reached: Counter[str] = Counter()  # kills at each point
        self.longest = 0.0  # seconds from the last of some kills until it answered again
        self.complaints: list[str] = []
        self._topology = topology
        self._network = network
        self._lines = lines
        self._people = people
        self._now = now
        self._acked_before = 0
        self._armed: set[str] = set()
        self._ends: list[tuple[float, Callable[[], None]]] = []  # of what lasts for a while
        self._down: float | None = None  # since when
        self._asked_to_go: float | None = None  # when it was last told to end, or to replace its workers

    def go(self, steps: Sequence[Step], seconds: float) -> None:
        """Strike for so long, each time when its time has come or as soon after it as that goes."""
        for step in steps:
            self._tend_until(step.at)
            if step.do == "kill":
                self._let_them_write()
            if self._now() >= seconds:
                break
            self._blow(step.do, step.how)
        self._tend_until(seconds)

    def tend(self) -> None:
        """See what has happened, end what is over, and have what fell started again."""
        for point in [point for point in self._armed if not self._topology.switches.armed(point)]:
            self._armed.discard(point)
            self.reached[point] += 1
            self._killed()
        for at, end in [due for due in self._ends if due[0] <= self._now()]:
            self._ends.remove((at, end))
            end()
        if not self._topology.standing:
            if self._topology.fallen:
                self._audit()
            self._topology.tend()
            self._down = self._down or time.monotonic()
        if self._down is not None and self._topology.answers():
            self.longest = max(self.longest, time.monotonic() - self._down)
            self._down = None
        elif self._down is not None and time.monotonic() - self._down > RECOVERY:
            self.complaints.append(
                f"after {self._now():.1f} s: it has not answered for {RECOVERY} s; {self._topology.describe()}"
            )
            self._down = None

    def relent(self) -> None:
        """Peace, until the next blow."""
        self._topology.switches.clear()
        self._armed.clear()
        for _, end in self._ends:
            end()
        self._ends.clear()
        for line in self._lines:
            self._network.call(line, "plain")
        if self._asked_to_go is not None and self._now() - self._asked_to_go < GRACE:
            # It may be on its way down still. Who is connected stays so otherwise: nothing heals by joining anew.
            self._topology.end()
            self._audit()
            self._topology.start()

    def _let_them_write(self) -> None:
        """A server that nobody gets to between two kills is not much of a target."""
        until = self._now() + BREATH
        while (self._armed - {*SELDOM} or self._acked() == self._acked_before) and self._now() < until:
            self._tend_until(self._now() + TEND_EVERY)
        for point in self._armed - {*SELDOM}:
            self._topology.switches.disarm(point)
            self._armed.discard(point)

    def _tend_until(self, then: float) -> None:
        while (left := then - self._now()) > 0:
            self.tend()
            time.sleep(min(TEND_EVERY, left))

    def _acked(self) -> int:
        return sum(len(person.acked) for person in self._people)

    def _blow(self, do: str, how: Mapping[str, object]) -> None:
        match do, how:
            case "kill", {"point": str(point), "what": str(what), "times": int(times)} if point not in self._armed:
                self._armed.add(point)
                self._topology.switches.arm(point, DEEDS[what], times)
                if point == "during drain":
                    self._strike("drain", "master")
            case "kill", {"what": str(what)}:
                self._topology.kill(what)
                self.reached["anywhere"] += 1
                self._killed()
            case "line", {"person": int(person), "what": str(manner), "seconds": int() | float() as seconds}:
                self.count[f"lines {manner}"] += 1
                line = self._lines[person]
                self._network.call(line, manner)
                self._until(seconds, lambda: self._network.call(line, "plain"))
            case _, {"what": str(what)}:
                self.count[do] += 1
                self._strike(do, what, how.get("seconds", 0))
                if do == "outage":
                    self.reached["anywhere"] += 1
                    self._killed()
            case _:
                raise ValueError(f"expected a blow, got {do!r} {how}")

    def _strike(self, do: str, what: str, seconds: object = 0) -> None:
        if do in ("drain", "reload"):
            self._asked_to_go = self._now()
        assert isinstance(seconds, int | float)
        end = self._topology.strike(do, what, seconds)
        if end is not None:
            self._until(seconds, end)

    def _until(self, seconds: float, end: Callable[[], None]) -> None:
        self._ends.append((self._now() + seconds, end))

    def _killed(self) -> None:
        self.count["kills"] += 1
        self._acked_before = self._acked()
        self._down = time.monotonic()

    def _audit(self) -> None:
        """Nothing runs: everything that anybody was ever told of must be on the disk."""
        heads = self._topology.heads()
        for person in self._people:
            if person.latest > heads[person.note]:
                self.complaints.append(
                    f"{person.note}: person {person.number} was told of entry {person.latest}, but when the server was "
                    f"killed after {self._now():.1f} s the disk had entries up to {heads[person.note]}"
                )
