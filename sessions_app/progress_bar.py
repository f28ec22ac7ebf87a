"""Waits for sessions on the command line, with one progress bar over all of them on a terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from django.db import connection
from django.utils.translation import ngettext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sessions_app.models import OPEN, RecordStatus, SyncSession

POLL_SECONDS = 0.5


class ProgressBar:
    """A bar on stderr over so many sessions, one after the other; nothing at all when that is no terminal.

    How many records the sessions to come will have is not known: each is taken to have as many as the present one.
    """

    def __init__(self, category: str, *, sessions: int = 1) -> None:
        self.sessions = sessions
        self.done = self.failed = 0  # records of the sessions that have ended
        self.is_shown = sys.stderr.isatty()
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not self.is_shown,
            transient=sessions > 1,  # a line for each session is what stays
        )
        self.task = self.progress.add_task(f"sync {category}", total=None, failed="")

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.progress.stop()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Out of the way of a line that is printed meanwhile."""
        self.progress.stop()
        try:
            yield
        finally:
            self.progress.start()

    def follow(self, session: SyncSession) -> SyncSession:
        """Return the session when it is final; whoever works on it."""
        while True:
            session = SyncSession.objects.get(pk=session.pk)
            if session.is_final:
                return self._ended(session)
            self._show(session)
            time.sleep(POLL_SECONDS)

    def work(self, session: SyncSession, run: Callable[[], object]) -> SyncSession:
        """Run the engine in this thread and show its progress from another one until it returns."""
        ended = threading.Event()

        def watch() -> None:
            try:
                while not ended.wait(POLL_SECONDS):
                    self._show(SyncSession.objects.get(pk=session.pk))
            finally:
                connection.close()

        watcher = threading.Thread(target=watch, daemon=True)
        if self.is_shown:
            watcher.start()
        try:
            run()
        finally:
            ended.set()
            if watcher.is_alive():
                watcher.join()
        return self._ended(SyncSession.objects.get(pk=session.pk))

    def _ended(self, session: SyncSession) -> SyncSession:
        self._show(session)
        self.sessions -= 1
        self.done += session.total_instances
        self.failed += session.counts[RecordStatus.FAILED]
        return session

    def _show(self, session: SyncSession) -> None:
        counts = session.counts
        failed = self.failed + counts[RecordStatus.FAILED]
        self.progress.update(
            self.task,
            completed=self.done + sum(number for status, number in counts.items() if status not in OPEN),
            total=self.done + self.sessions * session.total_instances,
            failed=ngettext("%d failed", "%d failed", failed) % failed,
        )
