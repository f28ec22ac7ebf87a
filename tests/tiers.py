"""Every check and test in order, with the time that each tier took: `python -m tests.tiers`.

Stops at the first tier that fails, with its exit status. `--only NAME`, repeatable, runs just these.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from whalefall.demo import servers

PYTHON = sys.executable
BIN = Path(PYTHON).parent
SCHEMA = "docs/openapi.yaml"
# A file's tests stay together, because they share their servers.
PYTEST = (PYTHON, "-m", "pytest", "-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One step: a command, and whether it needs a PostgreSQL server as WhaleFall's own database."""

    name: str
    command: tuple[object, ...]
    on_postgresql: bool = False


TIERS = (
    Tier(name="format", command=(BIN / "ruff", "format", "--check", ".")),
    Tier(name="lint", command=(BIN / "ruff", "check", ".")),
    Tier(name="types", command=(BIN / "mypy", ".")),
    Tier(name="architecture", command=(BIN / "lint-imports",)),
    Tier(name="migrations", command=(PYTHON, "manage.py", "makemigrations", "--check", "--dry-run")),
    Tier(name="system", command=(PYTHON, "manage.py", "check", "--fail-level", "WARNING")),
    Tier(name="schema", command=(PYTHON, "-m", "tests.schema", SCHEMA)),
    Tier(name="sqlite", command=(*PYTEST, "-m", "not browser")),
    # Apart, because Playwright leaves an event loop running in its process, beside which no driver can run its own.
    Tier(name="browser", command=(*PYTEST, "-m", "browser")),
    # Once more only what touches WhaleFall's own database.
    Tier(
        name="postgresql",
        command=(*PYTEST, "-m", "not browser and not demo and not workers", "--ignore=tests/dbms"),
        on_postgresql=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a tier ended; `last_line` is the last thing that it said."""

    tier: Tier
    status: int
    seconds: float
    last_line: str


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tiers", description=__doc__)
    parser.add_argument("--only", action="append", choices=[tier.name for tier in TIERS], metavar="NAME")
    only = parser.parse_args().only or [tier.name for tier in TIERS]
    results: list[Result] = []
    with environment() as variables:
        for tier in TIERS:
            if tier.name in only:
                results.append(run(tier, variables))
                if results[-1].status:
                    break
    report(results)
    return results[-1].status


@contextmanager
def environment() -> Iterator[dict[str, str]]:
    """The caller's environment without its configuration of WhaleFall, and a home directory that is thrown away."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WHALEFALL_", "DATABASE_"))}
    with tempfile.TemporaryDirectory(prefix="whalefall-tests-") as home:
        yield {**kept, "WHALEFALL_HOME": home, "PYTHONUNBUFFERED": "1"}


def run(tier: Tier, variables: Mapping[str, str]) -> Result:
    """Run a tier, passing on what it says."""
    print(f"── {tier.name} {'─' * (100 - len(tier.name))}", flush=True)
    started = time.monotonic()
    with own_database(tier) as database:
        status, last_line = follow([str(part) for part in tier.command], {**variables, **database})
    return Result(tier=tier, status=status, seconds=time.monotonic() - started, last_line=last_line)


@contextmanager
def own_database(tier: Tier) -> Iterator[dict[str, str]]:
    """DATABASE_URL for a tier: a private PostgreSQL server, or nothing, which means SQLite."""
    if not tier.on_postgresql:
        yield {}
        return
    binaries = servers.installed_postgresql()
    if binaries is None:
        raise SystemExit("No PostgreSQL server is installed: run bin/install-packages --tests")
    with servers.postgresql(binaries) as server:
        yield {"DATABASE_URL": f"postgres://{server.superuser}@{server.host}:{server.port}/postgres"}


def follow(command: list[str], variables: Mapping[str, str]) -> tuple[int, str]:
    """Run a command and print its output as it comes; its status and last line."""
    last_line = ""
    process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        last_line = line.strip() or last_line
    return process.wait(), last_line.strip("= ")


def report(results: list[Result]) -> None:
    """The closing table."""
    print("─" * 104)
    for result in results:
        mark = "failed" if result.status else "ok"
        print(f"{result.tier.name:<13}{result.seconds:7.1f} s  {mark:<8}{result.last_line}")
    print(f"{'all':<13}{sum(result.seconds for result in results):7.1f} s")


if __name__ == "__main__":
    sys.exit(main())
