"""`make nemesis`: people write on a real server while it is killed, frozen, starved and cut off."""

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.nemesis.arsenal import ARSENALS
from tests.nemesis.plan import NOTES, PEOPLE, Plan, draw
from tests.nemesis.run import Run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.nemesis", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it strikes (60)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="draws the same plan again")
    parser.add_argument("--topology", choices=ARSENALS, default="sqlite")
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--notes", type=int, default=NOTES)
    parser.add_argument("--plan", type=Path, help="carry out this one, instead of drawing one")
    options = parser.parse_args()

    try:
        plan = Plan.load(options.plan) if options.plan else draw(
            options.seed, options.seconds, options.topology, options.people, options.notes
        )
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    folder = Path(tempfile.mkdtemp(prefix="palimpsest-nemesis-"))
    saved = options.plan or folder / "plan.jsonl"
    if not options.plan:
        plan.save(saved)
    print(f"{plan.topology}, seed {plan.seed}: {plan.seconds:g} s, {plan.people} people, {plan.notes} notes")
    print(f"The plan is {saved}")
    report = Run(plan, folder, lambda line: print(line, flush=True)).run()
    print(f"\n{report}\n")
    if report.failures:
        print("\n".join(report.failures))
        sys.exit(f"\nfailed; the database and the server's log are in {folder}\nagain: make nemesis PLAN={saved}")
    shutil.rmtree(folder)
    print("Nothing was lost, nobody saw what was not kept, and everybody, the log and Yjs agree.")


if __name__ == "__main__":
    main()
