"""The load driver as a program: Node, on a core of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.bench import machine
from tests.bench.install import HERE, node
from tests.bench.servers import ADAPTERS, Contender

MAIN = HERE / "driver" / "main.mjs"
LONGEST = 600.0  # seconds

Measured = dict[str, Any]  # what the driver found; its own files say what the names mean


def drive(server: Contender, job: dict[str, Any], viewers: bool = False, adapter: Path | None = None) -> Measured:
    """Put a job on a running server. `viewers`: who reads may not write. Raises RuntimeError, which says why."""
    people = job.get("writers", 0) + job.get("readers", job.get("people", 0))
    notes = server.notes(job["documents"], people, viewers)
    whole = {
        **job,
        "adapter": str(adapter or ADAPTERS / f"{server.adapter}.mjs"),
        "url": server.url,
        "pids": server.pids,
        "documents": notes.documents,
        "cookies": {"writers": notes.writers, "readers": notes.readers},
    }
    with machine.on(machine.DRIVER):
        done = subprocess.run(
            [node(), MAIN], input=json.dumps(whole), capture_output=True, text=True, timeout=LONGEST, check=False
        )
    if done.returncode:
        raise RuntimeError(f"the driver failed:\n{done.stderr[-2000:]}")
    measured: Measured = json.loads(done.stdout)
    return measured
