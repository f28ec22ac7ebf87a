"""All sessions in numbers, by one statement."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from sessions_app.models import SessionStatus, SyncCategoryName, SyncSession, SyncType


def session_statistics() -> dict[str, Any]:
    """Totals by status, category and type, the last 24 hours, and success rates in percent."""
    recent = Q(started_at__gte=timezone.now() - timedelta(hours=24))
    wanted: dict[str, Count] = {"total": Count("pk"), "recent": Count("pk", filter=recent)}
    for status in SessionStatus.values:
        wanted[f"status_{status}"] = Count("pk", filter=Q(status=status))
        wanted[f"recent_{status}"] = Count("pk", filter=recent & Q(status=status))
    for category in SyncCategoryName.values:
        wanted[f"category_{category}"] = Count("pk", filter=Q(sync_category=category))
    for sync_type in SyncType.values:
        wanted[f"type_{sync_type}"] = Count("pk", filter=Q(sync_type=sync_type))
    numbers = SyncSession.objects.aggregate(**wanted)
    return {
        "total_sessions": numbers["total"],
        "running_now": numbers["status_running"],
        "success_rate": _rate(numbers["status_completed"], numbers["status_failed"]),
        "by_status": {status: numbers[f"status_{status}"] for status in SessionStatus.values},
        "by_category": {category: numbers[f"category_{category}"] for category in SyncCategoryName.values},
        "by_type": {sync_type: numbers[f"type_{sync_type}"] for sync_type in SyncType.values},
        "last_24_hours": {
            "sessions": numbers["recent"],
            "by_status": {status: numbers[f"recent_{status}"] for status in SessionStatus.values},
            "success_rate": _rate(numbers["recent_completed"], numbers["recent_failed"]),
        },
    }


def _rate(completed: int, failed: int) -> float | None:
    return round(100 * completed / (completed + failed), 2) if completed + failed else None
