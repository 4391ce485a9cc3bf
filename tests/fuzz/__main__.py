"""`python -m tests.fuzz [COUNT]`: a million hostile inputs and a thousand documents, or as many as are wanted.

What goes wrong is kept in tests/fuzz/corpus, where a test plays it again; the command that repeats it is printed.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fuzz.differential import compare
from tests.fuzz.frames import Frames
from tests.fuzz.meter import FACTOR, FLOOR, LONGEST
from tests.fuzz.reading import targets
from tests.fuzz.run import Fuzz, Progress, play, repeats
from tests.fuzz.server import Live
from tests.fuzz.updates import Updates
from tests.fuzz.web import Web
from tests.sync.test_gate_reopen import YJS
from tests.sync.writers import YjsProcess

EVERY = 10.0  # seconds between two lines


def say(line: str) -> None:
    print(line, flush=True)


def attack(count: int, seed: int, only: set[str]) -> bool:
    """Whether all went well."""
    makers: list[Callable[[], Any]] = [Updates, Frames, Web, Live]
    simple = {target.name: target for target in targets()}
    chosen = [make() for make in makers if not only or make.name in only]  # type: ignore[attr-defined]
    chosen += [target for name, target in simple.items() if not only or name in only]
    if not chosen:
        return True
    fuzz, began = Fuzz(chosen, seed), time.monotonic()
    try:
        fuzz.run(count, Progress(count, EVERY, say))
    finally:
        for target in chosen:
            target.close()
    say(f"{sum(tally.inputs for tally in fuzz.tallies.values()):,} inputs in {time.monotonic() - began:.0f} s")
    say("part        inputs        MiB   longest hold   most memory  a byte  failures")
    for target in chosen:
        tally = fuzz.tallies[target.name]
        cost = f"{tally.cost.held * 1000:11.2f} ms {tally.cost.memory >> 10:9,} KiB {tally.share:7.0f}"
        if not target.in_process:
            cost = f"{'-':>14} {'-':>13} {'-':>7}"
        size = tally.bytes / (1 << 20)
        say(f"{target.name:10} {tally.inputs:9,} {size:9.1f} {cost} {len(tally.failures):9}")
    for target in chosen:
        if isinstance(target, Updates):
            slowest, most = target.reader.slowest * 1000, target.reader.most >> 10
            say(f"of the updates {target.admitted:,} were admitted, {target.refused:,} refused")
            say(f"pycrdt took at most {slowest:.1f} ms and {most:,} KiB for one of the admitted")
        elif isinstance(target, Web):
            say(f"HTTP statuses: {dict(sorted(target.statuses.items()))}")
        elif isinstance(target, Live):
            say(f"in between the server answered within {target.slowest * 1000:.0f} ms, its worker is the same")
    failures = [path for tally in fuzz.tallies.values() for path in tally.failures]
    for path in failures:
        say(f"kept {path.name}; again with: {repeats(path)}")
    bounds = f"bounds: {LONGEST * 1000:.0f} ms; {FACTOR} bytes for each byte, or {FLOOR >> 20} MiB in all"
    say(f"{len(failures)} failures; {bounds}")
    return not failures


def differ(documents: int, seed: int) -> bool:
    if not (YJS / "node_modules/yjs").is_dir():
        say("Yjs is not installed in frontend/: nothing was compared")
        return False
    yjs, entries, began = YjsProcess(YJS), 0, time.monotonic()
    progress = Progress(documents, EVERY, lambda line: say(line.replace("inputs", "documents")))
    failures = 0
    try:
        for number in range(documents):
            try:
                entries += compare(yjs, seed + number)
            except AssertionError as error:
                failures += 1
                say(f"{error}\n again with: python -m tests.fuzz 0 --documents 1 --seed {seed + number}")
            progress(number + 1)
    finally:
        yjs.close()
    took = time.monotonic() - began
    say(f"{documents:,} documents of {entries:,} entries through Yrs and Yjs in {took:.0f} s: {failures} differences")
    return not failures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=1_000_000, help="hostile inputs (1,000,000)")
    parser.add_argument("--documents", type=int, default=1000, help="documents to compare in Yrs and Yjs (1,000)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31), help="repeats a run")
    parser.add_argument("--only", action="append", default=[], help="one part only, by its name; may be given again")
    parser.add_argument("--again", type=Path, help="play one file of the corpus")
    options = parser.parse_args()
    if options.again:
        name = options.again.parent.name
        target: Any = {"updates": Updates, "frames": Frames, "web": Web, "server": Live}.get(name)
        target = target() if target else {each.name: each for each in targets()}[name]
        try:
            say(str(play(target, options.again)))
        finally:
            target.close()
        return
    say(f"SEED={options.seed}")
    well = [attack(options.count, options.seed, set(options.only)) if options.count else True]
    if options.documents and not options.only:
        well.append(differ(options.documents, options.seed))
    sys.exit(0 if all(well) else 1)


if __name__ == "__main__":
    main()
