"""Schedules on pages and by REST: what is shown, to whom, and what may be done."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from sessions_app import schedules
from sessions_app.models import SyncInstanceRecord, SyncSession
from sessions_app.timetable import SyncSchedule
from tests.people import api, browser
from tests.sessions_app.rows import session_with

PAGES = "/admin/sessions_app/syncschedule/"
URL = "/api/v1/scheduler/jobs"
CONFIRMED = {"_form_submitted": "True"}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def account(script, make_instances) -> SyncSchedule:
    make_instances("a")
    schedules.install()
    return schedules.get("account")


def page(schedule: SyncSchedule) -> str:
    return f"{PAGES}{schedule.pk}/change/"


def press(client, schedule: SyncSchedule, button: str):
    """Confirm the dialog of a button."""
    return client.post(f"{PAGES}{schedule.pk}/{button}/", CONFIRMED)


def said(answer) -> str:
    return unescape(" ".join(str(message) for message in get_messages(answer.wsgi_request)))


def late(schedule: SyncSchedule) -> None:
    """Installed two days ago, and nothing has ever started."""
    SyncSchedule.objects.filter(pk=schedule.pk).update(armed_at=timezone.now() - timedelta(days=2))


# Pages ------------------------------------------------------------------------------------------------------------


def test_the_list_shows_times_in_words_the_last_session_and_its_outcome(account):
    session = session_with("completed", "failed", sync_type="scheduled_task")
    SyncSchedule.objects.filter(pk=account.pk).update(last_session=session)
    shown = browser("viewer").get(PAGES).content.decode()
    for text in ("daily at 01:00", "every minute", str(session.session_id)[:8], "Partial", "Active"):
        assert text in shown


def test_the_list_takes_as_many_statements_with_four_schedules_as_with_two(account, django_assert_max_num_queries):
    client = browser("viewer")
    client.get(PAGES)

    def count() -> int:
        with django_assert_max_num_queries(10) as captured:
            assert client.get(PAGES).status_code == 200
        return len(captured)

    few = count()
    for key in ("capacity", "classification"):
        session = session_with("completed")
        SyncSchedule.objects.create(
            key=key, func=account.func, schedule_type="C", cron="0 3 * * *", last_session=session, blocked_by=session,
            last_due_at=timezone.now(),
        )  # fmt: skip
    assert count() == few


def test_a_schedule_that_did_not_run_is_marked_in_the_list_and_first_on_the_dashboard(account):
    client = browser("viewer")
    assert "Schedules that did not run" not in client.get("/admin/").content.decode()
    late(account)
    assert "Did not run" in client.get(PAGES).content.decode()
    assert "Does a worker run?" in unescape(client.get(page(account)).content.decode())
    (card,) = client.get("/admin/").context["urgent_cards"]
    assert (card.title, card.value, card.detail, card.link) == ("Schedules that did not run", "1", "Accounts", PAGES)


def test_what_was_left_out_names_the_session_that_was_in_the_way(account):
    running = session_with("running", sync_type="scheduled_task")
    schedules.start_due(key="account", due=timezone.now())
    shown = browser("viewer").get(page(account)).content.decode()
    assert f"/admin/sessions_app/syncsession/{running.pk}/change/" in shown
    assert "was still running" in shown


def test_an_admin_edits_the_times_and_a_bad_cron_is_an_error_in_the_form(account):
    client = browser("admin")
    answer = client.post(page(account), {"cron": "0 0 31 2 *"})
    assert answer.status_code == 200
    assert "is no cron expression that ever comes due" in unescape(answer.content.decode())
    assert schedules.get("account").cron == "0 1 * * *"
    assert client.post(page(account), {"cron": "30  5 * * 1-5"}).status_code == 302
    edited = schedules.get("account")
    assert (edited.cron, timezone.localtime(edited.next_run).hour) == ("30 5 * * 1-5", 5)


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_an_admin_edits_and_pauses(account, role):
    client = browser(role)
    assert client.post(page(account), {"cron": "0 5 * * *"}).status_code == 403
    assert press(client, account, "pause").status_code == 403
    kept = schedules.get("account")
    assert (kept.cron, kept.is_paused) == ("0 1 * * *", False)


def test_pause_and_resume_are_buttons_where_they_make_sense(account):
    client = browser("admin")
    shown = client.get(page(account)).content.decode()
    assert f"{PAGES}{account.pk}/pause" in shown
    assert f"{PAGES}{account.pk}/resume" not in shown
    assert "paused" in said(press(client, account, "pause"))
    assert f"{PAGES}{account.pk}/resume" in client.get(page(account)).content.decode()
    press(client, account, "resume")
    assert not schedules.get("account").is_paused


def test_an_operator_runs_a_schedule_and_is_led_to_its_session(account):
    client = browser("operator")
    said_first = said(press(client, account, "run-now"))
    session = SyncSession.objects.get()
    assert str(session.session_id)[:8] in said_first
    assert session.created_by.username == "operator"
    assert "is still running" in said(press(client, account, "run-now"))


def test_a_viewer_runs_nothing(account):
    assert press(browser("viewer"), account, "run-now").status_code == 403
    assert not SyncSession.objects.exists()


def test_the_sweep_is_shown_and_has_nothing_to_edit():
    sweep = schedules.get("sweep")
    shown = browser("admin").get(page(sweep)).content.decode()
    assert "every minute" in shown
    assert f"{PAGES}{sweep.pk}/pause" not in shown
    assert browser("admin").post(page(sweep), {"cron": "0 1 * * *"}).status_code == 403


def test_there_is_one_page_for_schedules():
    client = browser("root")
    assert client.get("/admin/django_q/schedule/").status_code == 404
    assert client.get(f"{PAGES}add/").status_code == 403


def test_a_record_that_waits_for_its_place_is_not_said_to_wait_for_a_retry(settings, account):
    settings.SYNC_JITTER_SECONDS = 3600
    session = schedules.start_due(key="account", due=timezone.now())
    shown = browser("viewer").get(f"/admin/sessions_app/syncsession/{session.pk}/change/").content.decode()
    assert "Begins at" in shown
    assert "Next attempt" not in shown
    assert SyncInstanceRecord.objects.get().attempts == 0


# REST -------------------------------------------------------------------------------------------------------------


def job(role: str = "viewer") -> dict:
    answer = api(role).get(URL)
    assert answer.status_code == 200, answer.content
    return next(item for item in answer.json()["data"]["items"] if item["id"] == "account")


def test_a_job_says_when_it_comes_due_and_what_became_of_it(account):
    assert job() == {
        "id": "account", "name": "Accounts", "sync_category": "account", "cron": "0 1 * * *",
        "description": "daily at 01:00", "state": "active", "is_editable": True, "next_run": job()["next_run"],
        "last_due_at": None, "missed_at": None, "last_session": None, "last_status": None, "last_outcome": None,
        "last_started_at": None, "blocked_by": None,
    }  # fmt: skip
    assert job()["next_run"].endswith("Z")
    late(account)
    assert job()["missed_at"].endswith("Z")
    assert api("viewer").get(f"{URL}/account").json()["data"]["job"] == job()


def test_an_admin_edits_pauses_resumes_and_runs_by_rest():
    admin = api("admin")
    assert admin.put(f"{URL}/account", {"cron": "30 5 * * *"}).json()["data"]["job"]["cron"] == "30 5 * * *"
    paused = admin.post(f"{URL}/account/actions/pause").json()["data"]["job"]
    assert (paused["state"], paused["next_run"]) == ("paused", None)
    assert admin.post(f"{URL}/account/actions/resume").json()["data"]["job"]["state"] == "active"
    started = admin.post(f"{URL}/account/actions/run").json()["data"]
    assert started["session_id"] == str(SyncSession.objects.get().session_id)
    assert started["session"]["pending_instances"] == 1
    assert job()["last_session"] == started["session_id"]
    again = admin.post(f"{URL}/account/actions/run")
    assert (again.status_code, again.json()["message_code"]) == (409, "SYNC_ALREADY_RUNNING")
    assert admin.post(f"{URL}/sweep/actions/run").json()["data"] == {"session_id": None, "session": None}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("put", "account", {"cron": "at one"}, 400, "VALIDATION_ERROR"),
        ("put", "account", {"cron": ""}, 400, "VALIDATION_ERROR"),
        ("put", "account", {"cron": "0 1 * * *", "repeats": 3}, 400, "VALIDATION_ERROR"),
        ("put", "account", {}, 400, "VALIDATION_ERROR"),
        ("put", "sweep", {"cron": "0 1 * * *"}, 400, "VALIDATION_ERROR"),
        ("put", "nonsense", {"cron": "0 1 * * *"}, 404, "RESOURCE_NOT_FOUND"),
        ("post", "account/actions/pause", {"for": "ever"}, 400, "VALIDATION_ERROR"),
        ("post", "sweep/actions/pause", {}, 400, "VALIDATION_ERROR"),
        ("post", "nonsense/actions/run", {}, 404, "RESOURCE_NOT_FOUND"),
    ],
)
def test_a_bad_request_is_refused_by_code_and_changes_nothing(method, path, body, status, code):
    before = list(SyncSchedule.objects.order_by("key").values())
    answer = getattr(api("admin"), method)(f"{URL}/{path}", body)
    assert (answer.status_code, answer.json()["message_code"]) == (status, code)
    assert list(SyncSchedule.objects.order_by("key").values()) == before


@pytest.mark.parametrize(
    ("role", "method", "path", "body"),
    [
        ("nobody", "get", "", None),
        ("viewer", "put", "/account", {"cron": "0 5 * * *"}),
        ("operator", "put", "/account", {"cron": "0 5 * * *"}),
        ("operator", "post", "/account/actions/pause", {}),
        ("operator", "post", "/account/actions/resume", {}),
        ("viewer", "post", "/account/actions/run", {}),
    ],
)
def test_who_may_not_is_refused(role, method, path, body):
    assert getattr(api(role), method)(f"{URL}{path}", body).status_code == 403


def test_an_operator_runs_a_schedule_by_rest():
    assert api("operator").post(f"{URL}/account/actions/run").status_code == 200
