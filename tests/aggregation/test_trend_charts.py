"""Charts and top lists of trends in the admin."""

from __future__ import annotations

import pytest

from tests.aggregation.conftest import make_instance
from tests.aggregation.rows import DATABASES, GIB, INSTANCES, database, last, listed, tops

pytestmark = pytest.mark.django_db

HOSTILE = "</script><script>alert('x')</script>"


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


def test_a_hostile_name_stays_a_name(viewer, two):
    database(two[0], HOSTILE, 77, 70, 1000)
    page = viewer.get(DATABASES, {"measure": "change"})
    assert HOSTILE not in page.content.decode()
    assert page.context["chart"]["days"][0] == f"{HOSTILE} · db1"
