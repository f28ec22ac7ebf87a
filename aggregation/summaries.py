"""What the newest periods say together."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet, Sum

from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation


def of_databases(found: QuerySet[DatabaseSizeAggregation]) -> dict[str, Any]:
    """Of the newest period of each instance among rows of one period type; two queries."""
    rows = _newest(found)
    numbers = rows.aggregate(
        databases=Count("pk"),
        **_numbers(size="avg_size", change="size_change"),
    )
    return _summary(numbers, number=numbers["databases"]) | {"total_databases": numbers["databases"]}


def of_instances(found: QuerySet[InstanceSizeAggregation]) -> dict[str, Any]:
    """Of the newest period of each instance among rows of one period type; two queries."""
    numbers = _newest(found).aggregate(**_numbers(size="total_size", change="total_size_change"))
    return _summary(numbers, number=numbers["instances"])


def of_one_period(rows: QuerySet[Any]) -> dict[str, Any]:
    """Of rows that are all of one period, with how many of them tell less than they should; one query.

    `rows`, `compared`, `incomplete`, `stale`, `lower_bounds` are numbers of rows; the rest is as elsewhere.
    """
    measures = rows.model.MEASURES
    counts = {
        "rows": Count("pk"),
        "compared": Count(measures["change"]),
        "incomplete": Count("pk", filter=Q(is_complete=False)),
        "stale": Count("pk", filter=Q(is_stale=True)),
    }
    if rows.model is InstanceSizeAggregation:
        counts["lower_bounds"] = Count("pk", filter=Q(is_lower_bound=True))
    numbers = rows.order_by().aggregate(**counts, **_numbers(size=measures["size"], change=measures["change"]))
    return {
        "lower_bounds": 0, **{name: numbers[name] for name in counts}, **_summary(numbers, number=numbers["rows"])
    }  # fmt: skip


def _newest(found: QuerySet[Any]) -> QuerySet[Any]:
    instances: defaultdict[date, list[int]] = defaultdict(list)
    newest = found.order_by().values_list("instance_id").annotate(start=Max("period_start"))
    for pk, start in newest:
        instances[start].append(pk)
    condition = Q(pk__in=())
    for start, pks in instances.items():
        condition |= Q(period_start=start, instance__in=pks)
    return found.filter(condition).order_by()


def _numbers(*, size: str, change: str) -> dict[str, Any]:
    compared = Q(**{f"{change}__isnull": False})
    return {
        "instances": Count("instance", distinct=True),
        "total": Sum(size, default=0),
        "largest": Max("max_size", default=0),
        "change": Sum(change, default=0),
        "before": Sum(F(size) - F(change), filter=compared, default=0),
    }


def _summary(numbers: dict[str, Any], *, number: int) -> dict[str, Any]:
    total, change, before = (int(numbers[name]) for name in ("total", "change", "before"))
    return {
        "total_instances": numbers["instances"],
        "total_size": total,
        "avg_size": (2 * total + number) // (2 * number) if number else 0,
        "max_size": int(numbers["largest"]),
        "size_change": change,
        "growth_rate": round(Decimal(100 * change) / before, 2) if before else None,
    }
