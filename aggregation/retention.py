"""How rolled-up sizes go when they are old, and what can still be rolled up of days that go."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.periods import Period, PeriodType
from sessions_app.purging import purge_rows


def purge_aggregations(before: datetime, *, dry_run: bool = False, until: float = math.inf) -> int:
    """Delete periods that ended before a day. Returns how many rows."""
    day = timezone.localdate(before)
    return sum(
        purge_rows(
            # In the order of an index: by type.
            model.objects.filter(period_type=type, period_end__lt=day).order_by("period_start"),
            dry_run=dry_run,
            until=until,
        )
        for model in (DatabaseSizeAggregation, InstanceSizeAggregation)
        for type in PeriodType
    )


def possible(periods: Iterable[Period], today: date) -> list[Period]:
    """Those whose days, and the days that they are compared with, retention surely leaves.

    Rows that rest on days which are gone by now would lose them by being calculated again.
    """
    days = settings.RETENTION_DAYS["sizes"]
    kept_since = today - timedelta(days=days - 1) if days else date.min
    return [one for one in periods if one.previous.start >= kept_since]
