"""What health is made of: who swept, who claims, and whose lease nobody takes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from sessions_app import claims, health, heartbeats, services
from sessions_app.models import Heartbeat, SyncInstanceRecord
from tests.sessions_app.rows import session_with

pytestmark = pytest.mark.django_db

HOUR = 3600


def ago(seconds: float):
    return timezone.now() - timedelta(seconds=seconds)


def beat(name: str, seconds: float) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"at": ago(seconds)})


def waiting_since(seconds: float, **fields) -> None:
    SyncInstanceRecord.objects.filter(status="pending").update(**{"created_at": ago(seconds), **fields})


def failures() -> set[str]:
    return {reason.reason for reason in health.read().reasons if reason.is_failure}


def test_a_fresh_installation_says_that_nobody_swept_and_fails_only_after_its_grace():
    (reason,) = health.read().reasons
    assert (reason.reason, reason.is_failure) == ("never_swept", False)
    beat("installed", HOUR)
    assert failures() == {"never_swept"}


def test_migrating_again_does_not_start_the_grace_anew():
    beat("installed", HOUR)
    heartbeats.installed()
    assert health.read().installed >= HOUR


def test_a_sweep_is_a_sign_of_life_and_grows_old():
    beat("installed", HOUR)
    services.sweep()
    assert health.read().reasons == ()
    beat("sweep", 601)
    assert failures() == {"sweep_overdue"}
    services.sweep()
    assert failures() == set()


def test_a_sweep_that_breaks_off_is_no_sign_of_life(monkeypatch):
    def fail() -> None:
        raise RuntimeError("the broker is gone")

    session_with("pending")
    monkeypatch.setattr("sessions_app.sessions.nudge", fail)
    with pytest.raises(RuntimeError):
        services.sweep()
    assert health.read().sweep is None


def test_work_that_nobody_takes_is_a_failure():
    services.sweep()
    session_with("pending", "pending")
    waiting_since(590)
    assert failures() == set()
    waiting_since(601)
    assert failures() == {"unclaimed"}
    beat("claim", HOUR)
    assert failures() == {"unclaimed"}


def test_a_long_queue_of_which_workers_take_is_in_order(script, make_instances):
    services.sweep()
    make_instances("a", "b", "c")
    session_with("pending", "pending", "pending")
    waiting_since(HOUR)
    assert failures() == {"unclaimed"}
    assert len(claims.claim_fetches(limit=1, free_bytes=10**9, idle=True).records) == 1
    found = health.read()
    assert found.queue >= HOUR
    assert found.unclaimed < 60
    assert found.reasons == ()


def test_who_works_on_a_session_of_his_own_is_no_worker(script, make_instances):
    session = session_with("pending", "pending")
    waiting_since(HOUR)
    assert claims.claim_fetches(limit=1, free_bytes=10**9, idle=True, session=session).records
    assert failures() == {"unclaimed"}


def test_a_local_chunk_that_is_claimed_counts_as_well(script):
    services.sweep()
    session_with("pending", sync_category="aggregation")
    waiting_since(HOUR)
    assert failures() == {"unclaimed"}
    session_with("pending", sync_category="aggregation")
    waiting_since(HOUR)
    assert len(claims.claim_chunk()) == 1
    found = health.read()
    assert (found.queue >= HOUR, found.unclaimed < 60) == (True, True)


def test_what_waits_for_its_retry_or_for_a_busy_host_is_not_left_alone():
    services.sweep()
    session = session_with("pending")
    waiting_since(HOUR, next_attempt_at=timezone.now() + timedelta(minutes=5))
    assert health.read().queue is None
    waiting_since(HOUR, next_attempt_at=ago(20))
    assert health.read().queue == pytest.approx(20, abs=10)
    waiting_since(HOUR, next_attempt_at=None, host_key="busy.example")
    session_with(
        *({"status": "running", "host_key": "busy.example", "slot_until": timezone.now() + timedelta(minutes=5)},) * 2
    )
    assert health.read().queue is None
    SyncInstanceRecord.objects.filter(status="running").update(slot_until=ago(1))
    assert health.read().queue >= HOUR
    services.cancel_session(session)
    assert health.read().queue is None


def test_a_busy_host_holds_back_no_local_work(script):
    session_with({"status": "pending", "host_key": "busy.example"}, sync_category="aggregation")
    session_with(
        *({"status": "running", "host_key": "busy.example", "slot_until": timezone.now() + timedelta(minutes=5)},) * 2
    )
    assert health.read().queue is not None


def test_a_lapsed_lease_fails_when_nobody_takes_it_back():
    services.sweep()
    session_with("running")
    SyncInstanceRecord.objects.update(lease_expires_at=ago(100))
    assert health.read().lapsed_lease == pytest.approx(100, abs=10)
    assert failures() == set()
    SyncInstanceRecord.objects.update(lease_expires_at=ago(181))
    assert failures() == {"lease_lapsed"}
    services.sweep()
    assert health.read().lapsed_lease is None


def test_health_takes_three_statements_whatever_there_is(django_assert_num_queries):
    with django_assert_num_queries(3):
        health.read()
    services.sweep()
    session_with("running", "pending", "pending", "failed")
    with django_assert_num_queries(3):
        health.read()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite explains otherwise")
def test_health_scans_no_history():
    """Enough finished records that PostgreSQL would rather not read them all."""
    session = session_with("pending")
    done = SyncInstanceRecord.objects.get()
    SyncInstanceRecord.objects.bulk_create(
        SyncInstanceRecord(
            session=session, instance=None, instance_name="x", sync_category="account", status="completed",
            completed_at=done.created_at,
        )
        for _ in range(5000)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sync_instance_records")
    plan = claims.waiting().order_by("created_at").explain()
    assert "sync_records_pending" in plan or "sync_records_one_open" in plan, plan
    assert "Seq Scan on sync_instance_records" not in plan, plan
