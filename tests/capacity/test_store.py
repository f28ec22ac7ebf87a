"""What a capacity read leaves behind: inventory, sizes of the day, totals, and nothing half done."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from capacity import store as store_module
from capacity.models import DatabaseSizeStat, GrowthEvent, InstanceDatabase, InstanceSizeStat, SizePart
from capacity.store import store
from dbms.sizes import SizePart as Part
from sessions_app import coverage
from sessions_app.categories import Read
from tests.capacity.conftest import DAY, GIB, collect, make_instance, run_at, sizes, snapshot
from whalefall.errors import NothingMeasured

TODAY = date(2026, 3, 1)


def stats(instance):
    rows = DatabaseSizeStat.objects.filter(instance=instance).order_by("collected_date", "database_name")
    return [(row.collected_date, row.database_name, row.size_bytes) for row in rows]


def totals(instance):
    rows = InstanceSizeStat.objects.filter(instance=instance).order_by("collected_date")
    return [(row.collected_date, row.total_size_bytes, row.database_count, row.is_complete) for row in rows]


def database(instance, name):
    return InstanceDatabase.objects.get(instance=instance, database_name=name)


def test_a_read_writes_inventory_sizes_and_total(instance):
    done = collect(instance, sizes(app={"size_bytes": 30, "data_size_bytes": 20, "log_size_bytes": 10}, web=5))
    assert stats(instance) == [(TODAY, "app", 30), (TODAY, "web", 5)]
    assert totals(instance) == [(TODAY, 35, 2, True)]
    row = database(instance, "app")
    assert (row.size_bytes, row.data_size_bytes, row.log_size_bytes, row.method) == (30, 20, 10, "test")
    assert (row.first_seen_date, row.last_seen_date, row.is_active) == (TODAY, TODAY, True)
    assert (done.synced, done.created, done.updated, done.deleted) == (2, 2, 0, 0)
    assert done.details["total_size_bytes"] == 35


def test_a_second_read_of_the_day_changes_only_figures(instance):
    collect(instance, sizes(app=30, web=5))
    keys = list(DatabaseSizeStat.objects.order_by("pk").values_list("pk", flat=True))
    collect(instance, sizes(app=40, web=5), DAY + timedelta(hours=3))
    assert stats(instance) == [(TODAY, "app", 40), (TODAY, "web", 5)]
    assert totals(instance) == [(TODAY, 45, 2, True)]
    assert list(DatabaseSizeStat.objects.order_by("pk").values_list("pk", flat=True)) == keys


def test_the_day_is_the_local_one(instance):
    collect(instance, sizes(app=1), DAY.replace(day=1, hour=15, minute=59))  # 23:59 in Shanghai
    collect(instance, sizes(app=2), DAY.replace(day=1, hour=16, minute=0))
    assert stats(instance) == [(date(2026, 3, 1), "app", 1), (date(2026, 3, 2), "app", 2)]


def test_a_database_vanishes_only_from_a_complete_list(instance):
    collect(instance, sizes(app=1, web=1))
    done = collect(instance, snapshot({"app": 1}, is_complete=False), DAY + timedelta(days=1))
    assert database(instance, "web").is_active
    assert done.deleted == 0
    assert totals(instance)[-1] == (date(2026, 3, 2), 1, 1, False)
    done = collect(instance, sizes(app=1), DAY + timedelta(days=2))
    assert not database(instance, "web").is_active
    assert database(instance, "web").deleted_at is not None
    assert done.deleted == 1
    done = collect(instance, sizes(app=1, web=7), DAY + timedelta(days=3))
    row = database(instance, "web")
    assert (row.is_active, row.deleted_at, row.first_seen_date, row.size_bytes) == (True, None, TODAY, 7)
    assert done.details["inventory"] == {"created": 0, "refreshed": 1, "reactivated": 1, "deactivated": 0}


def test_what_could_not_be_measured_is_a_gap(instance):
    collect(instance, sizes(app=10, web=5))
    read = snapshot({"app": None, "web": 6}, unread={"database:app": "denied"})
    done = collect(instance, read, DAY + timedelta(days=1))
    assert stats(instance)[2:] == [(date(2026, 3, 2), "web", 6)]
    assert totals(instance)[1] == (date(2026, 3, 2), 6, 2, False)
    row = database(instance, "app")
    assert (row.size_bytes, row.last_seen_date, row.is_active) == (10, date(2026, 3, 2), True)
    assert row.collected_at < database(instance, "web").collected_at
    assert (row.collected_date, database(instance, "web").collected_date) == (TODAY, date(2026, 3, 2))
    assert done.details["unread_scopes"] == [{"scope": "database:app", "status": "denied", "reason": "why"}]
    assert coverage.stored(instance, "capacity")["database:app"].status == "denied"

    collect(instance, sizes(app=10, web=6), DAY + timedelta(days=2))
    assert list(coverage.stored(instance, "capacity")) == ["server"]


@pytest.mark.parametrize("scope", ["pdb:app", "category:oracle_redo_logs"])
def test_what_was_unread_once_is_forgotten_when_it_was_read(instance, scope):
    collect(instance, snapshot({"app": 1}, unread={scope: "denied"}))
    assert scope in coverage.stored(instance, "capacity")
    collect(instance, sizes(app=1), DAY + timedelta(days=1))
    assert list(coverage.stored(instance, "capacity")) == ["server"]


def test_a_gap_later_on_the_day_keeps_what_the_morning_measured(instance):
    collect(instance, sizes(app=10, web=5))
    collect(instance, snapshot({"app": None, "web": 6}, unread={"database:app": "timeout"}), DAY + timedelta(hours=2))
    assert stats(instance) == [(TODAY, "app", 10), (TODAY, "web", 6)]
    assert totals(instance) == [(TODAY, 16, 2, True)]


def test_an_empty_database_weighs_nothing_and_is_measured(instance):
    collect(instance, sizes(app=0))
    assert stats(instance) == [(TODAY, "app", 0)]
    assert totals(instance) == [(TODAY, 0, 1, True)]


def test_hidden_databases_are_stored_and_counted_apart(instance):
    shared = (Part(kind="shared", name="ibdata1", size_bytes=1000),)
    read = snapshot(
        {"app": 1, "postgres": 10, "pg_old": 100, "template9": {"size_bytes": 7, "is_system": True}}, parts=shared
    )
    collect(instance, read)
    assert len(stats(instance)) == 4
    assert totals(instance) == [(TODAY, 1, 1, True)]
    row = InstanceSizeStat.objects.get()
    assert (row.hidden_size_bytes, row.shared_size_bytes) == (117, 1000)
    assert database(instance, "pg_old").filtered_by == r"pg\_%"
    assert [row.database_name for row in InstanceDatabase.objects.listed()] == ["app"]


def test_an_instance_with_hidden_databases_alone_is_skipped(instance):
    done = collect(instance, sizes(postgres=10))
    assert done.skipped == "no_active_database"
    assert stats(instance) == [(TODAY, "postgres", 10)]
    assert totals(instance) == []


def test_no_size_at_all_is_an_error_and_changes_nothing(instance):
    with pytest.raises(NothingMeasured), transaction.atomic():
        collect(instance, snapshot({"app": None}, unread={"database:app": "denied"}))
    assert not InstanceDatabase.objects.exists()
    assert totals(instance) == []


def test_a_failure_between_databases_and_total_leaves_neither(instance, monkeypatch):
    def fail(*_):
        raise RuntimeError("in between")

    monkeypatch.setattr(store_module, "_write_totals", fail)
    with pytest.raises(RuntimeError), transaction.atomic():
        collect(instance, sizes(app=1))
    assert not InstanceDatabase.objects.exists()
    assert not DatabaseSizeStat.objects.exists()
    assert not InstanceSizeStat.objects.exists()


def test_parts_are_kept_as_they_are_now(instance):
    first = (
        Part(kind="tablespace", name="fast", size_bytes=5, used_bytes=3),
        Part(kind="tablespace", name="old", size_bytes=1),
    )
    collect(instance, snapshot({"app": 1}, parts=first))
    collect(instance, snapshot({"app": 1}, parts=(Part(kind="tablespace", name="fast", size_bytes=6),)))
    assert list(SizePart.objects.values_list("name", "size_bytes", "used_bytes")) == [("fast", 6, None)]


def test_parts_that_were_not_read_stay(instance):
    first = (Part(kind="schema", name="SHOP", size_bytes=5), Part(kind="tablespace", name="DATA", size_bytes=1))
    collect(instance, snapshot({"app": 1}, parts=first))
    read = snapshot({"app": 1}, parts=first[1:], unread={"category:oracle_schema_sizes": "timeout"})
    collect(instance, read, DAY + timedelta(days=1))
    assert sorted(SizePart.objects.values_list("name", flat=True)) == ["DATA", "SHOP"]
    collect(instance, snapshot({"app": 1}, parts=first[1:]), DAY + timedelta(days=2))
    assert sorted(SizePart.objects.values_list("name", flat=True)) == ["DATA"]


@pytest.mark.parametrize(
    ("before", "after", "is_event"),
    [
        (100 * GIB, 130 * GIB, True),
        (100 * GIB, 129 * GIB, False),  # 29 %
        (50 * GIB, 69 * GIB, False),  # 38 % but 19 GB
        (0, 100 * GIB, False),  # nothing to compare with
    ],
)
def test_a_growth_event_needs_both_thresholds(instance, before, after, is_event):
    collect(instance, sizes(app=before, web=1))
    collect(instance, sizes(app=after, web=1), DAY + timedelta(days=4))
    events = [(e.database_name, e.size_before, e.size_after, e.date_before) for e in GrowthEvent.objects.all()]
    assert events == ([("app", before, after, TODAY)] if is_event else [])


def test_a_growth_event_goes_when_a_second_read_of_the_day_denies_it(instance):
    collect(instance, sizes(app=100 * GIB))
    tomorrow = DAY + timedelta(days=1)
    collect(instance, sizes(app=200 * GIB), tomorrow)
    collect(instance, sizes(app=200 * GIB), tomorrow)
    assert GrowthEvent.objects.count() == 1
    collect(instance, sizes(app=110 * GIB), tomorrow)
    assert not GrowthEvent.objects.exists()


def test_another_method_is_no_growth(instance):
    collect(instance, sizes(app={"size_bytes": 100 * GIB, "method": "estimate"}))
    collect(instance, sizes(app={"size_bytes": 200 * GIB, "method": "files"}), DAY + timedelta(days=1))
    assert not GrowthEvent.objects.exists()


def test_names_are_kept_exactly(instance):
    names = ["App", "app", "it's", 'qu"ote', "a%b_c", "naïve 数据", " padded ", "new\nline", "nul\0", "x" * 600]
    collect(instance, snapshot(dict.fromkeys(names, 1)))
    stored = set(InstanceDatabase.objects.values_list("database_name", flat=True))
    assert stored == {*names[:-2], "nul\\x00", "x" * 512}


@pytest.mark.parametrize("databases", [1, 60])
@pytest.mark.parametrize("instances", [1, 5])
def test_the_number_of_statements_is_fixed(db, databases, instances):
    made = [make_instance(f"db{number}") for number in range(instances)]

    def reads(size):
        read = snapshot(
            {**{f"d{n}": size for n in range(databases)}, "gone" if size == 1 else "new": size, "shut": None},
            unread={"database:shut": "denied"},
        )
        return [Read(one, read, run_at(one)) for one in made]

    for size in (1, 2):
        now = reads(size)
        with (
            transaction.atomic(),
            CaptureQueriesContext(
                connection,
            ) as captured,
        ):
            store(now)
    assert len(captured) <= 15, [query["sql"][:90] for query in captured]
