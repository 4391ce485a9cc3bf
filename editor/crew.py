"""Greenlets that stay for the next piece of work."""

from collections.abc import Callable

import gevent
from gevent import get_hub
from gevent.hub import Waiter

Piece = Callable[[], None]


class Crew:
    """Does pieces of work side by side.

    Its greenlets stay when they are done: for a new one the system maps memory and takes it back, and that takes longer
    than what a commit has to do.
    """

    def __init__(self) -> None:
        self._all: set[gevent.Greenlet[[Piece | None], None]] = set()
        self._idle: list[Waiter[Piece | None]] = []
        self._dismissed = False  # whoever is done goes

    def begin(self, work: Piece) -> None:
        """Have this done, from the loop's next turn on."""
        if self._idle:
            get_hub().loop.run_callback(self._idle.pop().switch, work)
        else:
            greenlet = gevent.spawn(self._stay, work)
            self._all.add(greenlet)
            greenlet.rawlink(self._all.discard)

    def join(self) -> None:
        """Wait until all is done, and what begins meanwhile. From now on greenlets end with their work."""
        self._dismissed = True
        while self._all:
            while self._idle:
                get_hub().loop.run_callback(self._idle.pop().switch, None)
            gevent.joinall(list(self._all))

    def _stay(self, work: Piece | None) -> None:
        while work is not None:
            work()
            if self._dismissed:
                return
            waiter: Waiter[Piece | None] = Waiter()
            self._idle.append(waiter)
            try:
                work = waiter.get()
            finally:
                if waiter in self._idle:  # somebody ended this greenlet
                    self._idle.remove(waiter)
