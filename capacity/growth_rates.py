"""How much databases grew over a day, a week and a month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Case, DateField, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import JSONObject
from django.db.models.lookups import Exact
from django.utils import timezone

from capacity.models import DatabaseSizeStat, InstanceDatabase

# Days → by how many more the sample to compare with may lie back, where its very day is a gap.
PERIODS = {1: 0, 7: 3, 30: 7}
RECENT_DAYS = 3  # how old the last sample may be: nobody knows how what was measured earlier grew lately


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """By how many bytes, and per cent to two places, a size changed from one day to another. No per cent of nothing."""

    bytes: int
    percent: float | None
    since: date
    until: date


def grown(periods: Mapping[int, int] = PERIODS, *, today: date | None = None) -> dict[str, Combinable]:
    """Expressions `grown_N` over databases, to sort by: the bytes of their growth in N days, null where it is unknown.

    An index look-up per row and period.
    """
    return {
        f"grown_{days}": F("size_bytes") - Subquery(_samples_before(days, slack, today).values("size_bytes")[:1])
        for days, slack in periods.items()
    }


def with_growth(databases: QuerySet[InstanceDatabase], *, today: date | None = None) -> QuerySet[InstanceDatabase]:
    """Databases with all that growth() tells of them. No statement of its own."""
    sample = JSONObject(size_bytes="size_bytes", day="collected_date")
    return databases.annotate(
        **{
            f"before_{days}": Subquery(_samples_before(days, slack, today).values(sample=sample)[:1])
            for days, slack in PERIODS.items()
        }
    )


def growth(database: Any) -> dict[int, Growth | None]:
    """The growth of a database from with_growth() in each of PERIODS; None where it is unknown. No statement.

    It goes from the nearest sample at or before that day to the last one. It is unknown when that sample lies further
    back than the period allows, when the last one is older than RECENT_DAYS, or when they come from different sources.
    """
    return {days: _from(getattr(database, f"before_{days}"), database) for days in PERIODS}


def _from(before: Mapping[str, Any] | None, database: Any) -> Growth | None:
    if before is None:
        return None
    change = database.size_bytes - before["size_bytes"]
    percent = round(100 * change / before["size_bytes"], 2) if before["size_bytes"] else None
    since = date.fromisoformat(before["day"])
    return Growth(bytes=change, percent=percent, since=since, until=database.collected_date)


def _samples_before(days: int, slack: int, today: date | None) -> QuerySet[DatabaseSizeStat]:
    """The samples to compare a database's last one with, the nearest first."""
    today = today or timezone.localdate()
    return DatabaseSizeStat.objects.filter(
        instance=OuterRef("instance"),
        database_name=OuterRef("database_name"),
        method=OuterRef("method"),
        collected_date__lte=_before_the_latest(days, today),
        collected_date__gte=_before_the_latest(days + slack, today),
    ).order_by("-collected_date")


def _before_the_latest(days: int, today: date) -> Case:
    """The day so many days before a database's last sample, as one of few constants: no two databases of ours add days
    to a date alike.
    """
    latest = [today - timedelta(days=age) for age in range(RECENT_DAYS + 1)]
    return Case(
        *(
            When(Exact(OuterRef("collected_date"), day), then=Value(day - timedelta(days=days), DateField()))
            for day in latest
        ),
        default=None,
        output_field=DateField(),
    )
