"""Ends what takes too long: one thread waits for the deadlines of all reads, since each read has one in vain."""

from __future__ import annotations

import heapq
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

SPARE = 64  # cancelled deadlines that are not worth being cleared away


@dataclass(slots=True, order=True)
class Deadline:
    """When something has to be called; never, once `call` is None."""

    at: float  # on the monotonic clock
    number: int
    call: Callable[[], object] | None = field(compare=False)


class Deadlines:
    """A thread of its own makes each call, so that one that blocks delays no other."""

    def __init__(self) -> None:
        self._numbers = count()
        self._begin()
        os.register_at_fork(after_in_child=self._begin)  # the thread stays behind, and maybe a lock with it

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Deadline] = []  # a heap
        self._cancelled = 0
        self._thread: threading.Thread | None = None

    def set(self, seconds: float, call: Callable[[], object]) -> Deadline:
        """Call this after so many seconds, unless it is cancelled before."""
        deadline = Deadline(at=time.monotonic() + seconds, number=next(self._numbers), call=call)
        with self._changed:
            heapq.heappush(self._waiting, deadline)
            if self._thread is None:
                thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                thread.start()
                self._thread = thread
            elif self._waiting[0] is deadline:
                self._changed.notify()
        return deadline

    def cancel(self, deadline: Deadline) -> None:
        """Let it pass. What has begun is not stopped."""
        with self._changed:
            if deadline.call is None:
                return
            deadline.call = None
            self._cancelled += 1
            if self._cancelled > SPARE + len(self._waiting) // 2:
                self._waiting = [waiting for waiting in self._waiting if waiting.call is not None]
                heapq.heapify(self._waiting)
                self._cancelled = 0

    def _watch(self) -> None:
        while True:
            with self._changed:
                while (call := self._due()) is None:
                    self._changed.wait(self._waiting[0].at - time.monotonic() if self._waiting else None)
            try:
                threading.Thread(target=call, daemon=True).start()
            except RuntimeError:  # there is no thread to be had
                call()

    def _due(self) -> Callable[[], object] | None:
        """The next call whose time has come."""
        while self._waiting and (self._waiting[0].call is None or self._waiting[0].at <= time.monotonic()):
            deadline = heapq.heappop(self._waiting)
            call, deadline.call = deadline.call, None
            if call is not None:
                return call
            self._cancelled -= 1
        return None


DEADLINES = Deadlines()
