"""What django-q2 calls. A task carries no work: it only says that there is some."""

from __future__ import annotations

import logging
import os
from datetime import datetime

from sessions_app import claims, engine, schedules, services, sessions

logger = logging.getLogger(__name__)

EX_TEMPFAIL = 75


def work() -> None:
    """One turn of the engine; leaves a nudge behind when work is left."""
    services.sweep()
    # Work that only waits for a host to be free is no reason to come back at once: whoever reads there takes it.
    if engine.run() and claims.claimable().exists():
        sessions.nudge()
    if engine.exhausted():
        # Threads that a driver never gave back are not coming back: the guard starts a fresh process.
        logger.error("Too many fetch threads are written off; this worker process ends")
        logging.shutdown()
        os._exit(EX_TEMPFAIL)


def start_scheduled(*, key: str, due: str) -> None:
    """Start the session of a schedule that has come due."""
    schedules.start_due(key=key, due=datetime.fromisoformat(due))


def sweep() -> None:
    """Repair whatever a death left behind."""
    services.sweep()
