"""What was measured, as pages and the API ask for it: series, growth, and the databases that stand out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Case, DateField, F, OuterRef, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.lookups import Exact
from django.utils import timezone

from capacity.forecast import Point
from capacity.models import DatabaseSizeStat, InstanceDatabase, InstanceDatabaseQuerySet, InstanceSizeStat

# Days → by how many more the sample to compare with may lie back, where its very day is a gap.
PERIODS = {1: 0, 7: 3, 30: 7}
RECENT_DAYS = 3  # how old the last sample may be: nobody knows how what was measured earlier grew lately


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseDay:
    """What a database weighed on one day, in bytes."""

    day: date
    size_bytes: int
    data_size_bytes: int | None
    log_size_bytes: int | None
    method: str
    is_estimate: bool

    @property
    def point(self) -> Point:
        """For the forecast."""
        return Point(day=self.day, size_bytes=self.size_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceDay:
    """What the listed databases of an instance weighed on one day, in bytes; a lower bound unless complete."""

    day: date
    size_bytes: int
    hidden_size_bytes: int
    shared_size_bytes: int
    database_count: int
    is_complete: bool

    @property
    def point(self) -> Point:
        """For the forecast."""
        return Point(day=self.day, size_bytes=self.size_bytes)


def of_database(database: InstanceDatabase, *, since: date | None = None, until: date) -> list[DatabaseDay]:
    """The days on which a database was measured, the oldest first. One query."""
    stats = DatabaseSizeStat.objects.filter(
        instance=database.instance_id, database_name=database.database_name, collected_date__lte=until
    ).order_by("collected_date")
    if since is not None:
        stats = stats.filter(collected_date__gte=since)
    return [
        DatabaseDay(
            day=day, size_bytes=size, data_size_bytes=data, log_size_bytes=log, method=method, is_estimate=estimate
        )
        for day, size, data, log, method, estimate in stats.values_list(
            "collected_date", "size_bytes", "data_size_bytes", "log_size_bytes", "method", "is_estimate"
        )
    ]


def of_instance(instance_pk: int, *, since: date | None = None, until: date) -> list[InstanceDay]:
    """The days on which an instance was measured, the oldest first. One query."""
    stats = InstanceSizeStat.objects.filter(instance=instance_pk, collected_date__lte=until).order_by("collected_date")
    if since is not None:
        stats = stats.filter(collected_date__gte=since)
    return [
        InstanceDay(
            day=day,
            size_bytes=size,
            hidden_size_bytes=hidden,
            shared_size_bytes=shared,
            database_count=count,
            is_complete=complete,
        )
        for day, size, hidden, shared, count, complete in stats.values_list(
            "collected_date",
            "total_size_bytes",
            "hidden_size_bytes",
            "shared_size_bytes",
            "database_count",
            "is_complete",
        )
    ]


def instance_growth(days: Sequence[InstanceDay], latest: date) -> dict[int, int | None]:
    """By how many bytes a total grew in each of PERIODS; None where a complete sample is missing."""
    complete = {day.day: day.size_bytes for day in days if day.is_complete}
    if latest not in complete:
        return dict.fromkeys(PERIODS)
    return {
        back: next(
            (
                complete[latest] - complete[day]
                for older in range(slack + 1)
                if (day := latest - timedelta(days=back + older)) in complete
            ),
            None,
        )
        for back, slack in PERIODS.items()
    }


def growth(periods: Mapping[int, int] = PERIODS, *, today: date | None = None) -> dict[str, Combinable]:
    """Expressions `grown_N` over databases: by how many bytes one grew in the N days before its last sample.

    Growth is from the nearest sample at or before that day; null when it lies further back than the period allows, when
    the last sample is older than RECENT_DAYS, or when the two come from different sources. An index look-up per row and
    period.
    """
    today = today or timezone.localdate()
    comparable = DatabaseSizeStat.objects.filter(
        instance=OuterRef("instance"), database_name=OuterRef("database_name"), method=OuterRef("method")
    ).order_by("-collected_date")
    grown: dict[str, Combinable] = {}
    for days, slack in periods.items():
        nearest = comparable.filter(
            collected_date__lte=_before_the_latest(days, today),
            collected_date__gte=_before_the_latest(days + slack, today),
        )
        grown[f"grown_{days}"] = F("size_bytes") - Subquery(nearest.values("size_bytes")[:1])
    return grown


def with_growth(
    databases: InstanceDatabaseQuerySet, periods: Mapping[int, int] = PERIODS, *, today: date | None = None
) -> InstanceDatabaseQuerySet:
    """Annotates the databases with their growth(). No statement of its own."""
    return databases.annotate(**growth(periods, today=today))


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


def largest(databases: InstanceDatabaseQuerySet, most: int) -> list[InstanceDatabase]:
    """The largest of these databases. One query."""
    return list(databases.filter(size_bytes__isnull=False).order_by("-size_bytes", "pk")[:most])


def fastest_growing(
    databases: InstanceDatabaseQuerySet, most: int, *, days: int, today: date | None = None
) -> list[InstanceDatabase]:
    """Those of these databases that grew by the most bytes in so many days, as `grown_N`. One query."""
    grown = f"grown_{days}"
    growing = with_growth(databases, {days: PERIODS[days]}, today=today).filter(**{f"{grown}__gt": 0})
    return list(growing.order_by(f"-{grown}", "pk")[:most])
