"""The engine's turn: claims, fetches in threads, applies with completion, ends what hangs."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from django.utils import timezone

from instances.models import Instance
from sessions_app import engine, services
from sessions_app.fetches import ABORT_GRACE_SECONDS
from sessions_app.models import RecordStatus, SyncInstanceRecord
from tests.sessions_app.conftest import record_of
from tests.sessions_app.fakes import FakeSnapshot
from whalefall.errors import ConnectionRefused, LoginRejected, PrivilegeMissing

pytestmark = pytest.mark.django_db


def start(**fields):
    return services.start_session(
        **{"category": "account", "sync_type": "manual_task", "instances": Instance.objects.all(), **fields}
    )


def in_an_hour():
    return timezone.now() + timedelta(hours=1)


def refuse(target):
    raise ConnectionRefused(**target.address, detail="closed")


def test_a_session_over_healthy_instances_completes_and_counts(script, make_instances):
    make_instances("a", "b", "c")
    session = start()
    engine.run(session=session)
    session.refresh_from_db()
    assert (session.status, session.outcome, session.successful_instances) == ("completed", "clean", 3)
    assert session.summary["metrics"]["items_synced"] == 9
    assert sorted(script.applied) == ["a", "b", "c"]
    record = record_of(session, "a")
    assert (record.items_synced, record.attempts, record.claim_token, record.slot_until) == (3, 1, None, None)
    assert record.sync_details == {"version": 1, "read": "read"}


def test_a_session_is_final_although_another_process_has_ended_its_records_and_not_yet_said_so(script, make_instances):
    make_instances("a", "b")
    session = start()
    SyncInstanceRecord.objects.update(status=RecordStatus.COMPLETED, completed_at=timezone.now())
    engine.run(session=session)
    session.refresh_from_db()
    assert (session.status, session.successful_instances) == ("completed", 2)
    assert script.applied == []


def test_fetches_run_in_threads_that_cannot_reach_our_database(script, make_instances):
    make_instances("a")
    script.fetch["a"] = lambda target: Instance.objects.count()
    session = start()
    engine.run(session=session)
    record = record_of(session, "a")
    assert (record.status, record.message_code) == (RecordStatus.FAILED, "INTERNAL_ERROR")
    assert record.error_params["detail"] == "RuntimeError"
    assert threading.main_thread().name not in script.threads


def test_a_failed_record_fails_the_session_and_says_why(script, make_instances):
    make_instances("good", "bad")
    script.fetch["bad"] = lambda target: (_ for _ in ()).throw(PrivilegeMissing(**target.address, detail="SELECT"))
    session = start()
    engine.run(session=session)
    session.refresh_from_db()
    assert (session.status, session.outcome) == ("failed", "partial")
    assert session.error_summary == [{"message_code": "SYNC_DATA_ERROR", "reason": "privilege", "count": 1}]
    record = record_of(session, "bad")
    assert "SELECT" in record.error_message
    assert record.hint


def test_a_transient_failure_waits_for_its_retry_as_pending(script, make_instances, settings):
    make_instances("a")
    script.fetch["a"] = refuse
    session = start()
    engine.run(session=session, seconds=0.3)
    record = record_of(session, "a")
    assert (record.status, record.attempts, record.reason) == (RecordStatus.PENDING, 1, "refused")
    wait = (record.next_attempt_at - record.started_at).total_seconds()
    assert 0.8 * settings.SYNC_BACKOFF_SECONDS <= wait <= 1.3 * settings.SYNC_BACKOFF_SECONDS


def test_a_transient_failure_is_final_after_the_last_attempt(script, make_instances, settings):
    settings.SYNC_BACKOFF_SECONDS = 0.01
    make_instances("a")
    tried = []
    script.fetch["a"] = lambda target: tried.append(1) or refuse(target)
    session = start()
    engine.run(session=session)
    record = record_of(session, "a")
    assert (record.status, record.attempts, len(tried)) == (RecordStatus.FAILED, 3, 3)


def test_a_rejected_login_is_never_tried_again(script, make_instances, settings):
    settings.SYNC_BACKOFF_SECONDS = 0.01
    make_instances("a")
    tried = []

    def reject(target):
        tried.append(1)
        raise LoginRejected(**target.address)

    script.fetch["a"] = reject
    session = start()
    engine.run(session=session)
    assert (record_of(session, "a").status, len(tried)) == (RecordStatus.FAILED, 1)


def test_a_failing_apply_leaves_nothing_behind(script, make_instances):
    make_instances("a")

    def write_and_fail(instance, run):
        Instance.objects.filter(pk=instance.pk).update(description="half done")
        raise PrivilegeMissing(host="a", port=1, username="m", detail="late")

    script.apply["a"] = write_and_fail
    session = start()
    engine.run(session=session)
    assert record_of(session, "a").status == RecordStatus.FAILED
    assert Instance.objects.get().description == ""


def test_a_fetch_over_its_budget_is_cut_and_its_slot_is_freed(script, make_instances, settings):
    settings.SYNC_ATTEMPTS = 1
    make_instances("slow", "fast")
    script.fetch_timeout = 0.3
    released = threading.Event()

    def hang(target):
        with target.interrupt.guard(cancel=released.set, disconnect=released.set):
            assert released.wait(10)
        raise OSError("connection closed")

    script.fetch["slow"] = hang
    session = start()
    began = time.monotonic()
    engine.run(session=session)
    assert time.monotonic() - began < 0.3 + 2
    slow = record_of(session, "slow")
    assert (slow.status, slow.message_code, slow.reason) == (RecordStatus.FAILED, "DATABASE_TIMEOUT", "timeout")
    assert slow.slot_until is None
    assert record_of(session, "fast").status == RecordStatus.COMPLETED


def test_a_thread_that_cannot_be_ended_is_written_off_and_keeps_its_slot(script, make_instances, settings):
    settings.SYNC_ATTEMPTS = 1
    make_instances("stuck", "fast")
    script.fetch_timeout = 0.2
    let_go = threading.Event()
    script.fetch["stuck"] = lambda target: let_go.wait(30) and FakeSnapshot()
    session = start()
    began = time.monotonic()
    try:
        engine.run(session=session)
        assert time.monotonic() - began < 0.2 + 3.5
        stuck = record_of(session, "stuck")
        assert (stuck.status, stuck.reason) == (RecordStatus.FAILED, "timeout")
        assert stuck.slot_until > timezone.now() + timedelta(seconds=settings.SYNC_FETCH_SECONDS - 10)
        assert engine._lost_threads() == 1
    finally:
        let_go.set()
    assert script.applied == ["fast"]


def test_a_process_with_too_many_written_off_threads_claims_no_more(script, make_instances, settings, monkeypatch):
    settings.SYNC_THREADS = 4
    monkeypatch.setattr(engine, "_lost_threads", lambda: 1)
    make_instances("a")
    session = start()
    engine.run(seconds=1)
    assert engine.exhausted()
    assert record_of(session, "a").status == RecordStatus.PENDING


def test_a_result_that_arrives_after_a_cancel_is_dropped(script, make_instances):
    make_instances("a")
    session = start()

    def cancel_meanwhile(instance, run):
        pytest.fail("applied after the cancel")

    reached, go_on = threading.Event(), threading.Event()

    def fetch(target):
        reached.set()
        go_on.wait(10)
        return FakeSnapshot()

    script.fetch["a"] = fetch
    script.apply["a"] = cancel_meanwhile
    turn = engine.Turn(session=session, seconds=10)
    turn.claim()
    assert reached.wait(5)
    services.cancel_session(session)
    go_on.set()
    turn.run()
    record = record_of(session, "a")
    assert (record.status, record.slot_until) == (RecordStatus.CANCELLED, None)
    assert script.applied == []


def test_a_cancel_interrupts_a_running_fetch(script, make_instances):
    make_instances("a")
    session = start()
    reached, interrupted = threading.Event(), threading.Event()

    def fetch(target):
        with target.interrupt.guard(cancel=interrupted.set, disconnect=interrupted.set):
            reached.set()
            assert interrupted.wait(10)
        raise OSError("cancelled by the server")

    script.fetch["a"] = fetch
    turn = engine.Turn(session=session, seconds=20)
    turn.claim()
    assert reached.wait(5)
    services.cancel_session(session)
    began = time.monotonic()
    turn.run()
    assert interrupted.is_set()
    assert time.monotonic() - began < 5


def test_the_lease_is_renewed_while_a_fetch_runs(script, make_instances, settings):
    settings.SYNC_LEASE_SECONDS = 4
    make_instances("a")
    session = start()
    let_go = threading.Event()
    script.fetch["a"] = lambda target: let_go.wait(10) and FakeSnapshot()
    turn = engine.Turn(session=session, seconds=10)
    turn.claim()
    first = record_of(session, "a").lease_expires_at
    turn.renewed_at -= 2
    turn.looked_at -= 2  # as if more than a quarter of the lease had gone by
    turn.keep_leases()
    assert record_of(session, "a").lease_expires_at > first
    let_go.set()
    turn.run()
    assert record_of(session, "a").status == RecordStatus.COMPLETED


def test_one_turn_serves_manual_sessions_before_scheduled_ones(script, make_instances, settings):
    settings.SYNC_THREADS = 1
    settings.SYNC_PER_HOST = 100
    make_instances("s1", "s2", "s3")
    start(sync_type="scheduled_task")
    make_instances("m1")
    start(sync_type="manual_batch", instances=Instance.objects.filter(name="m1"))
    engine.run(seconds=20)
    assert script.applied[0] == "m1"
    assert sorted(script.applied) == ["m1", "s1", "s2", "s3"]


def test_a_turn_hands_its_session_over_when_its_time_is_up(script, make_instances):
    make_instances("a")
    session = start()
    let_go = threading.Event()
    script.fetch["a"] = lambda target: let_go.wait(10) and FakeSnapshot()
    engine.run(session=session, seconds=0.3)
    record = record_of(session, "a")
    assert (record.status, record.attempts, record.next_attempt_at) == (RecordStatus.PENDING, 0, None)
    closing = (record.slot_until - timezone.now()).total_seconds()
    assert closing > ABORT_GRACE_SECONDS, "it may still be connecting"
    let_go.set()
    SyncInstanceRecord.objects.update(slot_until=None)
    engine.run(session=session)
    assert record_of(session, "a").status == RecordStatus.COMPLETED


def test_local_work_runs_in_chunks_and_a_poison_instance_fails_alone(script, make_instances):
    make_instances(*"abcdef")
    script.poison = {"c"}
    session = start(category="aggregation")
    engine.run(session=session)
    session.refresh_from_db()
    assert (session.successful_instances, session.failed_instances) == (5, 1)
    assert record_of(session, "c").status == RecordStatus.FAILED
    assert Instance.objects.get(name="c").description == ""
    assert all(Instance.objects.get(name=name).description for name in "abdef")
    assert script.chunks[0] == list("abcd")
    assert record_of(session, "a").items_synced == 1


def test_a_turn_ends_at_once_when_there_is_nothing_to_do(script, db):
    began = time.monotonic()
    engine.run()
    assert time.monotonic() - began < 1


def test_leases_of_waiting_results_survive_a_row_of_slow_applies(script, make_instances, settings):
    settings.SYNC_LEASE_SECONDS = 3
    names = list("abcdef")
    make_instances(*names)
    lapsed = []

    def slow(instance, run):
        time.sleep(0.6)
        lapsed.append(SyncInstanceRecord.objects.filter(status="running", lease_expires_at__lt=Now()).count())

    script.apply = dict.fromkeys(names, slow)
    session = start()
    engine.run(session=session)
    assert lapsed == [0] * 6
    assert session.records.filter(status="completed").count() == 6


def test_nothing_is_claimed_beside_a_suspect(script, make_instances):
    make_instances("poison", "x1", "x2")
    session = start()
    SyncInstanceRecord.objects.filter(instance_name="poison").update(lost_count=2)
    SyncInstanceRecord.objects.exclude(instance_name="poison").update(next_attempt_at=in_an_hour())
    let_go = threading.Event()
    script.fetch["poison"] = lambda target: let_go.wait(10) and FakeSnapshot()
    turn = engine.Turn(session=session, seconds=10)
    assert turn.claim()
    SyncInstanceRecord.objects.update(next_attempt_at=None)
    turn.claimed_at = 0
    assert not turn.claim()
    let_go.set()
    turn.run()
    assert sorted(script.applied) == ["poison", "x1", "x2"]


def test_free_threads_go_on_while_one_fetch_is_slow(script, make_instances, settings):
    settings.SYNC_THREADS = 4
    make_instances("slow", *(f"x{n}" for n in range(12)))
    let_go = threading.Event()
    script.fetch["slow"] = lambda target: let_go.wait(20) and FakeSnapshot()
    script.apply["x11"] = lambda instance, run: let_go.set()
    start()
    engine.run(seconds=0.01)
    assert len(script.applied) == 13
    assert script.applied[-1] == "slow"


def test_a_fetch_that_is_cancelled_while_it_connects_may_take_its_connect_time_out(script, make_instances, settings):
    settings.SYNC_THREADS = 4
    make_instances("a")
    session = start()
    reached = threading.Event()

    def connecting(target):
        reached.set()
        while not target.interrupt.reason:
            time.sleep(0.01)
        time.sleep(ABORT_GRACE_SECONDS + 0.5)  # no driver can be interrupted while it connects
        raise OSError("gave up")

    script.fetch["a"] = connecting
    turn = engine.Turn(session=session, seconds=20)
    turn.claim()
    assert reached.wait(5)
    services.cancel_session(session)
    turn.run()
    assert engine._lost_threads() == 0
    assert record_of(session, "a").slot_until is None


def test_an_apply_that_takes_too_long_is_rolled_back(script, make_instances, settings):
    settings.SYNC_APPLY_SECONDS = 0.1
    make_instances("a")

    def slow(instance, run):
        Instance.objects.filter(pk=instance.pk).update(description="too late")
        time.sleep(0.2)

    script.apply["a"] = slow
    session = start()
    engine.run(session=session)
    assert (record_of(session, "a").message_code, Instance.objects.get().description) == ("TASK_EXECUTION_FAILED", "")


def test_a_fetch_is_cut_in_time_while_another_result_is_stored(script, make_instances):
    make_instances("quick", "slow")
    script.fetch_timeout = 0.5
    cut = threading.Event()

    def hang(target):
        with target.interrupt.guard(cancel=cut.set, disconnect=cut.set):
            assert cut.wait(10)
        raise OSError("connection closed")

    script.fetch["slow"] = hang
    script.apply["quick"] = lambda instance, run: cut.wait(5) or pytest.fail("not before the other result was stored")
    session = start(max_attempts=1)
    engine.run(session=session)
    assert (record_of(session, "quick").status, record_of(session, "slow").reason) == ("completed", "timeout")


def test_a_turn_that_breaks_ends_its_fetches(script, make_instances, monkeypatch):
    make_instances("a")
    session = start()
    ended = threading.Event()

    def fetch(target):
        with target.interrupt.guard(cancel=ended.set, disconnect=ended.set):
            ended.wait(20)
        raise OSError("cancelled")

    script.fetch["a"] = fetch
    turn = engine.Turn(session=session, seconds=20)
    turn.claim()

    def fail():
        raise OperationalError("the database went away")

    monkeypatch.setattr(turn, "keep_leases", fail)
    with pytest.raises(OperationalError):
        turn.run()
    assert ended.wait(5)


def test_a_thread_that_cannot_be_started_fails_its_record_only(script, make_instances, monkeypatch):
    make_instances("a", "b")
    session = start(max_attempts=1)
    begin, name = threading.Thread.start, f"fetch-{record_of(session, 'a').pk}"

    def start_thread(thread):
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start_thread)
    engine.run(session=session)
    assert (record_of(session, "a").status, record_of(session, "b").status) == ("failed", "completed")


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
    assert took < 1 + 2 + 0.3  # to start and to finalize the session
