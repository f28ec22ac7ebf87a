"""How much databases grew over a day, a week and a month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from capacity.history import PERIODS, RECENT_DAYS
from capacity.models import DatabaseSizeStat, InstanceDatabase

LOOKED_BACK = RECENT_DAYS + max(days + slack for days, slack in PERIODS.items())


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

    The same growth as history.with_growth() sorts by, with both of its days. None where there is no sample to compare
    with, only one that was measured in another way, or no recent sample at all.
    """
    samples = _samples(databases, day)
    return {database.pk: _growth(samples[database.instance_id, database.database_name], day) for database in databases}


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


def _growth(samples: Sequence[_Sample], day: date) -> dict[int, Growth | None]:
    if not samples or samples[0].day < day - timedelta(days=RECENT_DAYS):
        return dict.fromkeys(PERIODS)
    newest = samples[0]
    comparable = [sample for sample in samples if sample.method == newest.method]
    return {
        days: _since(_before(comparable, newest.day - timedelta(days=days), slack), newest)
        for days, slack in PERIODS.items()
    }


def _before(samples: Sequence[_Sample], wanted: date, slack: int) -> _Sample | None:
    return next((one for one in samples if wanted - timedelta(days=slack) <= one.day <= wanted), None)


def _since(before: _Sample | None, newest: _Sample) -> Growth | None:
    if before is None:
        return None
    change = newest.size - before.size
    percent = round(100 * change / before.size, 2) if before.size else None
    return Growth(bytes=change, percent=percent, since=before.day, until=newest.day)
