"""What ties worker processes to their supervisor: a pipe for their signs of life, and one that says when to stop.

Both are inherited file descriptors, so they need neither broker nor database, and the end of either side is noticed by
the other. A process that no supervisor started has no lifeline: nothing is said and nobody says stop.
"""

from __future__ import annotations

import os
import select
import signal
import uuid
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import NamedTuple

VARIABLE = "WHALEFALL_LIFELINE"
STOP_SECONDS = 5.0  # for what is being read when a process shall stop; then others read it again


class Lifeline:
    """The supervisor's end, for one process group."""

    def __init__(self) -> None:
        self._beats, self._beating = os.pipe()
        self._stopping, self._stop = os.pipe()
        for end in (self._beats, self._beating):
            os.set_blocking(end, False)
        self.name = uuid.uuid4().hex

    @property
    def inherited(self) -> tuple[int, int]:
        """The descriptors that the group has to inherit."""
        return (self._beating, self._stopping)

    @property
    def environment(self) -> Mapping[str, str]:
        """How the group learns of them."""
        return {VARIABLE: f"{self._beating},{self._stopping},{self.name}"}

    def is_alive(self, seconds: float) -> bool:
        """Whether a sign of life has come, after waiting for one for at most `seconds`."""
        if not select.select([self._beats], [], [], seconds)[0]:
            return False
        with suppress(BlockingIOError):
            return bool(os.read(self._beats, 65536))
        return False

    def stop(self) -> None:
        """Ask every process of the group to hand over what it works on."""
        os.write(self._stop, b".")

    def close(self) -> None:
        """Give the descriptors back, once the group has ended."""
        for end in (self._beats, self._beating, self._stopping, self._stop):
            os.close(end)


class Inherited(NamedTuple):
    """The group's end."""

    beating: int
    stopping: int
    name: str


@cache
def _inherited() -> Inherited | None:
    told = os.environ.get(VARIABLE)
    if not told:
        return None
    beating, stopping, name = told.split(",")
    return Inherited(int(beating), int(stopping), name)


def is_named(name: str) -> bool:
    """Whether this process belongs to the group of that name."""
    ends = _inherited()
    return ends is not None and ends.name == name


def beat() -> None:
    """A sign of life of this process: it takes tasks, or goes on with one."""
    if ends := _inherited():
        with suppress(BlockingIOError, BrokenPipeError):  # nobody reads just now; nobody ever will
            os.write(ends.beating, b".")


def is_stopping() -> bool:
    """Whether the supervisor wants this process to stop, or is gone."""
    return bool(_said())


def end_if_orphaned() -> None:
    """End the whole process group when its supervisor is gone: nobody guards it, and another one may be on its way."""
    said = _said()
    if said & select.POLLHUP and not said & select.POLLIN:
        os.killpg(os.getpgid(0), signal.SIGKILL)


def _said() -> int:
    """What there is on the pipe that says stop. It is not read, so that every process of the group sees it."""
    ends = _inherited()
    if ends is None:
        return 0
    poll = select.poll()
    poll.register(ends.stopping, select.POLLIN)
    return next((event for _, event in poll.poll(0)), 0)
