"""A summary is of one period: periods that never were at one time are not added up."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from aggregation.models import InstanceSizeAggregation
from aggregation.summaries import growth_rate
from instances.models import Instance, Tag
from tests.aggregation.conftest import TODAY, aggregate, make_instance, measure, store
from tests.aggregation.reference import Day, Total
from tests.people import api

pytestmark = pytest.mark.django_db

URL = "/api/v1/capacity/{}/summary"
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
BOTH = ["databases", "instances"]


@pytest.fixture(autouse=True)
def wednesday(monkeypatch):
    monkeypatch.setattr("aggregation.api.timezone", SimpleNamespace(localdate=lambda: TODAY))


def registered(name, **fields):
    instance = make_instance(name)
    Instance.objects.filter(pk=instance.pk).update(created_at=LONG_AGO, **fields)
    return instance


def summary(what, **query):
    answer = api("viewer").get(URL.format(what), query)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]["summary"]


@pytest.fixture
def fleet():
    """One instance is measured up to yesterday, one until the 10th, one never."""
    one, two, three = registered("one"), registered("two", db_type="mysql"), registered("three")
    measure(one, {f"2026-03-{day:02}": 1000 for day in range(8, 18)})
    measure(two, {f"2026-03-{day:02}": 50 for day in range(8, 11)})
    aggregate(one, two, three, start_date="2026-03-08", end_date="2026-03-17", periods=["daily", "weekly"])
    return one, two, three


@pytest.mark.parametrize("what", BOTH)
def test_only_the_newest_period_counts_and_who_is_missing_in_it_is_said(fleet, what):
    found = summary(what)
    assert (found["period_start"], found["period_end"], found["is_over"]) == ("2026-03-17", "2026-03-17", True)
    assert (found["total_size"], found["total_instances"], found["missing_instances"]) == (1000, 1, 2)
    assert (found["rows"], found["compared"], found["incomplete"], found["stale"], found["lower_bounds"]) == (
        1, 1, 0, 0, 0,
    )  # fmt: skip


@pytest.mark.parametrize("what", BOTH)
def test_dates_and_the_filter_choose_another_newest_period(fleet, what):
    one, two, three = fleet
    found = summary(what, end_date="2026-03-10")
    assert (found["period_start"], found["total_size"], found["missing_instances"]) == ("2026-03-10", 1050, 1)
    alone = summary(what, instance_id=two.pk)
    assert (alone["period_start"], alone["total_size"], alone["missing_instances"]) == ("2026-03-10", 50, 0)
    assert summary(what, db_type="mysql")["period_start"] == "2026-03-10"
    week = summary(what, period_type="weekly")
    assert (week["period_start"], week["period_end"], week["total_size"], week["incomplete"]) == (
        "2026-03-09", "2026-03-15", 1050, 1,
    )  # fmt: skip
    assert summary(what, db_type="postgresql")["missing_instances"] == 1


@pytest.mark.parametrize("what", BOTH)
def test_a_tag_narrows_rows_and_missing_instances_alike(fleet, what):
    one, two, three = fleet
    core, other = (Tag.objects.create(name=name, display_name=name) for name in ("core", "other"))
    for instance in (two, three):
        instance.tags.add(core, other)
    found = summary(what, tags=["core", "other"])
    assert (found["period_start"], found["total_size"], found["missing_instances"]) == ("2026-03-10", 50, 1)
    items = api("viewer").get(f"/api/v1/capacity/{what}", {"tags": ["core", "other"]}).json()["data"]["items"]
    assert [row["instance_id"] for row in items] == [two.pk] * 3
    three.tags.clear()
    assert summary(what, tags="core")["missing_instances"] == 0
    refused = api("viewer").get(f"/api/v1/capacity/{what}", {"tags": "nowhere"})
    assert (refused.status_code, refused.json()["message_code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("what", BOTH)
def test_an_unfinished_period_is_taken_where_there_is_no_other_and_marked(fleet, what):
    one = fleet[0]
    aggregate(one, periods=["weekly", "monthly"], use_current_period=True)
    assert summary(what, period_type="weekly")["period_start"] == "2026-03-09"
    found = summary(what, period_type="weekly", start_date="2026-03-16")
    assert (found["period_start"], found["period_end"], found["is_over"]) == ("2026-03-16", "2026-03-22", False)
    assert (found["incomplete"], found["total_size"]) == (1, 1000)


def test_rows_that_tell_less_than_they_should_are_counted(fleet):
    one, two, _three = fleet
    InstanceSizeAggregation.objects.filter(instance=two, period_start="2026-03-10").update(is_stale=True)
    yesterday = TODAY.replace(day=10)
    bound = registered("bound")
    store([Day(bound.pk, "app", yesterday, 7)], [Total(bound.pk, yesterday, 7, 1, False)])
    aggregate(bound, start_date="2026-03-10", end_date="2026-03-10", periods=["daily"])
    found = summary("instances", end_date="2026-03-10")
    assert (found["rows"], found["compared"], found["incomplete"], found["stale"], found["lower_bounds"]) == (
        3, 2, 1, 1, 1,
    )  # fmt: skip


@pytest.mark.parametrize("what", BOTH)
def test_who_was_registered_later_or_is_not_active_is_not_missing(fleet, what):
    make_instance("new")  # now, which is after the period
    registered("off", is_active=False)
    assert summary(what)["missing_instances"] == 2


@pytest.mark.parametrize("what", BOTH)
def test_instances_in_the_recycle_bin_have_no_part(fleet, what):
    Instance.objects.filter(name="one").update(deleted_at=LONG_AGO)
    found = summary(what)
    assert (found["period_start"], found["total_size"], found["missing_instances"]) == ("2026-03-10", 50, 1)


@pytest.mark.parametrize("what", BOTH)
def test_without_any_row_there_is_no_period(fleet, what):
    found = summary(what, end_date="2020-01-01")
    assert [found[name] for name in ("period_start", "period_end", "is_over", "missing_instances")] == [None] * 4
    assert (found["rows"], found["total_size"], found["growth_rate"]) == (0, 0, None)


@pytest.mark.parametrize("what", BOTH)
def test_a_summary_takes_a_fixed_number_of_statements(fleet, what, django_assert_num_queries):
    client = api("viewer")
    client.get(URL.format(what))
    with django_assert_num_queries(7):
        client.get(URL.format(what))
    for number in range(5):
        one = registered(f"more {number}")
        measure(one, {f"2026-03-{day:02}": 10 for day in range(8, 18 - number)})
        aggregate(one, periods=["daily"], start_date="2026-03-08", end_date="2026-03-17")
    with django_assert_num_queries(7):
        client.get(URL.format(what))


@pytest.mark.parametrize(
    ("change", "before", "percent"),
    [
        (1, 800, "0.13"), (-1, 800, "-0.13"), (3, 800, "0.38"), (1, 3, "33.33"), (2, 3, "66.67"), (0, 5, "0.00"),
        (2**62, 1, "461168601842738790400.00"), (5, 0, None),
    ],
)  # fmt: skip
def test_a_growth_rate_is_rounded_as_rows_are_halves_away_from_zero(change, before, percent):
    assert growth_rate(change, before) == (None if percent is None else Decimal(percent))


@pytest.mark.parametrize(("before", "now"), [(800, 801), (800, 799), (800, 803), (3, 4), (3, 2)])
def test_the_growth_rate_of_a_single_row_is_that_of_the_row(before, now):
    measure(registered("one"), {"2026-03-16": before, "2026-03-17": now})
    aggregate(Instance.objects.get(), periods=["daily"])
    row = InstanceSizeAggregation.objects.get()
    assert Decimal(summary("instances")["growth_rate"]) == row.total_size_change_percent
