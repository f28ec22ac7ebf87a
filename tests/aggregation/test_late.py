"""A day that is measured late, or anew, brings just its periods up to date."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aggregation.checks import check_late_days
from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from capacity.models import DatabaseSizeStat, InstanceSizeStat
from sessions_app.checks import MOST_DAYS
from tests.aggregation.conftest import TODAY, aggregate, make_instance, measure

pytestmark = pytest.mark.django_db

LATE = datetime(2026, 3, 18, 6, tzinfo=UTC)
MARCH = {f"2026-03-{day:02}": 100 for day in range(1, 18)}
TYPES = ["daily", "weekly"]
BOTH = (DatabaseSizeAggregation, InstanceSizeAggregation)


def measure_again(instance, day, size):
    DatabaseSizeStat.objects.filter(instance=instance, collected_date=day).update(size_bytes=size, collected_at=LATE)
    InstanceSizeStat.objects.filter(instance=instance, collected_date=day).update(
        total_size_bytes=size, collected_at=LATE
    )


def fill(*instances):
    for instance in instances:
        measure(instance, MARCH)
    aggregate(*instances, start_date="2026-03-01", end_date="2026-03-17", periods=TYPES)


def written(instance, since):
    rows = InstanceSizeAggregation.objects.filter(instance=instance, calculated_at__gt=since)
    return {(row.period_type, row.period_start.isoformat()) for row in rows}


def latest():
    return max(model.objects.latest("calculated_at").calculated_at for model in BOTH)


def test_a_day_measured_anew_renews_its_periods_and_those_compared_with_them(instance):
    other = make_instance("db2")
    fill(instance, other)
    since = latest()
    measure_again(instance, "2026-03-05", 800)
    done = aggregate(instance, other)
    assert done[instance.pk].details["late_periods"] == 4
    assert written(instance, since) - {("monthly", "2026-02-01")} == {
        ("daily", "2026-03-05"), ("daily", "2026-03-06"), ("weekly", "2026-03-02"), ("weekly", "2026-03-09"),
    }  # fmt: skip
    assert written(other, since) == set()
    for model in BOTH:
        week = model.objects.get(instance=instance, period_type="weekly", period_start="2026-03-02")
        assert (week.avg_size, week.is_stale) == (200, False)
    after = DatabaseSizeAggregation.objects.get(instance=instance, period_type="weekly", period_start="2026-03-09")
    assert (after.avg_size, after.size_change) == (100, -100)
    assert aggregate(instance, other)[instance.pk].details["late_periods"] == 0


def test_what_was_measured_anew_with_the_same_size_is_late_once(instance):
    fill(instance)
    measure_again(instance, "2026-03-05", 100)
    assert aggregate(instance)[instance.pk].updated > 0
    again = aggregate(instance)[instance.pk]
    assert (again.updated, again.details["late_periods"]) == (0, 0)


def test_a_day_that_comes_late_fills_its_gap(instance):
    measure(instance, {day: size for day, size in MARCH.items() if day != "2026-03-05"})
    aggregate(instance, start_date="2026-03-01", end_date="2026-03-17", periods=TYPES)
    measure(instance, {"2026-03-05": 800}, at=LATE)
    aggregate(instance)
    row = InstanceSizeAggregation.objects.get(period_type="daily", period_start="2026-03-05")
    assert (row.total_size, row.total_size_change) == (800, 700)
    after = InstanceSizeAggregation.objects.get(period_type="daily", period_start="2026-03-06")
    assert after.total_size_change == -700


def test_nights_without_a_run_are_made_up_for(instance):
    measure(instance, MARCH)
    aggregate(instance, today=date(2026, 3, 10), periods=["daily"])
    aggregate(instance, today=TODAY, periods=["daily"])
    days = InstanceSizeAggregation.objects.order_by("period_start").values_list("period_start", flat=True)
    assert [day.day for day in days] == list(range(9, 18))


def test_history_from_before_the_first_run_is_left_to_the_back_fill(instance):
    measure(instance, MARCH)
    aggregate(instance, periods=["daily"])
    assert [row.period_start.day for row in InstanceSizeAggregation.objects.all()] == [17]


def test_what_is_late_but_not_asked_for_is_marked_and_done_when_it_is(instance):
    fill(instance)
    measure_again(instance, "2026-03-05", 800)
    aggregate(instance, periods=["daily"], scope="instance")
    weeks = [model.objects.get(period_type="weekly", period_start="2026-03-02") for model in BOTH]
    day = DatabaseSizeAggregation.objects.get(period_type="daily", period_start="2026-03-05")
    assert [row.is_stale for row in (*weeks, day)] == [True, True, True]
    assert not InstanceSizeAggregation.objects.get(period_type="daily", period_start="2026-03-05").is_stale
    aggregate(instance)
    for model in BOTH:
        assert not model.objects.filter(is_stale=True).exists()
    day.refresh_from_db()
    assert day.avg_size == 800


def test_databases_of_a_period_that_was_taken_for_instances_alone_are_made_up_for(instance):
    measure(instance, MARCH)
    aggregate(instance, today=date(2026, 3, 15))
    aggregate(instance, today=date(2026, 3, 16), scope="instance")
    aggregate(instance, today=date(2026, 3, 17))
    days = DatabaseSizeAggregation.objects.filter(period_type="daily").order_by("period_start")
    assert [row.period_start.day for row in days] == [14, 15, 16]
    again = aggregate(instance, today=date(2026, 3, 17))[instance.pk]
    assert (again.created, again.details["late_periods"]) == (0, 0)


def test_what_is_older_than_the_window_waits_for_the_back_fill(instance, settings):
    settings.AGGREGATION_LATE_DAYS = 3
    fill(instance)
    measure_again(instance, "2026-03-05", 800)
    assert aggregate(instance)[instance.pk].details["late_periods"] == 0


def test_days_that_retention_may_have_taken_are_not_missed_in_their_periods(instance, settings):
    fill(instance)
    DatabaseSizeStat.objects.filter(collected_date__lt=date(2026, 3, 12)).delete()
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "sizes": 7}
    aggregate(instance, start_date="2026-03-01", end_date="2026-03-17", periods=TYPES)
    week = DatabaseSizeAggregation.objects.get(period_type="weekly", period_start="2026-03-09")
    assert (week.data_count, week.size_change) == (7, 0)


@pytest.mark.parametrize(
    ("days", "ids"),
    [(-1, ["aggregation.E001"]), (0, []), (100, []), (MOST_DAYS, []), (MOST_DAYS + 1, ["aggregation.E001"])],
)
def test_a_window_that_no_calendar_has_is_named_at_the_start(settings, days, ids):
    settings.AGGREGATION_LATE_DAYS = days
    assert [message.id for message in check_late_days()] == ids


@pytest.mark.parametrize(("types", "most"), [(["daily"], 6), (["daily", "weekly", "monthly", "quarterly"], 12)])
def test_statements_do_not_grow_with_instances_databases_or_late_days(instance, types, most):
    others = [make_instance(f"other {i}") for i in range(9)]
    fill(instance, *others)
    for one in others:
        for day in MARCH:
            measure_again(one, day, 5)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        aggregate(instance, *others, periods=types)
    assert len(queries) <= most
