"""Days, weeks, months and quarters follow each other without a gap, whatever the year."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation import periods
from aggregation.periods import PeriodType

DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 12, 31))
TYPES = st.sampled_from(PeriodType)
ONE = timedelta(days=1)


@given(TYPES, DAYS)
def test_a_day_lies_in_its_period_and_nowhere_else(type, day):
    own = periods.containing(type, day)
    assert own.start <= day <= own.end
    assert {periods.containing(type, own.start + i * ONE) for i in range(own.days)} == {own}
    assert periods.containing(type, own.end + ONE) != own != periods.containing(type, own.start - ONE)


@given(TYPES, DAYS)
def test_neighbours_touch_without_gap_or_overlap(type, day):
    own = periods.containing(type, day)
    assert own.previous.end == own.start - ONE
    assert own.next.start == own.end + ONE
    assert own.previous.next == own == own.next.previous


@given(TYPES, DAYS)
def test_the_last_complete_period_ended_before_today_and_the_next_one_did_not(type, today):
    last = periods.last_complete(type, today)
    assert last.end < today <= last.next.end
    assert last.next == periods.current(type, today)


@given(TYPES, DAYS, st.integers(min_value=0, max_value=400))
def test_a_range_touches_the_periods_of_its_days_and_no_other(type, first, length):
    last = first + length * ONE
    every_day = [first + i * ONE for i in range(length + 1)]
    assert periods.touched(type, first, last) == list(dict.fromkeys(periods.containing(type, day) for day in every_day))
    assert periods.touched(type, last + ONE, first) == []


@given(DAYS)
def test_lengths_are_those_of_the_calendar(day):
    week, month, quarter = (periods.containing(type, day) for type in ("weekly", "monthly", "quarterly"))
    assert (week.days, week.start.isoweekday(), week.end.isoweekday()) == (7, 1, 7)
    assert week.start.isocalendar().week == week.end.isocalendar().week == day.isocalendar().week
    assert (month.start.day, (month.end + ONE).day, month.start.month) == (1, 1, day.month)
    assert (quarter.start.month, quarter.end.month) in {(1, 3), (4, 6), (7, 9), (10, 12)}


@pytest.mark.parametrize(
    ("type", "today", "start", "end"),
    [
        ("daily", "2026-01-01", "2025-12-31", "2025-12-31"),
        ("daily", "2024-03-01", "2024-02-29", "2024-02-29"),
        ("weekly", "2026-01-01", "2025-12-22", "2025-12-28"),
        ("weekly", "2026-01-05", "2025-12-29", "2026-01-04"),
        ("monthly", "2024-03-31", "2024-02-01", "2024-02-29"),
        ("monthly", "2026-01-01", "2025-12-01", "2025-12-31"),
        ("quarterly", "2026-06-30", "2026-01-01", "2026-03-31"),
        ("quarterly", "2026-07-01", "2026-04-01", "2026-06-30"),
        ("quarterly", "2026-02-28", "2025-10-01", "2025-12-31"),
    ],
)
def test_last_complete_periods_are_whole(type, today, start, end):
    last = periods.last_complete(PeriodType(type), date.fromisoformat(today))
    assert (last.start.isoformat(), last.end.isoformat()) == (start, end)


@pytest.mark.parametrize(
    ("type", "label"),
    [("daily", "2027-01-02"), ("weekly", "2026-W53"), ("monthly", "2027-01"), ("quarterly", "2027-Q1")],
)
def test_a_period_has_a_name_that_sorts(type, label):
    assert periods.containing(PeriodType(type), date(2027, 1, 2)).label == label
