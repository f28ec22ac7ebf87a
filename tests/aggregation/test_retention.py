"""Periods that ended long ago are deleted, those that reach into what is kept are not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.retention import purge_aggregations
from tests.aggregation.conftest import TODAY, aggregate, measure

pytestmark = pytest.mark.django_db

FIRST_KEPT = TODAY.replace(month=3, day=3)  # a Tuesday: its week, month and quarter began before it


def rows(model) -> set[tuple[str, str]]:
    return {(row.period_type, row.period_start.isoformat()) for row in model.objects.all()}


@pytest.fixture
def before(instance) -> datetime:
    """All types are rolled up around the first day that is kept; that day, as a moment."""
    measure(instance, {(FIRST_KEPT + timedelta(days=shift)).isoformat(): 5 for shift in range(-9, 5)})
    asked = {"start_date": "2026-02-20", "end_date": "2026-03-31", "use_current_period": True}
    aggregate(instance, today=TODAY, **asked)
    return timezone.make_aware(datetime(FIRST_KEPT.year, FIRST_KEPT.month, FIRST_KEPT.day, 12))


@pytest.mark.parametrize("model", [DatabaseSizeAggregation, InstanceSizeAggregation])
def test_a_period_goes_when_its_last_day_is_older_than_what_is_kept(before, model):
    rolled_up = rows(model)
    gone = {("daily", (FIRST_KEPT - timedelta(days=age)).isoformat()) for age in range(1, 10)}
    gone |= {("weekly", "2026-02-16"), ("weekly", "2026-02-23"), ("monthly", "2026-02-01")}
    purge_aggregations(before)
    assert rows(model) == rolled_up - gone
    assert {("weekly", "2026-03-02"), ("monthly", "2026-03-01"), ("quarterly", "2026-01-01")} <= rows(model)


def test_a_dry_run_counts_and_deletes_nothing(before):
    known = DatabaseSizeAggregation.objects.count() + InstanceSizeAggregation.objects.count()
    counted = purge_aggregations(before, dry_run=True)
    assert DatabaseSizeAggregation.objects.count() + InstanceSizeAggregation.objects.count() == known
    assert purge_aggregations(before) == counted > 0
