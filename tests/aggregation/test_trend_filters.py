"""Filters of trends in the admin: the sum, the top lists, the table and the file are of the same rows."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from django.utils import timezone

from capacity.models import InstanceDatabase
from instances.models import Instance, Tag
from tests.aggregation.rows import DATABASES, GIB, INSTANCES, listed, tops

pytestmark = pytest.mark.django_db


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
    assert [(row["instance"], row["database_name"], row["avg_size"]) for row in rows] == [
        ("db2", "shop", str(30 * GIB)), ("db2", "small", str(GIB))
    ]  # fmt: skip


@pytest.mark.parametrize("url", [INSTANCES, DATABASES])
def test_an_export_with_a_filter_that_means_nothing_leads_back_to_the_page(viewer, two, url):
    answer = viewer.get(f"{url}export/", {"instance__id__exact": "x"})
    assert (answer.status_code, answer["Location"]) == (302, f"{url}?e=1")
