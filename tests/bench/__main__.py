"""`make bench`: how fast Palimpsest is beside other servers of its kind, and by several processes, on this machine.

docs/performance.md tells how to read it. Parts of Palimpsest alone: `python -m tests.bench.parts`.
"""

import argparse
import json
import random
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.bench import machine, table
from tests.bench.comparing import Contenders, rounds
from tests.bench.scenarios import SCENARIOS
from tests.bench.servers import BASE, LIMITS, OURS, SERVERS
from tests.bench.table import Result
from tests.bench.workers import ONE, WORKERS

OUTPUT = Path(".cache/bench.json")
QUICK = 240.0  # seconds after which nothing is begun if it is to be quick
LEGEND = "* others used the machine as well, ! the driver was at its limit"


class Part(NamedTuple):
    """Scenarios that the same servers do. The ratios are to `base`."""

    scenarios: list[str]
    contenders: Contenders
    base: str


def parts(scenarios: Iterable[str], servers: Iterable[str]) -> list[Part]:
    """Everything that is to be done."""
    by = {who: [name for name in scenarios if SCENARIOS[name].by == who] for who in ("all", "ours", "workers")}
    chosen = {name: SERVERS[name] for name in servers}
    ours: Contenders = {OURS: SERVERS[OURS]} if OURS in chosen else {}
    found = [Part(by["all"], chosen, BASE), Part(by["ours"], ours, OURS)]
    if OURS in chosen:
        found.append(Part(by["workers"], WORKERS, ONE))
    return [part for part in found if part.scenarios and part.contenders]


def main() -> None:
    options = arguments()
    print(f"Durability, permissions and checks as they come; for the load: {settings()}")
    print(f"{', '.join(options.scenarios)}, {options.rounds} times; --seed {options.seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # which ends the servers, too
    until = time.monotonic() + QUICK if options.quick else float("inf")
    machine.allow_connections()
    results: list[Result] = []
    tables: list[list[list[str]]] = []
    for part in parts(options.scenarios, options.servers):
        scenarios = {name: SCENARIOS[name] for name in part.scenarios}
        more = {"until": until, "trace": options.trace}
        done = list(rounds(scenarios, part.contenders, options.rounds, options.quick, options.seed, **more))
        tables.append(table.rows(done, list(part.contenders), part.base))
        print(f"\n{table.aligned(tables[-1])}\n")
        for name in part.scenarios:
            print(f"{name:4} {SCENARIOS[name].title}")
        print(f"median [least-most] xratio to {part.base} in the same round; {LEGEND}\n")
        results += done
    write(options, results, tables)
    if wrong := table.troubles([each for each in results if each.server == OURS or each.server in WORKERS]):
        raise SystemExit("\n".join(["not as it should be:", *wrong]))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--scenarios", help=f"some of {','.join(SCENARIOS)}")
    parser.add_argument("--servers", help=f"some of {','.join(SERVERS)}")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true", help="in five minutes: one round beside Hocuspocus alone")
    parser.add_argument("--trace", help="a recorded session for S5 (.json or .json.gz); else it is made of the seed")
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"where the JSON goes ({OUTPUT})")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    wanted = [name for name, each in SCENARIOS.items() if not options.quick or each.by != "workers"]
    options.scenarios = options.scenarios or ",".join(wanted)
    options.servers = options.servers or (f"{OURS},{BASE}" if options.quick else ",".join(SERVERS))
    for name, known in (("scenarios", SCENARIOS), ("servers", SERVERS)):
        chosen = getattr(options, name).split(",")
        if unknown := [each for each in chosen if each not in known]:
            parser.error(f"--{name}: expected some of {','.join(known)}, got {','.join(unknown)}")
        setattr(options, name, chosen)
    return options


def settings() -> str:
    return " ".join(f"PALIMPSEST_{name}={value}" for name, value in LIMITS.items())


def write(options: argparse.Namespace, results: list[Result], tables: list[list[list[str]]]) -> None:
    """All that was measured, as JSON."""
    content = {
        "machine": machine.described(),
        "settings": LIMITS,
        "seed": options.seed,
        "quick": options.quick,
        "results": [each._asdict() for each in results],
        "tables": tables,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(content, indent=1))
    print(f"all of it: {options.output}")


if __name__ == "__main__":
    main()
