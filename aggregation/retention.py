"""How rolled-up sizes go when they are old."""

from __future__ import annotations

import math
from datetime import datetime

from django.utils import timezone

from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.periods import PeriodType
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
