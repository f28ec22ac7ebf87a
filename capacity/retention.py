"""How sizes go when they are old."""

from __future__ import annotations

import math
from datetime import datetime

from django.utils import timezone

from capacity.models import DatabaseSizeStat, GrowthEvent, InstanceSizeStat, TableSizeSnapshot
from sessions_app.purging import purge_rows


def purge_sizes(before: datetime, *, dry_run: bool = False, until: float = math.inf) -> int:
    """Delete what was measured before a day: sizes, totals, growth events, tables. Returns how many rows."""
    day = timezone.localdate(before)
    old = (
        DatabaseSizeStat.objects.filter(collected_date__lt=day).order_by("collected_date"),
        InstanceSizeStat.objects.filter(collected_date__lt=day).order_by("collected_date"),
        GrowthEvent.objects.filter(collected_date__lt=day).order_by("collected_date"),
        TableSizeSnapshot.objects.filter(collected_at__lt=before).order_by("collected_at"),
    )
    return sum(purge_rows(rows, dry_run=dry_run, until=until) for rows in old)
