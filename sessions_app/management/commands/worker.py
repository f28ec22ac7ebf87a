"""`manage.py worker`: works on sync sessions until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from types import FrameType
from typing import Any

from sessions_app import schedules, services
from whalefall import processes
from whalefall.commands import DomainCommand

logger = logging.getLogger(__name__)

RESTART_SECONDS = 2.0
DRAIN_SECONDS = 60.0


class Command(DomainCommand):
    help = "Run a qcluster in a process group of its own and start it again when it ends."

    def handle(self, *args: Any, **options: Any) -> None:
        schedules.install()
        services.sweep()
        Supervisor([sys.executable, sys.argv[0], "qcluster"]).run()


class Supervisor:
    """Keeps one command running. Its whole group ends with it, so that no orphan works on with old code."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.is_stopping = False

    def run(self) -> None:
        """Return after SIGTERM or SIGINT, when what was being worked on is done or DRAIN_SECONDS are over."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        while not self.is_stopping:
            # A supervisor that is killed takes its cluster along: orphans would work on, with nobody to watch them.
            self.process = subprocess.Popen(self.command, preexec_fn=processes.tied(ending=signal.SIGTERM))  # noqa: S603
            try:
                self.wait(self.process)
            finally:
                _kill_group(self.process.pid)
            if not self.is_stopping:
                logger.error("qcluster ended with status %s; it is started again", self.process.returncode)
                time.sleep(RESTART_SECONDS)

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the process to end, after a stop for a bounded time."""
        deadline: float | None = None
        while True:
            try:
                process.wait(timeout=1)
                return
            except subprocess.TimeoutExpired:
                if self.is_stopping:
                    deadline = deadline or time.monotonic() + DRAIN_SECONDS
                    if time.monotonic() > deadline:
                        logger.warning("qcluster did not end within %s s; it is killed", DRAIN_SECONDS)
                        return

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Ask the cluster to drain."""
        self.is_stopping = True
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
