"""Who is claimed, in which order, and within which limits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from instances.models import Instance
from sessions_app import claims, services
from sessions_app.models import RecordStatus, SyncInstanceRecord

pytestmark = pytest.mark.django_db

PLENTY = 10**9


def start(sync_type="manual_task", instances=None, category="account"):
    return services.start_session(
        category=category, sync_type=sync_type, instances=instances if instances is not None else Instance.objects.all()
    )


def claim(limit=16, free_bytes=PLENTY, idle=True):
    return [
        record.instance_name for record in claims.claim_fetches(limit=limit, free_bytes=free_bytes, idle=idle).records
    ]


def test_sessions_take_turns(script, make_instances):
    make_instances("a1", "a2", "a3")
    start()
    make_instances("b1", "b2")
    start(instances=Instance.objects.filter(name__startswith="b"), sync_type="manual_batch")
    assert claim(4) == ["a1", "b1", "a2", "b2"]


def test_a_manual_session_goes_before_a_scheduled_one(script, make_instances):
    make_instances(*(f"s{n}" for n in range(20)))
    start("scheduled_task")
    make_instances("m")
    start("manual_batch", Instance.objects.filter(name="m"))
    assert claim(3)[0] == "m"


def test_no_more_than_the_limit_per_host(script, make_instances, settings):
    make_instances(*(f"x{n}" for n in range(5)), host="Same.example")
    make_instances("y")
    start()
    assert claim() == ["x0", "x1", "y"]
    assert claim() == []


def test_an_abandoned_fetch_still_counts_on_its_host(script, make_instances):
    make_instances("x0", "x1", "x2", host="same.example")
    session = start()
    claim(2)
    services.cancel_session(session)
    start()
    assert claim() == []
    SyncInstanceRecord.objects.filter(status=RecordStatus.CANCELLED).update(
        slot_until=timezone.now() - timedelta(seconds=1)
    )
    assert len(claim()) == 2


def test_a_saturated_host_does_not_hide_the_others(script, make_instances):
    make_instances(*(f"x{n}" for n in range(100)), host="same.example")
    make_instances("y", "z")
    start()
    assert claim(2) == ["x0", "x1"]
    assert claim(2) == ["y", "z"]


def test_memory_bounds_what_is_read_at_once(script, make_instances):
    make_instances("a", "b", "c")
    Instance.objects.filter(name="a").update(snapshot_bytes=6_000_000)
    start()
    assert claim(free_bytes=11_000_000) == ["a", "b"]
    assert claim(free_bytes=100, idle=False) == []


def test_an_idle_process_takes_one_record_however_large(script, make_instances):
    make_instances("a", "b")
    Instance.objects.update(snapshot_bytes=10**12)
    start()
    assert claim() == ["a"]


def test_records_that_wait_for_their_retry_are_left_alone(script, make_instances):
    make_instances("a")
    start()
    SyncInstanceRecord.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=1))
    assert claim() == []


def test_a_chunk_is_of_one_session(script, make_instances):
    make_instances("a", "b")
    start(category="aggregation")
    make_instances("c", "d", "e")
    start("manual_batch", Instance.objects.filter(name__in="cde"), category="aggregation")
    assert [record.instance_name for record in claims.claim_chunk()] == ["a", "b"]
    assert [record.instance_name for record in claims.claim_chunk()] == ["c", "d", "e"]


def test_a_claim_costs_the_same_for_one_record_and_for_many(script, make_instances):
    make_instances(*(f"i{n}" for n in range(30)))
    start()
    with CaptureQueriesContext(connection) as one:
        claim(1)
    with CaptureQueriesContext(connection) as many:
        claim(16)
    assert len(one) == len(many) <= 8
