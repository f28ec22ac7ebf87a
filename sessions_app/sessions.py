"""What happens to whole sessions: leases of many records, the end, and the nudge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.db.models.functions import Now
from django_q.brokers import get_broker
from django_q.tasks import async_task

from instances.models import Instance
from sessions_app import categories, records
from sessions_app.categories import ItemCounts
from sessions_app.clock import from_now
from sessions_app.models import OPEN, RecordStatus, SessionStatus, SyncInstanceRecord, SyncSession

NUDGE = "sessions_app.tasks.work"
ITEM_FIELDS = ("synced", "created", "updated", "deleted")


def renew(mine: Sequence[SyncInstanceRecord]) -> None:
    """Extend the leases of records that are being fetched; what is locked by a cancel is left to it."""
    with transaction.atomic():
        free = records.held(mine).select_for_update(skip_locked=True).order_by("pk")
        SyncInstanceRecord.objects.filter(pk__in=list(free.values_list("pk", flat=True))).update(
            lease_expires_at=from_now(settings.SYNC_LEASE_SECONDS)
        )


def finalize(session_pk: int) -> bool:
    """running → completed or failed, once no record is open; freezes counts, summary and errors. One caller wins."""
    mine = SyncInstanceRecord.objects.filter(session=session_pk)
    if mine.filter(status__in=OPEN).exists():
        return False
    with transaction.atomic():
        frozen = freeze(session_pk)
        status = SessionStatus.FAILED if frozen["failed_instances"] else SessionStatus.COMPLETED
        still_open = SyncInstanceRecord.objects.filter(session=OuterRef("pk"), status__in=OPEN)
        ended = (
            SyncSession.objects.filter(pk=session_pk, status=SessionStatus.RUNNING)
            .filter(~Exists(still_open))
            .update(status=status, completed_at=Now(), updated_at=Now(), **frozen)
        )
        if ended:
            transaction.on_commit(_category_of(session_pk).conclude, robust=True)
        if ended and settings.SYNC_FOLLOW_UPS:
            _follow_up(session_pk)
    return bool(ended)


def freeze(session_pk: int) -> dict[str, Any]:
    """The fields of a final session that are derived from its records."""
    mine = SyncInstanceRecord.objects.filter(session=session_pk)
    numbers: dict[str, int] = mine.aggregate(
        **{status: Count("pk", filter=Q(status=status)) for status in RecordStatus.values},
        **{
            f"items_{field}": Sum(f"items_{field}", filter=Q(status=RecordStatus.COMPLETED), default=0)
            for field in ITEM_FIELDS
        },
    )
    errors = (
        mine.filter(status=RecordStatus.FAILED)
        .values("message_code", "reason")
        .annotate(count=Count("pk"))
        .order_by("-count", "message_code", "reason")
    )
    totals = ItemCounts(
        synced=numbers["items_synced"],
        created=numbers["items_created"],
        updated=numbers["items_updated"],
        deleted=numbers["items_deleted"],
    )
    category = _category_of(session_pk)
    metrics = category.metrics(totals, session_pk)
    return {
        "successful_instances": numbers["completed"],
        "failed_instances": numbers["failed"],
        "skipped_instances": numbers["skipped"],
        "cancelled_instances": numbers["cancelled"],
        "summary": {
            "version": 1,
            "metrics": metrics,
            "errors": numbers["failed"],
            **category.summary(session_pk),
        },
        "error_summary": list(errors),
    }


def _category_of(session_pk: int) -> categories.Category:
    return categories.get(SyncSession.objects.values_list("sync_category", flat=True).get(pk=session_pk))


def _follow_up(session_pk: int) -> None:
    """Start what settings.SYNC_FOLLOW_UPS wants after this category, over the instances that were completed."""
    from sessions_app.services import start_session  # the one place where an end begins something

    session = SyncSession.objects.get(pk=session_pk)
    done = Instance.objects.filter(sync_records__session=session, sync_records__status=RecordStatus.COMPLETED)
    wanted = settings.SYNC_FOLLOW_UPS.get(session.sync_category, [])
    if wanted and done.active().exists():
        for category in wanted:
            start_session(
                category=category,
                sync_type=session.sync_type,
                instances=done,
                user=session.created_by,
                parameters={"follow_up_of": str(session.session_id)},
            )


def nudge() -> None:
    """Tell the workers that there is work, once it is committed: a broker apart from our database would be too early.

    A nudge that cannot be sent fails nothing; the next sweep repeats it.
    """
    transaction.on_commit(_wake_workers, robust=True)


def _wake_workers() -> None:
    """As many nudges as there are workers in one process group, and never more."""
    broker = get_broker()
    for _ in range(settings.Q_WORKERS - broker.queue_size()):
        async_task(NUDGE, broker=broker, task_name="engine", save=False)
