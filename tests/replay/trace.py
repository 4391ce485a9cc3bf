"""Recorded editing, keystroke by keystroke."""

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Patch(NamedTuple):
    position: int  # in Unicode code points
    deleted: int
    inserted: str


class Trace(NamedTuple):
    """What a text was at first, what was done to it, one keystroke after the other, and what it was at last."""

    start: str
    keystrokes: Sequence[Sequence[Patch]]
    end: str

    def first(self, count: int) -> "Trace":
        """Only so many keystrokes."""
        content = self.start
        for keystroke in self.keystrokes[:count]:
            content = apply(content, keystroke)
        return Trace(self.start, self.keystrokes[:count], content)


def apply(content: str, keystroke: Sequence[Patch]) -> str:
    for position, deleted, inserted in keystroke:
        content = content[:position] + inserted + content[position + deleted :]
    return content


def load(path: Path) -> Trace:
    """Read `{startContent, endContent, txns: [{patches: [[position, deleted, inserted]]}]}`, gzipped or not."""
    data = path.read_bytes()
    recorded = json.loads(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)
    keystrokes = [[Patch(*patch) for patch in txn["patches"]] for txn in recorded["txns"]]
    return Trace(recorded["startContent"], keystrokes, recorded["endContent"])


def generate(count: int, seed: int) -> Trace:
    """A trace of the same shape: typing, deleting, pasting, here and there at once, in several scripts."""
    chance = random.Random(seed)
    content = start = "# Heading\n"
    cursor = len(content)
    keystrokes: list[list[Patch]] = []
    for _ in range(count):
        keystroke = []
        if chance.random() < 0.05:
            cursor = chance.randrange(len(content) + 1)
        for _ in range(chance.choice((1, 1, 1, 1, 1, 1, 3))):
            cursor = min(cursor, len(content))
            what = chance.random()
            if what < 0.7:
                patch = Patch(cursor, 0, chance.choice("etaoin shrdlu\nüßé漢字🙂<&>\t"))
            elif what < 0.9:
                deleted = min(cursor, chance.choice((1, 1, 1, 7)))
                patch = Patch(cursor - deleted, deleted, "")
            else:
                patch = Patch(cursor, min(3, len(content) - cursor), "pasted text\n" * chance.randrange(1, 4))
            content = apply(content, [patch])
            cursor = patch.position + len(patch.inserted)
            keystroke.append(patch)
        keystrokes.append(keystroke)
    return Trace(start, keystrokes, content)
