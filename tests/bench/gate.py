"""What the gate costs. Usage: python -m tests.bench.gate

Prints nanoseconds per keystroke on the fast and on the full path, microseconds for larger updates, and how long it
takes to replay the state of a document of 260,000 operations, as a room does when it opens.
"""

import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pycrdt import Doc, XmlFragment

from sync.codec import uint_bytes, var_bytes
from sync.gate import TEXT, XML_FRAGMENT, Gate

ROOTS = {"body": XML_FRAGMENT, "title": TEXT}
CLIENT = 3_921_544_321
OPERATIONS = 260_000


def text() -> bytes:
    """An update that makes a paragraph of 5,000 letters: clocks 2 to 5,001."""
    own = uint_bytes(CLIENT)
    paragraph = b"\x07\1" + var_bytes(b"body") + b"\3" + var_bytes(b"paragraph")
    letters = b"\x07\0" + own + b"\0\6" + b"\x04\0" + own + b"\1" + var_bytes(b"x" * 5000)
    return b"\1\3" + own + b"\0" + paragraph + letters + b"\0"


def gate_with_text() -> Gate:
    gate = Gate(ROOTS, {})
    gate.admit(1, text())
    return gate


def keystroke(clock: int, origin: int, text: bytes, right: int | None) -> bytes:
    own = uint_bytes(CLIENT)
    head = b"\1\1" + own + uint_bytes(clock) + (b"\x84" if right is None else b"\xc4") + own + uint_bytes(origin)
    return head + (b"" if right is None else own + uint_bytes(right)) + var_bytes(text) + b"\0"


def typing(text: str, inside: bool) -> list[bytes]:
    """One place in the text, typed at."""
    width = len(text.encode("utf-16-le")) // 2
    updates, clock, origin = [], 5002, 100
    for _ in range(20_000):
        updates.append(keystroke(clock, origin, text.encode(), 101 if inside else None))
        origin = clock + width - 1
        clock += width
    return updates


def jumping() -> list[bytes]:
    """Each keystroke at another place, as when several people's text is between: never the fast path."""
    return [keystroke(5002 + n, (n * 7) % 5000 + 2, b"a", None) for n in range(20_000)]


def seconds(work: Callable[[Gate], object], times: int = 3) -> float:
    best = float("inf")
    for _ in range(times):
        gate = gate_with_text()
        start = time.perf_counter()
        work(gate)
        best = min(best, time.perf_counter() - start)
    return best


def admit_all(updates: Sequence[bytes]) -> Callable[[Gate], object]:
    return lambda gate: [gate.admit(1, update) for update in updates]


def replay(snapshot: bytes, _: Gate) -> None:
    Gate(ROOTS, {}).replay(snapshot)


def state(operations: int, clients: int) -> bytes:
    """A document that people wrote in bursts at random places, and deleted every fourth letter of, as pycrdt has it."""
    rng = random.Random(1)
    doc: Doc[Any] = Doc()
    doc.get("body", type=XmlFragment)
    written: list[tuple[int, int]] = []  # (client, how much)
    text = uint_bytes(1) + uint_bytes(0)
    doc.apply_update(b"\1\1" + text + b"\7\1" + var_bytes(b"body") + b"\6\0")
    for client in range(2, 2 + clients):
        structs, deletes, clock = [b"\4\0" + text + var_bytes(b"x")], [], 1
        while clock < operations * 4 // 5 // clients:
            burst = rng.randrange(1, 30)
            origin = rng.choice(written) if written and rng.random() < 0.3 else (client, clock)
            place = uint_bytes(origin[0]) + uint_bytes(rng.randrange(origin[1]))
            structs.append(b"\x84" + place + var_bytes(b"x" * burst))
            if rng.random() < 0.75:
                deletes.append(uint_bytes(clock) + uint_bytes(max(1, burst // 3)))
            clock += burst
        own = uint_bytes(client)
        update = b"\1" + uint_bytes(len(structs)) + own + b"\0" + b"".join(structs)
        doc.apply_update(update + b"\1" + own + uint_bytes(len(deletes)) + b"".join(deletes))
        written.append((client, clock))
    return doc.get_update()


def main() -> None:
    for letter, name in (("a", "a"), ("é", "é"), ("😀", "emoji")):
        for inside in (False, True):
            updates = typing(letter, inside)
            path = "full" if name == "emoji" else "fast"
            where = "inside" if inside else "at the end"
            print(f"keystroke {name:6} {where:11} {path}: {seconds(admit_all(updates)) / len(updates) * 1e9:8.0f} ns")
    updates = jumping()
    print(f"keystroke a      anywhere    full: {seconds(admit_all(updates)) / len(updates) * 1e9:8.0f} ns")
    backspace = [b"\0\1" + uint_bytes(CLIENT) + b"\1" + uint_bytes(5001 - n) + b"\1" for n in range(4000)]
    print(f"backspace                    full: {seconds(admit_all(backspace)) / len(backspace) * 1e9:8.0f} ns")
    paste = keystroke(5002, 100, b"a" * ((1 << 20) - 100), 101)
    print(f"1 MiB of text in one string      : {seconds(admit_all([paste])) * 1e6:8.0f} us")
    own = uint_bytes(CLIENT)
    tiny = b"".join(b"\x86" + own + uint_bytes(k - 1) + b"\1b\1" + b"12"[k & 1 :][:1] for k in range(5002, 25_002))
    worst = b"\1" + uint_bytes(20_000) + own + uint_bytes(5002) + tiny + b"\0"
    print(f"20,000 structs                   : {seconds(admit_all([worst])) * 1e6:8.0f} us")
    for clients in (1, 20):
        snapshot = state(OPERATIONS, clients)
        best = seconds(partial(replay, snapshot))
        doc: Doc[Any] = Doc()
        start = time.perf_counter()
        doc.apply_update(snapshot)
        applied = time.perf_counter() - start
        size = len(snapshot) / 1024
        print(
            f"replay {OPERATIONS:,} operations of {clients:2}: {best * 1e3:6.0f} ms"
            f" ({size:.0f} KiB; pycrdt takes {applied * 1e3:.0f} ms)"
        )


if __name__ == "__main__":
    main()
