"""Where sizes are kept for less than a period and the one before it, that period is left alone, and it is said why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from aggregation.backfill import slices
from aggregation.checks import check_sizes_are_kept
from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.options import Options
from aggregation.services import start_aggregation
from aggregation.sync import AggregationSync
from capacity.models import InstanceSizeStat
from sessions_app import engine
from tests.aggregation.conftest import TODAY, aggregate, make_instance, measure
from whalefall.errors import ValidationFailed

BOTH = (DatabaseSizeAggregation, InstanceSizeAggregation)
MARCH = {f"2026-03-{day:02}": 100 for day in range(1, 18)}


@pytest.fixture
def kept(settings):
    """Says for how many days sizes are kept."""

    def days(number):
        settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "sizes": number}

    return days


@pytest.mark.django_db
def test_a_quarter_whose_days_may_be_gone_says_that_and_not_that_nothing_was_measured(instance, kept):
    measure(instance, dict.fromkeys(("2025-11-11", "2026-03-17"), 100))
    kept(60)
    quarter = aggregate(instance, periods=["quarterly"])[instance.pk]
    assert (quarter.skipped, quarter.details["not_kept"]) == ("sizes_not_kept", ["quarterly"])
    night = aggregate(instance)[instance.pk]
    assert (night.skipped, night.details["not_kept"]) == ("", ["monthly", "quarterly"])
    assert set(InstanceSizeAggregation.objects.values_list("period_type", flat=True)) == {"daily"}


@pytest.mark.django_db
def test_nothing_measured_is_still_called_that(instance, kept):
    kept(60)
    assert aggregate(instance, periods=["daily", "quarterly"])[instance.pk].skipped == "no_sizes"


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "is_taken"), [(33, False), (34, True), (0, True)])
def test_a_period_needs_the_first_day_of_the_one_before_it(instance, kept, days, is_taken):
    """The week that ends on March 15 is compared with the one that begins on March 2; on April 4, 34 days are kept."""
    measure(instance, MARCH)
    kept(days)
    asked = {"periods": ["weekly"], "start_date": "2026-03-09", "end_date": "2026-03-15"}
    done = aggregate(instance, today=date(2026, 4, 4), **asked)[instance.pk]
    assert done.skipped == ("" if is_taken else "sizes_not_kept")


@pytest.mark.django_db
def test_what_is_late_and_can_no_longer_be_calculated_is_marked_and_kept(instance, kept):
    measure(instance, MARCH)
    aggregate(instance, start_date="2026-03-01", end_date="2026-03-17", periods=["daily", "weekly"])
    late = datetime(2026, 3, 18, 6, tzinfo=UTC)
    InstanceSizeStat.objects.filter(collected_date="2026-03-05").update(total_size_bytes=800, collected_at=late)
    kept(14)  # the 5th is there, the week before its week is not
    done = aggregate(instance)[instance.pk]
    assert done.details["late_periods"] == 4
    stale = {(row.period_type, row.period_start.day, row.max_size) for row in rows(InstanceSizeAggregation)}
    assert stale == {("weekly", 2, 100), ("weekly", 9, 100), ("daily", 5, 100)}
    assert {(row.period_type, row.period_start.day) for row in rows(DatabaseSizeAggregation)} == {
        ("weekly", 2), ("weekly", 9), ("daily", 5),
    }  # fmt: skip
    assert InstanceSizeAggregation.objects.get(period_type="daily", period_start="2026-03-06").total_size_change == -700


def rows(model):
    return model.objects.filter(is_stale=True)


@pytest.mark.django_db(transaction=True)
def test_an_ended_session_names_the_periods_that_are_missing(kept):
    measure(make_instance("db1"), {(timezone.localdate() - timedelta(days=1)).isoformat(): 5})
    kept(60)
    session = start_aggregation(Options.of({"periods": ["daily", "quarterly"]}), max_attempts=1)
    engine.run(session=session)
    session.refresh_from_db()
    assert session.outcome == "clean"
    (remark,) = AggregationSync().remarks(session.summary)
    assert "RETENTION_SIZES_DAYS" in remark
    assert remark.endswith(": Quarter")
    kept(0)
    session = start_aggregation(Options.of({"periods": ["daily"]}), max_attempts=1)
    engine.run(session=session)
    session.refresh_from_db()
    assert AggregationSync().remarks(session.summary) == []


def test_a_back_fill_starts_no_session_for_what_is_not_kept(kept):
    kept(14)
    asked = Options.of({"start_date": "2020-01-01", "end_date": "2026-03-17"})
    parts = list(slices(asked, TODAY))
    assert {type for part in parts for type in part.types} == {"daily"}
    assert parts[0].start_date == TODAY - timedelta(days=12)  # the day before it is the first one that is kept
    with pytest.raises(ValidationFailed, match="RETENTION_SIZES_DAYS"):
        list(slices(Options.of({"start_date": "2020-01-01", "end_date": "2020-12-31"}), TODAY))


@pytest.mark.parametrize(("days", "ids"), [(184, ["aggregation.W001"]), (185, []), (0, []), ("x", []), (1100, [])])
def test_a_retention_that_is_too_short_for_quarters_is_named_at_the_start(kept, days, ids):
    kept(days)
    assert [message.id for message in check_sizes_are_kept()] == ids


def test_the_least_number_of_days_is_enough_on_the_first_night_of_every_quarter(kept):
    kept(185)
    for year in range(2024, 2032):
        for month in (1, 4, 7, 10):
            first = date(year, month, 1)
            assert Options().periods(Options().types[3], first)
            assert list(slices(Options.of({"start_date": first - timedelta(days=1), "end_date": first,
                                           "periods": ["quarterly"]}), first))  # fmt: skip


def test_without_the_aggregation_nothing_has_to_be_kept(kept, settings):
    settings.AGGREGATION_ENABLED = False
    kept(30)
    assert check_sizes_are_kept() == []
