"""What the aggregates must be, worked out slowly and obviously: whole numbers and fractions, one value at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple


class Day(NamedTuple):
    """One database on one day."""

    instance: int
    database: str
    date: date
    size: int
    data: int | None = None
    log: int | None = None
    at: datetime | None = None  # when it was measured; None leaves that to who stores it
    method: str = "files"


class Total(NamedTuple):
    """One instance on one day."""

    instance: int
    date: date
    size: int
    databases: int
    is_complete: bool
    at: datetime | None = None


def half_up(value: Fraction) -> int:
    """To the nearest whole number, halves away from zero."""
    return int(abs(value) + Fraction(1, 2)) * (-1 if value < 0 else 1)


def mean(values: Iterable[int | None], places: int = 0) -> Any:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return half_up(Fraction(sum(known), len(known)) * 10**places)


def change(now: int | None, before: int | None) -> tuple[int | None, Decimal | None]:
    if now is None or before is None:
        return None, None
    if before == 0:
        return now, None
    return now - before, Decimal(half_up(Fraction(now - before, before) * 10_000)) / 100


def span(start: date, end: date) -> list[date]:
    return [start + timedelta(days=i) for i in range((end - start).days + 1)]


Rows = dict[tuple[int, str], dict[str, Any]]


def databases(days: Iterable[Day], start: date, end: date, before: date, today: date) -> Rows:
    """By instance and database: the columns of a row, compared with the days from `before` to `start`."""
    of: defaultdict[tuple[int, str], dict[date, Day]] = defaultdict(dict)
    for day in days:
        of[day.instance, day.database][day.date] = day
    found = {}
    for key, by_date in of.items():
        now = [by_date[one] for one in span(start, end) if one in by_date]
        earlier = [by_date[one] for one in span(before, start - timedelta(days=1)) if one in by_date]
        if not now:
            continue
        row = common(now, earlier, start, end) | {
            "data_count": len(now),
            "is_complete": len(now) == len(span(start, end)) and end < today,
        }
        comparable = len({day.method for day in now + earlier}) == 1
        for measure, part in (("size", "size"), ("data", "data_size"), ("log", "log_size")):
            values = [getattr(day, measure) for day in now]
            known = [value for value in values if value is not None]
            average = mean(values)
            row |= {f"avg_{part}": average, f"max_{part}": max(known, default=None)}
            row |= {f"min_{part}": min(known, default=None)}
            before_that = mean(getattr(day, measure) for day in earlier) if comparable else None
            difference, percent = change(average, before_that)
            row |= {f"{part}_change": difference, f"{part}_change_percent": percent}
        found[key] = row
    return found


def instances(totals: Iterable[Total], start: date, end: date, before: date, today: date) -> dict[int, dict[str, Any]]:
    """By instance: the columns of a row; complete days go before lower bounds."""
    of: defaultdict[int, dict[date, Total]] = defaultdict(dict)
    for total in totals:
        of[total.instance][total.date] = total
    found = {}
    for key, by_date in of.items():
        now = [by_date[one] for one in span(start, end) if one in by_date]
        every_earlier = [by_date[one] for one in span(before, start - timedelta(days=1)) if one in by_date]
        earlier = [day for day in every_earlier if day.is_complete]
        complete = [day for day in now if day.is_complete]
        if not now:
            continue
        used = complete or now
        size, count = mean(day.size for day in used), mean(day.databases for day in used)
        comparable = bool(complete and earlier)
        size_change = change(size, mean(day.size for day in earlier)) if comparable else (None, None)
        count_change = change(count, mean(day.databases for day in earlier)) if comparable else (None, None)
        percent = size_change[1]
        found[key] = common(now, every_earlier, start, end) | {
            "data_count": len(used),
            "is_complete": len(complete) == len(span(start, end)) and end < today,
            "is_lower_bound": not complete,
            "total_size": size,
            "max_size": max(day.size for day in used),
            "min_size": min(day.size for day in used),
            "database_count": count,
            "avg_database_count": Decimal(mean((day.databases for day in used), 2)) / 100,
            "max_database_count": max(day.databases for day in used),
            "min_database_count": min(day.databases for day in used),
            "total_size_change": size_change[0],
            "total_size_change_percent": percent,
            "database_count_change": count_change[0],
            "database_count_change_percent": count_change[1],
            "trend_direction": "" if percent is None else "growing" if percent > 5 else "shrinking" if percent < -5
            else "stable",
        }  # fmt: skip
    return found


def common(now: list[Any], earlier: list[Any], start: date, end: date) -> dict[str, Any]:
    """What every row says of its period and of all days that it rests upon."""
    return {
        "period_end": end,
        "expected_days": len(span(start, end)),
        "is_stale": False,
        "collected_at": max(day.at for day in (*now, *earlier)),
    }
