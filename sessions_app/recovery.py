"""The sweep: repairs whatever a death left behind. Idempotent; needs no host name and no process id."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from sessions_app import claims, heartbeats, records, sessions
from sessions_app.models import OPEN, RecordStatus, SessionStatus, SyncInstanceRecord, SyncSession
from whalefall.errors import WorkerLost

LOST_LIMIT = 3
BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What a sweep found."""

    returned: int
    lost: int
    dropped: int
    finalized: int
    nudged: bool


def sweep() -> SweepReport:
    """Give lapsed records back, drop what lost its instance, finalize, and wake the workers."""
    returned, lost = _return_lapsed()
    dropped = records.drop(
        SyncInstanceRecord.objects.filter(
            Q(instance__isnull=True) | Q(instance__is_active=False) | Q(instance__deleted_at__isnull=False)
        ),
        "instance_disabled",
    )
    ended = SyncSession.objects.filter(status=SessionStatus.RUNNING).exclude(
        pk__in=SyncInstanceRecord.objects.filter(status__in=OPEN).values("session_id")
    )
    finalized = sum(sessions.finalize(pk) for pk in ended.values_list("pk", flat=True))
    waiting = claims.claimable().exists()
    if waiting:
        sessions.nudge()
    heartbeats.beat(heartbeats.SWEEP)  # last: a sweep that breaks off is none
    return SweepReport(returned=returned, lost=lost, dropped=dropped, finalized=finalized, nudged=waiting)


@transaction.atomic
def _return_lapsed() -> tuple[int, int]:
    """running → pending where the lease lapsed, or → failed after the third lost worker; returns both numbers."""
    lapsed = (
        SyncInstanceRecord.objects.filter(status=RecordStatus.RUNNING, lease_expires_at__lt=Now())
        .select_for_update(skip_locked=True)
        .order_by("pk")[:BATCH]
    )
    rows = list(lapsed.values_list("pk", "lost_count"))
    back = SyncInstanceRecord.objects.filter(
        pk__in=[pk for pk, lost in rows if lost + 1 < LOST_LIMIT], status=RecordStatus.RUNNING
    ).update(status=RecordStatus.PENDING, lost_count=F("lost_count") + 1, **records.NO_LEASE)
    failed = SyncInstanceRecord.objects.filter(
        pk__in=[pk for pk, lost in rows if lost + 1 >= LOST_LIMIT], status=RecordStatus.RUNNING
    ).update(
        status=RecordStatus.FAILED,
        completed_at=Now(),
        lost_count=F("lost_count") + 1,
        message_code=WorkerLost.message_code,
        reason=WorkerLost.reason,
        error_params={"lost_count": LOST_LIMIT},
        **records.NO_LEASE,
    )
    return back, failed
