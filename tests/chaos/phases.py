"""What the main thread of a worker does at each moment, in a file that outlives a SIGKILL.

The engine is wrapped from outside, so that a test can say in which phase it killed a process.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

DIRECTORY = "CHAOS_PHASES"
IDLE, CLAIM, FETCH, APPLY = "idle", "claim", "fetch", "apply"


def record() -> None:
    """From now on each process writes its phase."""
    if DIRECTORY not in os.environ:
        return
    from sessions_app import claims, remote, tasks

    claims.claim_fetches = _within(claims.claim_fetches, CLAIM, then=FETCH)
    remote.work = _within(remote.work, APPLY, then=FETCH)
    tasks.work = _within(tasks.work, FETCH, then=IDLE)


def of(process: int, directory: Path) -> str:
    """The phase of a process, or its last one; idle when it never had any."""
    try:
        return (directory / str(process)).read_text().strip() or IDLE
    except FileNotFoundError:
        return IDLE


def _within(function: Callable[..., Any], phase: str, *, then: str) -> Callable[..., Any]:
    @wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        _write(phase)
        try:
            return function(*arguments, **options)
        finally:
            _write(then)

    return wrapped


def _write(phase: str) -> None:
    file = os.open(Path(os.environ[DIRECTORY], str(os.getpid())), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(file, phase.ljust(8).encode(), 0)
    finally:
        os.close(file)
