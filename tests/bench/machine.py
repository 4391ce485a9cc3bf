"""Where servers and driver run: each on a core of its own, so that neither takes from the other."""

import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0))
ALL = frozenset(CORES)
SERVER = frozenset(CORES[:1])
DRIVER = frozenset(CORES[1:2] or CORES)


@contextmanager
def on(cores: frozenset[int]) -> Iterator[None]:
    """What is started in here runs on these cores only, with all that it starts."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_connections() -> None:
    """A thousand connections and more are open at once, in each process."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def described() -> dict[str, object]:
    """What the numbers belong to."""
    models = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": models[0] if models else os.uname().machine,
        "cores": len(CORES),
        "server on": sorted(SERVER),
        "driver on": sorted(DRIVER),
        "kernel": os.uname().release,
    }
