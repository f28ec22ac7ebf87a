"""Findings of a review, each as a test that fails."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction

from instances.models import Instance
from sessions_app import claims, engine, records, services
from sessions_app.models import RecordStatus, SyncInstanceRecord
from tests.sessions_app.fakes import FakeSnapshot
from tests.sessions_app.test_races import at_once, start

postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs row locks")


@postgresql
@pytest.mark.django_db(transaction=True)
def test_a_cancel_and_a_joint_completion_lock_in_the_same_order(script, make_instances):
    """hold() locks in the order of the disk, a cancel in that of the keys: PostgreSQL ends one of them."""
    make_instances("low", "high")
    session = start()
    low, high = claims.claim_fetches(limit=2, free_bytes=10**12, idle=True).records
    SyncInstanceRecord.objects.filter(pk=low.pk).update(lease_expires_at=high.created_at)  # now behind the other one
    SyncInstanceRecord.objects.filter(pk=low.pk).update(worker="x")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sync_instance_records")  # as autovacuum does
    locked, cancelling = threading.Event(), threading.Event()
    ended = []

    def waiting(number: int) -> None:
        deadline = time.monotonic() + 10
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        while time.monotonic() < deadline:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute(query)
                if cursor.fetchone()[0] >= number:
                    return
            time.sleep(0.02)
        raise AssertionError("nobody waits")

    def somebody() -> None:
        with transaction.atomic():
            records.hold([low])
            locked.set()
            waiting(1)
            cancelling.set()
            waiting(2)

    def cancel() -> None:
        assert locked.wait(10)
        try:
            services.cancel_session(session)
        except Exception as error:
            ended.append(f"cancel: {error.__cause__}")

    def hold() -> None:
        assert cancelling.wait(10)
        try:
            with transaction.atomic():
                records.hold([low, high])
        except records.LeaseLost:
            pass
        except Exception as error:
            ended.append(f"hold: {error}")

    at_once(somebody, cancel, hold)
    assert ended == []


@pytest.mark.django_db
def test_a_read_that_cannot_be_ended_is_over_two_seconds_after_its_budget(script, make_instances, settings):
    make_instances("a", "b")
    script.fetch_timeout = 1
    settings.SYNC_THREADS = 16
    script.fetch["b"] = lambda target: time.sleep(1.7) or FakeSnapshot()  # its end shifts the ticks of the loop
    gone = threading.Event()
    script.fetch["a"] = lambda target: gone.wait(20)
    session = services.start_session(
        category="account", sync_type="manual_task", instances=Instance.objects.all(), max_attempts=1
    )
    began = time.monotonic()
    engine.run(session=session)
    took = time.monotonic() - began
    gone.set()
    assert session.records.get(instance_name="a").status == RecordStatus.FAILED
    assert took < 1 + 2 + 0.3


@pytest.mark.django_db
def test_a_due_schedule_whose_start_failed_once_is_started_by_the_sweep(script, make_instances, monkeypatch, settings):
    from datetime import timedelta

    from django.db import OperationalError
    from django.utils import timezone

    from sessions_app import schedules
    from sessions_app.models import SyncSession
    from sessions_app.timetable import SyncSchedule

    make_instances("a")
    schedules.install()
    due = timezone.now() - timedelta(seconds=30)
    SyncSchedule.objects.filter(key="account").update(
        armed_at=due - timedelta(days=1), cron=f"{timezone.localtime(due).minute} {timezone.localtime(due).hour} * * *"
    )
    broken = services.start_session

    def refuse(**options):
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr(services, "start_session", refuse)
    with pytest.raises(OperationalError):  # django-q2 acknowledges it: max_attempts 1, ack_failures
        schedules.start_due(key="account", due=due)
    monkeypatch.setattr(services, "start_session", broken)
    services.sweep()
    assert SyncSession.objects.filter(sync_type="scheduled_task").exists()


@pytest.mark.django_db
def test_a_schedule_waits_for_a_manual_session_of_its_category(script, make_instances):
    from django.utils import timezone

    from sessions_app import schedules

    make_instances("a", "b")
    schedules.install()
    start("manual_task")
    assert schedules.start_due(key="account", due=timezone.now()) is None


@pytest.mark.django_db
def test_an_abandoned_connection_still_counts_when_its_record_is_read_again(script, make_instances, settings):
    make_instances("a", "b", host="same.example")
    settings.SYNC_PER_HOST = 2
    start()
    first = claims.claim_fetches(limit=1, free_bytes=10**12, idle=True).records[0]  # its worker is stopped: stays open
    SyncInstanceRecord.objects.filter(pk=first.pk).update(lease_expires_at=first.created_at)
    services.sweep()
    again = [*claims.claim_fetches(limit=16, free_bytes=10**12, idle=True).records]
    again += claims.claim_fetches(limit=16, free_bytes=10**12, idle=False).records
    assert 1 + len(again) <= settings.SYNC_PER_HOST
