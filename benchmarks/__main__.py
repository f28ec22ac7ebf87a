"""Runs benchmarks; exits with 1 when one is further from its floor than it may be."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from benchmarks.result import Result

BENCHMARKS = {  # name: the module whose run() measures it; imported when asked for, as it sets Django up
    "accounts": "benchmarks.accounts",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", choices=BENCHMARKS, help="all of them when left out")
    parser.add_argument("--json", action="store_true", help="print each result as JSON on a line of its own, last")
    arguments = parser.parse_args()
    results: list[Result] = []
    for name in [arguments.name] if arguments.name else BENCHMARKS:
        results.append(import_module(BENCHMARKS[name]).run())
        print(results[-1].table(), flush=True)
    if arguments.json:
        print(*(result.json() for result in results), sep="\n")
    return 0 if all(result.within for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
