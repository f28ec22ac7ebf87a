"""Filters, limits and growth events in the admin."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from capacity.models import CapacityLimit, DatabaseFilter, GrowthEvent, InstanceDatabase
from tests.capacity.conftest import DAY, GIB, collect, make_instance, sizes
from tests.people import browser

pytestmark = pytest.mark.django_db

FILTERS = reverse("admin:capacity_databasefilter_changelist")
LIMITS = reverse("admin:capacity_capacitylimit_changelist")
EVENTS = reverse("admin:capacity_growthevent_changelist")
NEW = {"db_type": "postgresql", "match": "like", "pattern": "test%", "description": "", "is_active": "on"}


def hidden() -> dict[str, str]:
    return dict(InstanceDatabase.objects.exclude(filtered_by="").values_list("database_name", "filtered_by"))


def rows(role: str, url: str, **query):
    response = browser(role).get(url, query)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def page(row) -> str:
    return reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])


# Filters


def test_a_saved_changed_or_deleted_filter_holds_at_once(instance):
    collect(instance, sizes(app=1, test1=2, test2=3))
    client = browser("admin")
    answer = client.post(f"{FILTERS}add/", NEW)
    assert answer.status_code == 302, answer.context["errors"]
    assert hidden() == {"test1": "test%", "test2": "test%"}
    assert "2 known databases" in "".join(map(str, get_messages(answer.wsgi_request)))
    row = DatabaseFilter.objects.get(pattern="test%")
    assert {found.pattern: found.hidden_databases for found in rows("admin", FILTERS)}["test%"] == 2
    assert client.post(page(row), {**NEW, "pattern": "test1", "match": "exact"}).status_code == 302
    assert hidden() == {"test1": "test1"}
    client.post(reverse("admin:capacity_databasefilter_delete", args=[row.pk]), {"post": "yes"})
    assert hidden() == {}


def test_a_filter_that_moves_to_another_kind_shows_what_it_left_out(instance):
    other = make_instance("my", "mysql")
    collect(instance, sizes(test1=1))
    collect(other, sizes(test1=1))
    client = browser("admin")
    client.post(f"{FILTERS}add/", NEW)
    client.post(page(DatabaseFilter.objects.get(pattern="test%")), {**NEW, "db_type": "mysql"})
    assert list(InstanceDatabase.objects.order_by("instance").values_list("filtered_by", flat=True)) == ["", "test%"]


def test_filters_deleted_together_hold_at_once(instance):
    collect(instance, sizes(postgres=1, template1=1, app=1))
    assert set(hidden()) == {"postgres", "template1"}
    keys = list(DatabaseFilter.objects.filter(db_type="postgresql").values_list("pk", flat=True))
    data = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}
    assert browser("admin").post(FILTERS, data).status_code == 302
    assert hidden() == {}


@pytest.mark.parametrize(
    ("match", "pattern", "fault"),
    [("like", "%", True), ("like", "%%", True), ("like", "a\\", True), ("like", "a\\\\", False), ("exact", "%", False),
     ("exact", "a\\", False), ("exact", "POSTGRES2", False), ("exact", "postgres", True), ("like", " ", True)],
)  # fmt: skip
def test_a_pattern_that_cannot_be_meant_is_refused(match, pattern, fault):
    answer = browser("admin").post(f"{FILTERS}add/", {**NEW, "match": match, "pattern": pattern})
    assert answer.status_code == (200 if fault else 302)


# Limits


def limit(instance, **fields):
    return {"instance": instance.pk, "database_name": "", "limit_bytes": "500 GB", **fields}


def test_a_limit_is_entered_and_shown_again_as_people_write_it(instance):
    collect(instance, sizes(app=1))
    client = browser("admin")
    answer = client.post(f"{LIMITS}add/", limit(instance, database_name="app", limit_bytes="1.5 TB"))
    assert answer.status_code == 302, answer.context["errors"]
    row = CapacityLimit.objects.get()
    assert (row.database_name, row.limit_bytes) == ("app", 1536 * GIB)
    assert b'value="1536 GB"' in client.get(page(row)).content


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"database_name": "ap"}, "database_name"),
        ({"database_name": "App"}, "database_name"),
        ({"limit_bytes": "500"}, "limit_bytes"),
        ({"limit_bytes": "9000 PB"}, "limit_bytes"),
        ({"limit_bytes": ""}, "limit_bytes"),
        ({"database_name": "web"}, "__all__"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(instance, fields, fault):
    collect(instance, sizes(app=1, web=1))
    CapacityLimit.objects.create(instance=instance, database_name="web", limit_bytes=1)
    answer = browser("admin").post(f"{LIMITS}add/", limit(instance, **fields))
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [fault]
    assert CapacityLimit.objects.count() == 1


def test_an_unknown_name_is_answered_with_similar_ones(instance):
    collect(instance, sizes(orders_2026=1, web=1))
    answer = browser("admin").post(f"{LIMITS}add/", limit(instance, database_name="orders"))
    assert b"Similar names: orders_2026" in answer.content


def test_the_list_of_limits_says_how_far_each_is_used(instance):
    collect(instance, sizes(app=90 * GIB, web=30 * GIB))
    new = make_instance("new")
    for owner, name, size in ((instance, "", 100), (instance, "app", 100), (instance, "web", 100), (new, "", 1)):
        CapacityLimit.objects.create(instance=owner, database_name=name, limit_bytes=size * GIB)
    found = {(row.instance.name, row.database_name): (row.present_size, row.used) for row in rows("viewer", LIMITS)}
    assert found == {
        ("db1", ""): (120 * GIB, 120), ("db1", "app"): (90 * GIB, 90), ("db1", "web"): (30 * GIB, 30),
        ("new", ""): (None, None),
    }  # fmt: skip
    content = browser("viewer").get(LIMITS).content.decode()
    assert all(text in content for text in ("120.0 %", "90.0 %", "30.0 %", "The whole instance", "100.0"))


# Growth events


def test_growth_events_are_listed_newest_first_and_nobody_edits_them(instance):
    for days, size in ((0, 100), (1, 150), (2, 300)):
        collect(instance, sizes(app=size * GIB), DAY + timedelta(days=days))
    found = rows("viewer", EVENTS)
    assert [(row.size_before // GIB, row.size_after // GIB) for row in found] == [(150, 300), (100, 150)]
    content = browser("admin").get(EVENTS).content.decode()
    assert "+100.0 %" in content
    assert "+50.0 %" in content
    assert browser("admin").post(page(found[0]), {"size_after": 1}).status_code == 403
    assert browser("admin").get(f"{EVENTS}add/").status_code == 403
    assert browser("viewer").get(page(found[0])).status_code == 200
    assert rows("viewer", EVENTS, q="nothing") == []


# All three


@pytest.mark.parametrize("url", [FILTERS, LIMITS, EVENTS])
def test_a_list_takes_as_many_statements_for_many_rows_as_for_few(instance, url):
    def statements() -> int:
        client = browser("viewer")
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    def grow(number: int) -> None:
        owner = make_instance(f"i{number}")
        name = f"d{number}"
        collect(owner, sizes(**{name: GIB}), timezone.now())
        CapacityLimit.objects.create(instance=owner, database_name=name, limit_bytes=GIB)
        DatabaseFilter.objects.create(db_type="postgresql", match="exact", pattern=f"x{number}")
        GrowthEvent.objects.create(
            instance=owner, database_name=name, size_before=1, size_after=2,
            date_before=DAY.date(), collected_date=DAY.date() + timedelta(days=1),
        )  # fmt: skip

    grow(0)
    few = statements()
    for number in range(1, 8):
        grow(number)
    assert statements() == few


@pytest.mark.parametrize("url", [FILTERS, LIMITS])
def test_an_operator_changes_what_is_there_and_a_viewer_looks(instance, url):
    collect(instance, sizes(app=1))
    existing = {
        FILTERS: lambda: DatabaseFilter.objects.filter(db_type="postgresql").first(),
        LIMITS: lambda: CapacityLimit.objects.create(instance=instance, limit_bytes=GIB),
    }[url]()
    form = {FILTERS: {**NEW, "pattern": "changed"}, LIMITS: limit(instance, limit_bytes="7 GB")}[url]
    assert browser("viewer").post(page(existing), form).status_code == 403
    assert browser("viewer").get(page(existing)).status_code == 200
    assert browser("operator").post(page(existing), form).status_code == 302
    assert browser("operator").post(f"{url}add/", form).status_code == 403
    assert browser("nobody").get(url).status_code == 403
