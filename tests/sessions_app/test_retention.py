"""What goes when it is old, what never goes, and within which bounds."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import Schedule, Task
from knox.models import AuthToken

from accounts_sync.models import AccountChangeLog, InstanceAccount
from instances.models import Instance
from sessions_app import purging, retention, schedules, services
from sessions_app.checks import check_retention
from sessions_app.models import InstanceCoverage, SyncInstanceRecord, SyncSession
from tests.people import person
from tests.sessions_app.rows import session_with

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def alone(settings) -> None:
    """The end of a session starts no other one."""
    settings.SYNC_FOLLOW_UPS = {}


def ago(days: float):
    return timezone.now() - timedelta(days=days)


def old_session(days: float, *statuses: str) -> SyncSession:
    session = session_with(*(statuses or ("completed", "completed")))
    SyncSession.objects.filter(pk=session.pk).update(started_at=ago(days), completed_at=ago(days))
    return session


def change(days: float, record: SyncInstanceRecord) -> AccountChangeLog:
    account, _ = InstanceAccount.objects.get_or_create(instance=record.instance, db_type="postgresql", username="app")
    return AccountChangeLog.objects.create(
        account=account,
        instance=record.instance, db_type="postgresql", username="app", change_type="add", change_time=ago(days),
        session=record.session, record=record, session_uuid=record.session.session_id,
    )  # fmt: skip


def task(days: float, *, success: bool) -> None:
    Task.objects.create(
        id=f"{days}-{success}", name="x", func="x", started=ago(days), stopped=ago(days), success=success
    )


NOTHING = dict.fromkeys(settings.RETENTION, 0)


def numbers(*kinds: str, dry_run: bool = False) -> dict[str, int]:
    return {one.kind: one.number for one in retention.run(kinds, dry_run=dry_run)}


def test_each_kind_goes_after_its_own_time():
    old, new = old_session(181), old_session(179)
    for days in (731, 729):
        change(days, new.records.first())
    for days in (8, 6):
        task(days, success=True)
        task(days, success=False)
    for days in (31, 29, -1):
        AuthToken.objects.create(person("viewer"), expiry=timedelta(days=-days))
    AuthToken.objects.create(person("viewer"), expiry=None)
    expected = NOTHING | {"account_changes": 1, "sessions": 1, "queue_results": 2, "api_tokens": 1}
    assert numbers(dry_run=True) == expected
    assert SyncSession.objects.count() == 2
    assert numbers() == expected
    assert numbers() == NOTHING
    assert list(SyncSession.objects.all()) == [new]
    assert not SyncInstanceRecord.objects.filter(session=old.pk).exists()
    assert (new.records.count(), Task.objects.count(), AuthToken.objects.count()) == (2, 2, 3)


def test_accounts_coverage_and_instances_stay():
    session = old_session(400)
    record = session.records.first()
    change(800, record)
    InstanceCoverage.objects.create(
        instance=record.instance, sync_category="account", scope="server", status="ok", last_ok_at=ago(400)
    )
    before = Instance.objects.count(), InstanceAccount.objects.count(), InstanceCoverage.objects.count()
    assert numbers() == NOTHING | {"account_changes": 1, "sessions": 1}
    assert before == (Instance.objects.count(), InstanceAccount.objects.count(), InstanceCoverage.objects.count())


def test_a_running_session_stays_however_old_it_is():
    session = session_with("running", "pending", "completed", started_at=ago(4000))
    assert numbers("sessions") == {"sessions": 0}
    assert session.records.count() == 3


def test_what_a_change_refers_to_stays_as_long_as_the_change():
    session = old_session(200, "completed", "completed", "completed")
    kept = session.records.first()
    log = change(200, kept)
    assert numbers("sessions", dry_run=True) == {"sessions": 0}
    assert numbers("sessions") == {"sessions": 0}
    log.refresh_from_db()
    assert (log.session, log.record) == (session, kept)
    assert list(session.records.all()) == [kept]
    AccountChangeLog.objects.update(record=None)
    assert numbers("sessions") == {"sessions": 0}
    assert list(SyncSession.objects.all()) == [session]
    log.delete()
    assert numbers("sessions") == {"sessions": 1}


def test_a_purge_by_hand_goes_the_same_way(manage):
    kept, _gone = old_session(200), old_session(200)
    change(1, kept.records.first())
    assert manage("sessions", "purge", "--older-than", "190", "--json").json["purged"] == 1
    assert list(SyncSession.objects.all()) == [kept]


def test_a_retry_outlives_the_session_that_it_came_from():
    parent = old_session(200)
    child = session_with("completed", retry_of=parent)
    assert numbers("sessions") == {"sessions": 1}
    child.refresh_from_db()
    assert child.retry_of is None


def test_zero_keeps_for_ever(settings):
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "sessions": 0}
    old_session(36_000)
    assert numbers("sessions") == {"sessions": 0}
    assert services.purge_sessions(ago(1), dry_run=True) == 1


def test_a_batch_is_bounded_and_the_oldest_goes_first(monkeypatch):
    monkeypatch.setattr(purging, "BATCH", 3)
    for days in (9, 30, 12, 20, 11, 10, 8):
        task(days, success=False)
    left: list[int] = []
    wait = time.monotonic

    def clock() -> float:
        left.append(Task.objects.count())
        return wait() if len(left) < 3 else wait() + 1000

    monkeypatch.setattr(purging.time, "monotonic", clock)
    assert purging.purge_queue_results(ago(7), until=wait() + 500) == 6
    assert left == [7, 4, 1]
    assert Task.objects.get().id == "8-False"


def test_a_run_stops_when_its_time_is_over_and_the_next_goes_on(settings):
    settings.RETENTION_SECONDS = 0
    old_session(200)
    (one,) = retention.run(["sessions"])
    assert (one.number, one.is_complete) == (0, False)
    settings.RETENTION_SECONDS = 60
    (one,) = retention.run(["sessions"])
    assert (one.number, one.is_complete) == (1, True)


def test_a_hundred_sessions_cost_no_statement_each():
    def cost(number: int) -> int:
        for _ in range(number):
            old_session(200, "completed")
        with CaptureQueriesContext(connection) as sent:
            assert services.purge_sessions(ago(190)) == number
        return len(sent)

    assert cost(2) == cost(60)


# The command and the schedule


def test_the_command_tells_before_it_deletes(manage):
    old_session(200)
    ended = manage("retention", "--dry-run", "--kind", "sessions", "--kind", "api_tokens")
    assert ended.out.splitlines() == [
        "sessions: 1 would be deleted (older than 180 days)",
        "api_tokens: 0 would be deleted (older than 30 days)",
    ]
    assert SyncSession.objects.exists()
    document = manage("retention", "--kind", "sessions", "--json").json
    assert document == {
        "dry_run": False,
        "kinds": [{"kind": "sessions", "days": 180, "number": 1, "is_complete": True}],
    }


def test_the_command_says_what_is_kept_and_what_is_left(manage, settings):
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "sessions": 0}
    settings.RETENTION_SECONDS = 0
    lines = manage("retention").out.splitlines()
    assert [line.partition(":")[0] for line in lines] == list(settings.RETENTION)
    assert (
        "account_changes: 0 deleted (older than 730 days); the time of this run is over, the next one goes on" in lines
    )
    assert "sessions: kept for ever" in lines


def test_the_command_knows_its_kinds(manage, db):
    assert manage("retention", "--kind", "everything").status == 2


def test_the_workers_do_it_each_day_unless_somebody_paused_or_moved_it():
    schedules.install()
    row = Schedule.objects.get(name="retention")
    assert row.next_run > timezone.now()
    assert row.func == "sessions_app.tasks.retain"
    Schedule.objects.update(cron="0 7 * * 0", repeats=0)
    schedules.install()
    assert Schedule.objects.values_list("cron", "repeats").get(name="retention") == ("0 7 * * 0", 0)


# Settings


@pytest.mark.parametrize("days", ["-5", "two weeks", "", -1, 1.5, True, 36_501])
def test_a_number_of_days_that_is_none_is_named(settings, days):
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "sessions": days}
    (message,) = check_retention()
    assert message.id == "sessions_app.E051"
    assert "RETENTION_SESSIONS_DAYS" in message.hint


def test_a_kind_needs_both_a_function_and_a_number(settings):
    settings.RETENTION = {**settings.RETENTION, "backups": "capacity.no_such.purge"}
    assert [message.id for message in check_retention()] == ["sessions_app.E050", "sessions_app.E052"]


# On a large database


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite explains otherwise")
def test_nothing_is_looked_for_in_a_whole_table():
    """Enough rows that PostgreSQL would rather not read them all."""
    session = old_session(1)
    record = session.records.first()
    SyncSession.objects.bulk_create(
        SyncSession(sync_type="manual_task", sync_category="account", status="completed", completed_at=ago(1))
        for _ in range(3000)
    )
    AccountChangeLog.objects.bulk_create(
        AccountChangeLog(
            instance=record.instance, db_type="postgresql", change_type="add", session_uuid=session.session_id
        )
        for _ in range(3000)
    )  # fmt: skip
    SyncInstanceRecord.objects.bulk_create(
        SyncInstanceRecord(
            session=session, instance_name="x", sync_category="account", status="completed", completed_at=ago(1)
        )
        for _ in range(3000)
    )  # fmt: skip
    old_session(200, "completed", "completed")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sync_sessions, sync_instance_records, account_change_log")
    with CaptureQueriesContext(connection) as sent:
        assert numbers("sessions", "account_changes") == {"account_changes": 0, "sessions": 1}
    sql = [query["sql"] for query in sent if query["sql"].startswith(("SELECT", "DELETE", "UPDATE"))]
    filled = "Seq Scan on (sync_sessions|sync_instance_records|account_change_log)"
    for statement, plan in explained(sql):
        assert not re.search(filled, plan), f"{statement}\n{plan}"
    # The other tables are empty here, and how an empty one is read says nothing: ask whether an index would do.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    for statement, plan in explained(sql):
        plan = plan.replace("Seq Scan on sync_schedules", "")  # which is read whole: a row for each category
        assert "Seq Scan" not in plan, f"{statement}\n{plan}"


def explained(statements: list[str]) -> Iterator[tuple[str, str]]:
    """Each statement with the plan that PostgreSQL makes for it."""
    for sql in statements:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            yield sql, "\n".join(line for (line,) in cursor.fetchall())
