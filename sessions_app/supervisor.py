"""Keeps a qcluster alive: it is watched for signs of life, ended as a whole, and started again.

django-q2 deadlocks in silence when a process that holds one of its queues dies, so that its processes exist proves
nothing (docs/engine.md). Whoever supervises this one should restart it always, whatever its exit status.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

import psutil
from django.conf import settings
from django.db import connections
from django_q.brokers import get_broker
from django_q.tasks import async_task

from sessions_app.lifeline import Lifeline
from sessions_app.recovery import sweep
from whalefall import processes

logger = logging.getLogger(__name__)

CANARY = "sessions_app.tasks.canary"
HOPS = 100  # how often a canary is passed on by the workers of other hosts, until it meets those that it asks
RESTART_SECONDS = 2.0
HANDOVER_SECONDS = 10.0  # for workers that still work while their cluster is of no more use
TICK_SECONDS = 1.0
STOPPED_SECONDS = 10.0  # a process that somebody stopped may hold locks that nothing else can break
LAST_SECONDS = 3.0  # for a group in which nobody works: an idle one ends within one, a deadlocked one never
VITAL = ("pusher", "monitor")
WORKING = "processing"


class Supervisor:
    """Keeps one command running. Its whole group ends with it, so that no orphan works on with old code."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.group: Group | None = None
        self.is_stopping = False
        self.sweeping = Errand(sweep)

    def run(self) -> None:
        """Return after SIGTERM or SIGINT, when what was being worked on is done or WORKER_STOP_SECONDS are over."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        while not self.is_stopping:
            group = self.group = Group(self.command)
            try:
                self.watch(group)
            finally:
                self.group = None  # a signal from now on must not write to descriptors that are closed
                group.end(settings.WORKER_STOP_SECONDS if self.is_stopping else HANDOVER_SECONDS)
            if not self.is_stopping:
                time.sleep(RESTART_SECONDS)

    def watch(self, group: Group) -> None:
        """Sweep, ask for signs of life and listen, until the group is of no more use or shall stop."""
        swept_at = -math.inf
        while not self.is_stopping:
            if time.monotonic() >= swept_at + settings.SYNC_LEASE_SECONDS and self.sweeping.begin():
                swept_at = time.monotonic()
            if ailment := group.ailment():
                logger.error("%s; it is started again", ailment)
                return
            group.listen(TICK_SECONDS)

    def stop(self, number: int, frame: FrameType | None) -> None:
        """End the group: its workers hear of it at once, the rest at the next tick."""
        self.is_stopping = True
        if self.group is not None:
            self.group.lifeline.stop()


class Group:
    """One run of the command, in a process group of its own."""

    def __init__(self, command: Sequence[str]) -> None:
        self.lifeline = Lifeline()
        # A supervisor that is killed takes its cluster along: orphans would work on, with nobody to watch them.
        self.process = subprocess.Popen(  # noqa: S603
            command,
            preexec_fn=processes.tied(ending=signal.SIGTERM),
            pass_fds=self.lifeline.inherited,
            env={**os.environ, **self.lifeline.environment},
        )
        self.heard_at = time.monotonic()
        self.asked_at: float | None = None  # the first question since then
        self.asked_again_at = 0.0
        self.asking = Errand(self.ask)
        self.vital: dict[str, int] = {}
        self.stopped_since: dict[int, float] = {}

    def listen(self, seconds: float) -> None:
        """Wait for signs of life, and ask for one when none has come for a while."""
        now = time.monotonic()
        if self.lifeline.is_alive(seconds):
            self.heard_at, self.asked_at = now, None
            return
        patience = settings.WORKER_SILENT_SECONDS / 8
        if now > self.heard_at + patience and now > self.asked_again_at + patience and self.asking.begin():
            self.asked_again_at = now
        if self.asking.has_failed:  # where nobody can be asked, nobody is silent
            self.asked_at = None
        elif self.asked_at is None and self.asking.done_at > self.heard_at:
            self.asked_at = self.asking.done_at

    def ask(self) -> None:
        """Put a task into the queue that a worker of this group answers by a sign of life."""
        async_task(CANARY, self.lifeline.name, HOPS, broker=get_broker(), task_name="canary", save=False)

    def ailment(self) -> str:
        """Why this group is of no more use; empty while it is well."""
        if self.process.poll() is not None:
            return f"The cluster ended with status {self.process.returncode}"
        now = time.monotonic()
        if self.asked_at is not None and now > self.asked_at + settings.WORKER_SILENT_SECONDS:
            return f"The cluster has taken no task for {now - self.heard_at:.0f} s"
        members = members_of(self.process.pid)
        self.kill_stopped(members, now)
        return self.lost(members)

    def lost(self, members: Mapping[int, Member]) -> str:
        """Which process died whose locks died with it; empty when none did. The guard only replaces the process."""
        for role, pid in self.vital.items():
            if pid not in members:
                return f"The cluster's {role} died"
        self.vital |= {member.role: pid for pid, member in members.items() if member.role in VITAL}
        if self.vital.keys() >= set(VITAL):
            monitor, pusher = (members[self.vital[role]].created_at for role in ("monitor", "pusher"))
            if monitor > pusher:  # it is begun first: this one is a replacement
                return "The cluster's monitor died"
        return ""

    def kill_stopped(self, members: Mapping[int, Member], now: float) -> None:
        """Kill processes that have been stopped for too long; django-q2 or the next look replaces them."""
        stopped = {pid for pid, member in members.items() if member.is_stopped}
        self.stopped_since = {pid: self.stopped_since.get(pid, now) for pid in stopped}
        for pid, since in self.stopped_since.items():
            if now > since + STOPPED_SECONDS:
                logger.error("Process %s of the cluster is stopped; it is killed", pid)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def end(self, seconds: float) -> None:
        """Let the group hand over what it works on for at most so long, then kill whatever is left of it."""
        deadline = time.monotonic() + seconds
        try:
            self.lifeline.stop()
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            while self.process.poll() is None and time.monotonic() < deadline:
                members = members_of(self.process.pid).values()
                if not any(member.role == WORKING and not member.is_stopped for member in members):
                    deadline = min(deadline, time.monotonic() + LAST_SECONDS)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(TICK_SECONDS / 2)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.lifeline.close()


class Errand:
    """What needs our database or the broker, in a thread of its own: neither may hold the supervisor up."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.done_at = -math.inf
        self.has_failed = False
        self._work = work
        self._thread: threading.Thread | None = None

    def begin(self) -> bool:
        """Do it, unless the last time has not ended; whether it was begun."""
        if self._thread is not None and self._thread.is_alive():
            return False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return True

    def _run(self) -> None:
        try:
            self._work()
            self.has_failed = False
            self.done_at = time.monotonic()
        except Exception as error:  # whatever a driver or a broker may raise: it is tried again
            self.has_failed = True
            logger.warning("The supervisor's %s failed: %s", self._work.__name__, type(error).__name__)
        finally:
            connections.close_all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A living process of a group. django-q2 writes into the title what it is: "qcluster <name> <role> …"."""

    role: str
    is_stopped: bool
    created_at: float


def members_of(pid: int) -> dict[int, Member]:
    """A process and all that lives below it, by their ids."""
    members: dict[int, Member] = {}
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess), process.oneshot():
                status = process.status()
                if status != psutil.STATUS_ZOMBIE:
                    members[process.pid] = Member(
                        role=(" ".join(process.cmdline()).split() + [""] * 3)[2],
                        is_stopped=status == psutil.STATUS_STOPPED,
                        created_at=process.create_time(),
                    )
    return members
