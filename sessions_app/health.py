"""Whether anybody works: what a supervisor, a load balancer and the dashboard are told, from three statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce, Now

from sessions_app import claims, heartbeats
from sessions_app.models import Heartbeat, RecordStatus, SyncInstanceRecord

NEVER_SWEPT = "never_swept"
SWEEP_OVERDUE = "sweep_overdue"
UNCLAIMED = "unclaimed"
LEASE_LAPSED = "lease_lapsed"
REASONS = (NEVER_SWEPT, SWEEP_OVERDUE, UNCLAIMED, LEASE_LAPSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Something that is not as it should be: a stable word, for how long, and from when on that is a failure."""

    reason: str
    seconds: float
    limit: float

    @property
    def is_failure(self) -> bool:
        return self.seconds > self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Ages in seconds by the database's clock; None when there is nothing of that age."""

    installed: float | None
    sweep: float | None  # since a sweep came to its end
    queue: float | None  # since the oldest record that a worker could take may be taken
    unclaimed: float | None  # since there are such records and no worker takes any
    lapsed_lease: float | None  # since the oldest lease that nobody took back lapsed

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What is wrong, and, before it is, that no worker has ever swept."""
        found = []
        if self.sweep is None:
            age = self.installed or 0.0
            found.append(Reason(reason=NEVER_SWEPT, seconds=age, limit=settings.HEALTH_SWEEP_SECONDS))
        for word, seconds, limit in (
            (SWEEP_OVERDUE, self.sweep, settings.HEALTH_SWEEP_SECONDS),
            (UNCLAIMED, self.unclaimed, settings.HEALTH_QUEUE_SECONDS),
            (LEASE_LAPSED, self.lapsed_lease, 2 * settings.SYNC_LEASE_SECONDS),
        ):
            if seconds is not None and seconds > limit:
                found.append(Reason(reason=word, seconds=seconds, limit=limit))
        return tuple(found)

    @property
    def is_failing(self) -> bool:
        return any(reason.is_failure for reason in self.reasons)


def read() -> Health:
    """Three statements: a table of three rows, and two partial indexes of the records (running, pending)."""
    beats = {name: _seconds(at, now) for name, at, now in Heartbeat.objects.values_list("name", "at", Now())}
    lapsed = SyncInstanceRecord.objects.filter(status=RecordStatus.RUNNING, lease_expires_at__lt=Now())
    queue = _oldest(claims.waiting(), Coalesce("next_attempt_at", "created_at"))
    claim = beats.get(heartbeats.CLAIM)
    return Health(
        installed=beats.get(heartbeats.INSTALLED),
        sweep=beats.get(heartbeats.SWEEP),
        queue=queue,
        unclaimed=queue if queue is None or claim is None else min(queue, claim),
        lapsed_lease=_oldest(lapsed, F("lease_expires_at")),
    )


def _oldest(found: QuerySet[SyncInstanceRecord], since: F | Coalesce) -> float | None:
    row = found.annotate(since=since, now=Now()).order_by("since").values_list("since", "now").first()
    return _seconds(*row) if row else None


def _seconds(at: datetime, now: datetime) -> float:
    return max(0.0, round((now - at).total_seconds(), 1))
