"""What the rows of one period say together, and how much of what they should say they cannot."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum

from aggregation.models import Aggregation, InstanceSizeAggregation
from aggregation.periods import Period, PeriodType
from instances.models import Instance

NO_PERIOD = {"period_start": None, "period_end": None, "is_over": None, "missing_instances": None}


def of_newest(found: QuerySet[Any], instances: QuerySet[Instance], *, today: date) -> dict[str, Any]:
    """Of the newest period that is over among rows of one period type, else of the one that is not; three queries.

    As of_one_period(), with `period_start`, `period_end`, `is_over`, and `missing_instances`: how many of `instances`
    have no row of that period. Without any row these four are None.
    """
    newest = found.order_by().aggregate(
        over=Max("period_start", filter=Q(period_end__lt=today)), unfinished=Max("period_start")
    )
    start = newest["over"] or newest["unfinished"]
    rows = found.filter(period_start=start) if start else found.none()
    numbers = of_one_period(rows)
    if not start:
        return {**NO_PERIOD, **numbers}
    period = Period(type=PeriodType(numbers["period_type"]), start=start, end=numbers["period_end"])
    return {
        **numbers,
        "period_start": start,
        "is_over": period.end < today,
        "missing_instances": missing(found.model, period, instances),
    }


def missing(model: type[Aggregation], period: Period, instances: QuerySet[Instance]) -> int:
    """How many of these instances were there before a period's end and have no row of it; one query."""
    own = model._default_manager.filter(instance=OuterRef("pk"), period_type=period.type, period_start=period.start)
    return instances.filter(~Exists(own), created_at__date__lte=period.end).count()


def of_one_period(rows: QuerySet[Any]) -> dict[str, Any]:
    """Of rows that are all of one period, with how many of them tell less than they should; one query.

    `rows`, `compared`, `incomplete`, `stale`, `lower_bounds` are numbers of rows; sizes are bytes, averages of the
    period; `size_change` and `growth_rate` (percent, two places) are of the rows that can be compared.
    """
    size, change = rows.model.MEASURES["size"], rows.model.MEASURES["change"]
    counts = {
        "rows": Count("pk"),
        "compared": Count(change),
        "incomplete": Count("pk", filter=Q(is_complete=False)),
        "stale": Count("pk", filter=Q(is_stale=True)),
    }
    if rows.model is InstanceSizeAggregation:
        counts["lower_bounds"] = Count("pk", filter=Q(is_lower_bound=True))
    numbers = rows.order_by().aggregate(
        **counts,
        period_type=Max("period_type"),
        period_end=Max("period_end"),
        instances=Count("instance", distinct=True),
        total=Sum(size, default=0),
        largest=Max("max_size", default=0),
        change=Sum(change, default=0),
        before=Sum(F(size) - F(change), filter=Q(**{f"{change}__isnull": False}), default=0),
    )
    total, number = int(numbers["total"]), numbers["rows"]
    return {
        "lower_bounds": 0,
        **{name: numbers[name] for name in (*counts, "period_type", "period_end")},
        "total_instances": numbers["instances"],
        "total_size": total,
        "avg_size": (2 * total + number) // (2 * number) if number else 0,
        "max_size": int(numbers["largest"]),
        "size_change": int(numbers["change"]),
        "growth_rate": growth_rate(int(numbers["change"]), int(numbers["before"])),
    }


def growth_rate(change: int, before: int) -> Decimal | None:
    """A change in percent, two places, halves away from zero as the rows have it; None where nothing was before."""
    if before <= 0:
        return None
    hundredths = (20_000 * abs(change) + before) // (2 * before)
    return Decimal(hundredths if change >= 0 else -hundredths).scaleb(-2)
