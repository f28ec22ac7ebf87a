"""What starts by itself: sessions every night, and the engine's own upkeep. The rows are django-q2's."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

from instances.models import Instance
from sessions_app import categories, cron, services
from sessions_app.models import SessionStatus, SyncSession, SyncType
from sessions_app.timetable import PAUSED, START, SyncSchedule
from whalefall.errors import NoActiveInstance, NotFound, ScheduleBusy, ScheduleFixed

logger = logging.getLogger(__name__)

FOREVER = -1
UPKEEP: dict[str, dict[str, Any]] = {
    "sweep": {"func": "sessions_app.tasks.sweep", "schedule_type": Schedule.MINUTES, "minutes": 1},
    # After what the night writes.
    "retention": {"func": "sessions_app.tasks.retain", "schedule_type": Schedule.CRON, "cron": "30 5 * * *"},
}


def install() -> list[str]:
    """Add the schedules that are missing; what somebody edited or paused stays. Returns the keys of the new ones."""
    wanted = UPKEEP | {
        key: {
            "func": START,
            "kwargs": repr({"key": key}),
            "intended_date_kwarg": "due",
            "schedule_type": Schedule.CRON,
            "cron": cron.check(text),
        }
        for key, text in settings.SYNC_SCHEDULES.items()
        if key in categories.table()
    }
    known = set(SyncSchedule.objects.values_list("key", flat=True))
    return [key for key, fields in wanted.items() if key not in known and _add(key, fields)]


def _add(key: str, fields: dict[str, Any]) -> bool:
    try:
        with transaction.atomic():
            SyncSchedule.objects.create(key=key, name=key, repeats=FOREVER, **fields)
    except IntegrityError:  # another worker that starts at the same moment
        return False
    return True


def get(key: str) -> SyncSchedule:
    """The schedule of a key. Raises NotFound."""
    found: SyncSchedule | None
    found = SyncSchedule.objects.select_related("last_session", "blocked_by").filter(key=key).first()
    if found is None:
        raise NotFound(what="schedule", name=key)
    return found


# What people do ---------------------------------------------------------------------------------------------------


@transaction.atomic
def edit(schedule: SyncSchedule, *, cron_text: str) -> SyncSchedule:
    """Give it other times; a paused one stays paused. Raises InvalidCron, and ScheduleFixed for the sweep."""
    _must_be_editable(schedule)
    checked = cron.check(cron_text)
    if checked == _locked(schedule).cron:
        return get(schedule.key)
    return _arm(schedule, checked)


@transaction.atomic
def pause(schedule: SyncSchedule) -> SyncSchedule:
    """Start nothing by it any more; again is no error. Raises ScheduleFixed for the sweep."""
    _must_be_editable(schedule)
    SyncSchedule.objects.filter(pk=_locked(schedule).pk).update(repeats=PAUSED)
    return get(schedule.key)


@transaction.atomic
def resume(schedule: SyncSchedule) -> SyncSchedule:
    """Go on at the next due time; what would have been due meanwhile is not made up for. Again is no error."""
    _must_be_editable(schedule)
    locked = _locked(schedule)
    if not locked.is_paused:
        return get(schedule.key)
    return _arm(locked, locked.cron or "", repeats=FOREVER)


@transaction.atomic
def run(schedule: SyncSchedule, *, user: User | None = None) -> SyncSession | None:
    """Start now what it starts, all of it at once, and leave its times alone; None when that is no session.

    Raises NoActiveInstance, and ScheduleBusy while a session of it runs.
    """
    if not schedule.is_sync:
        async_task(schedule.func, task_name=schedule.key, save=False)
        return None
    locked = _locked(schedule)
    if running := _running(locked.key):
        raise ScheduleBusy(
            schedule=locked.label, session_id=running.session_id, extra={"session_id": str(running.session_id)}
        )
    if not Instance.objects.active().exists():
        raise NoActiveInstance
    return _start(locked, until=timezone.now(), user=user)


# What happens by itself -------------------------------------------------------------------------------------------


@transaction.atomic
def start_due(*, key: str, due: datetime) -> SyncSession | None:
    """Start the session of a due time once, however often the queue says so; not beside one that still runs."""
    schedule = _locked(get(key))
    if schedule.is_paused:
        logger.info("Schedule %s was paused after it had come due at %s; nothing is started", key, due)
        return None
    if schedule.last_due_at is not None and due <= schedule.last_due_at:
        logger.info("Schedule %s was delivered again for %s; nothing is started", key, due)
        return None
    if running := _running(key):
        logger.warning(
            "Schedule %s came due at %s while session %s still runs; none is started", key, due, running.session_id
        )
        SyncSchedule.objects.filter(pk=schedule.pk).update(last_due_at=due, blocked_by=running)
        return None
    SyncSchedule.objects.filter(pk=schedule.pk).update(last_due_at=due)
    # A late start answers every due time up to now; and the clock of the host where it came due may be ahead.
    until = max(due, timezone.now())
    return _start(schedule, until=until, jitter_seconds=settings.SYNC_JITTER_SECONDS)


def start_late() -> None:
    """Start what came due a while ago and was neither started nor put off: its start failed, or its nudge was lost."""
    for schedule in SyncSchedule.objects.filter(func=START):
        if due := schedule.overdue_at:
            start_due(key=schedule.key, due=due)


def _start(
    schedule: SyncSchedule, *, until: datetime, user: User | None = None, jitter_seconds: float = 0
) -> SyncSession:
    session = services.start_session(
        category=schedule.key,
        sync_type=SyncType.SCHEDULED_TASK,
        instances=Instance.objects.all(),
        user=user,
        jitter_seconds=jitter_seconds,
    )
    SyncSchedule.objects.filter(pk=schedule.pk).update(answered_until=until, last_session=session, blocked_by=None)
    return session


def _running(category: str) -> SyncSession | None:
    """The newest session over all instances that still runs. One over a few is in nobody's way."""
    return (
        SyncSession.objects.filter(
            sync_category=category,
            sync_type__in=[SyncType.SCHEDULED_TASK, SyncType.MANUAL_TASK],
            status=SessionStatus.RUNNING,
        )
        .order_by("-started_at", "-pk")
        .first()
    )


def _locked(schedule: SyncSchedule) -> SyncSchedule:
    """The schedule as it is now, kept from other changes and starts until the transaction ends.

    Our table's row alone: django-q2 must not wait for a start over thousands of instances.
    """
    locked: SyncSchedule = SyncSchedule.objects.select_for_update(of=("self",)).get(pk=schedule.pk)
    return locked


def _arm(schedule: SyncSchedule, text: str, **changes: Any) -> SyncSchedule:
    """Change the row, and expect only due times from now on."""
    now = timezone.now()
    SyncSchedule.objects.filter(pk=schedule.pk).update(
        **changes, cron=text, armed_at=now, next_run=cron.next_after(text, now)
    )
    return get(schedule.key)


def _must_be_editable(schedule: SyncSchedule) -> None:
    if not schedule.is_editable:
        raise ScheduleFixed(schedule=schedule.label)
