"""What django-q2 calls. A task carries no work: it only says that there is some."""

from __future__ import annotations

import logging
import os
from datetime import datetime

from sessions_app import claims, engine, lifeline, retention, schedules, services, sessions

logger = logging.getLogger(__name__)

EX_TEMPFAIL = 75


def work() -> None:
    """One turn of the engine; leaves a nudge behind when work is left."""
    canary()
    if lifeline.is_stopping():
        return
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
    canary()
    services.sweep()


def retain() -> None:
    """Delete what is older than the settings say."""
    canary()
    for one in retention.run():
        logger.info("retention: %s of %s deleted%s", one.number, one.kind, "" if one.is_complete else ", not all")


def canary() -> None:
    """Show that tasks are taken; without a supervisor to show it to, end."""
    lifeline.end_if_orphaned()
    lifeline.beat()
