"""`make bench`: how fast Palimpsest is beside other servers of its kind, on this machine. docs/performance.md tells how
to read it.

In each round each scenario is done by one server after the other, each new and with nothing in it: what the machine
does meanwhile concerns them all. Parts of Palimpsest alone: `python -m tests.bench.parts`.
"""

import argparse
import json
import random
import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench import logged, machine, table
from tests.bench.driving import Measured, drive
from tests.bench.scenarios import SCENARIOS, Scenario
from tests.bench.servers import BASE, LIMITS, SERVERS, Contender, Palimpsest
from tests.bench.table import Result

OUTPUT = Path(".cache/bench.json")
OURS = "ours"
QUICK_SERVERS = [OURS, BASE]


def measure(server: Contender, scenario: Scenario, quick: bool = False, **more: object) -> Measured:
    """One scenario on a server of its own; for ours, whether all of it was in the log. `more`: for the driver."""
    with tempfile.TemporaryDirectory(prefix="palimpsest-bench-") as folder:
        try:
            with machine.on(machine.SERVER):
                server.start(Path(folder))
            job = {**scenario.job, **(scenario.quick if quick else {}), **more}
            measured = drive(server, job, scenario.viewers)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            return {"error": str(error)}
        finally:
            server.kill()
        if isinstance(server, Palimpsest) and server.server is not None:
            measured["lost"] = logged.lost(server.server.database_url, measured["promises"])
        del measured["promises"]
        return measured


def main() -> None:
    options = arguments()
    print(f"expect durability, permissions and checks as they come; set for the load: {settings()}")
    parts = f"{', '.join(options.scenarios)} by {', '.join(options.servers)}"
    print(f"{parts}, {options.rounds} times; --seed {options.seed}")
    machine.allow_connections()
    results: list[Result] = []
    for turn in range(options.rounds):
        for name in options.scenarios:
            scenario = SCENARIOS[name]
            first = turn % len(options.servers)  # nobody is always the first
            for server in options.servers[first:] + options.servers[:first]:
                if scenario.alone and server != OURS:
                    continue
                began = time.monotonic()
                more = {"seed": options.seed + turn, "trace": options.trace}
                measured = measure(SERVERS[server](), scenario, options.quick, **more)
                results.append(Result(turn, name, server, measured))
                print(told(results[-1], time.monotonic() - began), flush=True)
    print("\n" + table.aligned(table.rows(results, options.servers)))
    print(f"\nmedian [least-most of the rounds] xratio to {BASE} in the same round; * others used the machine as well")
    for name in options.scenarios:
        print(f"{name:4} {SCENARIOS[name].title}")
    write(options.output, results, options)
    if wrong := table.troubles([each for each in results if each.server == OURS]):
        raise SystemExit("\n".join(["not as it should be:", *wrong]))


def arguments() -> argparse.Namespace:
    def names(known: dict[str, object]) -> object:
        def read(words: str) -> list[str]:
            unknown = set(words.split(",")) - known.keys()
            if unknown:
                raise argparse.ArgumentTypeError(f"expected some of {','.join(known)}, got {','.join(sorted(unknown))}")
            return words.split(",")

        return read

    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--scenarios", type=names(dict(SCENARIOS)), default=list(SCENARIOS))  # type: ignore[arg-type]
    parser.add_argument("--servers", type=names(dict(SERVERS)), default=None, help="ours among them or not")  # type: ignore[arg-type]
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--quick", action="store_true", help="shorter, one round, against Hocuspocus alone")
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"where the JSON goes ({OUTPUT})")
    parser.add_argument("--trace", help="a recorded session for S5 (.json or .json.gz); else it is made of the seed")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.servers = options.servers or (QUICK_SERVERS if options.quick else list(SERVERS))
    return options


def settings() -> str:
    return " ".join(f"PALIMPSEST_{name}={value}" for name, value in LIMITS.items())


def told(result: Result, seconds: float) -> str:
    """A line while it runs."""
    figures = [(each.name, result.figure(each)) for each in SCENARIOS[result.scenario].figures]
    words = [f"{name} {table.number(found)}" for name, found in figures if found is not None]
    driver = [f"driver {result.measured[name]:.2f}" for name in ("driverCpu",) if name in result.measured]
    wrong = table.of(result.measured)
    return f"[{seconds:3.0f} s] {result.scenario:4} {result.server:17} " + "; ".join([*words, *driver, *wrong[:2]])


def write(output: Path, results: list[Result], options: argparse.Namespace) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": machine.described(),
        "settings": LIMITS,
        "seed": options.seed,
        "quick": options.quick,
        "results": [each._asdict() for each in results],
        "table": table.rows(results, options.servers),
    }
    output.write_text(json.dumps(content, indent=1))
    print(f"all of it: {output}")


if __name__ == "__main__":
    main()
