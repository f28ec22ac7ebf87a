"""Rolled-up figures are those of the slow reference, row by row, on every database."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aggregation import periods
from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.periods import PeriodType
from instances.models import Instance
from tests.aggregation import reference
from tests.aggregation.conftest import TODAY, aggregate, make_instance, measure, moment, store
from tests.aggregation.reference import Day, Total

pytestmark = pytest.mark.django_db

# What says which row it is, and the times of writing, of which the reference knows nothing.
KEYS = {"id", "instance_id", "period_type", "period_start", "database_name", "created_at", "calculated_at"}
MOST = 9 * 10**18 // 400  # bytes; up to here SQLite, too, knows the last hundredth
LARGEST = 2**63 - 1  # of a column


def database_rows(type, start):
    rows = DatabaseSizeAggregation.objects.filter(period_type=type, period_start=start).values()
    return {(row["instance_id"], row["database_name"]): figures(row) for row in rows}


def instance_rows(type, start):
    rows = InstanceSizeAggregation.objects.filter(period_type=type, period_start=start).values()
    return {row["instance_id"]: figures(row) for row in rows}


def figures(row):
    """Every column but the keys and the times of writing."""
    return {name: value for name, value in row.items() if name not in KEYS}


def stored(rows):
    """What the main database keeps of the reference's rows: SQLite knows fifteen digits of a percentage."""
    return {key: {name: percentage(value) if "percent" in name else value for name, value in row.items()}
            for key, row in rows.items()}  # fmt: skip


def percentage(value):
    return value if connection.vendor != "sqlite" or value is None else About(value)


class About:
    """A decimal to a part in 10¹⁴, and exactly where it has fewer digits than SQLite keeps."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, Decimal) and abs(self.value - other) <= abs(self.value) // 10**12 / 100

    def __repr__(self):
        return f"about {self.value}"


# A history keeps to one, so that its percentages are of all kinds.
SIZES = st.sampled_from(
    [
        st.integers(0, 20),
        st.integers(0, 10**9),
        st.integers(10**8, 5 * 10**15),
        st.sampled_from([0, 1, 2, 2**40, MOST - 1, MOST]) | st.integers(0, MOST),
    ]
)
DAYS_AGO = st.integers(0, 200) | st.integers(0, 8)  # neighbours among them
MINUTES = st.integers(0, 600 * 24 * 60)  # after the day itself: some were measured late


@st.composite
def histories(draw):
    """Days and totals of two instances with two databases, by how many days ago."""
    number, size = st.integers(0, 1), draw(SIZES)
    part = st.none() | size
    method = draw(st.sampled_from([st.just("files"), st.sampled_from([*["files"] * 9, "estimate"])]))
    days = st.tuples(number, st.sampled_from(["app", "Web 数"]), DAYS_AGO, size, part, part, MINUTES, method)
    totals = st.tuples(number, DAYS_AGO, size, st.integers(0, 40), st.booleans(), MINUTES)
    return (
        draw(st.lists(days, max_size=60, unique_by=lambda row: row[:3])),
        draw(st.lists(totals, max_size=40, unique_by=lambda row: row[:2])),
    )


def measured(today, ago, minutes):
    return moment(today - timedelta(days=ago)) + timedelta(minutes=minutes)


@settings(
    max_examples=40,
    phases=[Phase.generate],  # a counterexample is short enough, and making it shorter takes minutes
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(histories(), st.dates(date(2023, 12, 1), date(2025, 4, 30)))
def test_every_figure_is_that_of_the_reference(history, today):
    with transaction.atomic():
        pks = [make_instance(name).pk for name in ("one", "two")]
        days = [
            Day(pks[i], name, today - timedelta(days=ago), *sizes, measured(today, ago, minutes), method)
            for i, name, ago, *sizes, minutes, method in history[0]
        ]
        totals = [
            Total(pks[i], today - timedelta(days=ago), *rest, measured(today, ago, minutes))
            for i, ago, *rest, minutes in history[1]
        ]
        store(days, totals)
        aggregate(*Instance.objects.all(), today=today, use_current_period=True)
        for type in PeriodType:
            for period in (periods.last_complete(type, today), periods.current(type, today)):
                borders = period.start, period.end, period.previous.start, today
                assert database_rows(type, period.start) == stored(reference.databases(days, *borders))
                assert instance_rows(type, period.start) == stored(reference.instances(totals, *borders))
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("before", "now", "percent"),
    [
        (1, 2 * 10**15, "199999999999999900.00"),
        (1, LARGEST, "922337203685477580600.00"),
        (LARGEST, 1, "-100.00"),
        (LARGEST, LARGEST, "0.00"),
        (MOST, MOST + MOST // 20_000, "0.01"),  # exactly half a hundredth
        (MOST, MOST + MOST // 20_000 - 1, "0.00"),
        (MOST, MOST - MOST // 20_000, "-0.01"),
        (44 * 10**15, 66_002_200_000_000_000, "50.01"),
        (44 * 10**15, 66_002_200_000_000_000 - 1, "50.00"),  # a byte below the half, which no float tells
        (4 * 10**18, 6 * 10**18, "50.00"),
        (3, 1, "-66.67"),
    ],
)
def test_no_size_is_too_large_to_be_compared(instance, before, now, percent):
    measure(instance, {"2026-03-16": before, "2026-03-17": now})
    aggregate(instance, periods=["daily"])
    row, total = DatabaseSizeAggregation.objects.get(), InstanceSizeAggregation.objects.get()
    assert (row.avg_size, row.size_change) == (total.total_size, total.total_size_change) == (now, now - before)
    expected = percentage(Decimal(percent))
    assert row.size_change_percent == expected
    assert total.total_size_change_percent == expected


def test_no_sum_of_days_is_too_large_for_their_average(instance):
    sizes = [LARGEST, LARGEST, LARGEST - 1, LARGEST - 3, 0, 1, LARGEST]
    measure(instance, {f"2026-03-{day:02}": size for day, size in enumerate(sizes, 9)})
    aggregate(instance, periods=["weekly"])
    row, total = DatabaseSizeAggregation.objects.get(), InstanceSizeAggregation.objects.get()
    assert row.avg_size == total.total_size == reference.mean(sizes)
    assert (row.max_size, row.min_size) == (total.max_size, total.min_size) == (LARGEST, 0)


def test_a_week_is_compared_with_the_week_before(instance):
    measure(instance, {"2026-03-02": 100, "2026-03-08": 200, "2026-03-09": 200, "2026-03-15": 181})
    done = aggregate(instance, periods=["weekly"])[instance.pk]
    row = DatabaseSizeAggregation.objects.get()
    assert (row.period_start, row.period_end) == (date(2026, 3, 9), date(2026, 3, 15))
    assert (row.avg_size, row.max_size, row.min_size) == (191, 200, 181)  # 190.5
    assert (row.size_change, row.size_change_percent, row.growth_rate) == (41, Decimal("27.33"), Decimal("27.33"))
    assert (row.data_count, row.expected_days, row.is_complete) == (2, 7, False)
    total = InstanceSizeAggregation.objects.get()
    assert (total.total_size, total.avg_size, total.trend_direction) == (191, 191, "growing")
    assert (done.synced, done.created, done.updated, done.details["periods"]) == (2, 2, 0, {"weekly": 2})


def test_a_gap_is_no_zero(instance):
    measure(instance, {"2026-03-15": 100, "2026-03-17": 100})
    aggregate(instance, periods=["daily"])
    row, total = DatabaseSizeAggregation.objects.get(), InstanceSizeAggregation.objects.get()
    assert (row.size_change, row.size_change_percent, row.growth_rate) == (None, None, None)
    assert (total.total_size_change, total.database_count_change, total.trend_direction) == (None, None, "")


def test_growth_from_nothing_is_a_change_without_percent(instance):
    measure(instance, {"2026-03-16": 0, "2026-03-17": 100})
    aggregate(instance, periods=["daily"])
    row = DatabaseSizeAggregation.objects.get()
    assert (row.size_change, row.size_change_percent) == (100, None)


@pytest.mark.parametrize(
    ("now", "trend"), [(10500, "stable"), (10501, "growing"), (9500, "stable"), (9499, "shrinking")]
)
def test_the_trend_turns_beyond_five_percent(instance, now, trend):
    measure(instance, {"2026-03-16": 10000, "2026-03-17": now})
    aggregate(instance, periods=["daily"])
    assert InstanceSizeAggregation.objects.get().trend_direction == trend
    assert DatabaseSizeAggregation.objects.get().trend_direction == trend


def test_today_is_left_out_unless_asked_for_by_name(instance):
    measure(instance, {"2026-03-17": 100, "2026-03-18": 900})
    aggregate(instance, periods=["daily"])
    assert list(DatabaseSizeAggregation.objects.values_list("period_start", "avg_size")) == [(date(2026, 3, 17), 100)]
    aggregate(instance, periods=["daily"], use_current_period=True)
    row = DatabaseSizeAggregation.objects.get(period_start=TODAY)
    assert (row.avg_size, row.size_change, row.data_count, row.is_complete) == (900, 800, 1, False)


def test_an_incomplete_day_looks_like_no_loss(instance):
    store(
        totals=[Total(instance.pk, date(2026, 3, 9), 100, 5, True), Total(instance.pk, date(2026, 3, 10), 7, 5, False)]
    )
    aggregate(instance, periods=["weekly"])
    row = InstanceSizeAggregation.objects.get()
    assert (row.total_size, row.min_size, row.data_count, row.is_lower_bound) == (100, 100, 1, False)


def test_lower_bounds_alone_are_shown_and_compared_with_nothing(instance):
    store(
        totals=[Total(instance.pk, date(2026, 3, 16), 100, 5, True), Total(instance.pk, date(2026, 3, 17), 7, 5, False)]
    )
    aggregate(instance, periods=["daily"])
    row = InstanceSizeAggregation.objects.get()
    assert (row.total_size, row.is_lower_bound, row.is_complete) == (7, True, False)
    assert (row.total_size_change, row.trend_direction) == (None, "")


def test_running_again_writes_nothing(instance):
    measure(instance, {f"2026-03-{day:02}": 10 * day for day in range(1, 18)})
    first = aggregate(instance)[instance.pk]
    before = [
        list(model.objects.order_by("pk").values()) for model in (DatabaseSizeAggregation, InstanceSizeAggregation)
    ]
    again = aggregate(instance)[instance.pk]
    assert (first.created, first.updated) == (4, 0)  # a day and a week; nothing is known of February
    assert (again.synced, again.created, again.updated) == (4, 0, 0)
    assert before == [
        list(model.objects.order_by("pk").values()) for model in (DatabaseSizeAggregation, InstanceSizeAggregation)
    ]


def test_an_instance_without_sizes_is_skipped(instance):
    assert aggregate(instance)[instance.pk].skipped == "no_sizes"


def test_switched_off_nothing_is_written_and_every_record_says_so(instance, settings):
    settings.AGGREGATION_ENABLED = False
    measure(instance, {"2026-03-17": 100})
    assert aggregate(instance)[instance.pk].skipped == "aggregation_disabled"
    assert not DatabaseSizeAggregation.objects.exists()


@pytest.mark.parametrize(
    ("methods", "change"),
    [
        (["files", "files", "files"], 85),
        (["estimate", "files", "files"], None),
        (["files", "files", "estimate"], None),
        (["estimate", "estimate", "files"], None),
    ],
)
def test_sizes_of_different_sources_are_averaged_but_not_compared(methods, change):
    """Two days of one week, and one of the week before."""
    instance = make_instance("one")
    days = [date(2024, 3, 6), date(2024, 3, 12), date(2024, 3, 13)]
    store([Day(instance.pk, "app", day, size, method=method)
           for day, size, method in zip(days, [15, 100, 100], methods, strict=True)],
          [Total(instance.pk, day, 100, 1, True) for day in days])  # fmt: skip
    aggregate(instance, today=date(2024, 3, 20))
    row = DatabaseSizeAggregation.objects.get(period_type="weekly", period_start=date(2024, 3, 11))
    assert (row.avg_size, row.size_change, row.data_count) == (100, change, 2)
