"""What may start, what it replaces, how it is retried, and what a sweep repairs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from instances.models import Instance
from sessions_app import claims, engine, progress, reasons, schedules, services, sessions, tasks
from sessions_app.models import RecordStatus, SessionStatus, SyncInstanceRecord, SyncSession
from tests.sessions_app.conftest import expire_lease, record_of
from whalefall.errors import (
    CATALOGUE,
    AnswerUnexplained,
    ConnectionRefused,
    ConnectionUnexplained,
    InstanceDisabled,
    NoActiveInstance,
    NothingToRetry,
    PrivilegeMissing,
    SyncAlreadyRunning,
    UnknownCategory,
    UnknownReason,
)

pytestmark = pytest.mark.django_db


def start(sync_type="manual_task", instances=None, category="account", **fields):
    chosen = Instance.objects.all() if instances is None else instances
    return services.start_session(category=category, sync_type=sync_type, instances=chosen, **fields)


def fail_with(error):
    def fail(target):
        raise error(**target.address, detail="x")

    return fail


def statuses(session):
    return dict(session.records.values_list("instance_name", "status"))


# Starting ---------------------------------------------------------------------------------------------------------


def test_a_session_has_one_record_per_active_instance(script, make_instances):
    make_instances("a", "b")
    make_instances("off", is_active=False)
    make_instances("gone", deleted_at=timezone.now())
    session = start()
    assert statuses(session) == {"a": "pending", "b": "pending"}
    assert session.total_instances == 2


@pytest.mark.parametrize("category", ["config", "other", "nonsense"])
def test_a_reserved_or_unknown_category_cannot_be_started(script, make_instances, category):
    make_instances("a")
    with pytest.raises(UnknownCategory):
        start(category=category)
    assert not SyncSession.objects.exists()


def test_an_interactive_start_without_an_active_instance_is_refused(script, db):
    with pytest.raises(NoActiveInstance):
        start()
    assert not SyncSession.objects.exists()


def test_a_scheduled_start_without_an_active_instance_ends_empty(script, db):
    session = start("scheduled_task")
    assert (session.status, session.outcome) == ("completed", "empty")


def test_an_instance_that_is_open_elsewhere_is_skipped_and_says_where(script, make_instances):
    make_instances("a", "b")
    first = start(instances=Instance.objects.filter(name="a"))
    second = start()
    assert statuses(second) == {"a": "skipped", "b": "pending"}
    skipped = record_of(second, "a")
    assert (skipped.reason, skipped.error_params) == ("already_running", {"session_id": str(first.session_id)})
    assert second.total_instances == 2


def test_a_session_of_nothing_but_skipped_records_completes_empty(script, make_instances):
    make_instances("a")
    start()
    second = start()
    assert (second.status, second.outcome, second.skipped_instances) == ("completed", "empty", 1)


def test_a_chosen_instance_supersedes_what_a_schedule_has_not_begun(script, make_instances):
    make_instances("a", "b")
    scheduled = start("scheduled_task")
    chosen = start("manual_batch", Instance.objects.filter(name="a"))
    assert statuses(scheduled) == {"a": "skipped", "b": "pending"}
    assert record_of(scheduled, "a").error_params == {"session_id": str(chosen.session_id)}
    assert statuses(chosen) == {"a": "pending"}


def test_a_run_over_all_instances_supersedes_nothing(script, make_instances):
    make_instances("a")
    scheduled = start("scheduled_task")
    start("manual_task")
    assert statuses(scheduled) == {"a": "pending"}


def test_superseding_the_last_record_ends_the_scheduled_session(script, make_instances):
    make_instances("a")
    scheduled = start("scheduled_task")
    start("manual_batch")
    scheduled.refresh_from_db()
    assert (scheduled.status, scheduled.outcome) == ("completed", "empty")


@pytest.mark.django_db(transaction=True)
def test_starting_nudges_each_worker_once_and_no_more(script, make_instances, settings):
    settings.Q_WORKERS = 3
    make_instances("a", "b")
    start(instances=Instance.objects.filter(name="a"))
    start(instances=Instance.objects.filter(name="b"))
    assert OrmQ.objects.count() == 3


def test_starting_costs_the_same_for_two_instances_and_for_thirty(
    script, make_instances, django_assert_max_num_queries
):
    make_instances("a", "b")
    with CaptureQueriesContext(connection) as few:
        start("scheduled_task")
    SyncSession.objects.all().delete()
    make_instances(*(f"i{n}" for n in range(28)))  # more rows than this take SQLite another INSERT
    with CaptureQueriesContext(connection) as many:
        start("scheduled_task")
    assert len(many) <= len(few)


# Single runs ------------------------------------------------------------------------------------------------------


def test_a_single_run_is_worked_on_by_the_caller(script, make_instances):
    (instance,) = make_instances("a")
    record = services.sync_single(category="account", instance=instance)
    assert (record.status, record.session.status, record.session.sync_type) == (
        "completed",
        "completed",
        "manual_single",
    )


def test_a_single_run_answers_with_the_first_failure(script, make_instances):
    (instance,) = make_instances("a")
    script.fetch["a"] = fail_with(ConnectionRefused)
    record = services.sync_single(category="account", instance=instance)
    assert (record.status, record.reason, record.attempts) == (RecordStatus.FAILED, "refused", 1)


def test_a_single_run_works_on_nothing_else(script, make_instances):
    instance, _other = make_instances("a", "b")
    start("scheduled_task", Instance.objects.filter(name="b"))
    services.sync_single(category="account", instance=instance)
    assert script.applied == ["a"]


def test_a_single_run_of_a_disabled_instance_is_refused(script, make_instances):
    (instance,) = make_instances("a", is_active=False)
    with pytest.raises(InstanceDisabled):
        services.sync_single(category="account", instance=instance)


def test_a_single_run_against_a_running_record_names_the_other_session(script, make_instances):
    (instance,) = make_instances("a")
    other = start()
    claims.claim_fetches(limit=1, free_bytes=10**9, idle=True)
    with pytest.raises(SyncAlreadyRunning) as raised:
        services.sync_single(category="account", instance=instance)
    assert raised.value.extra == {"session_id": str(other.session_id)}
    assert SyncSession.objects.count() == 1


# Retrying ---------------------------------------------------------------------------------------------------------


def test_retry_takes_the_failed_instances_into_a_child_session(script, make_instances):
    make_instances("good", "bad")
    script.fetch["bad"] = fail_with(PrivilegeMissing)
    first = start()
    engine.run(session=first)
    child = services.retry_session(first)
    assert (child.retry_of, statuses(child)) == (first, {"bad": "pending"})


def test_retry_can_be_narrowed_by_reason(script, make_instances):
    make_instances("a", "b")
    script.fetch["a"] = fail_with(PrivilegeMissing)
    script.fetch["b"] = fail_with(ConnectionRefused)
    first = start(max_attempts=1)
    engine.run(session=first)
    assert statuses(services.retry_session(first, reasons=["refused"])) == {"b": "pending"}
    assert statuses(services.retry_session(first, reasons=["SYNC_DATA_ERROR"])) == {"a": "pending"}


def test_retry_can_be_narrowed_to_exactly_one_error_group(script, make_instances):
    make_instances("a", "b")
    script.fetch["a"] = fail_with(AnswerUnexplained)
    script.fetch["b"] = fail_with(ConnectionUnexplained)
    first = start(max_attempts=1)
    engine.run(session=first)
    groups = {group.cause: group.example.instance_name for group in progress.error_groups(first)}
    assert groups == {"SYNC_DATA_ERROR/other": "a", "DATABASE_CONNECTION_ERROR/other": "b"}
    for cause, name in groups.items():
        child = services.retry_session(first, reasons=[cause])
        assert set(statuses(child)) == {name}
        services.cancel_session(child)
    assert set(statuses(services.retry_session(first, reasons=list(groups)))) == {"a", "b"}


@pytest.mark.parametrize("error", CATALOGUE, ids=lambda error: error.__name__)
def test_whatever_a_record_can_end_for_is_a_known_reason(error):
    reasons.matching([error.message_code, f"{error.message_code}/{error.reason}", *filter(None, [error.reason])])


@pytest.mark.parametrize("unknown", ["", "/", "nonsense", "refused/", "DATABASE_TIMEOUT/nonsense", "a/b/c", "auth "])
def test_a_retry_for_a_reason_that_does_not_exist_is_refused(script, make_instances, unknown):
    make_instances("a")
    script.fetch["a"] = fail_with(PrivilegeMissing)
    first = start(max_attempts=1)
    engine.run(session=first)
    with pytest.raises(UnknownReason):
        services.retry_session(first, reasons=["privilege", unknown])
    assert SyncSession.objects.count() == 1


def test_what_lost_its_workers_can_be_retried_after_the_crash(script, make_instances):
    make_instances("a", "b")
    first = start()
    for _ in range(3):  # each time the worker dies with both of them
        claims.claim_fetches(limit=16, free_bytes=10**9, idle=True)
        claims.claim_fetches(limit=16, free_bytes=10**9, idle=True)
        SyncInstanceRecord.objects.filter(status="running").update(
            lease_expires_at=timezone.now() - timedelta(seconds=1)
        )
        services.sweep()
    first.refresh_from_db()
    assert (first.status, set(statuses(first).values())) == ("failed", {"failed"})
    child = services.retry_session(first, reasons=["worker_lost"])
    engine.run(session=child)
    child.refresh_from_db()
    assert (child.outcome, child.retry_of, list(first.retries.all())) == ("clean", first, [child])


def test_a_retry_is_not_forced_because_the_first_run_was(script, make_instances):
    make_instances("a")
    script.fetch["a"] = fail_with(PrivilegeMissing)
    first = start(parameters={"force": True, "follow_up_of": "x", "note": "kept"})
    engine.run(session=first)
    assert services.retry_session(first).parameters == {"note": "kept"}


def test_there_is_nothing_to_retry_after_a_clean_session(script, make_instances):
    make_instances("a")
    first = start()
    engine.run(session=first)
    with pytest.raises(NothingToRetry):
        services.retry_session(first)


# Sweeping ---------------------------------------------------------------------------------------------------------


def test_a_sweep_is_idempotent(script, make_instances):
    make_instances("a")
    session = start()
    services.sweep()
    before = list(SyncInstanceRecord.objects.values()), OrmQ.objects.count()
    services.sweep()
    assert (list(SyncInstanceRecord.objects.values()), OrmQ.objects.count()) == before
    assert statuses(session) == {"a": "pending"}


def test_a_sweep_finalizes_a_session_whose_worker_died_after_its_last_record(script, make_instances):
    make_instances("a")
    session = start()
    SyncInstanceRecord.objects.update(status=RecordStatus.COMPLETED, completed_at=Now())
    assert services.sweep().finalized == 1
    session.refresh_from_db()
    assert session.status == SessionStatus.COMPLETED


@pytest.mark.django_db(transaction=True)
def test_a_sweep_wakes_the_workers_when_a_nudge_was_lost(script, make_instances, settings):
    make_instances("a")
    start()
    OrmQ.objects.all().delete()
    assert services.sweep().nudged
    assert OrmQ.objects.count() == settings.Q_WORKERS


def test_a_sweep_wakes_nobody_when_there_is_nothing_to_do(script, db):
    assert not services.sweep().nudged
    assert not OrmQ.objects.exists()


def test_a_session_survives_the_loss_of_its_worker(script, make_instances):
    make_instances("a", "b")
    session = start()
    for record in claims.claim_fetches(limit=2, free_bytes=10**9, idle=True).records:
        expire_lease(record)
    services.sweep()
    engine.run(session=session)
    session.refresh_from_db()
    assert (session.status, session.successful_instances) == ("completed", 2)


# Working ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_turn_that_leaves_work_behind_leaves_a_nudge(script, make_instances, monkeypatch):
    make_instances("a", "b")
    start()
    OrmQ.objects.all().delete()
    monkeypatch.setattr(services, "sweep", lambda: None)  # which would nudge by itself
    monkeypatch.setattr(engine, "run", lambda: len(claims.claim_fetches(limit=1, free_bytes=10**9, idle=True).records))
    tasks.work()
    assert OrmQ.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_turn_that_could_take_nothing_leaves_no_nudge(script, make_instances, monkeypatch):
    make_instances("a", "b", "c", host="same.example")
    start()
    claims.claim_fetches(limit=2, free_bytes=10**9, idle=True)  # another worker reads from this host
    OrmQ.objects.all().delete()
    monkeypatch.setattr(services, "sweep", lambda: None)
    tasks.work()
    assert not OrmQ.objects.exists()


def test_a_worker_installs_one_sweep_however_many_started_at_once(db):
    schedules.install()
    schedules.install()
    assert Schedule.objects.get(name="sweep").minutes == 1


# Afterwards -------------------------------------------------------------------------------------------------------


def test_a_follow_up_starts_over_the_completed_instances(script, make_instances, settings):
    settings.SYNC_FOLLOW_UPS = {"account": ["aggregation"]}
    make_instances("good", "bad")
    script.fetch["bad"] = fail_with(PrivilegeMissing)
    first = start()
    engine.run(session=first)
    following = SyncSession.objects.get(sync_category="aggregation")
    assert statuses(following) == {"good": "pending"}
    assert following.parameters == {"follow_up_of": str(first.session_id)}


def test_a_cancelled_session_has_no_follow_up(script, make_instances, settings):
    settings.SYNC_FOLLOW_UPS = {"account": ["aggregation"]}
    make_instances("a")
    services.cancel_session(start())
    assert SyncSession.objects.count() == 1


def test_purging_deletes_old_finished_sessions_only(script, make_instances):
    make_instances("a")
    old = start()
    engine.run(session=old)
    running = start()
    SyncSession.objects.filter(pk=old.pk).update(completed_at=timezone.now() - timedelta(days=10))
    before = timezone.now() - timedelta(days=5)
    assert services.purge_sessions(before, dry_run=True) == 1
    assert services.purge_sessions(before) == 1
    assert list(SyncSession.objects.all()) == [running]


def test_the_numbers_of_a_running_session_are_counted_from_its_records(script, make_instances):
    make_instances("a", "b", "c", "d")
    session = start()
    SyncInstanceRecord.objects.filter(instance_name="a").update(status="failed", completed_at=Now())
    (annotated,) = SyncSession.objects.all()
    progress.add_live_counts([annotated])
    assert annotated.counts == session.counts
    assert session.counts["failed"] == 1
    assert session.progress_percentage == 25
    assert not sessions.finalize(session.pk)
