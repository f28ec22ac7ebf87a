"""The aggregation as sync sessions: poison, summary, schedule, and two workers at once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.options import Options
from aggregation.services import start_aggregation
from capacity.models import DatabaseSizeStat
from instances.models import Instance
from sessions_app import engine, schedules, services
from tests.aggregation.conftest import aggregate, make_instance, store
from tests.aggregation.reference import Day, Total
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
    # The sum of its days is more than a bigint holds.
    DatabaseSizeStat.objects.filter(instance=poison, database_name="web").update(size_bytes=2**63 - 1)
    session = run(
        start_date=timezone.localdate() - timedelta(days=8), end_date=timezone.localdate(), periods=["daily", "weekly"]
    )
    assert (session.successful_instances, session.failed_instances) == (19, 1)
    assert session.records.get(status="failed").instance == poison
    for model in BOTH:
        found = set(model.objects.values_list("instance_id", flat=True))
        assert found == {one.pk for one in instances} - {poison.pk}


@pytest.mark.django_db(transaction=True)
def test_a_sum_that_no_column_holds_is_not_tried_again():
    fleet(2)
    DatabaseSizeStat.objects.filter(instance__name="db01", database_name="web").update(size_bytes=2**63 - 1)
    asked = Options(start_date=timezone.localdate() - timedelta(days=8), end_date=timezone.localdate())
    session = start_aggregation(asked, max_attempts=3)
    engine.run(session=session)
    record = session.records.get(instance__name="db01")
    assert (record.status, record.attempts) == ("failed", 1)


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


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one writer in at a time")
def test_two_processes_on_one_chunk_leave_one_correct_set_of_rows():
    fleet(10)
    errors = []
    together = threading.Barrier(2)

    def work(instances):
        try:
            together.wait(10)
            for _ in range(3):
                aggregate(*instances, today=timezone.localdate(), use_current_period=True)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    instances = list(Instance.objects.order_by("pk"))
    workers = [threading.Thread(target=work, args=(order,)) for order in (instances, instances[::-1])]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert errors == []
    yesterday = timezone.localdate() - timedelta(days=1)
    days = DatabaseSizeAggregation.objects.filter(period_type="daily")
    assert sorted(
        days.values_list("instance_id", "database_name", "period_start", "avg_size", "size_change")
    ) == sorted((one.pk, name, yesterday, 10, 0) for one in instances for name in ("app", "web"))
    totals = InstanceSizeAggregation.objects.filter(period_type="daily")
    assert sorted(totals.values_list("instance_id", "total_size")) == sorted((one.pk, 20) for one in instances)


@pytest.mark.django_db(transaction=True)
def test_a_retry_takes_the_same_periods():
    instances = fleet(2)
    DatabaseSizeStat.objects.filter(instance=instances[0]).update(size_bytes=2**63 - 1)
    session = run(
        periods=["weekly"], start_date=timezone.localdate() - timedelta(days=14), end_date=timezone.localdate()
    )
    DatabaseSizeStat.objects.update(size_bytes=10)
    again = services.retry_session(session)
    engine.run(session=again)
    assert set(InstanceSizeAggregation.objects.values_list("instance_id", "period_type")) == {
        (one.pk, "weekly") for one in instances
    }
