"""Trends in the admin: which rows a page lists, what it says of them, to whom, and by how many statements."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from aggregation import periods
from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.periods import Period, PeriodType
from capacity.models import InstanceDatabase
from instances.models import Instance, Tag
from sessions_app.models import SyncSession
from tests.aggregation.conftest import make_instance
from tests.people import browser

pytestmark = pytest.mark.django_db

INSTANCES = reverse("admin:aggregation_instancesizeaggregation_changelist")
DATABASES = reverse("admin:aggregation_databasesizeaggregation_changelist")
GIB = 1024**3
HOSTILE = "</script><script>alert('x')</script>"


def last(type: str = "daily", back: int = 0) -> Period:
    """The last complete period, or one before it."""
    found = periods.last_complete(PeriodType(type), timezone.localdate())
    for _ in range(back):
        found = found.previous
    return found


def _row(
    instance: Instance, period: Period, size: int, change: int | None, percent: Any, fields: Any
) -> dict[str, Any]:
    now = timezone.now()
    return {
        "instance": instance, "period_type": period.type, "period_start": period.start, "period_end": period.end,
        "max_size": size + 2 * GIB, "min_size": size - GIB, "data_count": period.days, "expected_days": period.days,
        "is_complete": True, "collected_at": now, "created_at": now, "calculated_at": now, **fields,
    }  # fmt: skip


def database(
    instance: Instance, name: str, size: int, change: int | None = None, percent: Any = None,
    period: Period | None = None, **fields: Any,
) -> None:  # fmt: skip
    """A database's row, sizes in GB."""
    row = _row(instance, period or last(), size * GIB, change, percent, fields)
    DatabaseSizeAggregation.objects.create(
        database_name=name, avg_size=size * GIB, size_change=None if change is None else change * GIB,
        size_change_percent=percent, **row,
    )  # fmt: skip


def total(
    instance: Instance, size: int, change: int | None = None, percent: Any = None, trend: str = "",
    period: Period | None = None, **fields: Any,
) -> None:  # fmt: skip
    """An instance's row, sizes in GB."""
    row = _row(instance, period or last(), size * GIB, change, percent, fields)
    InstanceSizeAggregation.objects.create(
        total_size=size * GIB, total_size_change=None if change is None else change * GIB,
        total_size_change_percent=percent, trend_direction=trend, database_count=3, avg_database_count=3,
        max_database_count=3, min_database_count=3, **row,
    )  # fmt: skip


def listed(client: Client, url: str, **asked: Any) -> list[Any]:
    response = client.get(url, asked)
    assert response.status_code == 200
    rows = response.context["cl"].result_list
    return [getattr(row, "database_name", row.instance.name) for row in rows]


def text(page: Any) -> str:
    """What a page says, without tags and in single spaces."""
    body = re.sub(r"(?s)<script.*?</script>", " ", page.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def cells(page: Any, name: str) -> list[str]:
    """The figures of the table's row that begins with a name."""
    table = page.content.decode().split('id="result_list"', 1)[1]
    rows = [
        [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"(?s)<t[dh][^>]*>(.*?)</t[dh]>", row)]
        for row in re.findall(r"(?s)<tr.*?</tr>", table)
    ]
    return next([cell for cell in row if cell] for row in rows if name in row)


@pytest.fixture
def viewer(db: None) -> Client:
    return browser("viewer")


@pytest.fixture
def operator(db: None) -> Client:
    return browser("operator")


@pytest.fixture
def two(db: None) -> tuple[Instance, Instance]:
    """Two instances with a database of the same name each, over three days and a month."""
    one, other = make_instance("db1"), make_instance("db2")
    Instance.objects.filter(pk=other.pk).update(db_type="mysql")
    for back, (size, change) in enumerate([(12, 2), (10, 1), (9, None)]):
        database(one, "shop", size, change, None if change is None else 20, last(back=back))
        total(one, size, change, None if change is None else 20, "growing" if change else "", last(back=back))
    database(other, "shop", 30, -3, "-9.09")
    database(other, "small", 1, 1, None)
    total(other, 31, -2, "-6.06", "shrinking")
    database(one, "shop", 8, 7, 700, last("monthly"))
    total(one, 8, 7, 700, "growing", last("monthly"))
    return one, other


def test_a_page_lists_the_newest_complete_period_of_one_type(viewer, two):
    assert listed(viewer, DATABASES) == ["shop", "shop", "small"]
    assert listed(viewer, INSTANCES) == ["db2", "db1"]
    assert listed(viewer, DATABASES, period_type="monthly") == ["shop"]
    assert listed(viewer, DATABASES, period_type="weekly") == []
    assert listed(viewer, INSTANCES, period=last(back=1).start.isoformat()) == ["db1"]


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


def tops(page: Any) -> list[list[tuple[str, str]]]:
    return [[(name, figure) for _url, name, figure in rows] for _title, rows in page.context["tops"]]


def test_the_top_lists_rank_by_size_change_and_percent(viewer, two):
    assert tops(viewer.get(DATABASES)) == [
        [("shop · db2", "30.0 GB"), ("shop · db1", "12.0 GB"), ("small · db2", "1.0 GB")],
        [("shop · db1", "+2.0 GB"), ("small · db2", "+1.0 GB")],
        [("shop · db1", "+20.00 % (+2.0 GB)")],
    ]


def test_the_top_lists_are_as_long_as_asked_for(viewer, db):
    one = make_instance("db1")
    for number in range(30):
        database(one, f"d{number:02}", 100 + number, number, number)
    assert [len(rows) for rows in tops(viewer.get(DATABASES))] == [5, 5, 5]
    page = viewer.get(DATABASES, {"top": "20", "measure": "change"})
    assert [name for name, _figure in tops(page)[1]] == [f"d{number:02} · db1" for number in range(29, 9, -1)]
    assert page.context["chart"]["days"][:2] == ["d29 · db1", "d28 · db1"]
    assert page.context["chart"]["series"][0]["values"][:2] == [29 * GIB, 28 * GIB]


def test_databases_of_the_same_name_have_a_line_each_and_a_gap_is_a_gap(viewer, two):
    database(two[0], "shop", 7, period=last(back=4), is_complete=False)
    chart = viewer.get(DATABASES).context["chart"]
    assert chart["kind"] == "line"
    assert chart["days"] == [last(back=back).label for back in range(4, -1, -1)]
    lines = {line["label"]: line for line in chart["series"]}
    assert lines["shop · db2"]["values"] == [None, None, None, None, 30 * GIB]
    assert lines["shop · db1"]["values"] == [7 * GIB, None, 9 * GIB, 10 * GIB, 12 * GIB]
    assert lines["shop · db1"]["partial"] == [0]


def test_one_database_shows_all_its_periods(viewer, two):
    page = viewer.get(DATABASES, {"instance__id__exact": two[0].pk, "database_name": "shop"})
    assert [row.period_start for row in page.context["cl"].result_list] == [last(back=back).start for back in range(3)]
    chart = page.context["chart"]
    assert [line["values"] for line in chart["series"]] == [
        [9 * GIB, 10 * GIB, 12 * GIB], [11 * GIB, 12 * GIB, 14 * GIB], [8 * GIB, 9 * GIB, 11 * GIB]
    ]  # fmt: skip
    bars = viewer.get(
        DATABASES, {"instance__id__exact": two[0].pk, "database_name": "shop", "measure": "percent"}
    ).context["chart"]
    assert (bars["kind"], bars["unit"], bars["series"][0]["values"]) == ("bar", "percent", [None, 20.0, 20.0])


def test_one_instance_shows_all_its_periods_and_its_databases_are_ranked(viewer, two):
    asked = {"instance__id__exact": two[0].pk}
    assert len(listed(viewer, INSTANCES, **asked)) == 3
    assert listed(viewer, DATABASES, **asked) == ["shop"]


def test_the_filters_narrow_table_top_and_sum_alike(viewer, two):
    two[0].tags.add(Tag.objects.create(name="prod"), Tag.objects.create(name="eu"))
    for asked in ({"tag": Tag.objects.get(name="prod").pk}, {"instance__db_type__exact": "postgresql"}):
        page = viewer.get(DATABASES, asked)
        assert [row.instance for row in page.context["cl"].result_list] == [two[0]]
        assert tops(page)[0] == [("shop · db1", "12.0 GB")]
        assert dict(page.context["facts"])["Total, on average"] == "12.0 GB"
    assert listed(viewer, INSTANCES, q="db2") == ["db2"]
    assert listed(viewer, INSTANCES, trend_direction__exact="growing") == ["db1"]
    assert listed(viewer, INSTANCES, tag="999") == []


def test_hidden_databases_and_deleted_instances_are_left_out(viewer, two):
    InstanceDatabase.objects.create(
        instance=two[1], database_name="small", is_system=True, first_seen_date=date(2026, 1, 1),
        last_seen_date=date(2026, 1, 1),
    )  # fmt: skip
    assert listed(viewer, DATABASES) == ["shop", "shop"]
    assert listed(viewer, DATABASES, hidden="yes") == ["small"]
    Instance.objects.filter(pk=two[1].pk).update(deleted_at=timezone.now())
    assert listed(viewer, DATABASES) == ["shop"]
    assert listed(viewer, INSTANCES) == ["db1"]


def test_the_export_has_the_rows_of_the_page(viewer, two):
    page = viewer.get(DATABASES, {"q": "db2", "o": "1"})
    answer = viewer.get(f"{DATABASES}{page.context['export_url']}")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert [(row["instance"], row["database"], row["avg_size"]) for row in rows] == [
        ("db2", "shop", str(30 * GIB)), ("db2", "small", str(GIB))
    ]  # fmt: skip


def test_who_may_not_see_trends_sees_none(two):
    nobody = browser("nobody")
    for url in (INSTANCES, f"{DATABASES}export/"):
        assert nobody.get(url).status_code in (302, 403)
    assert "trends" not in text(nobody.get(reverse("admin:index"))).lower()


def test_a_hostile_name_stays_a_name(viewer, two):
    database(two[0], HOSTILE, 77, 70, 1000)
    page = viewer.get(DATABASES, {"measure": "change"})
    assert HOSTILE not in page.content.decode()
    assert page.context["chart"]["days"][0] == f"{HOSTILE} · db1"


def test_a_row_leads_to_the_history_of_its_database(viewer, two):
    row = DatabaseSizeAggregation.objects.filter(instance=two[0]).first()
    url = reverse("admin:aggregation_databasesizeaggregation_change", args=[row.pk])
    assert len(viewer.get(url, follow=True).context["cl"].result_list) == 3
    assert viewer.get(reverse("admin:aggregation_databasesizeaggregation_change", args=[10**9])).status_code == 302


def run(client: Client, url: str, rows: list[int]) -> Any:
    return client.post(url, {"action": "aggregate_chosen", "_selected_action": rows}, follow=True)


def test_an_operator_aggregates_the_instances_of_chosen_rows(operator, two):
    row = DatabaseSizeAggregation.objects.get(database_name="small")
    assert "has started" in text(run(operator, DATABASES, [row.pk]))
    session = SyncSession.objects.get()
    assert (session.sync_category, session.sync_type) == ("aggregation", "manual_batch")
    assert [record.instance for record in session.records.all()] == [two[1]]


def test_an_operator_aggregates_all_instances_with_the_periods_of_the_dialog(operator, two):
    url = reverse("admin:aggregation_instancesizeaggregation_aggregate_all")
    operator.post(url, {"periods": ["weekly"], "use_current_period": "on", "_form_submitted": "1"})
    session = SyncSession.objects.get()
    assert session.parameters == {"periods": ["weekly"], "scope": "all", "use_current_period": True}
    assert session.total_instances == 2


def test_a_viewer_starts_nothing(viewer, two):
    run(viewer, INSTANCES, [InstanceSizeAggregation.objects.first().pk])
    viewer.post(reverse("admin:aggregation_instancesizeaggregation_aggregate_all"), {"periods": ["weekly"]})
    assert not SyncSession.objects.exists()
    assert "Aggregate now" not in text(viewer.get(INSTANCES))


def test_switched_off_the_page_says_so_and_nobody_starts_it(operator, two, settings):
    settings.AGGREGATION_ENABLED = False
    page = operator.get(INSTANCES)
    assert "The aggregation is switched off" in text(page)
    assert "Aggregate now" not in text(page)
    assert len(page.context["cl"].result_list) == 2
    run(operator, INSTANCES, [InstanceSizeAggregation.objects.first().pk])
    assert not SyncSession.objects.exists()


def test_the_page_of_an_instance_tells_of_each_period_type(viewer, two):
    page = text(viewer.get(reverse("admin:instances_instance_change", args=[two[0].pk])))
    trends = page[page.index("Last complete") :]
    assert f"Day {last().label} 12.0 GB +2.0 GB +20.00 % Growing 1 of 1 days" in trends
    assert f"Week {last('weekly').label} not rolled up" in trends
    assert f"Month {last('monthly').label} 8.0 GB +7.0 GB +700.00 %" in trends


def test_the_dashboard_tells_of_the_growth_of_the_last_month(viewer, two):
    total(two[1], 100, None, period=last("monthly"))
    page = text(viewer.get(reverse("admin:index")))
    assert f"Growth in {last('monthly').label} +7.0 GB +700.00 % against the month before, of 1 instances" in page


def statements(client: Client, url: str, **asked: Any) -> int:
    client.get(url, asked)  # what Django remembers of content types and permissions is asked for once
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url, asked).status_code == 200
    return len(queries)


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
