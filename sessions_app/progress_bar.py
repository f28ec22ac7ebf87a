"""Waits for a session on the command line, with a progress bar on a terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from django.db import connection
from django.utils.translation import ngettext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sessions_app.models import OPEN, SyncSession

POLL_SECONDS = 0.5


def follow(session: SyncSession) -> SyncSession:
    """Return the session when it is final; whoever works on it."""
    with _bar(session) as update:
        while True:
            session = SyncSession.objects.get(pk=session.pk)
            update(session)
            if session.is_final:
                return session
            time.sleep(POLL_SECONDS)


def work(session: SyncSession, run: Callable[[], object]) -> SyncSession:
    """Run the engine in this thread and show its progress from another one until it returns."""
    ended = threading.Event()

    def watch() -> None:
        try:
            with _bar(session) as update:
                while not ended.wait(POLL_SECONDS):
                    update(SyncSession.objects.get(pk=session.pk))
        finally:
            connection.close()

    watcher = threading.Thread(target=watch, daemon=True)
    if sys.stderr.isatty():
        watcher.start()
    try:
        run()
    finally:
        ended.set()
        if watcher.is_alive():
            watcher.join()
    return SyncSession.objects.get(pk=session.pk)


class _bar:
    """A progress bar on stderr; nothing at all when that is no terminal."""

    def __init__(self, session: SyncSession) -> None:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self.task = self.progress.add_task(f"sync {session.sync_category}", total=session.total_instances, failed="")

    def __enter__(self) -> Callable[[SyncSession], None]:
        self.progress.start()
        return self.update

    def __exit__(self, *exc: object) -> None:
        self.progress.stop()

    def update(self, session: SyncSession) -> None:
        counts = session.counts
        done = sum(number for status, number in counts.items() if status not in OPEN)
        self.progress.update(
            self.task,
            completed=done,
            total=session.total_instances,
            failed=ngettext("%d failed", "%d failed", counts["failed"]) % counts["failed"],
        )
