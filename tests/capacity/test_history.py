"""Series, growth and top lists: from which samples they come, and from how many statements."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from capacity import growth_rates, history
from capacity.forecast import Point
from capacity.models import DatabaseSizeStat, InstanceDatabase
from tests.capacity.conftest import make_instance
from tests.capacity.history import measured, totalled

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 31)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def growth(database: InstanceDatabase) -> tuple[int | None, ...]:
    """As lists are sorted by it, which is what is told of it."""
    databases = InstanceDatabase.objects.annotate(**growth_rates.grown(today=TODAY))
    row = growth_rates.with_growth(databases, today=TODAY).get(pk=database.pk)
    told = growth_rates.growth(row)
    sorted_by = tuple(getattr(row, f"grown_{days}") for days in growth_rates.PERIODS)
    assert sorted_by == tuple(rate and rate.bytes for rate in told.values())
    return sorted_by


def test_a_series_has_the_days_asked_for_and_no_others(instance):
    other = make_instance("db2")
    database = measured(instance, "shop", {ago(9): 10, ago(5): 20, ago(0): 30}, data_size_bytes=7, log_size_bytes=2)
    measured(other, "shop", {ago(5): 99})
    measured(instance, "Shop", {ago(5): 98})
    with CaptureQueriesContext(connection) as queries:
        days = history.of_database(database, since=ago(5), until=TODAY)
    assert len(queries) == 1
    assert [(d.day, d.size_bytes, d.data_size_bytes, d.log_size_bytes, d.method) for d in days] == [
        (ago(5), 20, 7, 2, "test"),
        (ago(0), 30, 7, 2, "test"),
    ]
    assert [d.point for d in history.of_database(database, until=ago(9))] == [Point(day=ago(9), size_bytes=10)]


def test_the_series_of_an_instance_says_which_days_are_incomplete(instance):
    totalled(instance, {ago(8): 3, ago(2): 10, ago(1): 5, ago(0): 12}, incomplete=(ago(1),))
    totalled(make_instance("db2"), {ago(1): 99})
    days = history.of_instance(instance.pk, since=ago(2), until=TODAY)
    assert [(d.day, d.size_bytes, d.is_complete) for d in days] == [
        (ago(2), 10, True), (ago(1), 5, False), (ago(0), 12, True),
    ]  # fmt: skip
    days = history.of_instance(instance.pk, until=TODAY)
    assert history.instance_growth(days, TODAY) == {1: None, 7: 9, 30: None}
    assert history.instance_growth(days, ago(1)) == {1: None, 7: None, 30: None}


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({0: 100, 1: 90, 7: 60, 30: 10}, (10, 40, 90)),
        ({0: 100, 1: 110, 7: 100, 30: 400}, (-10, 0, -300)),
        ({0: 100, 2: 90, 10: 60, 37: 10}, (None, 40, 90)),  # a few days older will do for a week and a month
        ({0: 100, 11: 60, 38: 10}, (None, None, None)),
        ({0: 100, 6: 70, 8: 60, 9: 50, 29: 3, 31: 2, 32: 1}, (None, 40, 98)),  # the nearest at or before
        ({0: 100}, (None, None, None)),
        ({2: 100, 3: 90, 9: 60, 32: 10}, (10, 40, 90)),  # from the last sample, not from today
        ({3: 100, 4: 90}, (10, None, None)),
        ({4: 100, 5: 90, 11: 60, 34: 10}, (None, None, None)),  # nobody knows how it grew lately
    ],
)
def test_growth_is_from_the_nearest_sample_at_or_before_the_day_to_the_last_one(instance, sizes, expected):
    assert growth(measured(instance, "shop", {ago(days): size for days, size in sizes.items()})) == expected


def test_growth_does_not_compare_sizes_from_different_sources(instance):
    database = measured(instance, "shop", {ago(1): 90, ago(0): 100})
    DatabaseSizeStat.objects.filter(collected_date=ago(1)).update(method="statistics")
    assert growth(database) == (None, None, None)


def test_growth_of_a_database_is_not_mixed_up_with_that_of_a_namesake(instance):
    database = measured(instance, "shop", {ago(7): 60, ago(0): 100})
    namesake = measured(make_instance("db2"), "shop", {ago(7): 1, ago(0): 5})
    assert (growth(database)[1], growth(namesake)[1]) == (40, 4)


def test_a_page_of_any_length_takes_one_statement(instance):
    for number in range(30):
        measured(instance, f"db{number}", {ago(7): 60, ago(0): 100 + number})
    with CaptureQueriesContext(connection) as queries:
        rows = list(growth_rates.with_growth(InstanceDatabase.objects.order_by("size_bytes"), today=TODAY))
        rates = [growth_rates.growth(row)[7] for row in rows]
    assert [rate and rate.bytes for rate in rates] == [40 + number for number in range(30)]
    assert len(queries) == 1


def test_the_largest_and_the_fastest_growing_databases_lead_their_lists(instance):
    names = {"still": (500, 500), "slow": (290, 300), "fast": (10, 110), "shrinking": (900, 200), "new": (None, 700)}
    for name, (before, now) in names.items():
        measured(instance, name, {ago(0): now} | ({ago(7): before} if before else {}))
    InstanceDatabase.objects.create(
        instance=instance, database_name="unmeasured", first_seen_date=TODAY, last_seen_date=TODAY
    )
    databases = InstanceDatabase.objects.listed()
    with CaptureQueriesContext(connection) as queries:
        largest = [row.database_name for row in history.largest(databases, 3)]
        growing = [row.database_name for row in history.fastest_growing(databases, 3, days=7, today=TODAY)]
    assert largest == ["new", "still", "slow"]
    assert growing == ["fast", "slow"]
    assert len(queries) == 2
