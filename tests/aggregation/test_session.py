"""The aggregation as sync sessions: poison, summary, schedule, and two workers at once."""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.options import Options
from aggregation.services import start_aggregation
from sessions_app import engine, schedules, services
from tests.aggregation.conftest import aggregate, make_instance, poisoned, store
from tests.aggregation.reference import Day, Total
from whalefall import processes
from whalefall.errors import AggregationDisabled

BOTH = (DatabaseSizeAggregation, InstanceSizeAggregation)


def fleet(number=20, days=8):
    """Instances with two databases each, measured on every day before today."""
    instances = [make_instance(f"db{i:02}") for i in range(number)]
    yesterday = timezone.localdate() - timedelta(days=1)
    dates = [yesterday - timedelta(days=i) for i in range(days)]
    store(
        [Day(one.pk, name, day, 10) for one in instances for day in dates for name in ("app", "web")],
        [Total(one.pk, day, 20, 2, True) for one in instances for day in dates],
    )
    return instances


def run(**asked):
    session = start_aggregation(Options.of(asked), max_attempts=1)
    engine.run(session=session)
    session.refresh_from_db()
    return session


@pytest.mark.django_db(transaction=True)
def test_one_poisoned_instance_leaves_the_others_refreshed():
    instances = fleet()
    poison = instances[7]
    with poisoned(poison):
        session = run(
            start_date=timezone.localdate() - timedelta(days=8),
            end_date=timezone.localdate(),
            periods=["daily", "weekly"],
        )
    assert (session.successful_instances, session.failed_instances) == (19, 1)
    assert session.records.get(status="failed").instance == poison
    for model in BOTH:
        found = set(model.objects.values_list("instance_id", flat=True))
        assert found == {one.pk for one in instances} - {poison.pk}


@pytest.mark.django_db(transaction=True)
def test_the_summary_tells_the_periods(settings):
    fleet(2)
    session = run(periods=["daily"])
    assert session.summary["periods"] == {"daily": {"instances": 2, "rows": 6}}
    assert session.summary["metrics"]["items_created"] == 6
    again = run(periods=["daily"])
    assert (again.outcome, again.summary["metrics"]["items_created"], again.summary["metrics"]["items_updated"]) == (
        "clean",
        0,
        0,
    )
    assert again.summary["periods"] == session.summary["periods"]


@pytest.mark.django_db(transaction=True)
def test_all_chunks_of_a_session_mean_the_day_it_started():
    fleet(1)
    session = start_aggregation(Options.of({"periods": ["daily"]}))
    started = session.started_at - timedelta(days=2)
    type(session).objects.filter(pk=session.pk).update(started_at=started)
    engine.run(session=session)
    row = InstanceSizeAggregation.objects.get()
    assert row.period_start == timezone.localdate(started) - timedelta(days=1)


@pytest.mark.django_db(transaction=True)
def test_switched_off_a_person_is_refused_and_a_schedule_skips(settings):
    settings.AGGREGATION_ENABLED = False
    fleet(2)
    with pytest.raises(AggregationDisabled):
        run()
    assert "aggregation" in schedules.install()
    session = schedules.run(schedules.get("aggregation"))
    engine.run(session=session)
    session.refresh_from_db()
    assert (session.outcome, session.skipped_instances) == ("empty", 2)
    assert {record.reason for record in session.records.all()} == {"aggregation_disabled"}


@pytest.fixture
def start(tmp_path):
    """Start a process that rolls up one chunk, in the order of its instances; it ends with the test."""
    started = []

    def begin(today, instances):
        own = connection.settings_dict
        url = f"postgres://{own['USER']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"
        process = processes.start(
            [sys.executable, "-m", "tests.aggregation.process", today, *(one.pk for one in instances)],
            log=tmp_path / f"process-{len(started)}",
            ending=signal.SIGKILL,
            environment={**os.environ, "DATABASE_URL": url},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        processes.end(process, signal.SIGKILL)
    for log in tmp_path.glob("process-*"):
        print(log.read_text())  # pytest shows it when the test failed


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="SQLite's test database is in this process's memory, and SQLite lets one writer in at a time",
)
def test_two_processes_on_one_chunk_leave_one_correct_set_of_rows(start):
    instances = fleet(10)
    today = timezone.localdate()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE database_size_aggregations IN SHARE MODE")
        workers = [start(today, order) for order in (instances, instances[::-1])]
        until_writers_wait(2)
    # Now both are let go, at once.
    assert [worker.wait(60) for worker in workers] == [0, 0]
    yesterday = today - timedelta(days=1)
    days = DatabaseSizeAggregation.objects.filter(period_type="daily")
    assert sorted(
        days.values_list("instance_id", "database_name", "period_start", "avg_size", "size_change")
    ) == sorted((one.pk, name, yesterday, 10, 0) for one in instances for name in ("app", "web"))
    totals = InstanceSizeAggregation.objects.filter(period_type="daily")
    assert sorted(totals.values_list("instance_id", "total_size")) == sorted((one.pk, 20) for one in instances)
    for model in BOTH:
        before = list(model.objects.order_by("pk").values())
        aggregate(*instances, today=today, use_current_period=True)
        assert list(model.objects.order_by("pk").values()) == before


def until_writers_wait(number):
    """Returns when so many others wait for the table that this transaction holds, as PostgreSQL itself sees it."""
    with connection.cursor() as cursor:
        for _ in range(3000):
            cursor.execute(
                "SELECT pg_sleep(0.01), count(*) FROM pg_locks"
                " WHERE NOT granted AND relation = 'database_size_aggregations'::regclass"
            )
            if cursor.fetchone()[1] == number:
                return
    raise AssertionError("not all of them came to write")


@pytest.mark.django_db(transaction=True)
def test_a_retry_takes_the_same_periods():
    instances = fleet(2)
    with poisoned(instances[0]):
        session = run(
            periods=["weekly"], start_date=timezone.localdate() - timedelta(days=14), end_date=timezone.localdate()
        )
    assert session.failed_instances == 1
    again = services.retry_session(session)
    engine.run(session=again)
    assert set(InstanceSizeAggregation.objects.values_list("instance_id", "period_type")) == {
        (one.pk, "weekly") for one in instances
    }
