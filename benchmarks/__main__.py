"""Runs benchmarks; exits with 1 when one misses a bar."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context

from benchmarks.fleets import FLEETS
from benchmarks.result import Result

BENCHMARKS = {  # name: the module whose run() measures it; imported when asked for
    "accounts": "benchmarks.accounts",
    "capacity": "benchmarks.capacity",
    "aggregation": "benchmarks.aggregation",
    "classification": "benchmarks.classification",
    "engine": "benchmarks.engine",
    "volume": "benchmarks.volume",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", choices=BENCHMARKS, help="all of them when left out")
    parser.add_argument("--json", action="store_true", help="print each result as JSON on a line of its own, last")
    parser.add_argument("--db-type", choices=FLEETS, default="postgresql", help="of accounts (default: %(default)s)")
    parser.add_argument("--instances", type=int, default=5_000, help="of engine (default: %(default)s)")
    parser.add_argument("--tables", type=int, default=200_000, help="of volume (default: %(default)s)")
    parser.add_argument("--roles", type=int, default=20, help="of volume, that may read them (default: %(default)s)")
    parser.add_argument("--large", action="store_true", help="of aggregation and classification: a large fleet")
    arguments = parser.parse_args()
    options = {
        "accounts": {"db_type": arguments.db_type},
        "capacity": {},
        "aggregation": {"large": arguments.large},
        "classification": {"large": arguments.large},
        "engine": {"instances": arguments.instances},
        "volume": {"tables": arguments.tables, "roles": arguments.roles},
    }
    results: list[Result] = []
    # Each in a process of its own: Django can be set up on one database only.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
        for name in [arguments.name] if arguments.name else BENCHMARKS:
            run = import_module(BENCHMARKS[name]).run
            results.append(processes.submit(run, **options[name]).result())
            print(results[-1].table(), flush=True)
    if arguments.json:
        print(*(result.json() for result in results), sep="\n")
    return 0 if all(result.within for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
