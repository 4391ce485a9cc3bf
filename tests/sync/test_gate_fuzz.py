"""Honest updates, mutated: nothing but Refused is raised, and what is admitted does pycrdt no harm.

A document is written by honest people, and between their updates come mutations of them. What the gate admits is
applied to pycrdt in a process of its own, which must live, raise nothing, be quick and end at the gate's clocks.
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from sync.gate import TEXT, XML_FRAGMENT, Gate, Refused
from tests.sync.writers import YrsWriter

ROOTS = {"body": XML_FRAGMENT, "title": TEXT}
SECONDS = float(os.environ.get("SECONDS", "4"))
INFOS = b"\x84\xc4\x44\x27\x87\x81\x86\xa8\x88\x00\x0a\x04\x07"

APPLY = """
import json, sys, time
from pycrdt import Doc, Text, XmlFragment
from sync.codec import state_vector
for line in sys.stdin:
    print(line[:2000], file=sys.stderr, flush=True)
    doc = Doc()
    title, body = doc.get("title", type=Text), doc.get("body", type=XmlFragment)
    for update, clocks in json.loads(line):
        start = time.process_time()
        doc.apply_update(bytes.fromhex(update))
        assert time.process_time() - start < 1, update
        assert {str(k): v for k, v in state_vector(doc.get_state()).items()} == clocks, (update, clocks)
    str(title), str(body)
    again = Doc()
    again.apply_update(doc.get_update())
    assert state_vector(again.get_state()) == state_vector(doc.get_state())
    print("fine", flush=True)
"""


def mutate(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(out)) if out else 0
        roll = rng.randrange(8)
        if roll == 0:
            out[at : at + 1] = rng.randbytes(1)
        elif roll == 1 and out:
            out[at] ^= 1 << rng.randrange(8)
        elif roll == 2:
            out[at:at] = rng.choice((rng.randbytes(1), b"\xff" * 5, b"\x80\0", b"\x80\x80\x80\x80\x10", b"\0", b"\1"))
        elif roll == 3:
            del out[at : at + rng.choice((1, 2, 5))]
        elif roll == 4:
            other = rng.randrange(len(out) + 1)
            out[at:at] = out[min(at, other) : max(at, other)][:40]
        elif roll == 5 and out:
            out[at] = (out[at] + rng.choice((1, -1))) & 255
        elif roll == 6:
            out[at : at + 1] = bytes([rng.choice(INFOS)])
        elif roll == 7 and out:
            out[at] = rng.randrange(8)
    return bytes(out)


def admit(gate: Gate, user_id: int, data: bytes) -> bytes | None:
    """What is new in it, b"" for nothing, None if it was refused."""
    before = (dict(gate.clocks), dict(gate.owners))
    try:
        news = gate.admit(user_id, data)
    except Refused as refusal:
        message = str(refusal)
    else:
        return b"" if news is None else news.update
    assert (gate.clocks, gate.owners) == before
    assert "expected" in message
    return None


def hostile_document(rng: random.Random) -> tuple[list[tuple[str, dict[int, int]]], int]:
    """What a gate admitted (in hex), with its clocks after each, and how much it refused."""
    gate = Gate(ROOTS, {})
    log: list[bytes] = []
    admitted: list[tuple[str, dict[int, int]]] = []
    refused = 0

    def newcomer(user_id: int) -> YrsWriter:
        writer = YrsWriter(rng, rng.randrange(1, 2 ** rng.choice((8, 32, 53))), user_id)
        for update in log:
            writer.hear(update)
        return writer

    writers = [newcomer(1), newcomer(2)]
    for _ in range(rng.choice((3, 8, 15))):
        writer = rng.choice(writers)
        writer.edit()
        for honest in writer.take():
            for data in [*[mutate(rng, honest) for _ in range(12)], honest]:
                news = admit(gate, writer.user_id, data)
                if news is None:
                    refused += 1
                if not news:
                    continue
                log.append(news)
                admitted.append((news.hex(), dict(gate.clocks)))
                for other in writers:
                    if other is not writer:
                        other.hear(news)
                if data is not honest:  # the document has another text of theirs than they have: they begin afresh
                    writers[writers.index(writer)] = newcomer(writer.user_id)
                    break
            else:
                continue
            break
    return admitted, refused


def test_mutations_of_honest_updates() -> None:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"again with SEED={seed}")
    rng = random.Random(seed)
    end = time.monotonic() + SECONDS
    documents: list[list[tuple[str, dict[int, int]]]] = []
    refused = 0
    while time.monotonic() < end:
        admitted, no = hostile_document(rng)
        documents.append(admitted)
        refused += no
    lines = "\n".join(json.dumps(document) for document in documents)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", APPLY], input=lines, capture_output=True, text=True, timeout=120, cwd=root, check=False
    )
    print(f"{sum(map(len, documents))} admitted, {refused} refused")
    assert done.stdout.split() == ["fine"] * len(documents), done.stderr[-4000:]
    assert refused > len(documents)
