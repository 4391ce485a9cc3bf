"""Work on native threads, for what would hold the loop up."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from gevent.threadpool import ThreadPool

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
