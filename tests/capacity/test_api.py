"""Databases over REST: the ledger, its file, daily sizes and numbers, row by row as they were measured."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from capacity.models import DatabaseSizeStat, InstanceDatabase
from dbms.snapshots import SERVER
from instances.models import Instance, Tag
from sessions_app.timetable import START, SyncSchedule
from tests.capacity.conftest import MIB, collect, make_instance, sizes, snapshot
from tests.people import api

pytestmark = pytest.mark.django_db

LEDGER = "/api/v1/databases/ledgers"
EXPORT = "/api/v1/databases/ledgers/exports"
SIZES = "/api/v1/databases/sizes"
STATISTICS = "/api/v1/databases/statistics"


def data(url: str, **query):
    answer = api("viewer").get(url, query)
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def names(url: str = LEDGER, **query) -> list[str]:
    return [item["database_name"] for item in data(url, **query)["items"]]


def refused(url: str, **query) -> bool:
    answer = api("viewer").get(url, query)
    return (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR")


def days_ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


@pytest.fixture
def fleet(db: None) -> dict[str, Instance]:
    """Three instances; one database is hidden by a filter, one is the server's own, one could not be measured."""
    pg, my, gone = make_instance("pg"), make_instance("my", "mysql"), make_instance("gone")
    pg.tags.add(Tag.objects.create(name="prod", display_name="Production"), Tag.objects.create(name="eu"))
    collect(
        pg,
        snapshot(
            {"app": {"size_bytes": 3 * MIB, "data_size_bytes": MIB}, "web": 5 * MIB, "secret": None, "postgres": 7}
            | {"own": {"size_bytes": 9, "is_system": True}},
            unread={"database:secret": "denied"},
        ),
        timezone.now(),
    )
    collect(my, sizes(shop=MIB, old=MIB), days_ago(1))
    collect(my, sizes(shop=2 * MIB), timezone.now())
    collect(gone, sizes(lost=1), timezone.now())
    Instance.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    return {"pg": pg, "my": my}


# The ledger


def test_the_ledger_shows_what_lists_show_with_its_latest_size(fleet):
    page = data(LEDGER)
    assert [(item["database_name"], item["size_bytes"], item["size_mb"]) for item in page["items"]] == [
        ("app", 3 * MIB, 3.0),
        ("secret", None, None),
        ("shop", 2 * MIB, 2.0),
        ("web", 5 * MIB, 5.0),
    ]
    assert {name: page[name] for name in ("total", "page", "pages", "limit")} == {
        "total": 4, "page": 1, "pages": 1, "limit": 20,
    }  # fmt: skip
    app, secret = page["items"][:2]
    assert app["instance"] == {
        "id": fleet["pg"].pk, "name": "pg", "host": "127.0.0.1", "port": 5432, "db_type": "postgresql",
    }  # fmt: skip
    assert sorted(tag["name"] for tag in app["tags"]) == ["eu", "prod"]
    assert (app["data_size_mb"], app["log_size_mb"], app["unread"], app["is_stale"]) == (1.0, None, None, False)
    assert (secret["unread"], secret["is_stale"]) == ({"status": "denied", "reason": "why"}, True)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"search": "SHO"}, ["shop"]),
        ({"search": "pg"}, ["app", "secret", "web"]),
        ({"db_type": "mariadb"}, ["shop"]),
        ({"tags": "prod"}, ["app", "secret", "web"]),
        ({"tags": ["prod", "eu"]}, ["app", "secret", "web"]),
        ({"is_unmeasured": "true"}, ["secret"]),
        ({"is_unmeasured": "false"}, ["app", "shop", "web"]),
        ({"is_stale": "true"}, ["secret"]),
        ({"include_hidden": "true"}, ["app", "own", "postgres", "secret", "shop", "web"]),
        ({"include_deleted": "true"}, ["app", "old", "secret", "shop", "web"]),
        ({"sort": "size_bytes", "order": "desc"}, ["web", "app", "shop", "secret"]),
        ({"sort": "size_bytes"}, ["shop", "app", "web", "secret"]),
        ({"limit": 1, "page": 2}, ["secret"]),
        ({"page": 9}, []),
    ],
)
def test_the_ledger_narrows_and_sorts(fleet, query, found):
    assert names(**query) == found


def test_the_ledger_narrows_by_instance(fleet):
    assert names(instance_id=fleet["my"].pk) == ["shop"]


@pytest.mark.parametrize(
    "query",
    [
        {"db_type": "db2"}, {"tags": "nobody"}, {"is_stale": "perhaps"}, {"include_hidden": "1"}, {"sort": "id"},
        {"order": "up"}, {"instance_id": "x"}, {"instance_id": 0}, {"limit": 201}, {"page": 0},
        {"limit": 200, "page": 51},
    ],
)  # fmt: skip
def test_what_the_ledger_does_not_understand_is_refused(fleet, query):
    assert refused(LEDGER, **query)


def test_growth_is_over_one_seven_and_thirty_days_and_knows_gaps(instance):
    for days, size in ((30, 10), (9, 40), (1, 50), (0, 55)):
        collect(instance, sizes(app=size), days_ago(days))
    today = timezone.localdate()
    growth = data(LEDGER)["items"][0]["growth"]

    def over(change: int, percent: float, since: int) -> dict[str, object]:
        first = (today - timedelta(days=since)).isoformat()
        return {"bytes": change, "mb": 0.0, "percent": percent, "since": first, "until": today.isoformat()}

    assert growth == {"1": over(5, 10.0, 1), "7": over(15, 37.5, 9), "30": over(45, 450.0, 30)}


def test_growth_is_unknown_over_a_gap_a_new_database_or_another_method(instance):
    collect(instance, sizes(app=10), days_ago(3))
    collect(instance, sizes(web={"size_bytes": 1, "method": "statistics"}), days_ago(1))
    collect(instance, sizes(app=20, web={"size_bytes": 5, "method": "files"}, new=1), timezone.now())
    collect(instance, sizes(app=20, web={"size_bytes": 5, "method": "files"}, new=1), timezone.now())
    assert {item["database_name"]: set(item["growth"].values()) for item in data(LEDGER)["items"]} == {
        "app": {None}, "new": {None}, "web": {None},
    }  # fmt: skip


def test_a_page_of_the_ledger_takes_as_many_statements_for_many_databases_as_for_few(fleet):
    def statements() -> int:
        client = api("viewer")
        with CaptureQueriesContext(connection) as captured:
            assert client.get(LEDGER, {"limit": 200}).status_code == 200
        return len(captured)

    few = statements()
    for number in range(5):
        other = make_instance(f"more{number}")
        other.tags.add(Tag.objects.get(name="eu"))
        collect(other, sizes(**{f"d{index}": index + 1 for index in range(20)}), timezone.now())
    assert statements() == few <= 10


# Freshness


def schedule(cron: str, **fields) -> None:
    SyncSchedule.objects.create(key="capacity", name="capacity", func=START, cron=cron, schedule_type="C", **fields)


@pytest.mark.parametrize("repeats", [-1, 0], ids=["active", "paused"])
def test_a_size_is_stale_when_its_schedule_came_due_since_and_its_grace_is_over(instance, repeats, settings):
    settings.SYNC_SCHEDULE_GRACE_SECONDS = 3600
    now = timezone.localtime()
    schedule(f"0 {(now - timedelta(hours=3)).hour} * * *", repeats=repeats)
    collect(instance, sizes(app=1), timezone.now())
    database = InstanceDatabase.objects.filter(database_name="app")
    fresh, older = now - timedelta(hours=1, minutes=50), now - timedelta(hours=5)
    for measured, is_stale in ((fresh, False), (older, True)):
        database.update(collected_at=measured)
        assert data(LEDGER)["items"][0]["is_stale"] is is_stale
        assert names(is_stale="true") == (["app"] if is_stale else [])
        assert data(STATISTICS)["stale"] == int(is_stale)


def test_within_its_grace_a_due_time_makes_nothing_stale(instance, settings):
    settings.SYNC_SCHEDULE_GRACE_SECONDS = 5 * 3600
    schedule(f"0 {(timezone.localtime() - timedelta(hours=3)).hour} * * *")
    collect(instance, sizes(app=1), timezone.now())
    InstanceDatabase.objects.update(collected_at=timezone.now() - timedelta(hours=10))
    assert names(is_stale="true") == []


# The file


def export(role: str = "viewer", **query) -> list[dict[str, str]]:
    answer = api(role).get(EXPORT, query)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="database_ledger_')
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))


def test_the_file_has_what_the_ledger_has(fleet):
    rows = {row["database"]: row for row in export()}
    assert list(rows) == ["app", "secret", "shop", "web"]
    wanted = {
        "instance": "pg", "host": "127.0.0.1", "port": "5432", "db_type": "postgresql", "tags": "eu;prod",
        "size_bytes": str(3 * MIB), "size_mb": "3.0", "data_size_bytes": str(MIB), "log_size_bytes": "",
        "is_stale": "false", "unread": "", "is_active": "true",
    }  # fmt: skip
    assert {name: rows["app"][name] for name in wanted} == wanted
    assert (rows["secret"]["size_bytes"], rows["secret"]["unread"]) == ("", "denied")
    assert [row["database"] for row in export(search="sho")] == ["shop"]
    assert refused(EXPORT, sort="nothing")


@pytest.mark.parametrize("accept", ["text/csv", "application/json", "*/*"])
def test_the_file_is_sent_whatever_a_client_accepts_and_failures_are_json(fleet, accept):
    client = api("viewer")
    assert client.get(EXPORT, headers={"accept": accept})["Content-Type"].startswith("text/csv")
    failed = client.get(EXPORT, {"sort": "x"}, headers={"accept": accept})
    assert (failed.status_code, failed["Content-Type"]) == (400, "application/json")
    assert failed.json()["message_code"] == "VALIDATION_ERROR"


def test_no_cell_of_the_file_is_run_by_a_spreadsheet(instance):
    Instance.objects.filter(pk=instance.pk).update(name="@SUM(A1)")
    collect(instance, sizes(**{"=cmd|' /C calc'!A0": 1, "+1": 1, "-1": 1, "\tx": 1, 'a",b\r\n': 1}), timezone.now())
    rows = export()
    assert sorted(row["database"] for row in rows) == sorted(["'=cmd|' /C calc'!A0", "'+1", "'-1", "'\tx", 'a",b\r\n'])
    assert {row["instance"] for row in rows} == {"'@SUM(A1)"}


def test_the_file_is_read_in_pieces_whose_number_alone_costs_statements(instance, monkeypatch):
    monkeypatch.setattr("capacity.api.READ_AT_ONCE", 50)
    collect(instance, sizes(**{f"d{number:04}": number + 1 for number in range(500)}), timezone.now())
    client = api("viewer")
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(EXPORT)
        assert answer.streaming
        lines = iter(answer)
        head = next(lines), next(lines)
        early = len(captured)
        rest = list(lines)
    assert head[1].startswith(b"d0000,")
    assert len(rest) == 499
    tags = [query["sql"] for query in captured if "instance_tags" in query["sql"] or "instances_tags" in query["sql"]]
    assert len(tags) == 10
    assert early < len(captured) <= early + 9


# Sizes


def test_sizes_are_the_rows_of_the_days(fleet):
    today, yesterday = timezone.localdate(), timezone.localdate() - timedelta(days=1)
    items = data(SIZES, instance_id=fleet["my"].pk, include_deleted="true")["items"]
    assert [(item["collected_date"], item["database_name"], item["size_mb"]) for item in items] == [
        (today.isoformat(), "shop", 2.0),
        (yesterday.isoformat(), "old", 1.0),
        (yesterday.isoformat(), "shop", 1.0),
    ]
    assert items[0]["instance_id"] == fleet["my"].pk


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [(3, "app", 4), (3, "web", 40), (2, "app", 3), (1, "app", 2), (1, "web", 20)]),
        ({"database_name": "web"}, [(3, "web", 40), (1, "web", 20)]),
        ({"database_name": "we"}, []),
        ({"start_date": "2026-03-02"}, [(3, "app", 4), (3, "web", 40), (2, "app", 3)]),
        ({"end_date": "2026-03-01"}, [(1, "app", 2), (1, "web", 20)]),
        ({"start_date": "2026-03-02", "end_date": "2026-03-02"}, [(2, "app", 3)]),
        ({"latest": "true"}, [(3, "app", 4), (3, "web", 40)]),
        ({"latest": "true", "end_date": "2026-03-02"}, [(2, "app", 3), (1, "web", 20)]),
        ({"latest": "true", "database_name": "web"}, [(3, "web", 40)]),
        ({"latest": "false", "database_name": "web"}, [(3, "web", 40), (1, "web", 20)]),
        ({"sort": "size_bytes", "order": "asc", "limit": 2}, [(1, "app", 2), (2, "app", 3)]),
    ],
)
def test_sizes_narrow_by_name_day_and_newest(instance, query, found):
    for day, read in ((1, {"app": 2, "web": 20}), (2, {"app": 3, "web": None}), (3, {"app": 4, "web": 40})):
        collect(instance, sizes(**read), datetime(2026, 3, day, 4, tzinfo=timezone.get_default_timezone()))
    collect(make_instance("other"), sizes(app=99))
    items = data(SIZES, instance_id=instance.pk, **query)["items"]
    shown = [
        (date.fromisoformat(item["collected_date"]).day, item["database_name"], item["size_bytes"]) for item in items
    ]
    key = (lambda row: row) if query.get("sort") else (lambda row: (-row[0], row[1]))
    assert sorted(shown, key=key) == found


@pytest.mark.parametrize(
    "query",
    [
        {}, {"instance_id": 1, "start_date": "yesterday"}, {"instance_id": 1, "latest": "yes"},
        {"instance_id": 1, "start_date": "2026-03-02", "end_date": "2026-03-01"},
    ],
)  # fmt: skip
def test_sizes_of_no_instance_or_no_possible_days_are_refused(db, query):
    assert refused(SIZES, **query)


# Numbers


def test_statistics_count_what_lists_show_by_kind(fleet):
    found = data(STATISTICS)
    assert found["db_types"] == [
        {"db_type": "mysql", "instances": 1, "databases": 1, "size_bytes": 2 * MIB, "size_mb": 2.0, "unmeasured": 0,
         "stale": 0, "hidden": 0, "deleted": 1},
        {"db_type": "postgresql", "instances": 1, "databases": 3, "size_bytes": 8 * MIB, "size_mb": 8.0,
         "unmeasured": 1, "stale": 1, "hidden": 2, "deleted": 0},
    ]  # fmt: skip
    totals = {name: value for name, value in found.items() if name not in ("db_types", "due_at")}
    assert totals == {
        "total_instances": 2, "total_databases": 4, "total_size_bytes": 10 * MIB, "total_size_mb": 10.0,
        "unmeasured": 1, "stale": 1, "hidden": 2, "deleted": 1,
    }  # fmt: skip


def test_statistics_of_nothing_are_zeros(db):
    found = data(STATISTICS)
    assert (found["total_databases"], found["total_size_bytes"], found["db_types"]) == (0, 0, [])


@pytest.mark.parametrize("url", [LEDGER, EXPORT, SIZES, STATISTICS])
def test_only_who_may_see_databases_sees_them(db, url):
    assert api("nobody").get(url).status_code == 403
    assert api("viewer").post(url).status_code == 405


@pytest.mark.parametrize("scope", ["database:app", "pdb:app"])
def test_a_measurement_that_is_back_is_no_longer_unread(instance, scope):
    collect(instance, sizes(app=4, web=1), timezone.now())
    assert names(is_unmeasured="true") == []
    collect(instance, snapshot({"app": None, "web": 1}, unread={scope: "timeout"}), timezone.now())
    assert names(is_unmeasured="true") == ["app"]
    collect(instance, snapshot({"app": 5, "web": 1}), timezone.now())
    assert names(is_unmeasured="true") == []
    assert DatabaseSizeStat.objects.filter(database_name="app").get().size_bytes == 5
    assert instance.coverage.filter(scope=SERVER).exists()
