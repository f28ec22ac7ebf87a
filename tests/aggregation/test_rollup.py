"""Rolled-up figures are those of the slow reference, row by row, on every database."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aggregation import periods
from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.periods import PeriodType
from instances.models import Instance
from tests.aggregation import reference
from tests.aggregation.conftest import TODAY, aggregate, make_instance, measure, store
from tests.aggregation.reference import Day, Total

pytestmark = pytest.mark.django_db

FIGURES = [
    "data_count", "is_complete",
    "avg_size", "max_size", "min_size", "size_change", "size_change_percent",
    "avg_data_size", "max_data_size", "min_data_size", "data_size_change", "data_size_change_percent",
    "avg_log_size", "max_log_size", "min_log_size", "log_size_change", "log_size_change_percent",
]  # fmt: skip
TOTALS = [
    "data_count", "is_complete", "is_lower_bound", "total_size", "max_size", "min_size", "database_count",
    "avg_database_count", "max_database_count", "min_database_count", "total_size_change", "total_size_change_percent",
    "database_count_change", "database_count_change_percent", "trend_direction",
]  # fmt: skip


def database_rows(type, start):
    rows = DatabaseSizeAggregation.objects.filter(period_type=type, period_start=start)
    return {(row[0], row[1]): row[2:] for row in rows.values_list("instance_id", "database_name", *FIGURES)}


def instance_rows(type, start):
    rows = InstanceSizeAggregation.objects.filter(period_type=type, period_start=start)
    return {row[0]: row[1:] for row in rows.values_list("instance_id", *TOTALS)}


# Each history keeps to one, because SQLite knows fifteen digits of a percentage.
SIZES = st.sampled_from([st.integers(0, 20), st.integers(0, 10**9), st.integers(10**8, 5 * 10**15)])
DAYS_AGO = st.integers(0, 200)


@st.composite
def histories(draw):
    """Days and totals of two instances with two databases, by how many days ago."""
    number, size = st.integers(0, 1), draw(SIZES)
    part = st.none() | size
    days = st.tuples(number, st.sampled_from(["app", "Web 数"]), DAYS_AGO, size, part, part)
    totals = st.tuples(number, DAYS_AGO, size, st.integers(0, 40), st.booleans())
    return (
        draw(st.lists(days, max_size=60, unique_by=lambda row: row[:3])),
        draw(st.lists(totals, max_size=40, unique_by=lambda row: row[:2])),
    )


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
        days = [Day(pks[i], name, today - timedelta(days=ago), *sizes) for i, name, ago, *sizes in history[0]]
        totals = [Total(pks[i], today - timedelta(days=ago), *rest) for i, ago, *rest in history[1]]
        store(days, totals)
        aggregate(*Instance.objects.all(), today=today, use_current_period=True)
        for type in PeriodType:
            for period in (periods.last_complete(type, today), periods.current(type, today)):
                borders = period.start, period.end, period.previous.start, today
                assert database_rows(type, period.start) == reference.databases(days, *borders)
                assert instance_rows(type, period.start) == reference.instances(totals, *borders)
        transaction.set_rollback(True)


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
