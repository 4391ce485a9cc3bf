"""`python -m tests.bench.parts`: how fast parts of Palimpsest are. Each can be run alone, with options: `--help` tells.

These machines are shared: compare numbers of one run with each other, or with those of a run right before.
"""

import runpy
import sys

PARTS = {
    "tests.bench.latency": "Two people type: how long until an edit is saved, and seen",
    "tests.bench.store": "Commits of the log, SQLite with synchronous=FULL",
    "tests.bench.storm": "A thousand tabs come back at once while somebody types",
    "tests.bench.gate": "The gate beside pycrdt",
}


def main() -> None:
    for module, title in PARTS.items():
        print(f"\n{title} (python -m {module})", flush=True)
        sys.argv = [module]
        runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main()
