"""Every transition of the states table, and every forbidden one."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from instances.models import Instance
from sessions_app import claims, records, services, sessions
from sessions_app.categories import ItemCounts
from sessions_app.models import OPEN, RecordStatus, SessionStatus, SyncInstanceRecord, SyncSession
from tests.sessions_app.conftest import expire_lease, record_of
from whalefall import messages
from whalefall.errors import CATALOGUE, ConnectionRefused, LoginRejected, SessionFinished

pytestmark = pytest.mark.django_db

FINAL = sorted(set(RecordStatus.values) - set(OPEN))
REFUSED = ConnectionRefused(host="h", port=1, username="u", detail="closed")
REJECTED = LoginRejected(host="h", port=1, username="u")


@pytest.fixture
def session(script, make_instances) -> SyncSession:
    make_instances("a")
    return services.start_session(category="account", sync_type="manual_task", instances=Instance.objects.all())


def claim(session: SyncSession) -> SyncInstanceRecord:
    (record,) = claims.claim_fetches(limit=1, free_bytes=10**9, idle=True, session=session).records
    return record


def fresh(record: SyncInstanceRecord) -> SyncInstanceRecord:
    return SyncInstanceRecord.objects.select_related("session").get(pk=record.pk)


def test_claim_takes_a_pending_record_and_counts_the_attempt_before_any_work(session):
    claim(session)
    record = record_of(session, "a")
    assert (record.status, record.attempts) == (RecordStatus.RUNNING, 1)
    assert record.claim_token
    assert record.lease_expires_at > timezone.now()
    assert record.slot_until > record.lease_expires_at
    assert record.worker


def test_a_running_record_is_not_claimed_again(session):
    claim(session)
    assert claims.claim_fetches(limit=1, free_bytes=10**9, idle=True, session=session).records == []


def test_finish_completes_a_held_record(session):
    record = claim(session)
    records.hold([record])
    records.complete([record], {record.pk: ItemCounts(synced=2)})
    done = fresh(record)
    assert (done.status, done.items_synced, done.claim_token) == (RecordStatus.COMPLETED, 2, None)
    assert done.completed_at is not None


def test_finish_fails_a_held_record_for_good(session):
    record = claim(session)
    assert records.fail(record, REJECTED) == RecordStatus.FAILED
    assert fresh(record).completed_at is not None


def test_give_back_keeps_the_error_of_a_transient_failure(session):
    record = claim(session)
    assert records.fail(record, REFUSED) == RecordStatus.PENDING
    waiting = fresh(record)
    assert (waiting.message_code, waiting.reason) == ("DATABASE_CONNECTION_ERROR", "refused")
    assert waiting.next_attempt_at > timezone.now()


@pytest.mark.parametrize(
    "error", [error for error in CATALOGUE if not error.transient], ids=lambda error: error.__name__
)
def test_what_does_not_pass_by_itself_is_never_given_back(session, error):
    record = claim(session)
    assert records.fail(record, messages.revive(error.message_code, error.reason, {})) == RecordStatus.FAILED
    assert fresh(record).next_attempt_at is None


@pytest.mark.parametrize(("tried", "seconds"), [(1, 30), (2, 120), (3, 480), (4, 600), (50, 600)])
def test_waits_grow_fourfold_up_to_a_bound(session, tried, seconds):
    record = claim(session)
    record.attempts, record.session.max_attempts = tried, tried + 1
    before = timezone.now()
    assert records.fail(record, REFUSED) == RecordStatus.PENDING
    wait = (fresh(record).next_attempt_at - before).total_seconds()
    assert wait == pytest.approx(seconds, rel=0.21)


def test_skip_ends_a_held_record(session):
    record = claim(session)
    assert records.skip(record, "credential_suspended")
    assert fresh(record).status == RecordStatus.SKIPPED


def test_hold_extends_the_lease(session):
    record = claim(session)
    SyncInstanceRecord.objects.update(lease_expires_at=timezone.now() + timedelta(seconds=1))
    records.hold([record])
    assert fresh(record).lease_expires_at > timezone.now() + timedelta(seconds=60)


def test_a_stranger_with_another_token_changes_nothing(session):
    record = claim(session)
    stranger = fresh(record)
    stranger.claim_token = uuid.uuid4()
    with pytest.raises(records.LeaseLost):
        records.hold([stranger])
    with pytest.raises(records.LeaseLost):
        records.complete([stranger], {stranger.pk: ItemCounts()})
    assert records.fail(stranger, REJECTED) is None
    assert records.fail(stranger, REFUSED) is None
    assert not records.skip(stranger, "superseded")
    assert not records.release(stranger)
    assert fresh(record).status == RecordStatus.RUNNING


def force(record: SyncInstanceRecord, status: str) -> None:
    SyncInstanceRecord.objects.filter(pk=record.pk).update(
        status=status, completed_at=Now(), claim_token=None, lease_expires_at=None
    )


@pytest.mark.parametrize("status", FINAL)
def test_nothing_leaves_a_final_state(session, status):
    record = claim(session)
    force(record, status)
    with pytest.raises(records.LeaseLost):
        records.hold([record])
    with pytest.raises(records.LeaseLost):
        records.complete([record], {record.pk: ItemCounts()})
    assert records.fail(record, REFUSED) is None
    assert records.fail(record, REJECTED) is None
    assert not records.skip(record, "superseded")
    assert not records.release(record)
    assert records.drop(SyncInstanceRecord.objects.all(), "superseded") == 0
    assert claims.claim_fetches(limit=1, free_bytes=10**9, idle=True).records == []
    SyncSession.objects.update(status=SessionStatus.RUNNING)
    services.sweep()
    assert fresh(record).status == status


@pytest.mark.parametrize("status", ["completed", "failed", "skipped"])
def test_cancel_leaves_final_records_as_they_are(session, make_instances, status):
    record = claim(session)
    force(record, status)
    services.cancel_session(session)
    assert fresh(record).status == status


@pytest.mark.parametrize("status", ["pending", "running"])
def test_cancel_ends_open_records_and_clears_the_token(session, status):
    record = claim(session) if status == "running" else record_of(session, "a")
    services.cancel_session(session)
    after = fresh(record)
    assert (after.status, after.claim_token) == (RecordStatus.CANCELLED, None)
    assert (after.slot_until is not None) == (status == "running")
    assert after.is_cancelling == (status == "running")


def test_cancel_twice_is_no_error(session):
    services.cancel_session(session)
    assert services.cancel_session(session).status == SessionStatus.CANCELLED


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_finished_session_cannot_be_cancelled(session, status):
    SyncSession.objects.update(status=status, completed_at=Now())
    with pytest.raises(SessionFinished):
        services.cancel_session(session)
    assert record_of(session, "a").status == RecordStatus.PENDING


def test_after_a_cancel_no_hold_can_succeed(session):
    record = claim(session)
    services.cancel_session(session)
    with pytest.raises(records.LeaseLost):
        records.hold([record])


def test_a_lapsed_lease_gives_the_record_back(session):
    record = claim(session)
    expire_lease(record)
    report = services.sweep()
    after = fresh(record)
    assert (report.returned, after.status, after.lost_count, after.attempts) == (1, RecordStatus.PENDING, 1, 1)


def test_a_live_lease_is_left_alone_by_the_sweep(session):
    record = claim(session)
    assert services.sweep().returned == 0
    assert fresh(record).status == RecordStatus.RUNNING


def test_the_third_lost_worker_fails_the_record(session):
    for _ in range(3):
        record = claim(session)
        expire_lease(record)
        services.sweep()
    after = fresh(record)
    assert (after.status, after.message_code, after.lost_count) == (RecordStatus.FAILED, "WORKER_LOST", 3)
    session.refresh_from_db()
    assert session.status == SessionStatus.FAILED


def test_a_record_lost_twice_is_claimed_alone(session, make_instances):
    make_instances("b", "c")
    other = services.start_session(
        category="account", sync_type="manual_batch", instances=Instance.objects.exclude(name="a")
    )
    SyncInstanceRecord.objects.filter(instance_name="a").update(lost_count=2)
    busy = claims.claim_fetches(limit=9, free_bytes=10**9, idle=False).records
    assert sorted(record.instance_name for record in busy) == ["b", "c"]
    (alone,) = claims.claim_fetches(limit=9, free_bytes=10**9, idle=True).records
    assert alone.instance_name == "a"
    assert other.records.filter(status=RecordStatus.RUNNING).count() == 2


def test_drop_skips_what_was_disabled_meanwhile(session):
    Instance.objects.update(is_active=False)
    assert services.sweep().dropped == 1
    assert (record_of(session, "a").status, record_of(session, "a").reason) == ("skipped", "instance_disabled")


@pytest.mark.parametrize("gone", ["deleted", "purged"])
def test_drop_skips_what_was_deleted_meanwhile(session, gone):
    if gone == "deleted":
        Instance.objects.update(deleted_at=Now())
    else:
        Instance.objects.all().delete()
    assert services.sweep().dropped == 1
    assert record_of(session, "a").status == RecordStatus.SKIPPED


def test_a_claim_drops_what_was_deleted_meanwhile(session):
    Instance.objects.update(deleted_at=Now())
    assert claims.claim_fetches(limit=1, free_bytes=10**9, idle=True).records == []
    assert record_of(session, "a").status == RecordStatus.SKIPPED


def test_release_returns_the_record_untouched(session):
    record = claim(session)
    assert records.release(record)
    after = fresh(record)
    assert (after.status, after.attempts, after.claim_token) == (RecordStatus.PENDING, 0, None)


def test_finalize_waits_for_the_last_record_and_happens_once(session):
    assert not sessions.finalize(session.pk)
    record = claim(session)
    records.hold([record])
    records.complete([record], {record.pk: ItemCounts(synced=1)})
    assert sessions.finalize(session.pk)
    assert not sessions.finalize(session.pk)


def test_finalize_never_touches_a_cancelled_session(session):
    services.cancel_session(session)
    assert not sessions.finalize(session.pk)
    session.refresh_from_db()
    assert (session.status, session.cancelled_instances) == (SessionStatus.CANCELLED, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "running"},
        {"claim_token": uuid.uuid4()},
        {"status": "completed"},
        {"completed_at": timezone.now()},
        {"status": "pending", "completed_at": timezone.now()},
        {"lease_expires_at": timezone.now() + timedelta(minutes=1)},
    ],
)
def test_the_database_itself_refuses_impossible_records(session, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        SyncInstanceRecord.objects.update(**wrong)


def test_the_database_refuses_two_open_records_of_one_instance(session):
    other = SyncSession.objects.create(sync_type="manual_task", sync_category="account")
    with pytest.raises(IntegrityError), transaction.atomic():
        SyncInstanceRecord.objects.create(
            session=other, instance=Instance.objects.get(), instance_name="a", sync_category="account"
        )
