"""What each topology may suffer, and how often. It is data: plans are drawn from it, topologies carry it out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

# Where a kill may wait for somebody to come by, and how often compared with each other.
POINTS: Mapping[str, int] = {
    "after gate": 6,
    "before commit": 6,
    "during commit": 8,
    "after commit": 6,
    "during fan-out": 6,
    "during publication": 6,  # to the other processes
    "during compaction": 5,
    "during packing": 5,
    "during drain": 1,
    "during migration": 2,
}
SELDOM = ("during compaction", "during packing", "during drain", "during migration")  # not everybody comes by here


class Blow(NamedTuple):
    often: int  # compared with the others
    what: Mapping[str, int]  # what it hits, and how often
    seconds: Sequence[tuple[float, float]] = ()  # how long it lasts: between these, or those


class Arsenal(NamedTuple):
    """The names of blows are those of `Topology.strike`; every one has `kill` and `line`, one person's way to it."""

    blows: Mapping[str, Blow]
    points: Sequence[str]  # where a kill may wait for somebody
    at_points: Mapping[str, int]  # what is killed there: "worker" is the one that comes by
    anywhere: int  # how often it waits for nobody, compared with the points


SHORT = ((0.2, 3.0),)
LONG = (*SHORT * 6, (4.0, 8.0), (4.0, 8.0), (12.5, 14.0))  # also longer than others believe in somebody
LOCKED = ((0.1, 0.3), (0.8, 1.1), (2.4, 3.3), (8.8, 12.1))
STEPS = tuple((step, step) for step in (-0.5, -2.0, -60.0, -3600.0, -86400.0, 0.0, 30.0))
LINES = Blow(
    30, {"cut": 1, "throttle": 1, "half-open": 1, "delay": 1}, ((0.5, 5.0), (0.5, 5.0), (0.5, 5.0), (5.0, 12.0))
)

SQLITE = Arsenal(
    blows={
        "kill": Blow(72, {"server": 1, "worker": 4, "master": 1}),
        "freeze": Blow(6, {"server": 1, "worker": 1, "master": 1}, SHORT),
        "drain": Blow(4, {"master": 1}),
        "reload": Blow(2, {"master": 1}),
        "disk": Blow(4, {"file": 1, "pages": 1}, ((0.3, 3.0),)),
        "clock": Blow(4, {"worker 0": 1}, STEPS),
        "lock": Blow(4, {"database": 1}, LOCKED),
        "line": LINES,
    },
    points=[point for point in POINTS if point != "during publication"],
    at_points={"server": 1, "worker": 3},
    anywhere=12,
)

WORKERS = {"worker 0": 1, "worker 1": 1, "worker 2": 1}
CLUSTER = Arsenal(
    blows={
        "kill": Blow(
            130,
            dict.fromkeys(WORKERS, 5)
            | {"server": 1, "master": 1, "postgres": 3, "backend": 3, "redis": 3, "nginx": 2, "everything": 1},
        ),
        "outage": Blow(6, {"postgres": 2, "redis": 2, "nginx": 1}, ((0.5, 3.0), (3.0, 8.0))),
        "freeze": Blow(
            8, dict.fromkeys(WORKERS, 2) | {"server": 1, "master": 1, "postgres": 3, "redis": 3, "nginx": 1}, LONG
        ),
        "slow": Blow(3, {**WORKERS, "postgres": 1}, ((1.0, 6.0),)),
        "drain": Blow(5, dict.fromkeys(WORKERS, 2) | {"master": 1}),
        "reload": Blow(4, {"master": 1, "nginx": 1}),
        "restart": Blow(6, {"postgres fast": 2, "postgres immediate": 2, "redis": 1, "nginx": 1}),
        "cut off": Blow(5, {"postgres": 2, "redis": 1}),  # all their connections end
        "flush": Blow(2, {"redis": 1}),
        "full": Blow(3, {"redis": 1}, ((1.0, 6.0),)),
        "lock": Blow(3, {"notes": 1}, LOCKED),
        "clock": Blow(4, {"worker 1": 1}, STEPS),
        "line": LINES,
    },
    points=list(POINTS),
    at_points={"worker": 9, "server": 1, "postgres": 2, "redis": 1},
    anywhere=24,
)

ARSENALS: Mapping[str, Arsenal] = {"sqlite": SQLITE, "cluster": CLUSTER}
