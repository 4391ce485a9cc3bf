"""What is attacked. A target makes cases; a case takes inputs one after the other.

An input is (user, bytes): two users attack. `take` raises nothing, whatever it is given; `end` looks back at it all.
"""

import random
from collections.abc import Callable, Iterator
from typing import Protocol

from tests.fuzz.meter import Meter

Input = tuple[int, bytes]


class Broke(AssertionError):
    """What should never happen: what it was."""


class Case(Protocol):
    def inputs(self, dice: random.Random) -> Iterator[Input]:
        """What to give it. It is given before the next is drawn, which may depend on what became of it."""

    def take(self, user: int, data: bytes) -> None: ...

    def end(self) -> None: ...


class Target(Protocol):
    name: str
    share: float  # of all inputs
    in_process: bool  # whether what it costs can be measured from here

    def case(self, meter: Meter) -> Case: ...

    def close(self) -> None: ...


class Reading:
    """A case without a past: some bytes, honest ones mutated and others built to hurt, and one function."""

    def __init__(self, read: Callable[[int, bytes], None], make: Callable[[random.Random], bytes]) -> None:
        self._read = read
        self._make = make

    def inputs(self, dice: random.Random) -> Iterator[Input]:
        for _ in range(100):
            yield dice.randrange(1, 3), self._make(dice)

    def take(self, user: int, data: bytes) -> None:
        self._read(user, data)

    def end(self) -> None:
        pass
