"""The lock-out guard: a rejected login is not tried again and again until the server locks the account."""

from __future__ import annotations

from datetime import timedelta

from dbms.base import Target
from instances.connections import LOCKOUT_REASONS, note_rejection
from sessions_app import records
from sessions_app.clock import from_now
from sessions_app.models import RecordStatus, SyncInstanceRecord, SyncType

LIMIT = 3  # rejections of one credential in one session …
WINDOW = timedelta(minutes=10)  # … within this time suspend it for the rest of the session


def applies(record: SyncInstanceRecord, target: Target) -> bool:
    """Whether a schedule or a bulk retry has to leave this login alone. A person who asks for one is not stopped."""
    by_itself = record.session.sync_type == SyncType.SCHEDULED_TASK or record.session.retry_of_id is not None
    return by_itself and record.instance is not None and record.instance.is_suspended(target)


def note(record: SyncInstanceRecord, target: Target, reason: str) -> None:
    """Remember a rejected login, and spare the rest of the session a credential that was rejected three times."""
    if reason not in LOCKOUT_REASONS or record.instance is None:
        return
    note_rejection(record.instance.pk, target, reason)
    same = SyncInstanceRecord.objects.filter(
        session=record.session_id, instance__credential=record.instance.credential_id
    )
    recent = same.filter(
        status=RecordStatus.FAILED, reason__in=LOCKOUT_REASONS, completed_at__gte=from_now(-WINDOW.total_seconds())
    )
    if recent.count() >= LIMIT:
        records.drop(same, "credential_suspended")
