"""How fast something grows and when it meets a limit: robust statistics over dated sizes, without Django.

The slope is Theil's and Sen's: the median of the slopes between all pairs of points, which a fifth of gross outliers
does not bend (P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, JASA 63, 1968). Its interval
is Sen's: the slopes at the ranks that Kendall's test statistic would not reject, widened for days that resemble the day
before, as sizes do, by the variance inflation (1 + r) / (1 - r) of a first-order autoregression.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median, quantiles

NEEDED = 14  # points; fewer say too little of the days to come
CONFIDENCE_Z = 1.6449  # two-sided 90 %
MOST_CORRELATION = 0.9  # a residual that never comes back would leave no effective points at all

STEP_POINTS = 5  # whose median is the level on each side of a step
STEP_SIDE = 3  # at least so many on a side: a shorter stay at another level is an outlier
STEP_NOISE, STEP_SHARE = 5.0, 0.01  # a step passes both: so many times the noise, such a share of the level
DROP_NOISE, DROP_SHARE = 2.0, 0.20  # a drop is recognised earlier: somebody cleaned up


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What was measured on one day, in bytes."""

    day: date
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No trend: only so many points since the level last shifted, or in the whole window."""

    days: int
    points: int
    shifted_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Growth in bytes per day over a window of days, with its interval (90 % by intent).

    `last` is the point that it goes on from, `points` so many points it rests on, `shifted_on` the day since when the
    series has been at its present level; what was before that day does not count.
    """

    days: int
    points: int
    shifted_on: date | None
    low: float
    slope: float
    high: float
    last: Point

    @property
    def is_growing(self) -> bool:
        """Whether the expected slope points up, however slightly."""
        return self.slope > 0

    @property
    def is_certain(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0

    def size_after(self, days: float, slope: float | None = None) -> float:
        """The size so many days after the last point, by the expected slope or by another; never below zero."""
        return max(0.0, self.last.size_bytes + (self.slope if slope is None else slope) * days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Days from the last point until a limit is met; `high` is None when it may never be."""

    low: float
    expected: float
    high: float | None


def trend(points: Sequence[Point], *, until: date, days: int) -> Trend | Refused:
    """The trend of the `days` days that end with `until`. The points are of different days, in any order.

    Days without a point are gaps: dates and not positions are what the slopes are over. At most one point a day, so
    that 90 days are 4,005 pairs.
    """
    window = sorted((p for p in points if until - timedelta(days=days) < p.day <= until), key=lambda p: p.day)
    start = _last_shift(window)
    shifted_on = window[start].day if start else None
    window = window[start:]
    if len(window) < NEEDED:
        return Refused(days=days, points=len(window), shifted_on=shifted_on)
    slopes = _slopes(window)
    slope = median(slopes)
    low, high = _interval(slopes, window, slope)
    return Trend(days=days, points=len(window), shifted_on=shifted_on, low=low, slope=slope, high=high, last=window[-1])


def arrival(found: Trend, limit_bytes: int) -> Arrival | None:
    """When the limit is met; None when the size is not growing. Zero days when it is met already."""
    if not found.is_growing:
        return None
    room = max(0, limit_bytes - found.last.size_bytes)
    return Arrival(
        low=room / found.high,
        expected=room / found.slope,
        high=room / found.low if found.low > 0 else 0.0 if room == 0 else None,
    )


def _slopes(window: Sequence[Point]) -> list[float]:
    return sorted(
        (later.size_bytes - earlier.size_bytes) / (later.day - earlier.day).days
        for index, earlier in enumerate(window)
        for later in window[index + 1 :]
    )


def _interval(slopes: Sequence[float], window: Sequence[Point], slope: float) -> tuple[float, float]:
    """The slopes at the ranks (N ± C) / 2, where C is z standard deviations of Kendall's statistic."""
    count = len(window)
    correlation = _correlation(_residuals(window, slope))
    variance = count * (count - 1) * (2 * count + 5) / 18 * (1 + correlation) / (1 - correlation)
    reach = CONFIDENCE_Z * math.sqrt(variance)
    low = math.floor((len(slopes) - reach) / 2)
    high = math.ceil((len(slopes) + reach) / 2)
    return slopes[max(0, low)], slopes[min(len(slopes) - 1, high)]


def _residuals(window: Sequence[Point], slope: float) -> list[float]:
    first = window[0]
    rest = [point.size_bytes - slope * (point.day - first.day).days for point in window]
    middle = median(rest)
    return [value - middle for value in rest]


def _correlation(residuals: Sequence[float]) -> float:
    """Of each residual with the one before, between 0 and MOST_CORRELATION; by ranks, so that no outlier decides it."""
    ordered = sorted(residuals)
    centre = (len(residuals) - 1) / 2
    ranks = [(bisect_left(ordered, value) + _last_rank(ordered, value)) / 2 - centre for value in residuals]
    spread = sum(rank * rank for rank in ranks)
    if not spread:
        return 0.0
    found = sum(before * after for before, after in itertools.pairwise(ranks)) / spread
    return min(MOST_CORRELATION, max(0.0, found))


def _last_rank(ordered: Sequence[float], value: float) -> int:
    """The position of the last of equal values: they share a rank."""
    position = bisect_left(ordered, math.nextafter(value, math.inf))
    return position - 1


def _last_shift(window: Sequence[Point]) -> int:
    """Where the present level begins: the position of the first point after the last step; 0 without one.

    A step is a change between the medians of a few points before and after that passes what the series does anyway.
    That noise is the 90th percentile of its day-to-day changes and not their median: files that grow in large pieces
    stand still on most days, and their pieces are growth.
    """
    if len(window) < 2 * STEP_SIDE:
        return 0
    rates = [
        (later.size_bytes - earlier.size_bytes) / (later.day - earlier.day).days
        for earlier, later in itertools.pairwise(window)
    ]
    rate = median(rates)
    flat = [point.size_bytes - rate * (point.day - window[0].day).days for point in window]
    changes = [after - before for before, after in itertools.pairwise(flat)]
    noise = quantiles(map(abs, changes), n=10, method="inclusive")[-1]

    found = 0
    run: list[int] = []  # neighbouring positions at which the medians differ: all but one lie beside the step
    for position in range(STEP_SIDE, len(window) - STEP_SIDE + 1):
        if _is_step(window, flat, position, noise):
            run.append(position)
            found = max(run, key=lambda at: abs(changes[at - 1]))
        else:
            run.clear()
    return found


def _is_step(window: Sequence[Point], flat: Sequence[float], position: int, noise: float) -> bool:
    shift = median(flat[position : position + STEP_POINTS]) - median(flat[max(0, position - STEP_POINTS) : position])
    level = median(p.size_bytes for p in window[max(0, position - STEP_POINTS) : position])
    if abs(shift) > max(STEP_NOISE * noise, STEP_SHARE * level):
        return True
    return -shift > max(DROP_NOISE * noise, DROP_SHARE * level)
