"""`python -m tests.fuzz.reader`: applies to pycrdt what the gate admitted, and says what that costs.

In: a line of JSON for each document, [[update in hex, the gate's clocks after it], ...]. Out: a line of JSON for each,
{"slowest": seconds, "most": bytes} or {"error": what}. Memory is the growth of the process's peak (Linux: VmHWM, set
back before each update), where malloc gives large pieces back at once: it counts what is native as well, in pages.
"""

import json
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from pycrdt import Doc, Text, XmlFragment

from sync.codec import state_vector

SECONDS = 1.0  # for one update
PATIENCE = 20  # seconds for a document
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def resident(which: str) -> int:
    """Bytes, VmRSS or VmHWM."""
    for line in STATUS.read_text().splitlines():
        if line.startswith(which):
            return int(line.split()[1]) << 10
    raise RuntimeError(f"expected {which} in {STATUS}")


def read(updates: list[tuple[str, dict[str, int]]]) -> dict[str, Any]:
    doc: Doc[Any] = Doc()
    title, body = doc.get("title", type=Text), doc.get("body", type=XmlFragment)
    slowest, most = 0.0, 0
    for number, (update, clocks) in enumerate(updates):
        data = bytes.fromhex(update)
        measure = CLEAR.exists() and (len(data) > 2000 or number == 0)
        if measure:
            CLEAR.write_text("5")
            before = resident("VmRSS")
        start = time.thread_time()
        doc.apply_update(data)
        took = time.thread_time() - start
        if measure:
            most = max(most, resident("VmHWM") - before)
        slowest = max(slowest, took)
        if took > SECONDS:
            return {"error": f"update {number} took {took:.1f} s"}
        found = {str(client): clock for client, clock in state_vector(doc.get_state()).items()}
        if found != clocks:
            return {"error": f"update {number}: expected clocks {clocks}, got {found}"}
    str(title), str(body)
    again: Doc[Any] = Doc()
    again.apply_update(doc.get_update())
    if state_vector(again.get_state()) != state_vector(doc.get_state()):
        return {"error": "a state that was encoded has other clocks"}
    return {"slowest": slowest, "most": most}


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        signal.alarm(PATIENCE)  # ends the process, also where it is in native code
        try:
            answer = read(json.loads(line))
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
