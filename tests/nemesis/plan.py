"""A plan: what happens when. It is drawn from a seed, and is data: it can be saved, shortened by hand and played again.

A file of lines of JSON: the first says for how long, with how many people and notes; each other one is a step.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.nemesis.arsenal import ARSENALS, POINTS, SELDOM, Arsenal

PEOPLE, NOTES = 12, 3
ACTS_A_SECOND = 2.5  # of each person
BLOW_EVERY = 0.95  # seconds, on average
CALM_EVERY, CALM = 50.0, 8.0  # seconds: what only comes about in peace comes about as well

NEMESIS = -1  # who does a step; people are 0, 1, 2...

WORDS = ("a", "of", "hello ", "naïve ", "日本語", "😀", "x😀y", "lorem ipsum dolor ", "👩‍👩‍👧", "e", "n", " ")
MARKS = ("bold", "italic", "strike", "highlight")

# What people do, and how often compared with each other.
ACTS: Mapping[str, int] = {
    "type": 30,  # into the title
    "delete": 12,
    "paste": 2,
    "write": 12,  # a paragraph, with a mark of its own that must be found in the end
    "add": 16,  # words to a paragraph
    "format": 5,
    "cross out": 3,  # a paragraph
    "undo": 6,
    "place": 6,  # the caret
    "again": 2,  # send what was sent before
    "away": 2,  # offline for a while
    "reload": 2,  # the page, with what the device has kept
    "fresh": 1,  # the page, on a device that has nothing, once all is saved
}


@dataclass(frozen=True)
class Step:
    at: float  # seconds after the beginning
    who: int
    do: str
    how: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    seed: int
    seconds: float
    people: int
    notes: int
    topology: str
    steps: Sequence[Step]

    def of(self, who: int) -> list[Step]:
        return [step for step in self.steps if step.who == who]

    def save(self, path: Path) -> None:
        head = {name: getattr(self, name) for name in ("seed", "seconds", "people", "notes", "topology")}
        lines = [{"at": step.at, "who": step.who, "do": step.do, **step.how} for step in self.steps]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in [head, *lines]))

    @classmethod
    def load(cls, path: Path) -> "Plan":
        """Raises ValueError."""
        try:
            head, *lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
            if head["topology"] not in ARSENALS:
                raise ValueError(f"expected one of the topologies {', '.join(ARSENALS)}, not {head['topology']!r}")
            steps = [Step(line.pop("at"), line.pop("who"), line.pop("do"), line) for line in lines]
            return cls(**head, steps=steps)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}: expected a plan as `make nemesis` saves it: {error}") from error


def draw(seed: int, seconds: float, topology: str, people: int = PEOPLE, notes: int = NOTES) -> Plan:
    dice = random.Random(seed)
    steps = [step for person in range(people) for step in _acts(dice, person, seconds)]
    steps += _blows(dice, ARSENALS[topology], seconds, people)
    return Plan(seed, seconds, people, notes, topology, sorted(steps, key=lambda step: step.at))


def _acts(dice: random.Random, person: int, seconds: float) -> Iterator[Step]:
    at = dice.uniform(0, 2)
    number = 0
    while at < seconds:
        number += 1
        do = dice.choices(list(ACTS), list(ACTS.values()))[0]
        yield Step(round(at, 3), person, do, _how(dice, person, number, do))
        # In bursts, as people do.
        at += dice.expovariate(5 * ACTS_A_SECOND) if dice.random() < 0.75 else dice.expovariate(ACTS_A_SECOND / 3.4)


def _how(dice: random.Random, person: int, number: int, do: str) -> dict[str, Any]:
    """Places are parts of the whole, from 0 to 1: the text may be any when its time comes."""
    where = round(dice.random(), 4)
    match do:
        case "type":
            return {"where": where, "words": dice.choice(WORDS)}
        case "delete":
            return {"where": where, "length": dice.choice((1, 1, 1, 3, 9, 40))}
        case "paste":
            return {"where": where, "words": dice.choice(WORDS), "times": dice.choice((20, 200, 2000))}
        case "write":
            words = "".join(dice.choices(WORDS, k=dice.randrange(1, 6)))
            return {"where": where, "mark": f"⟦{person}.{number}⟧", "words": words}
        case "add":
            bold = dice.choice([None, None, *MARKS])
            return {"where": where, "end": dice.random() < 0.5, "words": dice.choice(WORDS), "format": bold}
        case "format":
            first = round(dice.random(), 4)
            return {"where": where, "from": first, "name": dice.choice(MARKS), "on": dice.random() < 0.7}
        case "away":
            return {"seconds": round(dice.expovariate(1 / 3), 2)}
        case "cross out" | "again":
            return {"where": where}
    return {}


def _blows(dice: random.Random, arsenal: Arsenal, seconds: float, people: int) -> Iterator[Step]:
    at, calm = 1.5, CALM_EVERY
    often = [blow.often for blow in arsenal.blows.values()]
    while at < seconds:
        do = dice.choices(list(arsenal.blows), often)[0]
        yield Step(round(at, 3), NEMESIS, do, _blow(dice, arsenal, do, people))
        at += BLOW_EVERY * dice.uniform(0.4, 1.6)
        if at > calm:
            at, calm = at + CALM, calm + CALM_EVERY


def _blow(dice: random.Random, arsenal: Arsenal, do: str, people: int) -> dict[str, Any]:
    if do == "kill":
        point = dice.choices(["", *arsenal.points], [arsenal.anywhere, *map(POINTS.__getitem__, arsenal.points)])[0]
        if point:
            what = _one(dice, arsenal.at_points)
            return {"what": what, "point": point, "times": 0 if point in SELDOM else dice.choice((0, 0, 1, 2, 5))}
    blow = arsenal.blows[do]
    how: dict[str, Any] = {"what": _one(dice, blow.what)}
    if blow.seconds:
        how["seconds"] = round(dice.uniform(*dice.choice(blow.seconds)), 2)
    if do == "line":
        how["person"] = dice.randrange(people)
    return how


def _one(dice: random.Random, often: Mapping[str, int]) -> str:
    return dice.choices(list(often), list(often.values()))[0]
