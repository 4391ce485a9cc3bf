"""Work on native threads, for what would hold the loop up."""

import logging
from _queue import SimpleQueue  # the one below gevent's, which puts the thread to sleep and not a greenlet
from collections import deque
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from gevent import get_hub
from gevent.hub import Waiter
from gevent.monkey import get_original
from gevent.threadpool import ThreadPool

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


def run(pool: ThreadPool, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `function` returns or raises on a thread of the pool. Others run meanwhile.

    An exception comes back as a value and is raised here. gevent would first print it in the hub, for each refusal that
    is expected; and if it cannot be printed (the log is on the disk that is full) it never wakes the one who waits.
    """
    failed: list[BaseException] = []

    def attempt() -> T | None:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            failed.append(error)
            return None

    result = pool.apply(attempt)
    if failed:
        raise failed.pop()
    return cast(T, result)


class Worker:
    """One native thread, begun with its first work, which does one thing after the other.

    As `run` on a pool of one thread, at a quarter of the cost: a commit of the log is one handing over and back.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] | None = None
        self._outcomes: deque[tuple[Callable[[Any], None], object]] = deque()  # who is to be told, and what

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function` returns or raises on the thread. Others run meanwhile."""
        waiter: Waiter[T] = Waiter()

        def work() -> None:
            try:
                value = function(*args, **kwargs)
            except BaseException as error:
                self._outcomes.append((waiter.throw, error))
            else:
                self._outcomes.append((waiter.switch, value))

        self.later(work)
        return waiter.get()

    def later(self, function: Callable[[], None]) -> None:
        """Do this when there is nothing else to do before it. Nobody waits: what it raises is only reported."""
        if self._work is None:
            self._work = SimpleQueue()
            watcher = get_hub().loop.async_()
            watcher.start(self._tell)
            get_original("_thread", "start_new_thread")(self._go_on, (self._work, watcher.send))
        self._work.put(function)

    def end(self) -> None:
        """End the thread after all that it was given. What still comes has another one."""
        if self._work is not None:
            self._work.put(None)
            self._work = None

    def _go_on(self, work: "SimpleQueue[Callable[[], None] | None]", wake: Callable[[], None]) -> None:
        while (function := work.get()) is not None:
            try:
                function()
            except Exception:
                # Whatever is wrong with this: the thread is the only one that writes what people type.
                logger.exception("what nobody waited for was not done")
            wake()

    def _tell(self) -> None:
        while self._outcomes:
            tell, outcome = self._outcomes.popleft()
            tell(outcome)
