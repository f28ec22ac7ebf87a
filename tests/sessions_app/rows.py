"""Sessions and records in every state, written directly: what the pages and the API have to show."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from instances.models import Instance
from sessions_app import sessions
from sessions_app.models import SyncInstanceRecord, SyncSession

REFUSED = {
    "message_code": "DATABASE_CONNECTION_ERROR",
    "reason": "refused",
    "error_params": {"host": "db.example", "port": 5432, "detail": "Connection refused"},
}
REJECTED = {
    "message_code": "DATABASE_CONNECTION_ERROR",
    "reason": "auth",
    "error_params": {"host": "db.example", "port": 5432, "username": "monitor"},
}


def session_with(*statuses: str | dict[str, Any], final: bool | None = None, **fields: Any) -> SyncSession:
    """A session with one record per status, each of an instance of its own; finalized when no record is open."""
    session = SyncSession.objects.create(
        **{"sync_type": "manual_task", "sync_category": "account", "total_instances": len(statuses), **fields}
    )
    for place, wanted in enumerate(statuses):
        shape = wanted if isinstance(wanted, dict) else {"status": wanted}
        name = shape.pop("name", f"s{session.pk}-i{place}")
        add_record(session, Instance.objects.create(name=name, db_type="postgresql", host=name, port=5432), **shape)
    if final is not False and not session.records.filter(status__in=["pending", "running"]).exists():
        sessions.finalize(session.pk)
    session.refresh_from_db()
    return session


def add_record(session: SyncSession, instance: Instance, *, status: str, **fields: Any) -> SyncInstanceRecord:
    """One record in a state that the constraints allow."""
    now = timezone.now()
    state: dict[str, Any] = {"attempts": 0 if status == "pending" else 1}
    if status == "running":
        state |= {"claim_token": uuid.uuid4(), "lease_expires_at": now + timedelta(hours=1), "started_at": now}
    elif status != "pending":
        state |= {"started_at": now - timedelta(seconds=4), "completed_at": now}
    if status == "failed" and "message_code" not in fields:
        state |= REFUSED
    if status == "completed":
        state |= {"items_synced": 10, "items_created": 3, "items_updated": 2, "items_deleted": 1}
    return SyncInstanceRecord.objects.create(
        session=session,
        instance=instance,
        instance_name=instance.name,
        sync_category=session.sync_category,
        status=status,
        **{**state, **fields},
    )


def end(record: SyncInstanceRecord, status: str = "completed", **fields: Any) -> None:
    """Bring an open record to its end, as a worker does."""
    SyncInstanceRecord.objects.filter(pk=record.pk).update(
        status=status, completed_at=timezone.now(), claim_token=None, lease_expires_at=None, **fields
    )
