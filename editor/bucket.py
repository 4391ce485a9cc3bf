"""How often somebody may do something."""

import time
from collections.abc import Callable


class Bucket:
    """A token bucket: `rate` a second in the long run, `burst` at once."""

    def __init__(self, rate: float, burst: float, now: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._now = rate, burst, now
        self._left, self._then = burst, now()

    @property
    def full(self) -> bool:
        """Whether it is as if nobody had ever taken anything."""
        return self._left + (self._now() - self._then) * self._rate >= self._burst

    def take(self) -> float:
        """Take one. Returns 0.0, or for how many seconds to wait when there is none."""
        now = self._now()
        self._left = min(self._burst, self._left + (now - self._then) * self._rate)
        self._then = now
        if self._left < 1:
            return (1 - self._left) / self._rate
        self._left -= 1
        return 0.0
