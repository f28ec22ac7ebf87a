"""What a size chart shows, as the script that draws it takes it: one position per calendar day, sizes in bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, TypeVar

from django.http import HttpRequest
from django.utils.translation import gettext as _

from capacity.forecast import Trend
from capacity.history import DatabaseDay, InstanceDay

Day = TypeVar("Day", bound=DatabaseDay | InstanceDay)

ROWS_SHOWN = 100  # of the table beneath a chart
RANGES: dict[str, int | None] = {"30": 30, "90": 90, "365": 365, "all": None}  # days by the parameter's value
USUAL = "90"
AHEAD_SHARE, AHEAD_LEAST, AHEAD_MOST = 4, 7, 90  # how far a trend is drawn: a share of the range, in days
IN_SIGHT = 2  # a limit of up to so many times the largest size is drawn: a higher one would flatten the series


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeChoice:
    """One link of the range switch."""

    label: str
    url: str
    is_chosen: bool


def chosen_range(request: HttpRequest) -> str:
    """The range that the address asks for; the usual one when it asks for none or nonsense."""
    wanted = request.GET.get("range", "")
    return wanted if wanted in RANGES else USUAL


def range_choices(chosen: str) -> list[RangeChoice]:
    """The range switch: links, so that it works without scripts and a chart can be passed on."""
    labels = {"30": _("30 days"), "90": _("90 days"), "365": _("1 year"), "all": _("All")}
    return [RangeChoice(label=labels[key], url=f"?range={key}#size-chart", is_chosen=key == chosen) for key in RANGES]


def first_day(chosen: str, until: date) -> date | None:
    """The first day of a range that ends with a day; None for everything."""
    days = RANGES[chosen]
    return None if days is None else until - timedelta(days=days - 1)


def rows(days: Sequence[Day]) -> Sequence[Day]:
    """The days that the table beneath a chart tells: all, or of a long series the last ones of each month."""
    if len(days) <= ROWS_SHOWN:
        return days
    ends = [day for day, following in pairwise(days) if day.day.replace(day=1) != following.day.replace(day=1)]
    return [*ends, days[-1]]


def document(
    days: Sequence[date],
    series: Mapping[str, Sequence[int | None]],
    *,
    labels: Mapping[str, str],
    until: date,
    trend: Trend | None = None,
    limit: int | None = None,
    partial: Iterable[date] = (),
) -> dict[str, Any]:
    """The chart of series over the days on which there are figures; every other day is a gap.

    {days: [iso], series: [{key, label, values}], partial: [position], trend: {label, range_label, from, low, expected,
    high} | null, limit: {label, value} | null}; `from` is the position of the trend's first value, which is the last
    size. `labels` also has those of trend, range, limit.
    """
    if not days:
        return {"days": [], "series": [], "partial": [], "trend": None, "limit": None}
    first, last = days[0], max(until, days[-1])
    ahead = _ahead(first, last) if trend is not None else 0
    calendar = [first + timedelta(days=number) for number in range((last - first).days + 1 + ahead)]
    highest = max((size for sizes in series.values() for size in sizes if size is not None), default=0)
    return {
        "days": [day.isoformat() for day in calendar],
        "series": [
            {"key": key, "label": labels[key], "values": _on(calendar, days, sizes)}
            for key, sizes in series.items()
            if any(size is not None for size in sizes)
        ],
        "partial": [(day - first).days for day in partial if day >= first],
        "trend": _drawn(trend, first, len(calendar), labels) if trend is not None else None,
        "limit": {"label": labels["limit"], "value": limit} if limit and limit <= IN_SIGHT * highest else None,
    }


def _ahead(first: date, last: date) -> int:
    return min(AHEAD_MOST, max(AHEAD_LEAST, ((last - first).days + 1) // AHEAD_SHARE))


def _on(calendar: Sequence[date], days: Sequence[date], sizes: Sequence[int | None]) -> list[int | None]:
    known = dict(zip(days, sizes, strict=True))
    return [known.get(day) for day in calendar]


def _drawn(trend: Trend, first: date, length: int, labels: Mapping[str, str]) -> dict[str, Any] | None:
    start = (trend.last.day - first).days
    steps = range(length - start)
    return {
        "label": labels["trend"],
        "range_label": labels["range"],
        "from": start,
        "low": [round(trend.size_after(step, trend.low)) for step in steps],
        "expected": [round(trend.size_after(step)) for step in steps],
        "high": [round(trend.size_after(step, trend.high)) for step in steps],
    }
