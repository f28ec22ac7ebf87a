"""How daily numbers of classification go when they are old."""

from __future__ import annotations

import math
from datetime import datetime

from django.utils import timezone

from classification.models import ClassDailyStat, RuleDailyStat
from sessions_app.purging import purge_rows


def purge_statistics(before: datetime, *, dry_run: bool = False, until: float = math.inf) -> int:
    """Delete the numbers of days before a time. Returns how many rows; who is in which class stays."""
    day = timezone.localdate(before)
    return sum(
        purge_rows(model.objects.filter(stat_date__lt=day).order_by("stat_date"), dry_run=dry_run, until=until)
        for model in (RuleDailyStat, ClassDailyStat)
    )
