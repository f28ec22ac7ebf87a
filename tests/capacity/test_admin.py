"""Databases in the admin: what lists and pages show, to whom, and by how many statements."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from capacity import tables
from capacity.models import (
    CapacityLimit,
    DatabaseSizeStat,
    GrowthEvent,
    InstanceDatabase,
    SizePart,
    TableSizeSnapshot,
)
from instances.models import Instance
from sessions_app.models import InstanceCoverage, SyncSession
from tests.capacity.conftest import GIB, MIB, make_instance
from tests.capacity.history import measured, totalled
from tests.people import browser
from whalefall.errors import LoginRejected

pytestmark = pytest.mark.django_db

LIST = reverse("admin:capacity_instancedatabase_changelist")
HOSTILE = "</script><script>alert('x')</script>\n\"%s{x}"


def today() -> date:
    return timezone.localdate()


def ago(days: int) -> date:
    return today() - timedelta(days=days)


def line(days: int, *, start: int = 100 * GIB, slope: int = GIB) -> dict[date, int]:
    """A size on each of so many days, today the last one."""
    return {ago(days - 1 - number): start + slope * number for number in range(days)}


def page_url(database: InstanceDatabase) -> str:
    return reverse("admin:capacity_instancedatabase_change", args=[database.pk])


def instance_url(instance: Instance) -> str:
    return reverse("admin:instances_instance_change", args=[instance.pk])


def unreadable(instance: Instance, name: str, reason: str = "no CONNECT privilege") -> None:
    InstanceCoverage.objects.create(
        instance=instance, sync_category="capacity", scope=f"database:{name}", status="denied", reason=reason
    )


def names(client: Client, **filters: str) -> list[str]:
    response = client.get(LIST, filters)
    assert response.status_code == 200
    return [row.database_name for row in response.context["cl"].result_list]


def text(page: Any) -> str:
    """What a page says, without tags and in single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


def statements(client: Client, url: str) -> list[str]:
    client.get(url)  # what Django remembers of content types and permissions is asked for once
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return [query["sql"] for query in queries]


@pytest.fixture
def viewer(db: None) -> Client:
    return browser("viewer")


@pytest.fixture
def operator(db: None) -> Client:
    return browser("operator")


@pytest.fixture
def several(instance: Instance) -> Instance:
    """Databases of every sort."""
    measured(instance, "big", {ago(7): 2 * GIB, ago(0): 5 * GIB})
    measured(instance, "small", {ago(0): 3 * MIB})
    measured(instance, "template1", {ago(0): MIB}, is_system=True)
    measured(instance, "tmp_x", {ago(0): MIB}, filtered_by="tmp%")
    measured(instance, "gone", {ago(9): MIB}, is_active=False, deleted_at=timezone.now())
    measured(instance, "lately", {ago(1): MIB})
    unreadable(instance, "lately")
    InstanceDatabase.objects.create(
        instance=instance, database_name="never", first_seen_date=today(), last_seen_date=today()
    )
    unreadable(instance, "never")
    measured(make_instance("other", "sqlserver"), "ERP", {ago(0): 4 * MIB})
    return instance


SHOWN = ["big", "ERP", "small", "lately", "never"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, SHOWN),
        ({"active": "no"}, ["gone"]),
        ({"active": "all"}, ["big", "ERP", "small", "gone", "lately", "never"]),
        ({"hidden": "yes"}, ["template1", "tmp_x"]),
        ({"unmeasured": "yes"}, ["lately", "never"]),
        ({"unmeasured": "no"}, ["big", "ERP", "small"]),
        ({"instance__db_type__exact": "sqlserver"}, ["ERP"]),
        ({"q": "othe"}, ["ERP"]),
        ({"q": "_m_"}, []),
    ],
)
def test_the_list_shows_what_is_asked_for(several, viewer, filters, expected):
    assert sorted(names(viewer, **filters)) == sorted(expected)


def test_the_largest_and_the_fastest_growing_lead_whatever_is_unknown_follows(several, viewer):
    assert names(viewer)[0] == "big"
    assert names(viewer)[-1] == "never"
    measured(several, "fast", {ago(7): MIB, ago(0): GIB})
    position = list(viewer.get(LIST).context["cl"].list_display).index("week")
    assert names(viewer, o=f"-{position}")[:2] == ["big", "fast"]
    measured(several, "faster", {ago(7): MIB, ago(0): 4 * GIB})
    assert names(viewer, o=f"-{position}")[:3] == ["faster", "big", "fast"]


def test_the_list_says_how_large_how_grown_how_old_and_what_is_special(several, viewer):
    InstanceDatabase.objects.filter(database_name="small").update(
        is_estimate=True, collected_at=timezone.now() - timedelta(days=5)
    )
    page = text(viewer.get(LIST, {"active": "all", "hidden": "all"}))
    assert "5.0 GB — +3.0 GB —" in page
    assert "5 days ago Late Estimate" in page
    assert "never Not measured no CONNECT privilege" in page
    assert "Vanished" in page
    assert "System" in page
    assert "Filtered" in page


def test_databases_of_deleted_instances_are_not_listed(several, viewer):
    Instance.objects.update(deleted_at=timezone.now())
    assert names(viewer, active="all", hidden="all") == []


def test_the_list_takes_as_many_statements_for_forty_databases_as_for_one(instance, viewer):
    measured(instance, "db", {ago(7): GIB, ago(0): 2 * GIB})
    few = statements(viewer, LIST)
    for number in range(40):
        measured(make_instance(f"server{number}"), f"db{number}", {ago(7): GIB, ago(0): 2 * GIB})
    assert len(statements(viewer, LIST)) == len(few)


def test_the_page_takes_as_many_statements_for_years_as_for_a_day(instance, viewer):
    small = measured(instance, "small", {ago(0): GIB})
    large = measured(instance, "large", line(1095))
    few = statements(viewer, page_url(small))
    assert len(statements(viewer, page_url(large) + "?range=all")) == len(few)
    assert len(few) <= 14, "\n".join(few)


def test_the_chart_has_every_day_and_gaps_where_nothing_was_measured(instance, viewer):
    sizes = line(10)
    del sizes[ago(4)], sizes[ago(3)]
    database = measured(instance, "shop", sizes, data_size_bytes=7)
    chart = viewer.get(page_url(database)).context["chart"]
    assert chart["days"] == [ago(9 - number).isoformat() for number in range(10)]
    assert [(one["key"], one["values"]) for one in chart["series"]] == [
        ("size", [sizes.get(ago(9 - number)) for number in range(10)]),
        ("data", [7 if ago(9 - number) in sizes else None for number in range(10)]),
    ]
    assert (chart["trend"], chart["limit"], chart["partial"]) == (None, None, [])


@pytest.mark.parametrize(
    ("wanted", "first"), [("30", 29), ("90", 89), ("365", 364), ("all", 499), ("", 89), ("nonsense", 89)]
)
def test_the_range_is_switched_by_links(instance, viewer, wanted, first):
    database = measured(instance, "shop", line(500))
    page = viewer.get(page_url(database), {"range": wanted} if wanted else {})
    assert page.context["chart"]["days"][0] == ago(first).isoformat()
    assert [choice.url for choice in page.context["ranges"] if choice.is_chosen] == [
        f"?range={wanted if wanted in ('30', '90', '365', 'all') else '90'}#size-chart"
    ]


def test_the_chart_goes_on_with_the_trend_and_its_interval_from_the_last_size(instance, viewer):
    database = measured(instance, "shop", line(60))
    chart = viewer.get(page_url(database), {"range": "30"}).context["chart"]
    assert len(chart["days"]) == 37
    assert chart["trend"]["from"] == 29
    assert chart["trend"]["expected"] == [159 * GIB + number * GIB for number in range(8)]
    assert chart["trend"]["low"] == chart["trend"]["high"] == chart["trend"]["expected"]


def test_a_limit_is_drawn_when_it_is_in_sight_and_counted_to_in_any_case(instance, viewer):
    database = measured(instance, "shop", line(60))
    limit = CapacityLimit.objects.create(instance=instance, database_name="shop", limit_bytes=200 * GIB)
    CapacityLimit.objects.create(instance=instance, database_name="", limit_bytes=GIB)
    page = viewer.get(page_url(database))
    assert page.context["chart"]["limit"]["value"] == 200 * GIB
    met = (today() + timedelta(days=41)).isoformat()
    assert "+1.0 GB a day between +1.0 GB and +1.0 GB a day, from 30 measurements" in text(page)
    assert f"The limit of 200.0 GB is met about {met}, after 41 days: between {met} and {met}." in text(page)
    CapacityLimit.objects.filter(pk=limit.pk).update(limit_bytes=10_000 * GIB)
    page = viewer.get(page_url(database))
    assert page.context["chart"]["limit"] is None
    assert "The limit of 9.8 TB is more than ten years away." in text(page)


def test_a_forecast_says_what_it_lacks(instance, viewer):
    page = text(viewer.get(page_url(measured(instance, "shop", line(13)))))
    assert "No forecast: 13 measurements in these days, and it takes 14." in page
    assert "No limit is set" in page
    shifted = {day: size + (day > ago(5)) * 900 * GIB for day, size in line(40).items()}
    page = text(viewer.get(page_url(measured(instance, "moved", shifted))))
    assert f"No forecast: 5 measurements since the size changed its level on {ago(4)}, and it takes 14." in page


def test_the_page_says_how_a_size_was_measured_and_what_is_wrong_with_it(several, viewer):
    InstanceDatabase.objects.update(is_estimate=True)
    for name, said in {
        "big": "These sizes are estimates",
        "tmp_x": "because of the filter tmp%",
        "template1": "because the server brings it along",
        "gone": "no longer exists on its server",
        "lately": "The last read could not measure this database. no CONNECT privilege",
    }.items():
        assert said in text(viewer.get(page_url(InstanceDatabase.objects.get(database_name=name)))), name
    assert "Growth in 7 days +3.0 GB (+150.0 %)" in text(
        viewer.get(page_url(InstanceDatabase.objects.get(database_name="big")))
    )


def test_years_are_told_by_the_last_figures_of_each_month_and_weeks_by_all(instance, viewer):
    database = measured(instance, "shop", line(400))
    rows = viewer.get(page_url(database), {"range": "all"}).context["rows"]
    days = [date.fromisoformat(row[0]) for row in rows]
    assert days[0] == today()
    assert all((day + timedelta(days=1)).day == 1 for day in days[1:])
    assert 13 <= len(days) <= 15
    assert len(viewer.get(page_url(database), {"range": "30"}).context["rows"]) == 30


def test_growth_events_and_table_sizes_are_shown_the_newest_first(instance, viewer):
    database = measured(instance, "shop", line(3))
    GrowthEvent.objects.create(
        instance=instance, database_name="shop", size_before=100 * GIB, size_after=150 * GIB, date_before=ago(2),
        collected_date=ago(1),
    )  # fmt: skip
    rows = [{"schema": "public", "name": "orders", "size_bytes": GIB, "data_size_bytes": None,
             "index_size_bytes": MIB, "row_estimate": 1234567}]  # fmt: skip
    older = TableSizeSnapshot.objects.create(
        instance=instance, database_name="shop", tables=rows, asked_for=9, duration_seconds=1
    )
    TableSizeSnapshot.objects.create(
        instance=instance, database_name="shop", tables=[rows[0] | {"size_bytes": 3 * GIB}], asked_for=1,
        duration_seconds=1,
    )  # fmt: skip
    page = text(viewer.get(page_url(database)))
    assert "+50.0 GB (+50.0 %) 150.0 GB" in page
    assert "public. orders 3.0 GB +2.0 GB – 1.0 MB 1,234,567" in page
    assert "The 1 largest; there may be more." in page
    page = text(viewer.get(page_url(database), {"tables": str(older.pk)}))
    assert "public. orders 1.0 GB – 1.0 MB 1,234,567" in page
    assert "there may be more" not in page


def test_a_hostile_name_stays_a_name(instance, viewer):
    database = measured(instance, HOSTILE, line(20))
    unreadable(instance, HOSTILE, reason=HOSTILE)
    totalled(instance, line(20))
    for url in (LIST, page_url(database), instance_url(instance)):
        page = viewer.get(url)
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()


def test_tables_are_measured_from_the_page_by_operators_only(instance, viewer, operator, monkeypatch):
    database = measured(instance, "shop", line(3))
    url = reverse("admin:capacity_instancedatabase_measure_tables", args=[database.pk])
    asked: list[dict[str, Any]] = []

    def measure(**asked_for: Any) -> TableSizeSnapshot:
        asked.append(asked_for)
        return TableSizeSnapshot(tables=[{}, {}], duration_seconds=0.5)

    monkeypatch.setattr(tables, "measure_tables", measure)
    assert "Measure tables now" not in text(viewer.get(page_url(database)))
    assert viewer.post(url, {"_form_submitted": "1"}).status_code in (302, 403)
    assert asked == []
    assert "Measure tables now" in text(operator.get(page_url(database)))
    operator.get(url)
    assert asked == []
    operator.post(url, {"_form_submitted": "1"})
    assert [(one["instance"], one["database_name"], one["user"].username) for one in asked] == [
        (instance, "shop", "operator")
    ]
    assert "2 tables were measured in 0.50 s" in text(operator.get(page_url(database)))


def test_what_the_server_refuses_is_said_with_what_helps(instance, operator, monkeypatch):
    database = measured(instance, "shop", line(3))

    def refuse(**asked_for: Any) -> TableSizeSnapshot:
        raise LoginRejected(host="h", port=1, username="watcher")

    monkeypatch.setattr(tables, "measure_tables", refuse)
    operator.post(
        reverse("admin:capacity_instancedatabase_measure_tables", args=[database.pk]), {"_form_submitted": "1"}
    )
    assert "watcher" in text(operator.get(page_url(database)))


def test_the_instance_of_a_database_is_read_again_from_its_page(instance, viewer, operator):
    database = measured(instance, "shop", line(3))
    url = reverse("admin:capacity_instancedatabase_collect_now", args=[database.pk])
    viewer.post(url, {"_form_submitted": "1"})
    assert not SyncSession.objects.exists()
    operator.post(url, {"_form_submitted": "1"})
    session = SyncSession.objects.get()
    assert (session.sync_category, session.sync_type) == ("capacity", "manual_batch")
    assert [record.instance for record in session.records.all()] == [instance]


def test_nobody_edits_a_size(instance, operator):
    database = measured(instance, "shop", line(3))
    operator.post(page_url(database), {"database_name": "other", "size_bytes": "1"})
    operator.post(reverse("admin:capacity_instancedatabase_delete", args=[database.pk]), {"post": "yes"})
    database.refresh_from_db()
    assert (database.database_name, database.size_bytes) == ("shop", 102 * GIB)
    assert operator.get(reverse("admin:capacity_instancedatabase_add")).status_code == 403


def test_the_page_of_an_instance_shows_its_total_its_databases_and_its_parts(several, viewer):
    totalled(several, line(40), incomplete=(ago(3), ago(50)))
    CapacityLimit.objects.create(instance=several, database_name="", limit_bytes=200 * GIB)
    SizePart.objects.create(
        instance=several, kind="tablespace", name="fast", size_bytes=GIB, max_bytes=2 * GIB, collected_at=timezone.now()
    )
    page = viewer.get(instance_url(several))
    said = text(page)
    assert "Total 139.0 GB" in said
    assert "Growth in 7 days +7.0 GB" in said
    assert "Measured never Late" in said
    assert "On 1 day, marked in the chart, some database could not be measured" in said
    assert "from 29 measurements The limit of 200.0 GB is met about" in said
    assert "Largest databases big 5.0 GB small 3.0 MB lately 1.0 MB Fastest growing in 7 days big +3.0 GB" in said
    assert "Tablespace fast 1.0 GB – 2.0 GB" in said
    document = re.search(r'<script id="size-chart-data" type="application/json">(.*?)</script>', page.content.decode())
    assert document is not None
    chart = json.loads(document[1])
    assert chart["partial"] == [36]
    assert chart["series"][0]["values"][:40] == list(line(40).values())


def test_a_total_of_which_something_is_missing_is_a_lower_bound(instance, viewer):
    totalled(instance, {ago(0): GIB}, incomplete=(ago(0),))
    InstanceCoverage.objects.create(
        instance=instance, sync_category="capacity", scope="server", status="ok", last_ok_at=timezone.now()
    )
    said = text(viewer.get(instance_url(instance)))
    assert "Total at least 1.0 GB" in said
    assert "Late" not in said


def test_the_page_of_an_instance_takes_as_many_statements_for_years_and_forty_databases(instance, viewer):
    measured(instance, "db", {ago(7): GIB, ago(0): 2 * GIB})
    totalled(instance, line(20))
    few = statements(viewer, instance_url(instance))
    other = make_instance("large")
    totalled(other, line(1000))
    for number in range(40):
        measured(other, f"db{number}", {ago(7): GIB, ago(0): 2 * GIB})
    assert len(statements(viewer, instance_url(other) + "?range=all")) == len(few)


def test_an_instance_that_was_never_measured_has_a_panel_that_says_so(instance, viewer):
    page = viewer.get(instance_url(instance))
    assert page.status_code == 200
    assert "Measured never" in text(page)
    assert "Size over time" not in text(page)


def test_who_may_not_see_databases_sees_neither_their_pages_nor_the_panel(instance, viewer):
    database = measured(instance, "shop", line(3))
    nobody = browser("nobody")
    for url in (LIST, page_url(database)):
        assert nobody.get(url).status_code in (302, 403)
    user = nobody.get(reverse("admin:index")).wsgi_request.user
    user.user_permissions.add(Permission.objects.get(codename="view_instance"))
    page = nobody.get(instance_url(instance))
    assert page.status_code == 200
    assert "size-chart" not in page.content.decode()
    assert "Capacity" not in text(page)


def test_a_form_to_add_an_instance_has_no_panels():
    assert browser("admin").get(reverse("admin:instances_instance_add")).status_code == 200


def test_samples_of_a_namesake_are_never_mixed_in(instance, viewer):
    mine = measured(instance, "shop", line(20))
    measured(make_instance("db2"), "shop", line(20, start=900 * GIB))
    DatabaseSizeStat.objects.create(
        instance=instance, database_name="SHOP", size_bytes=1, method="test", collected_date=ago(0),
        collected_at=timezone.now(),
    )  # fmt: skip
    chart = viewer.get(page_url(mine)).context["chart"]
    assert [size for size in chart["series"][0]["values"] if size is not None] == list(line(20).values())
