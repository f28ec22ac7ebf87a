"""What the aggregates must be, worked out slowly and obviously: whole numbers and fractions, one value at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
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


class Total(NamedTuple):
    """One instance on one day."""

    instance: int
    date: date
    size: int
    databases: int
    is_complete: bool


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


def databases(days: Iterable[Day], start: date, end: date, before: date, today: date) -> dict[tuple[int, str], tuple]:
    """By instance and database: a row, compared with the days from `before` to `start`."""
    of: defaultdict[tuple[int, str], dict[date, Day]] = defaultdict(dict)
    for day in days:
        of[day.instance, day.database][day.date] = day
    found = {}
    for key, by_date in of.items():
        now = [by_date[one] for one in span(start, end) if one in by_date]
        earlier = [by_date[one] for one in span(before, start - timedelta(days=1)) if one in by_date]
        if not now:
            continue
        row: list[Any] = [len(now), len(now) == len(span(start, end)) and end < today]
        for measure in ("size", "data", "log"):
            values = [getattr(day, measure) for day in now]
            known = [value for value in values if value is not None]
            average = mean(values)
            row += [average, max(known, default=None), min(known, default=None)]
            row += change(average, mean(getattr(day, measure) for day in earlier))
        found[key] = tuple(row)
    return found


def instances(totals: Iterable[Total], start: date, end: date, before: date, today: date) -> dict[int, tuple]:
    """By instance: a row, compared with the days from `before` to `start`; complete days go before lower bounds."""
    of: defaultdict[int, dict[date, Total]] = defaultdict(dict)
    for total in totals:
        of[total.instance][total.date] = total
    found = {}
    for key, by_date in of.items():
        now = [by_date[one] for one in span(start, end) if one in by_date]
        earlier = [by_date[one] for one in span(before, start - timedelta(days=1)) if one in by_date]
        earlier = [day for day in earlier if day.is_complete]
        complete = [day for day in now if day.is_complete]
        if not now:
            continue
        used = complete or now
        size, count = mean(day.size for day in used), mean(day.databases for day in used)
        comparable = bool(complete and earlier)
        size_change = change(size, mean(day.size for day in earlier)) if comparable else (None, None)
        count_change = change(count, mean(day.databases for day in earlier)) if comparable else (None, None)
        percent = size_change[1]
        trend = "" if percent is None else "growing" if percent > 5 else "shrinking" if percent < -5 else "stable"
        found[key] = (
            len(used), len(complete) == len(span(start, end)) and end < today, not complete,
            size, max(day.size for day in used), min(day.size for day in used),
            count, Decimal(mean((day.databases for day in used), 2)) / 100,
            max(day.databases for day in used), min(day.databases for day in used),
            *size_change, *count_change, trend,
        )  # fmt: skip
    return found
