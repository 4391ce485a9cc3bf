"""What an input costs: the longest time for which nobody else could run, and the most memory that it took."""

import gc
import time
import tracemalloc
from collections.abc import Callable
from typing import NamedTuple

LONGEST = 0.005  # seconds of this thread's time between two pauses
FACTOR = 8  # bytes of memory for each byte that came,
FLOOR = 10 << 20  # or so many: the gate holds at most 20,000 structs at once, about 400 bytes each


class Cost(NamedTuple):
    held: float = 0.0  # seconds, the longest stretch between two pauses
    memory: int = 0  # bytes that Python allocated at the most, beyond what there was

    def most(self, other: "Cost") -> "Cost":
        return Cost(max(self.held, other.held), max(self.memory, other.memory))


class Meter:
    """`pause` is given to what is measured. Time is the thread's own, so that other processes do not count; nor does
    the collection of garbage, which is held back meanwhile. Memory is what Python's allocator hands out."""

    def __init__(self) -> None:
        self._since = 0.0
        self._longest = 0.0

    def pause(self) -> None:
        now = time.thread_time()
        self._longest = max(self._longest, now - self._since)
        self._since = time.thread_time()

    def time(self, work: Callable[[], object]) -> float:
        gc.disable()
        self._longest, self._since = 0.0, time.thread_time()
        try:
            work()
        finally:
            self.pause()
            gc.enable()
        return self._longest

    def cost(self, work: Callable[[], object]) -> Cost:
        """Both. While memory is traced everything is slower: a time that is too long must be measured again."""
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        held = self.time(work)
        _, peak = tracemalloc.get_traced_memory()
        return Cost(held, peak - before)


def allowed(size: int) -> int:
    """How much memory an input of so many bytes may take."""
    return max(FACTOR * size, FLOOR)
