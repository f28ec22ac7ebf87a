"""Lists of trends in the admin: which rows a page shows, of which period, and what it says of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from aggregation import periods
from aggregation.models import DatabaseSizeAggregation
from aggregation.periods import PeriodType
from instances.models import Instance
from tests.aggregation.conftest import make_instance
from tests.aggregation.rows import DATABASES, INSTANCES, cells, database, last, listed, statements, text, total
from tests.people import browser

pytestmark = pytest.mark.django_db


def test_a_page_lists_the_newest_complete_period_of_one_type(viewer, two):
    assert listed(viewer, DATABASES) == ["shop", "shop", "small"]
    assert listed(viewer, INSTANCES) == ["db2", "db1"]
    assert listed(viewer, DATABASES, period_type="monthly") == ["shop"]
    assert listed(viewer, DATABASES, period_type="weekly") == []
    assert listed(viewer, INSTANCES, period=last(back=1).start.isoformat()) == ["db1"]


def test_a_period_that_deleted_instances_alone_have_is_no_newest_one(viewer, two):
    Instance.objects.filter(name="db2").update(deleted_at=timezone.now())
    total(two[1], 99, period=last(PeriodType.WEEKLY))
    total(two[0], 5, period=last(PeriodType.WEEKLY, back=2))
    assert listed(viewer, INSTANCES, period_type="weekly") == ["db1"]
    page = viewer.get(INSTANCES, {"period_type": "weekly"})
    assert page.context["later"] is None


@pytest.mark.parametrize("asked", [{"period_type": "yearly"}, {"period": "x"}, {"period": "0001-01-01"},
                                   {"measure": "x", "top": "-1"}])  # fmt: skip
def test_nonsense_in_the_address_is_as_if_it_were_not_there(viewer, two, asked):
    assert listed(viewer, DATABASES, **asked) == ["shop", "shop", "small"]


def test_a_period_that_is_not_over_is_shown_only_when_asked_for_and_says_so(viewer, two):
    today = periods.current(PeriodType.DAILY, timezone.localdate())
    total(two[0], 99, period=today, is_complete=False)
    assert listed(viewer, INSTANCES) == ["db2", "db1"]
    page = viewer.get(INSTANCES, {"period": today.start.isoformat()})
    assert page.context["period"] == today
    assert "Not over" in text(page)


def test_the_figures_of_a_row_are_those_that_are_stored(viewer, two):
    page = viewer.get(INSTANCES)
    assert cells(page, "db1") == [
        "db1", "PostgreSQL", "12.0 GB", "11.0 GB", "14.0 GB", "+2.0 GB", "+20.00 %", "Growing", "1 of 1 days"
    ]  # fmt: skip
    assert cells(page, "db2")[5:8] == ["−2.0 GB", "−6.06 %", "Shrinking"]
    assert cells(viewer.get(DATABASES), "small")[5:8] == ["+1.0 GB", "—", "—"]


@pytest.mark.parametrize(
    ("percent", "shown"),
    [
        ("999999.99", "+999,999.99 %"),
        ("1000000.00", "+1.00·10⁶ %"),
        ("199999999999999900.00", "+2.00·10¹⁷ %"),
        ("922337203685477580600.00", "+9.22·10²⁰ %"),
        ("-99.99", "−99.99 %"),
    ],
)
def test_a_percentage_of_many_digits_is_a_power_of_ten(viewer, two, percent, shown):
    database(two[0], "tiny", 2, 1, Decimal(percent))
    page = viewer.get(DATABASES, {"measure": "percent"})
    assert cells(page, "tiny")[6] == shown
    told = dict(page.context["chart_rows"])
    assert told.get("tiny · db1", [shown]) == [shown]
    assert ("tiny · db1" in told) == (Decimal(percent) > 0)


def test_what_makes_a_row_less_than_it_should_be_is_said(viewer, two):
    month = last("monthly")
    total(two[1], 5, period=month, data_count=3, is_complete=False, is_lower_bound=True, is_stale=True)
    page = viewer.get(INSTANCES, {"period_type": "monthly"})
    row = cells(page, "db2")
    assert row[2] == "at least 5.0 GB"
    assert row[-1] == f"3 of {month.days} days Lower bound Stale"
    said = text(page)
    assert "1 row does not rest on every day" in said
    assert "1 total is a lower bound" in said
    assert "1 row is stale" in said
    assert "at least 13.0 GB" in said  # of both together


def test_active_instances_without_figures_are_counted(viewer, two):
    page = viewer.get(INSTANCES)
    assert "no figures" not in text(page)
    old = make_instance("silent")
    Instance.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=9))
    make_instance("of today")
    assert "1 active instance has no figures of this period" in text(viewer.get(INSTANCES))


def test_the_sum_compares_only_what_has_a_period_before(viewer, two):
    total(make_instance("new"), 500)
    facts = dict(viewer.get(INSTANCES).context["facts"])
    assert facts["Instances"] == "3"
    assert facts["Total, on average"] == "543.0 GB"
    # 12 was 10, 31 was 33.
    assert facts["Change"] == "0 bytes (0.00 %), of 2 that can be compared"


def test_who_may_not_see_trends_sees_none(two):
    nobody = browser("nobody")
    for url in (INSTANCES, f"{DATABASES}export/"):
        assert nobody.get(url).status_code in (302, 403)
    assert "trends" not in text(nobody.get(reverse("admin:index"))).lower()


def test_a_row_leads_to_the_history_of_its_database(viewer, two):
    row = DatabaseSizeAggregation.objects.filter(instance=two[0]).first()
    url = reverse("admin:aggregation_databasesizeaggregation_change", args=[row.pk])
    assert len(viewer.get(url, follow=True).context["cl"].result_list) == 3
    assert viewer.get(reverse("admin:aggregation_databasesizeaggregation_change", args=[10**9])).status_code == 302


def test_no_number_of_rows_costs_another_statement(viewer, two):
    pages = [
        (DATABASES, {}), (INSTANCES, {}), (DATABASES, {"measure": "change", "top": "20"}),
        (INSTANCES, {"instance__id__exact": two[0].pk}),
        (reverse("admin:instances_instance_change", args=[two[0].pk]), {}),
        (reverse("admin:index"), {}),
    ]  # fmt: skip
    before = [statements(viewer, url, **asked) for url, asked in pages]
    for number in range(30):
        instance = make_instance(f"more{number}")
        for name in ("a", "b"):
            for back in range(3):
                database(instance, name, 50 + number, 1, 2, last(back=back))
        for back in range(3):
            total(instance, 100 + number, 1, 1, "stable", last(back=back))
    for back in range(3, 40):
        total(two[0], 5, 1, 1, "stable", last(back=back))
    assert [statements(viewer, url, **asked) for url, asked in pages] == before
    assert max(before) <= 40
