"""Finds what has to be calculated again: periods whose days were measured, or measured anew, after they were rolled up.

Nothing has to tell: every row says when the newest of its days was measured, so the days themselves show what is late.
A row that was taken before its period was over, and still has every day of it, shows that by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache

from django.conf import settings
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When

from aggregation import periods
from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.periods import Period, PeriodType
from capacity.models import InstanceSizeStat

LONGEST_DAYS = 92
DAY, INSTANCE, UNFINISHED, DATABASE = "day", "instance", "unfinished", "database"
# All days of the period are known, so it only was not over yet. With fewer days the figures would stay as they are.
TAKEN_TOO_EARLY = Q(is_complete=False, is_lower_bound=False, data_count=F("expected_days"))

Pair = tuple[int, Period]  # an instance by its id


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Periods of instances to calculate again, all of them over; `databases` adds those of their table alone: what is
    marked there, and what has a row of the instance but none of a database.
    """

    instances: set[Pair] = field(default_factory=set)
    databases: set[Pair] = field(default_factory=set)


def find(instances: Sequence[int], today: date) -> Late:
    """What is late among the days of the last AGGREGATION_LATE_DAYS; one query.

    A period without a row counts as well, unless it is older than the instance's first row: history is the back-fill's.
    """
    since = today - timedelta(days=settings.AGGREGATION_LATE_DAYS)
    days: list[tuple[int, date, datetime]] = []
    known: dict[tuple[int, str, date], datetime] = {}
    found: set[Pair] = set()
    marked: set[Pair] = set()
    for kind, pk, type, start, collected_at in _rows(instances, since, today):
        if kind == DAY:
            days.append((pk, start, collected_at))
            continue
        own = _containing(PeriodType(type), start)
        if kind == DATABASE:
            marked.add((pk, own))
            continue
        known[pk, type, start] = collected_at
        if kind == UNFINISHED and own.end < today:
            found.add((pk, own))
    first: dict[tuple[int, str], date] = {}
    for pk, type, start in known:
        first[pk, type] = min(start, first.get((pk, type), start))
    for pk, day, collected_at in days:
        for type in PeriodType:
            own = _containing(type, day)
            before = first.get((pk, type))
            if before is None or own.end >= today:
                continue
            rolled_up = known.get((pk, type, own.start))
            if collected_at > rolled_up if rolled_up else own.start > before:
                found.add((pk, own))
            # The next period tells its change against this one.
            after = own.next
            compared = known.get((pk, type, after.start))
            if compared and collected_at > compared and after.end < today:
                found.add((pk, after))
    return Late(instances=found, databases=found | {pair for pair in marked if pair[1].end < today})


def _rows(instances: Sequence[int], since: date, today: date) -> list[tuple[str, int, str, date, datetime]]:
    """(kind, instance, period type, first day, when its newest day was measured): days, and what was rolled up."""
    days = InstanceSizeStat.objects.filter(instance__in=instances, collected_date__gte=since, collected_date__lt=today)
    rolled_up = InstanceSizeAggregation.objects.filter(
        instance__in=instances, period_start__gte=since - timedelta(days=LONGEST_DAYS)
    )
    of_databases = DatabaseSizeAggregation.objects.filter(instance__in=instances)
    # By the first columns of an index: of an instance in a period.
    same = {name: OuterRef(name) for name in ("instance", "period_type", "period_start")}
    alone = rolled_up.filter(~Exists(DatabaseSizeAggregation.objects.filter(**same)), period_start__gte=since)
    parts = (
        days.values_list(Value(DAY), F("instance_id"), Value(""), F("collected_date"), F("collected_at")),
        *(
            rows.values_list(kind, F("instance_id"), F("period_type"), F("period_start"), F("collected_at"))
            for kind, rows in (
                (Case(When(TAKEN_TOO_EARLY, then=Value(UNFINISHED)), default=Value(INSTANCE)), rolled_up),
                (Value(DATABASE), of_databases.filter(is_stale=True)),
                (Value(DATABASE), alone),
            )
        ),
    )
    return list(parts[0].union(*parts[1:], all=True))


_containing = cache(periods.containing)
