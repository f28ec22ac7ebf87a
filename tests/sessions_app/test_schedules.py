"""What starts by itself: when, once, not beside itself, and what is said when it does not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import OperationalError
from django.utils import timezone, translation
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler
from django_q.signing import SignedPackage

from instances.models import Instance
from sessions_app import claims, cron, engine, schedules, services, tasks
from sessions_app.models import SyncSession
from sessions_app.timetable import SyncSchedule
from tests.sessions_app.rows import end, session_with
from whalefall.errors import InvalidCron, NoActiveInstance, NotFound, ScheduleBusy, ScheduleFixed

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(script, make_instances, settings, monkeypatch) -> SyncSchedule:
    """The schedule of the accounts, over two instances."""
    # django-q2 begins each look with fresh connections, and would end this test's transaction.
    monkeypatch.setattr("django_q.scheduler.close_old_django_connections", lambda: None)
    settings.SYNC_JITTER_SECONDS = 0
    make_instances("a", "b")
    schedules.install()
    return schedules.get("account")


def hours_ago(hours: float) -> datetime:
    return timezone.now() - timedelta(hours=hours)


def set_back(schedule: SyncSchedule, **hours: float) -> None:
    """As if the schedule's times lay some hours in the past."""
    SyncSchedule.objects.filter(pk=schedule.pk).update(**{name: hours_ago(value) for name, value in hours.items()})


def come_due(schedule: SyncSchedule) -> None:
    """What the workers do when the time has come: django-q2's scheduler, and then whatever it queued."""
    set_back(schedule, next_run=0.01)
    OrmQ.objects.all().delete()
    scheduler()
    for row in OrmQ.objects.all():
        task = SignedPackage.loads(row.payload)
        if task["func"] == schedule.func:
            tasks.start_scheduled(*task["args"], **task["kwargs"])


def sessions() -> list[SyncSession]:
    return list(SyncSession.objects.order_by("pk"))


def finish(session: SyncSession) -> None:
    for record in session.records.all():
        end(record)
    services.sweep()


# Cron -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", "* * * *",
        "* * * * * *", "61 * * * *", "0 25 * * *", "at one", "@daily", "0 0 31 2 *", "R R * * *", "h 1 * * *",
        "0 1 * * 8", "0 1 * * *" + ",1" * 60, "0 1 * * \x00", "０ 1 * * *", "*/0 * * * *",
    ],
)  # fmt: skip
def test_what_is_no_cron_of_five_fields_is_refused(text):
    with pytest.raises(InvalidCron):
        cron.check(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 1 * * *", "daily at 01:00"),
        ("5 * * * *", "hourly at minute 5"),
        ("*/15 * * * *", "every 15 minutes"),
        ("*/7 * * * *", "*/7 * * * *"),
        ("30 22 * * 1-5", "Mon, Tue, Wed, Thu, Fri at 22:30"),
        ("0 6 * * 0", "Sun at 06:00"),
        ("0 6 * * 7", "Sun at 06:00"),
        ("0 6 1 * *", "on day 1 of each month at 06:00"),
        ("0 6 1 * 1", "0 6 1 * 1"),
        ("0 6 L * *", "0 6 L * *"),
        ("0 6 * * 5#2", "0 6 * * 5#2"),
        ("0 6 1 1 *", "0 6 1 1 *"),
        ("0 8-18 * * *", "0 8-18 * * *"),
    ],
)
def test_simple_times_are_said_in_words_and_others_as_they_are_written(text, words):
    assert cron.check(f"  {text.replace(' ', '   ')} ") == text
    with translation.override("en"):
        assert cron.words(text) == words


def test_times_are_those_of_the_configured_zone(settings):
    settings.TIME_ZONE = "Asia/Shanghai"
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert cron.next_after("0 1 * * *", noon) == datetime(2026, 11, 22, 17, tzinfo=UTC)
    assert cron.last_before("0 1 * * *", noon) == datetime(2026, 11, 21, 17, tzinfo=UTC)


# Installing -------------------------------------------------------------------------------------------------------


def test_each_category_that_exists_gets_its_schedule_and_the_others_when_they_come(script, settings):
    settings.SYNC_CATEGORIES = ["tests.sessions_app.fakes.FakeFetching"]
    assert schedules.install() == ["sweep", "retention", "account"]
    settings.SYNC_CATEGORIES = ["tests.sessions_app.fakes.FakeFetching", "tests.sessions_app.fakes.FakeLocal"]
    assert schedules.install() == ["aggregation"]
    assert schedules.install() == []
    row = Schedule.objects.get(name="account")
    assert (row.func, row.cron, row.repeats) == ("sessions_app.tasks.start_scheduled", "0 1 * * *", -1)
    assert timezone.localtime(row.next_run).hour == 1


def test_installing_again_keeps_what_was_edited_and_paused(account):
    schedules.edit(account, cron_text="30 5 * * *")
    schedules.pause(account)
    schedules.install()
    kept = schedules.get("account")
    assert (kept.cron, kept.is_paused, SyncSchedule.objects.filter(key="account").count()) == ("30 5 * * *", True, 1)


# Coming due -------------------------------------------------------------------------------------------------------


def test_what_is_due_starts_one_scheduled_session_over_every_active_instance(account):
    Instance.objects.filter(name="b").update(is_active=False)
    come_due(account)
    (session,) = sessions()
    assert (session.sync_type, session.sync_category, session.created_by) == ("scheduled_task", "account", None)
    assert [record.instance_name for record in session.records.all()] == ["a"]
    after = schedules.get("account")
    assert (after.last_session, after.missed_at) == (session, None)
    assert after.next_run > timezone.now()


def test_a_due_time_that_the_queue_delivers_twice_starts_one_session(account):
    due = hours_ago(0)
    first = schedules.start_due(key="account", due=due)
    finish(first)
    assert schedules.start_due(key="account", due=due) is None
    assert sessions() == [first]


def test_a_scheduled_start_beside_one_that_still_runs_is_left_out_and_written_down(account, caplog):
    come_due(account)
    (running,) = sessions()
    come_due(account)
    assert sessions() == [running]
    assert f"session {running.session_id} still runs" in caplog.text
    assert schedules.get("account").blocked_by == running
    finish(running)
    come_due(account)
    assert len(sessions()) == 2
    assert schedules.get("account").blocked_by is None


def test_a_scheduled_start_beside_a_manual_session_over_everything_is_left_out(account):
    manual = services.start_session(category="account", sync_type="manual_task", instances=Instance.objects.all())
    come_due(account)
    assert sessions() == [manual]
    assert schedules.get("account").blocked_by == manual


def test_a_manual_session_over_chosen_instances_does_not_keep_the_schedule_from_starting(account):
    services.start_session(category="account", sync_type="manual_batch", instances=Instance.objects.all())
    come_due(account)
    assert [session.sync_type for session in sessions()] == ["manual_batch", "scheduled_task"]


def test_a_start_that_failed_is_made_up_for_by_the_sweep(account, monkeypatch):
    due = hours_ago(0.1)
    at = timezone.localtime(due)
    SyncSchedule.objects.filter(pk=account.pk).update(armed_at=hours_ago(24), cron=f"{at.minute} {at.hour} * * *")

    def refuse(**options):
        raise OperationalError("canceling statement due to lock timeout")

    with monkeypatch.context() as broken:
        broken.setattr(services, "start_session", refuse)
        with pytest.raises(OperationalError):
            schedules.start_due(key="account", due=due)
    tasks.sweep()
    (session,) = sessions()
    tasks.sweep()
    assert sessions() == [session]
    assert schedules.get("account").last_session == session


def test_the_sweep_makes_up_neither_for_what_was_put_off_nor_beyond_the_grace(account, settings):
    at = timezone.localtime(hours_ago(2))
    SyncSchedule.objects.filter(pk=account.pk).update(armed_at=hours_ago(24), cron=f"{at.minute} {at.hour} * * *")
    tasks.sweep()
    assert sessions() == []
    settings.SYNC_SCHEDULE_GRACE_SECONDS = 3 * 3600
    schedules.pause(account)
    tasks.sweep()
    assert sessions() == []


def test_a_deleted_session_leaves_its_schedule_in_place(account):
    come_due(account)
    SyncSession.objects.all().delete()
    assert schedules.get("account").last_session is None


# Pause, resume, edit, run -----------------------------------------------------------------------------------------


def test_a_paused_schedule_starts_nothing_until_it_is_resumed(account):
    schedules.pause(schedules.pause(account))
    come_due(account)
    assert sessions() == []
    resumed = schedules.resume(schedules.resume(account))
    assert resumed.upcoming > timezone.now()
    come_due(account)
    assert len(sessions()) == 1


def test_a_pause_holds_even_what_had_come_due_a_moment_before(account):
    schedules.pause(account)
    assert schedules.start_due(key="account", due=timezone.now()) is None
    assert sessions() == []


def test_resuming_does_not_make_up_for_what_was_due_meanwhile(account):
    schedules.pause(account)
    set_back(account, next_run=30)
    schedules.resume(account)
    scheduler()
    assert sessions() == []
    assert schedules.get("account").missed_at is None


def test_an_edited_schedule_comes_due_at_its_new_time_and_a_paused_one_stays_paused(account):
    schedules.pause(account)
    edited = schedules.edit(account, cron_text=" 30  5 * * 1-5 ")
    assert (edited.cron, edited.is_paused) == ("30 5 * * 1-5", True)
    local = timezone.localtime(edited.next_run)
    assert (local.hour, local.minute) == (5, 30)


def test_a_bad_cron_changes_nothing(account):
    before = SyncSchedule.objects.filter(key="account").values().get()
    with pytest.raises(InvalidCron):
        schedules.edit(account, cron_text="0 0 31 2 *")
    assert SyncSchedule.objects.filter(key="account").values().get() == before


@pytest.mark.parametrize("change", ["pause", "resume", "edit"])
def test_the_sweep_cannot_be_changed(account, change):
    sweep = schedules.get("sweep")
    with pytest.raises(ScheduleFixed):
        {
            "pause": lambda: schedules.pause(sweep),
            "resume": lambda: schedules.resume(sweep),
            "edit": lambda: schedules.edit(sweep, cron_text="0 1 * * *"),
        }[change]()
    assert not schedules.get("sweep").is_paused


def test_run_now_starts_at_once_and_leaves_the_times_alone(account, settings):
    settings.SYNC_JITTER_SECONDS = 60
    session = schedules.run(account)
    assert session.sync_type == "scheduled_task"
    assert claims.claimable(session).count() == 2
    assert schedules.get("account").next_run == account.next_run


def test_run_now_is_refused_while_a_scheduled_session_runs(account):
    running = schedules.run(account)
    with pytest.raises(ScheduleBusy) as raised:
        schedules.run(account)
    assert raised.value.extra == {"session_id": str(running.session_id)}
    assert sessions() == [running]


def test_run_now_without_an_active_instance_is_refused(account):
    Instance.objects.update(is_active=False)
    with pytest.raises(NoActiveInstance):
        schedules.run(account)
    assert sessions() == []


def test_upkeep_that_is_run_now_goes_to_the_workers(account):
    OrmQ.objects.all().delete()
    assert schedules.run(schedules.get("sweep")) is None
    assert [SignedPackage.loads(row.payload)["func"] for row in OrmQ.objects.all()] == ["sessions_app.tasks.sweep"]


# Did not run ------------------------------------------------------------------------------------------------------


@pytest.fixture
def daily(account, settings) -> SyncSchedule:
    """A schedule that came due two hours ago, installed long before."""
    settings.SYNC_SCHEDULE_GRACE_SECONDS = 3600
    two_hours_ago = timezone.localtime(hours_ago(2))
    schedules.edit(account, cron_text=f"{two_hours_ago.minute} {two_hours_ago.hour} * * *")
    set_back(account, armed_at=100)
    return schedules.get("account")


def test_a_due_time_at_which_nothing_started_is_missed_after_its_grace(daily, settings):
    assert abs(daily.missed_at - hours_ago(2)) < timedelta(minutes=2)
    settings.SYNC_SCHEDULE_GRACE_SECONDS = 3 * 3600
    set_back(daily, answered_until=20)  # that of the day before had its session
    assert schedules.get("account").missed_at is None


def test_whatever_starts_afterwards_ends_the_warning(daily):
    schedules.run(daily)
    assert schedules.get("account").missed_at is None


def test_a_start_that_an_older_session_kept_away_is_missed_too(daily):
    session_with("running", sync_type="scheduled_task", sync_category="account")
    assert schedules.start_due(key="account", due=hours_ago(2)) is None
    assert schedules.get("account").missed_at is not None


def test_a_late_start_answers_every_due_time_before_it(daily):
    assert schedules.start_due(key="account", due=hours_ago(26)) is not None
    assert schedules.get("account").missed_at is None


@pytest.mark.parametrize("change", ["edit", "resume"])
def test_an_edited_or_resumed_schedule_is_expected_from_then_on(daily, change):
    times = daily.cron
    if change == "edit":
        schedules.edit(schedules.edit(daily, cron_text="0 0 1 1 *"), cron_text=times)
    else:
        schedules.resume(schedules.pause(daily))
    assert schedules.get("account").missed_at is None


@pytest.mark.parametrize("hours", [1.5, 0])
def test_a_schedule_installed_after_its_due_time_has_missed_nothing(daily, hours):
    set_back(daily, armed_at=hours)
    assert schedules.get("account").missed_at is None


def test_a_paused_schedule_has_missed_nothing(daily):
    assert schedules.pause(daily).missed_at is None


def test_a_sweep_that_nobody_looks_at_is_missed(account):
    assert schedules.get("sweep").missed_at is None
    set_back(schedules.get("sweep"), next_run=2)
    assert schedules.get("sweep").missed_at is not None


# Jitter -----------------------------------------------------------------------------------------------------------


def offsets(session: SyncSession) -> dict[str, float]:
    """Seconds from the start after which each instance may be read."""
    rows = session.records.values_list("instance_name", "next_attempt_at")
    return {name: (moment - session.started_at).total_seconds() for name, moment in rows}


def test_the_records_of_a_due_session_begin_spread_over_the_jitter(account, settings, make_instances):
    settings.SYNC_JITTER_SECONDS = 60
    make_instances(*(f"more-{number}" for number in range(58)))
    first = schedules.start_due(key="account", due=hours_ago(1))
    places = sorted(offsets(first).values())
    assert places[0] >= 0
    assert places[-1] < 60
    gaps = [later - earlier for earlier, later in pairwise(places)]
    assert max(gaps) < 5  # 60 instances in 60 seconds: never a burst, never a hole
    assert claims.claimable(first).count() < 5


def test_an_instance_has_the_same_place_every_night(account, settings):
    settings.SYNC_JITTER_SECONDS = 60
    first = schedules.start_due(key="account", due=hours_ago(1))
    finish(first)
    second = schedules.start_due(key="account", due=hours_ago(0))
    assert offsets(second) == pytest.approx(offsets(first))


def test_the_turn_that_a_start_wakes_waits_for_every_place_in_the_jitter(account, settings):
    settings.SYNC_JITTER_SECONDS = 1
    session = schedules.start_due(key="account", due=hours_ago(0))
    engine.run()
    session.refresh_from_db()
    assert (session.outcome, session.successful_instances) == ("clean", 2)


def test_local_work_needs_no_jitter(account, settings):
    settings.SYNC_JITTER_SECONDS = 60
    session = schedules.start_due(key="aggregation", due=hours_ago(0))
    assert claims.claimable(session).count() == 2


# The command ------------------------------------------------------------------------------------------------------


def test_the_command_lists_times_sessions_and_what_went_wrong(manage, daily):
    running = session_with("running", sync_type="scheduled_task", sync_category="account")
    schedules.start_due(key="account", due=hours_ago(2))
    line = next(line for line in manage("schedules", "list").out.splitlines() if line.startswith("account"))
    assert f"session {running.session_id} was still running" in line
    assert "did not run at" in line
    (job,) = [job for job in json.loads(manage("schedules", "list", "--json").out) if job["id"] == "account"]
    assert (job["state"], job["blocked_by"]) == ("active", str(running.session_id))
    assert job["missed_at"].endswith("Z")


def test_the_command_installs_pauses_resumes_and_runs(manage, script, make_instances):
    make_instances("a")
    assert "account" in manage("schedules", "install").out
    assert json.loads(manage("schedules", "install", "--json").out) == {"installed": []}
    assert json.loads(manage("schedules", "pause", "account", "--json").out)["state"] == "paused"
    assert "next at" in manage("schedules", "resume", "account").out
    assert json.loads(manage("schedules", "run", "account", "--json").out)["sync_type"] == "scheduled_task"
    again = manage("schedules", "run", "account")
    assert (again.status, again.err.split(":")[0]) == (1, "SYNC_ALREADY_RUNNING")


@pytest.mark.parametrize(
    ("action", "schedule", "code"),
    [("pause", "nonsense", "RESOURCE_NOT_FOUND"), ("pause", "sweep", "VALIDATION_ERROR")],
)
def test_the_command_says_by_code_what_it_cannot_do(manage, account, action, schedule, code):
    ended = manage("schedules", action, schedule)
    assert (ended.status, ended.err.split(":")[0]) == (1, code)


def test_an_unknown_schedule_is_not_found(db):
    with pytest.raises(NotFound):
        schedules.get("nonsense")
