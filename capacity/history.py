"""What was measured, as pages and the API ask for it: series, growth, and the databases that stand out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from capacity.forecast import Point
from capacity.growth_rates import PERIODS, grown
from capacity.models import DatabaseSizeStat, InstanceDatabase, InstanceDatabaseQuerySet, InstanceSizeStat


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


def largest(databases: InstanceDatabaseQuerySet, most: int) -> list[InstanceDatabase]:
    """The largest of these databases. One query."""
    return list(databases.filter(size_bytes__isnull=False).order_by("-size_bytes", "pk")[:most])


def fastest_growing(
    databases: InstanceDatabaseQuerySet, most: int, *, days: int, today: date | None = None
) -> list[InstanceDatabase]:
    """Those of these databases that grew by the most bytes in so many days, as `grown_N`. One query."""
    key = f"grown_{days}"
    growing = databases.annotate(**grown({days: PERIODS[days]}, today=today)).filter(**{f"{key}__gt": 0})
    return list(growing.order_by(f"-{key}", "pk")[:most])
