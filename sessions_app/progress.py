"""How far sessions have come: live numbers for those that run, from the records and never from counters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min

from sessions_app.models import RecordStatus, SyncInstanceRecord, SyncSession


def add_live_counts(sessions: Iterable[SyncSession]) -> None:
    """Give the running ones among a page of sessions their counts, by one statement over their records alone."""
    running = {session.pk: session for session in sessions if not session.is_final}
    if not running:
        return
    for session in running.values():
        for status in RecordStatus.values:
            setattr(session, f"live_{status}", 0)
    counted = (
        SyncInstanceRecord.objects.filter(session__in=running)
        .values_list("session_id", "status")
        .annotate(number=Count("pk"))
        .order_by()
    )
    for session_pk, status, number in counted:
        setattr(running[session_pk], f"live_{status}", number)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGroup:
    """Failed records of one session that failed for the same reason."""

    message_code: str
    reason: str
    count: int
    example: SyncInstanceRecord

    @property
    def cause(self) -> str:
        """Exactly this group, as a retry is narrowed to it."""
        return f"{self.message_code}/{self.reason}"

    def as_dict(self) -> dict[str, Any]:
        """What the API says of a group."""
        return {"message_code": self.message_code, "reason": self.reason, "count": self.count}


def error_groups(session: SyncSession) -> list[ErrorGroup]:
    """Why records failed, the most frequent first; two statements."""
    groups = list(
        session.records.filter(status=RecordStatus.FAILED)
        .values("message_code", "reason")
        .annotate(count=Count("pk"), first=Min("pk"))
        .order_by("-count", "message_code", "reason")
    )
    examples = SyncInstanceRecord.objects.in_bulk([group["first"] for group in groups]) if groups else {}
    by_cause = {(record.message_code, record.reason): record for record in examples.values()}
    return [
        ErrorGroup(
            message_code=group["message_code"],
            reason=group["reason"],
            count=group["count"],
            example=by_cause[group["message_code"], group["reason"]],
        )
        for group in groups
        if (group["message_code"], group["reason"]) in by_cause  # deleted between the two statements
    ]
