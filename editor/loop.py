"""The loop that everything in a process shares: whoever works long lets others run."""

from collections.abc import Callable
from time import monotonic

import gevent

HELD = 0.002  # seconds that one piece of work has it for itself


def pause() -> None:
    """Let others do something; for work in pieces."""
    # Not sleep(0): gevent comes back from that before it looks at any socket, up to fifty times in a row.
    gevent.sleep(1e-6)


def paced() -> Callable[[], None]:
    """A pause for one piece of work, which may be called often: it lets others run when they have waited a while."""
    due = monotonic() + HELD

    def pause_if_due() -> None:
        nonlocal due
        if monotonic() >= due:
            pause()
            due = monotonic() + HELD

    return pause_if_due


def later(seconds: float, then: Callable[[], None]) -> object:
    """Call `then` in so many seconds."""
    return gevent.spawn_later(seconds, then)
