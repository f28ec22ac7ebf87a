"""How much databases grew over a day, a week and a month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from capacity.models import DatabaseSizeStat, InstanceDatabase

# Days → by how many more the sample to compare with may lie back, where its very day is a gap.
PERIODS = {1: 0, 7: 3, 30: 7}
LOOKED_BACK = max(days + slack for days, slack in PERIODS.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """By how many bytes, and per cent to two places, a size changed from one day to another. No per cent of nothing."""

    bytes: int
    percent: float | None
    since: date
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    day: date
    size: int
    method: str


def growth(databases: Sequence[InstanceDatabase], day: date) -> dict[int, dict[int, Growth | None]]:
    """Up to the newest sample of each database on or before a day; by its id and the number of days. One statement.

    None where there is no sample to compare with, or only one that was measured in another way.
    """
    samples = _samples(databases, day)
    return {database.pk: _growth(samples[database.instance_id, database.database_name]) for database in databases}


def _samples(databases: Sequence[InstanceDatabase], day: date) -> Mapping[tuple[int, str], list[_Sample]]:
    """Each database's samples, the newest first."""
    rows = DatabaseSizeStat.objects.filter(
        instance__in={database.instance_id for database in databases},
        database_name__in={database.database_name for database in databases},
        collected_date__range=(day - timedelta(days=LOOKED_BACK), day),
    ).order_by("-collected_date")
    found: defaultdict[tuple[int, str], list[_Sample]] = defaultdict(list)
    for instance, name, on, size, method in rows.values_list(
        "instance_id", "database_name", "collected_date", "size_bytes", "method"
    ):
        found[instance, name].append(_Sample(day=on, size=size, method=method))
    return found


def _growth(samples: Sequence[_Sample]) -> dict[int, Growth | None]:
    if not samples:
        return dict.fromkeys(PERIODS)
    newest = samples[0]
    return {days: _between(_before(samples, newest.day - timedelta(days=days), slack), newest)
            for days, slack in PERIODS.items()}  # fmt: skip


def _before(samples: Sequence[_Sample], wanted: date, slack: int) -> _Sample | None:
    return next((one for one in samples if wanted - timedelta(days=slack) <= one.day <= wanted), None)


def _between(before: _Sample | None, after: _Sample) -> Growth | None:
    if before is None or before.method != after.method:
        return None
    change = after.size - before.size
    percent = round(100 * change / before.size, 2) if before.size else None
    return Growth(bytes=change, percent=percent, since=before.day, until=after.day)
