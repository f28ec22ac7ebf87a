"""Who is claimed, in which order, and within which limits."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from instances.models import Instance
from sessions_app import claims, records, services
from sessions_app.categories import ItemCounts
from sessions_app.models import RecordStatus, SyncInstanceRecord
from tests.sessions_app.conftest import expire_lease, record_of

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


def test_a_slot_outlasts_the_longest_read(script, make_instances, settings):
    make_instances("a")
    session = start()
    claim()
    kept = (session.records.get().slot_until - timezone.now()).total_seconds()
    assert kept > settings.SYNC_FETCH_SECONDS, "what is over its limit is still being ended"


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


@pytest.mark.parametrize(
    ("category", "claim_of_the_other_kind"),
    [("account", claims.claim_chunk), ("aggregation", partial(claims.claim_fetches, limit=1, free_bytes=1, idle=True))],
)
def test_a_session_is_asked_for_work_of_its_own_kind_alone(script, make_instances, category, claim_of_the_other_kind):
    make_instances("a")
    session = start(category=category)
    start(category={"account": "aggregation", "aggregation": "account"}[category])
    with CaptureQueriesContext(connection) as sent:
        assert not any(claim_of_the_other_kind(session=session)[:1])
    assert not sent.captured_queries


def test_looking_for_local_work_in_vain_holds_nobody_up(script, make_instances):
    make_instances("a")
    start()
    with CaptureQueriesContext(connection) as sent:
        assert claims.claim_chunk() == []
    (look,) = sent.captured_queries
    assert look["sql"].startswith("SELECT 1")


def test_a_session_at_its_limit_leaves_its_turns_to_others(script, make_instances, settings):
    settings.SYNC_PER_SESSION = 2
    make_instances("a1", "a2", "a3", "a4")
    start()
    make_instances("b1", "b2", "b3")
    start(instances=Instance.objects.filter(name__startswith="b"), sync_type="manual_batch")
    assert claim(3) == ["a1", "b1", "a2"]
    assert claim() == ["b2"]
    assert claim() == []


def test_a_session_takes_on_what_its_ended_fetches_leave(script, make_instances, settings):
    settings.SYNC_PER_SESSION = 2
    make_instances("a1", "a2", "a3")
    start()
    first, _second = claims.claim_fetches(limit=16, free_bytes=PLENTY, idle=True).records
    records.complete([first], {first.pk: ItemCounts()})
    assert claim() == ["a3"]


def test_what_a_lost_worker_had_open_does_not_keep_its_session_waiting(script, make_instances, settings):
    settings.SYNC_PER_SESSION = 1
    make_instances("a1", "a2")
    session = start()
    assert claim() == ["a1"]
    expire_lease(record_of(session, "a1"))
    services.sweep()
    assert claim() == ["a1"]


def test_a_limit_per_session_costs_no_statement(script, make_instances, settings):
    make_instances("a1", "a2")
    start()
    with CaptureQueriesContext(connection) as without:
        claim(1)
    settings.SYNC_PER_SESSION = 5
    with CaptureQueriesContext(connection) as limited:
        claim(1)
    assert len(limited) == len(without)


def test_there_is_more_to_claim_than_a_limited_session_lets_through(script, make_instances, settings):
    settings.SYNC_PER_SESSION = 1
    make_instances("a1", "a2")
    start()
    for taken in (1, 0):
        claim = claims.claim_fetches(limit=16, free_bytes=PLENTY, idle=True)
        assert (len(claim.records), claim.is_everything) == (taken, False)
