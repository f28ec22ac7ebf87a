"""Daemon threads that read remote servers and cannot reach our database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from django.db import connections
from django.utils import timezone

from dbms.base import Target
from sessions_app.models import SyncInstanceRecord

ABORT_GRACE_SECONDS = 1.9
GATHER_SECONDS = 0.03
LIGHT_BYTES = 4096


class Fetch:
    """One read in a thread of its own. A thread that a driver never gives back cannot be joined, only written off;
    ThreadPoolExecutor would join it at exit and hang the worker for ever."""

    def __init__(
        self, record: SyncInstanceRecord, target: Target, read: Callable[[Target], Any], *, is_probe: bool = False
    ) -> None:
        self.record = record
        self.target = target
        self.is_probe = is_probe  # unless it connects, the record is not tried again
        self.snapshot: Any = None
        self.is_light = False  # what it read costs less to store than a transaction of its own
        self.error: BaseException | None = None
        self.is_dropped = False  # the record is no longer ours: the result is of no use
        self.aborted_at: float | None = None
        self.grace_seconds = ABORT_GRACE_SECONDS
        self._read = read
        self._thread: threading.Thread | None = None
        self.began_at = timezone.now()
        self.deadline = time.monotonic() + target.fetch_timeout

    def start(self, finished: SimpleQueue[Fetch]) -> None:
        """Begin to read; the fetch is put into `finished` when it ends in whatever way."""
        self._thread = threading.Thread(target=self._run, args=(finished,), name=f"fetch-{self.record.pk}", daemon=True)
        self._thread.start()

    def _run(self, finished: SimpleQueue[Fetch]) -> None:
        try:
            forbid_database()
            # In time even while the main loop stores what another server returned.
            with self.target.interrupt.after(self.target.fetch_timeout):
                self.snapshot = self._read(self.target)
            self.is_light = self.snapshot.is_known or self.snapshot.size_bytes <= LIGHT_BYTES
        except BaseException as error:  # whatever it is, the main loop has to hear of it
            self.error = self.target.interrupt.error(self.target) or error
        finally:
            finished.put(self)

    def abort(self, reason: str) -> None:
        """Ask the read to end, without waiting for it."""
        if self.aborted_at is None:
            self.aborted_at = time.monotonic()
            if reason == "cancelled":  # it may be connecting, which no driver interrupts, but which ends by itself
                self.grace_seconds += self.target.connect_timeout
            if not self.target.interrupt.reason:
                threading.Thread(target=self.target.interrupt.fire, args=(reason,), daemon=True).start()

    @property
    def next_deadline(self) -> float:
        """When somebody has to look at it: to abort it, or to write it off."""
        return self.deadline if self.aborted_at is None else self.aborted_at + self.grace_seconds

    @property
    def is_stuck(self) -> bool:
        """Whether it goes on although it was aborted."""
        return self.aborted_at is not None and time.monotonic() > self.next_deadline

    @property
    def is_alive(self) -> bool:
        """Whether its thread still runs."""
        return self._thread is not None and self._thread.is_alive()


def forbid_database() -> None:
    """A query in this thread becomes an error instead of a leaked connection. Connections are per thread."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("A fetch must not touch WhaleFall's own database")

    for connection in connections.all():
        connection.connect = refuse  # type: ignore[method-assign]


def next_finished(finished: SimpleQueue[Fetch], seconds: float, expected: int) -> list[Fetch]:
    """The fetches that ended, after waiting for the first for at most `seconds`.

    After a light one the wait goes on for a moment, until `expected` have: those that begin together often end
    together, and can then be written together.
    """
    ended: list[Fetch] = []
    try:
        ended.append(finished.get(timeout=seconds))
        until = time.monotonic() + GATHER_SECONDS
        while len(ended) < expected:
            is_worthwhile = any(fetch.is_light for fetch in ended)
            left = max(0.0, until - time.monotonic()) if is_worthwhile else 0.0
            ended.append(finished.get(timeout=left))
    except Empty:
        pass
    return ended
