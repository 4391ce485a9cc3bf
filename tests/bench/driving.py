"""The load driver as a program: Node, on a core of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench import machine
from tests.bench.install import HERE, node
from tests.bench.servers import Contender

LONGEST = 600.0  # seconds

Measured = dict[str, Any]  # what the driver found; its own files say what the names mean


class Driver(NamedTuple):
    """Where Node is, and the driver's folder, which finds its packages in one of the folders above it."""

    node: str
    folder: Path


def installed() -> Driver:
    """The driver with what `tests.bench.install` has brought."""
    return Driver(node(), HERE / "driver")


def drive(driver: Driver, server: Contender, job: dict[str, Any], viewers: bool = False) -> Measured:
    """Put a job on a running server. `viewers`: who reads may not write. Raises RuntimeError, which says why."""
    people = job.get("writers", 0) + job.get("readers", job.get("people", 0))
    notes = server.notes(job["documents"], people, viewers)
    whole = {
        **job,
        "adapter": str(driver.folder / "adapters" / f"{server.adapter}.mjs"),
        "urls": server.urls,
        "pids": server.pids,
        "beside": server.beside,
        "scattered": server.scattered,
        "documents": notes.documents,
        "cookies": {"writers": notes.writers, "readers": notes.readers},
    }
    with machine.on(machine.DRIVER):
        done = subprocess.run(
            [driver.node, driver.folder / "main.mjs"],
            input=json.dumps(whole),
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the driver failed:\n{done.stderr[-2000:]}")
    measured: Measured = json.loads(done.stdout)
    return measured
