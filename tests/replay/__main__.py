"""`python -m tests.replay [TRACE]`: type a recorded session through a real server that is killed on the way."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.replay.session import Replay
from tests.replay.trace import generate, load


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.replay", description=__doc__)
    parser.add_argument(
        "trace", type=Path, nargs="?", help="a recorded session; without one, 2,000 keystrokes are generated"
    )
    parser.add_argument("--txns", type=int, help="only so many keystrokes of it")
    parser.add_argument("--kills", type=int, default=5, help="how often the server is killed (5)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="replays one run")
    options = parser.parse_args()

    trace = load(options.trace) if options.trace else generate(options.txns or 2000, options.seed)
    if options.txns:
        trace = trace.first(options.txns)
    print(f"{len(trace.keystrokes):,} keystrokes, {len(trace.end):,} characters in the end; --seed {options.seed}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as data:
        try:
            Replay(trace, Path(data), options.kills, options.seed, lambda line: print(line, flush=True)).run()
        except AssertionError as error:
            sys.exit(f"failed: {error}")
    print(f"Everybody, the database and the page have it exactly. {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
