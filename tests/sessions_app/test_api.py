"""The session center for programs: shapes, filters, numbers, cancel and retry."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from instances.models import Instance
from sessions_app.models import SyncInstanceRecord, SyncSession
from tests.people import api, person
from tests.sessions_app.rows import REJECTED, add_record, session_with

URL = "/api/v1/sync-sessions"
SESSION_KEYS = {
    "id", "session_id", "sync_type", "sync_category", "status", "outcome", "started_at", "completed_at",
    "total_instances", "successful_instances", "failed_instances", "skipped_instances", "cancelled_instances",
    "created_by", "parameters", "summary", "error_summary", "retry_of", "created_at", "updated_at",
}  # fmt: skip
RECORD_KEYS = {
    "id", "session_id", "instance_id", "instance_name", "sync_category", "status", "started_at", "completed_at",
    "items_synced", "items_created", "items_updated", "items_deleted", "attempts", "lost_count", "next_attempt_at",
    "message_code", "reason", "error_params", "error_message", "sync_details", "created_at",
}  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def categories(script):
    """The fake categories, so that what starts needs no server."""


def listed(**query) -> list[int]:
    answer = api("viewer").get(URL, query)
    assert answer.status_code == 200, answer.content
    return [item["id"] for item in answer.json()["data"]["items"]]


# The list


def test_a_session_has_every_field_of_the_contract():
    session_with("completed")
    assert api("viewer").get(URL).json()["data"]["items"][0].keys() >= SESSION_KEYS


def test_a_running_session_shows_counts_of_its_records():
    session_with("completed", "completed", "failed", "skipped", "running", "pending", "pending", "pending")
    shown = api("viewer").get(URL).json()["data"]["items"][0]
    assert (shown["successful_instances"], shown["failed_instances"], shown["skipped_instances"]) == (2, 1, 1)
    assert (shown["running_instances"], shown["pending_instances"], shown["progress_percentage"]) == (1, 3, 50)
    assert (shown["outcome"], shown["completed_at"]) == ("", None)


def test_a_final_session_shows_its_frozen_counts_even_when_records_are_gone():
    session = session_with("completed", "failed")
    SyncInstanceRecord.objects.filter(session=session).delete()
    shown = api("viewer").get(URL).json()["data"]["items"][0]
    assert (shown["successful_instances"], shown["failed_instances"]) == (1, 1)
    assert (shown["status"], shown["outcome"], shown["progress_percentage"]) == ("failed", "partial", 100)
    assert shown["error_summary"] == [{"message_code": "DATABASE_CONNECTION_ERROR", "reason": "refused", "count": 1}]


def test_times_are_utc():
    session_with("completed")
    assert api("viewer").get(URL).json()["data"]["items"][0]["started_at"].endswith("Z")


def test_the_list_narrows_by_type_category_and_status():
    account = session_with("completed")
    capacity = session_with("pending", sync_category="capacity", sync_type="scheduled_task")
    assert listed(sync_category="capacity") == [capacity.pk]
    assert listed(status="completed") == [account.pk]
    assert listed(sync_type="scheduled_task") == [capacity.pk]


def test_scheduled_is_understood_as_scheduled_task():
    session = session_with("completed", sync_type="scheduled_task")
    session_with("completed")
    assert listed(sync_type="scheduled") == [session.pk]


def test_the_list_narrows_by_instance_and_keeps_the_counts_whole():
    wanted = session_with("completed", "failed", "running")
    session_with("completed")
    instance = wanted.records.first().instance
    assert listed(instance_id=instance.pk) == [wanted.pk]
    shown = api("operator").get(URL, {"instance_id": instance.pk}).json()["data"]
    assert (shown["total"], shown["items"][0]["failed_instances"]) == (1, 1)


def test_an_instance_id_beyond_every_id_finds_nothing_and_breaks_nothing():
    assert listed(instance_id=2**63 - 1) == []
    assert api("operator").get(URL, {"instance_id": 2**63}).status_code == 400


def test_the_list_narrows_by_who_started_it_by_name_or_id():
    user = person("operator")
    mine = session_with("completed", created_by=user)
    session_with("completed")
    assert listed(created_by="operator") == [mine.pk]
    shown = api("root").get(URL, {"created_by": user.pk}).json()["data"]["items"]
    assert [(item["id"], item["created_by"], item["created_by_name"]) for item in shown] == [
        (mine.pk, user.pk, "operator")
    ]


def test_the_list_narrows_by_time():
    now = timezone.now()
    old = session_with("completed", started_at=now - timedelta(days=3))
    new = session_with("completed", started_at=now - timedelta(hours=1))
    border = (now - timedelta(days=1)).isoformat()
    assert listed(started_after=border) == [new.pk]
    assert api("root").get(URL, {"started_before": border}).json()["data"]["items"][0]["id"] == old.pk


def test_a_long_list_takes_as_many_statements_as_a_short_one(django_assert_num_queries):
    def fill(number: int) -> None:
        for _ in range(number):
            session_with("completed", "failed", created_by=user, retry_of=first)
            session_with("running", "completed", "pending", created_by=user, retry_of=first)

    user, client = person("operator"), api("viewer")
    first = session_with("completed")
    fill(1)
    with django_assert_num_queries(7) as few:  # login 2, permissions 2, count, page, counts of the running ones
        client.get(URL, {"limit": 100})
    fill(10)
    with django_assert_num_queries(len(few)):
        client.get(URL, {"limit": 100})


# One session


def test_one_session_comes_with_the_first_page_of_its_records():
    session = session_with(*["completed"] * 23, "failed")
    shown = api("viewer").get(f"{URL}/{session.session_id}").json()["data"]["session"]
    assert shown.keys() >= SESSION_KEYS | {"progress_percentage", "duration_seconds"}
    assert (len(shown["instance_records"]), shown["records_total"]) == (20, 24)
    assert shown["instance_records"][0].keys() >= RECORD_KEYS
    assert shown["instance_records"][0]["session_id"] == str(session.session_id)


def test_one_session_names_what_it_retries_and_what_retried_it():
    first = session_with("failed")
    second = session_with("completed", retry_of=first)
    client = api("viewer")
    assert client.get(f"{URL}/{first.session_id}").json()["data"]["session"]["retries"] == [str(second.session_id)]
    assert client.get(f"{URL}/{second.session_id}").json()["data"]["session"]["retry_of"] == str(first.session_id)


@pytest.mark.parametrize("name", ["00000000-0000-4000-8000-000000000000", "7", "not-a-uuid", "%00", "statistic"])
def test_a_session_that_does_not_exist_is_404_by_name(name):
    answer = api("viewer").get(f"{URL}/{name}")
    assert (answer.status_code, answer.json()["message_code"]) == (404, "RESOURCE_NOT_FOUND")


def test_account_records_repeat_their_items_as_accounts_and_others_do_not():
    account = session_with("completed")
    capacity = session_with("completed", sync_category="aggregation")
    client = api("viewer")
    shown = client.get(f"{URL}/{account.session_id}/records").json()["data"]["items"][0]
    assert [shown[f"accounts_{kind}"] for kind in ("synced", "created", "updated", "deleted")] == [10, 3, 2, 1]
    other = client.get(f"{URL}/{capacity.session_id}/records").json()["data"]["items"][0]
    assert not [name for name in other if name.startswith("accounts_")]


def test_a_record_says_what_went_wrong_and_what_helps():
    session = session_with("failed")
    shown = api("viewer").get(f"{URL}/{session.session_id}/records").json()["data"]["items"][0]
    assert shown["error_message"] == "db.example:5432 refuses connections: Connection refused"
    assert shown["hint"] == "Check host, port and firewall, and that the server is running."


def test_a_record_shows_no_claim_token():
    session = session_with("running")
    token = str(session.records.get().claim_token)
    assert token not in api("viewer").get(f"{URL}/{session.session_id}/records").content.decode()


def test_records_narrow_by_status_code_reason_and_name():
    session = session_with(
        {"status": "completed", "name": "billing"},
        {"status": "failed", "name": "orders"},
        {"status": "failed", "name": "ORDERS-2", **REJECTED},
    )
    client, url = api("viewer"), f"{URL}/{session.session_id}/records"

    def names(**query) -> list[str]:
        return [item["instance_name"] for item in client.get(url, query).json()["data"]["items"]]

    assert names(status="completed") == ["billing"]
    assert names(reason="auth") == ["ORDERS-2"]
    assert names(message_code="DATABASE_CONNECTION_ERROR") == ["orders", "ORDERS-2"]
    assert names(search="order") == ["orders", "ORDERS-2"]
    assert names(search="%") == []
    assert names(sort="instance_name", order="desc")[0] in ("orders", "billing")
    assert client.get(url, {"status": "lost"}).status_code == 400


def test_records_of_a_large_session_are_paged_by_a_fixed_number_of_statements(django_assert_num_queries):
    session = session_with(*["completed"] * 45)
    client = api("viewer")
    with django_assert_num_queries(7):  # login 2, permissions 2, session, count, page
        data = client.get(f"{URL}/{session.session_id}/records", {"limit": 40}).json()["data"]
    assert (len(data["items"]), data["total"], data["pages"]) == (40, 45, 2)


def test_error_logs_group_what_failed_and_page_the_records():
    session = session_with(
        "completed", *["failed"] * 3, {"status": "failed", **REJECTED}, "skipped", {"status": "pending"}
    )
    data = api("viewer").get(f"{URL}/{session.session_id}/error-logs", {"limit": 2}).json()["data"]
    assert data["session"]["session_id"] == str(session.session_id)
    assert data["error_count"] == 4
    assert data["error_groups"] == [
        {"message_code": "DATABASE_CONNECTION_ERROR", "reason": "refused", "count": 3},
        {"message_code": "DATABASE_CONNECTION_ERROR", "reason": "auth", "count": 1},
    ]
    assert len(data["error_records"]) == 2
    assert (data["total"], data["page"], data["pages"], data["limit"]) == (4, 1, 2, 2)
    assert {record["status"] for record in data["error_records"]} == {"failed"}


def test_statistics_count_everything_in_one_statement(django_assert_num_queries):
    now = timezone.now()
    session_with("completed")
    session_with("completed", started_at=now - timedelta(days=2), sync_type="scheduled_task")
    session_with("failed")
    session_with("running", sync_category="capacity")
    client = api("viewer")
    with django_assert_num_queries(5):  # login 2, permissions 2, numbers
        data = client.get(f"{URL}/statistics").json()["data"]
    assert (data["total_sessions"], data["running_now"], data["success_rate"]) == (4, 1, 66.67)
    assert data["by_status"] == {"running": 1, "completed": 2, "failed": 1, "cancelled": 0}
    assert data["by_category"]["account"] == 3
    assert data["by_type"] == {"manual_single": 0, "manual_batch": 0, "manual_task": 3, "scheduled_task": 1}
    assert data["last_24_hours"] == {
        "sessions": 3,
        "by_status": {"running": 1, "completed": 1, "failed": 1, "cancelled": 0},
        "success_rate": 50.0,
    }


def test_statistics_of_nothing_have_no_rate():
    assert api("viewer").get(f"{URL}/statistics").json()["data"]["success_rate"] is None


# Cancel and retry


def test_cancel_ends_the_session_and_its_open_records_and_again_is_no_error():
    session = session_with("completed", "running", "pending")
    client, url = api("operator"), f"{URL}/{session.session_id}/actions/cancel"
    shown = client.post(url).json()["data"]["session"]
    assert (shown["status"], shown["cancelled_instances"], shown["successful_instances"]) == ("cancelled", 2, 1)
    assert client.post(url).status_code == 200
    assert set(session.records.values_list("status", flat=True)) == {"completed", "cancelled"}


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_cancel_of_a_session_that_has_ended_is_a_conflict_that_names_it(status):
    session = session_with(status)
    answer = api("operator").post(f"{URL}/{session.session_id}/actions/cancel")
    assert (answer.status_code, answer.json()["message_code"]) == (409, "SESSION_FINISHED")
    assert answer.json()["extra"] == {"session_id": str(session.session_id)}


def test_retry_starts_a_session_over_the_failed_instances():
    session = session_with("completed", "failed", {"status": "failed", **REJECTED})
    answer = api("operator").post(f"{URL}/{session.session_id}/actions/retry")
    assert answer.status_code == 200
    started = SyncSession.objects.get(session_id=answer.json()["data"]["session_id"])
    assert started.retry_of == session
    assert started.created_by.username == "operator"
    assert set(started.records.values_list("instance_id", flat=True)) == set(
        session.records.filter(status="failed").values_list("instance_id", flat=True)
    )
    assert answer.json()["data"]["session"]["total_instances"] == 2


def test_retry_narrows_by_reason_and_status():
    session = session_with("failed", {"status": "failed", **REJECTED}, "skipped")
    client, url = api("operator"), f"{URL}/{session.session_id}/actions/retry"
    by_reason = client.post(url, {"reasons": ["auth"]}).json()["data"]["session"]
    assert by_reason["total_instances"] == 1
    by_group = client.post(url, {"reasons": ["DATABASE_CONNECTION_ERROR/refused"]}).json()["data"]["session"]
    assert by_group["total_instances"] == 1
    by_status = client.post(url, {"statuses": ["skipped"]}).json()["data"]["session"]
    assert by_status["total_instances"] == 1


@pytest.mark.parametrize(
    "body",
    [{"statuses": ["completed"]}, {"statuses": []}, {"reasons": "auth"}, {"statuses": [1]}, {"reasons": ["auht"]}],
)
def test_retry_refuses_what_it_does_not_know(body):
    session = session_with("failed")
    answer = api("operator").post(f"{URL}/{session.session_id}/actions/retry", body)
    assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR")
    assert SyncSession.objects.count() == 1


def test_retry_of_a_session_without_failures_is_a_validation_error():
    session = session_with("completed")
    answer = api("operator").post(f"{URL}/{session.session_id}/actions/retry")
    assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_a_viewer_may_look_but_neither_cancel_nor_retry(action):
    session = session_with("failed", "running")
    client = api("viewer")
    assert client.get(f"{URL}/{session.session_id}").status_code == 200
    answer = client.post(f"{URL}/{session.session_id}/actions/{action}")
    assert (answer.status_code, answer.json()["message_code"]) == (403, "PERMISSION_REQUIRED")
    session.refresh_from_db()
    assert session.status == "running"


@pytest.mark.parametrize("path", ["", "/statistics"])
def test_somebody_without_a_role_sees_nothing(path):
    assert api("nobody").get(URL + path).status_code == 403


# Older paths


def test_the_older_paths_answer_the_same():
    session = session_with("running")
    client = api("operator")
    new, old = client.get(URL).json()["data"], client.get("/sync_sessions/api/sessions").json()["data"]
    for shown in (*new["items"], *old["items"]):
        del shown["duration_seconds"]
    assert old == new
    assert client.get(f"/sync_sessions/api/sessions/{session.session_id}").json()["data"]["session"]["id"] == session.pk
    assert client.get("/sync_sessions/api/statistics").json()["data"]["running_now"] == 1
    cancelled = client.post(f"/sync_sessions/api/sessions/{session.session_id}/cancel").json()["data"]["session"]
    assert cancelled["status"] == "cancelled"


@pytest.mark.parametrize("path", ["/sync_sessions/", "/history/sessions"])
def test_the_older_pages_lead_to_the_session_center(path):
    assert api("viewer").get(path)["Location"] == "/admin/sessions_app/syncsession/"


def test_a_deleted_instance_leaves_its_record_readable():
    session = session_with("completed")
    Instance.objects.all().delete()
    shown = api("viewer").get(f"{URL}/{session.session_id}/records").json()["data"]["items"][0]
    assert (shown["instance_id"], shown["instance_name"]) == (None, f"s{session.pk}-i0")


def test_a_record_that_is_being_cancelled_says_so():
    session = session_with("completed")
    instance = Instance.objects.create(name="slow", db_type="postgresql", host="slow", port=1)
    soon = timezone.now() + timedelta(minutes=1)
    add_record(session, instance, status="cancelled", slot_until=soon)
    items = api("viewer").get(f"{URL}/{session.session_id}/records").json()["data"]["items"]
    assert [item["is_cancelling"] for item in items] == [False, True]


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_an_action_refuses_what_its_body_does_not_know(action):
    session = session_with("failed", "pending")
    answer = api("operator").post(f"{URL}/{session.session_id}/actions/{action}", {"reason": "refused"})
    assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR")
    assert list(answer.json()["extra"]["fields"]) == ["reason"]
    assert SyncSession.objects.get().status == "running"


@pytest.mark.parametrize("action", ["records", "error-logs"])
def test_records_come_two_hundred_at_a_time_at_most(action):
    url = f"{URL}/{session_with('failed').session_id}/{action}"
    assert api("viewer").get(url, {"limit": 200}).json()["data"]["limit"] == 200
    answer = api("viewer").get(url, {"limit": 201})
    assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR")
