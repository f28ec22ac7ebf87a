"""A period that was taken before it was over is finished by the next run after its end, whatever is measured then."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from tests.aggregation.conftest import TODAY, aggregate, make_instance, measure, store
from tests.aggregation.reference import Day, Total

pytestmark = pytest.mark.django_db

BOTH = (DatabaseSizeAggregation, InstanceSizeAggregation)
SUNDAY = date(2026, 3, 15)
WEEK = {f"2026-03-{day:02}": 100 for day in range(9, 16)}


@pytest.fixture
def taken_early(instance):
    """The week is taken on its last day, after that was measured; nothing is measured ever after."""
    measure(instance, WEEK)
    aggregate(instance, today=SUNDAY, use_current_period=True)
    assert {row.is_complete for model in BOTH for row in model.objects.filter(period_end=SUNDAY)} == {False}
    return instance


def of_the_week(model):
    return model.objects.get(period_type="weekly", period_start="2026-03-09")


def test_it_is_complete_after_the_next_run_also_when_that_is_long_after(taken_early):
    done = aggregate(taken_early, today=SUNDAY + timedelta(days=30))
    assert done[taken_early.pk].details["late_periods"] == 2  # the day and its week
    for model in BOTH:
        assert of_the_week(model).is_complete
        assert model.objects.get(period_type="daily", period_start=SUNDAY).is_complete
    again = aggregate(taken_early, today=SUNDAY + timedelta(days=30))[taken_early.pk]
    assert (again.updated, again.details["late_periods"]) == (0, 0)


def test_it_stays_as_it_is_while_it_is_not_over(taken_early):
    assert aggregate(taken_early, today=SUNDAY)[taken_early.pk].details["late_periods"] == 0
    assert not of_the_week(InstanceSizeAggregation).is_complete


def test_a_run_that_is_not_asked_for_it_marks_it_in_both_tables(taken_early):
    aggregate(taken_early, today=SUNDAY + timedelta(days=30), periods=["daily"])
    assert [of_the_week(model).is_stale for model in BOTH] == [True, True]
    aggregate(taken_early, today=SUNDAY + timedelta(days=31), scope="instance")
    assert [of_the_week(model).is_complete for model in BOTH] == [False, True]
    aggregate(taken_early, today=SUNDAY + timedelta(days=32))
    assert [(row.is_complete, row.is_stale) for row in map(of_the_week, BOTH)] == [(True, False)] * 2


def test_a_week_of_lower_bounds_is_not_late_for_ever(instance):
    days = [date.fromisoformat(day) for day in WEEK]
    store([Day(instance.pk, "app", day, 5) for day in days], [Total(instance.pk, day, 5, 1, False) for day in days])
    aggregate(instance, today=SUNDAY, use_current_period=True)
    aggregate(instance, today=TODAY)
    assert of_the_week(InstanceSizeAggregation).is_lower_bound
    assert aggregate(instance, today=TODAY)[instance.pk].details["late_periods"] == 0


def test_only_the_rows_of_the_late_instance_are_marked(taken_early):
    other = make_instance("db2")
    measure(other, WEEK)
    aggregate(other, today=SUNDAY + timedelta(days=1), periods=["weekly"])
    aggregate(taken_early, other, today=SUNDAY + timedelta(days=30), periods=["daily"])
    for model in BOTH:
        assert set(model.objects.filter(is_stale=True).values_list("instance", flat=True)) == {taken_early.pk}


def test_a_week_with_a_gap_is_incomplete_for_ever_and_not_late(instance):
    measure(instance, {day: size for day, size in WEEK.items() if day != "2026-03-11"})
    aggregate(instance, today=SUNDAY, use_current_period=True)
    aggregate(instance, today=TODAY)
    assert aggregate(instance, today=TODAY)[instance.pk].details["late_periods"] == 0
    assert not of_the_week(InstanceSizeAggregation).is_complete
