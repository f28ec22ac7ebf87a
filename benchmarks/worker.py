"""Runs a session of the category that a line on standard input names; answers each with a line of JSON.

A process of its own, so that its peak of memory is that of the sessions. Linux counts the peak of the process that
started it as well, which must therefore stay smaller; ours only imports what this one imports too.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial

from benchmarks.product import session, timed


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One session: how long it took, its statements on our own database, and the most memory that was ever used."""

    seconds: float
    statements: int
    peak_mb: float


@contextmanager
def worker() -> Iterator[Callable[..., Answer]]:
    """Start a worker on this process's database; call it to run a session there, of accounts unless it names others."""
    command = [sys.executable, "-m", "benchmarks.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        asked, answers = process.stdin, process.stdout

        def run(category: str = "account") -> Answer:
            print(category, file=asked, flush=True)
            answer = answers.readline()
            if not answer:
                raise SystemExit("The worker ended")
            return Answer(**json.loads(answer))

        yield run


def serve() -> None:
    """Answer until standard input ends, which it also does when the other process dies."""
    import django

    django.setup()
    django.conf.settings.SYNC_FOLLOW_UPS = {}  # what is measured starts nothing else
    for line in sys.stdin:
        seconds, statements = timed(partial(session, line.strip()))
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(asdict(Answer(seconds=seconds, statements=statements, peak_mb=peak_mb))), flush=True)


if __name__ == "__main__":
    serve()
