"""What django-q2 calls. A task carries no work: it only says that there is some."""

from __future__ import annotations

import logging
import os
from datetime import datetime

from django_q.tasks import async_task

from sessions_app import claims, engine, lifeline, retention, schedules, services, sessions

logger = logging.getLogger(__name__)

EX_TEMPFAIL = 75


def work() -> None:
    """One turn of the engine; leaves a nudge behind when work is left."""
    show_life()
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
    """Repair whatever a death left behind, and start what should have started."""
    show_life()
    services.sweep()
    schedules.start_late()


def retain() -> None:
    """Delete what is older than the settings say."""
    show_life()
    for one in retention.run():
        logger.info("retention: %s of %s deleted%s", one.number, one.kind, "" if one.is_complete else ", not all")


def canary(name: str, hops: int) -> None:
    """Show life to the supervisor of the group that is asked for; the workers of another one pass the question on."""
    show_life()
    if hops and not lifeline.is_named(name):
        async_task("sessions_app.tasks.canary", name, hops - 1, task_name="canary", save=False)


def show_life() -> None:
    """Tell our supervisor that tasks are taken; without one to tell, end."""
    lifeline.end_if_orphaned()
    lifeline.beat()
