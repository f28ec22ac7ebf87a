"""The session center without scripts: what is shown, to whom, and what the dialogs do."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from instances.models import Instance
from sessions_app.models import SyncInstanceRecord, SyncSession
from tests.people import browser, person
from tests.sessions_app.rows import REJECTED, add_record, end, session_with

SESSIONS = "/admin/sessions_app/syncsession/"
RECORDS = "/admin/sessions_app/syncinstancerecord/"
INSTANCES = "/admin/instances/instance/"
CONFIRMED = {"_form_submitted": "True"}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def categories(script):
    """The fake categories, so that what starts needs no server."""


def page(session: SyncSession, role: str = "viewer", **query: str) -> str:
    answer = browser(role).get(f"{SESSIONS}{session.pk}/change/", query)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def said(answer) -> str:
    return unescape(" ".join(str(message) for message in get_messages(answer.wsgi_request)))


# The list


def test_the_list_shows_type_status_outcome_and_counts():
    session_with("completed", "failed", "skipped", sync_type="scheduled_task")
    session_with("completed", "running", "pending", "pending")
    shown = browser("viewer").get(SESSIONS).content.decode()
    assert "3 / 3 · 1 failed · 1 skipped" in shown
    assert "1 / 4" in shown
    assert 'aria-valuenow="25"' in shown
    for word in ("Scheduled", "Manual, all instances", "Partial", "Running", "Failed"):
        assert word in shown


def test_the_list_takes_as_many_statements_with_fifty_sessions_as_with_two(django_assert_max_num_queries):
    user, client = person("operator"), browser("viewer")

    def fill(number: int) -> None:
        for _ in range(number):
            session_with("completed", "failed", created_by=user)
            session_with("running", "pending", created_by=user)

    def count() -> int:
        with django_assert_max_num_queries(7) as captured:
            assert client.get(SESSIONS).status_code == 200
        return len(captured)

    fill(1)
    few = count()
    fill(12)
    assert count() == few


@pytest.mark.parametrize("kind", ["whole id", "short id", "instance"])
def test_a_session_is_found_by_its_id_and_by_an_instance(kind):
    wanted, other = session_with({"status": "failed", "name": "billing-prod"}), session_with("completed")
    term = {"whole id": str(wanted.session_id), "short id": str(wanted.session_id)[:8], "instance": "billing"}[kind]
    shown = browser("viewer").get(SESSIONS, {"q": term}).content.decode()
    assert f"{SESSIONS}{wanted.pk}/change/" in shown
    assert f"{SESSIONS}{other.pk}/change/" not in shown


@pytest.mark.parametrize(
    ("outcome", "statuses"),
    [("clean", ["completed"]), ("partial", ["completed", "failed"]), ("failed", ["failed"]), ("empty", ["skipped"])],
)
def test_the_outcome_filter_agrees_with_the_outcome(outcome, statuses):
    everything = [session_with(*wanted) for wanted in (["completed"], ["completed", "failed"], ["failed"], ["skipped"])]
    wanted = next(session for session in everything if session.outcome == outcome)
    assert wanted.records.count() == len(statuses)
    shown = browser("viewer").get(SESSIONS, {"outcome": outcome}).content.decode()
    assert [session.pk for session in everything if f"{SESSIONS}{session.pk}/change/" in shown] == [wanted.pk]


# The page of a session


def test_a_running_session_follows_itself_by_the_api_and_a_final_one_does_not():
    running, final = session_with("running"), session_with("completed")
    assert f'data-follow="/api/v1/sync-sessions/{running.session_id}"' in page(running)
    assert "data-follow" not in page(final)


def test_the_page_explains_what_failed_grouped_with_what_helps():
    shown = page(session_with("failed", "failed", {"status": "failed", **REJECTED}, "completed"))
    assert "Connection refused" in shown
    assert "Login rejected" in shown
    assert "Check host, port and firewall, and that the server is running." in shown
    assert shown.index("Connection refused") < shown.index("Login rejected")


def test_the_page_shows_failures_first_and_narrows_by_status():
    session = session_with(
        {"status": "completed", "name": "aaa"},
        {"status": "failed", "name": "zzz"},
        {"status": "running", "name": "mmm"},
    )
    shown = page(session)
    assert shown.index("zzz") < shown.index("mmm") < shown.index("aaa")
    narrowed = page(session, status="completed")
    assert "aaa" in narrowed
    assert "mmm" not in narrowed
    assert "aaa" in page(session, status="nonsense")


def test_a_record_that_waits_for_its_retry_says_when_and_why():
    later = timezone.now() + timedelta(seconds=30)
    shown = page(session_with({"status": "pending", "attempts": 1, "next_attempt_at": later, **REJECTED}))
    assert "Next attempt at" in shown
    assert "rejects the login of monitor" in shown


def test_a_cancelled_record_whose_connection_is_open_is_cancelling():
    session = session_with("completed")
    instance = Instance.objects.create(name="slow", db_type="postgresql", host="slow", port=1)
    add_record(session, instance, status="cancelled", slot_until=timezone.now() + timedelta(minutes=1))
    assert "Cancelling" in page(session)
    session.records.update(slot_until=timezone.now() - timedelta(seconds=1))
    assert "Cancelling" not in page(session)


def test_the_page_shows_lineage_and_parameters():
    first = session_with("failed")
    second = session_with("completed", retry_of=first, parameters={"force": True})
    assert f"{SESSIONS}{second.pk}/change/" in page(first)
    shown = page(second)
    assert f"{SESSIONS}{first.pk}/change/" in shown
    assert '"force": true' in shown


def test_hostile_names_and_messages_are_shown_as_text():
    session = session_with(
        {
            "status": "failed",
            "name": "<script>alert(1)</script>",
            "message_code": "DATABASE_CONNECTION_ERROR",
            "reason": "refused",
            "error_params": {"host": "<b>", "port": 1, "detail": "{0} %s <img src=x onerror=y>"},
        }
    )
    for path in (f"{SESSIONS}{session.pk}/change/", RECORDS, f"{RECORDS}{session.records.get().pk}/change/"):
        shown = browser("viewer").get(path).content.decode()
        assert "<script>alert(1)" not in shown
        assert "<img src=x" not in shown


def test_the_page_of_a_large_session_takes_as_many_statements_as_that_of_a_small_one(django_assert_max_num_queries):
    client = browser("viewer")
    sizes = []
    for number in (2, 120):
        session = session_with(*["completed"] * number, "failed", "running")
        with django_assert_max_num_queries(14) as captured:
            client.get(f"{SESSIONS}{session.pk}/change/")
        sizes.append(len(captured))
    assert sizes[0] == sizes[1]
    assert len(client.get(f"{SESSIONS}{session.pk}/change/").content) < 150_000


def test_nobody_edits_a_session():
    session = session_with("completed")
    client = browser("root")
    assert client.get(f"{SESSIONS}add/").status_code == 403
    assert client.get(f"{SESSIONS}{session.pk}/delete/").status_code == 403
    client.post(f"{SESSIONS}{session.pk}/change/", {"status": "running"})
    session.refresh_from_db()
    assert session.status == "completed"


@pytest.mark.parametrize("path", [SESSIONS, RECORDS])
def test_somebody_without_a_role_sees_neither_sessions_nor_records(path):
    assert browser("nobody").get(path).status_code == 403


def test_a_session_that_does_not_exist_leads_back():
    assert browser("viewer").get(f"{SESSIONS}4711/change/").status_code == 302


# Cancel and retry


@pytest.mark.parametrize(
    ("role", "statuses", "buttons"),
    [
        ("operator", ["running", "failed"], {"cancel"}),
        ("operator", ["failed"], {"retry_failed"}),
        ("operator", ["completed"], set()),
        ("viewer", ["running", "failed"], set()),
        ("viewer", ["failed"], set()),
    ],
)
def test_only_buttons_that_are_allowed_and_make_sense_are_shown(role, statuses, buttons):
    session = session_with(*statuses)
    shown = page(session, role)
    found = {name for name in ("cancel", "retry_failed") if f"{SESSIONS}{session.pk}/{name}/" in shown}
    assert found == buttons


def test_looking_at_the_dialog_changes_nothing_and_confirming_it_cancels():
    session = session_with("completed", "running", "pending")
    client, url = browser("operator"), f"{SESSIONS}{session.pk}/cancel/"
    assert "Cancel this session?" in client.get(url).content.decode()
    session.refresh_from_db()
    assert session.status == "running"
    answer = client.post(url, CONFIRMED, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == f"{SESSIONS}{session.pk}/change/"
    session.refresh_from_db()
    assert (session.status, session.cancelled_instances) == ("cancelled", 2)
    assert "is cancelled" in said(answer)


def test_the_dialog_works_without_scripts():
    session = session_with("running")
    answer = browser("operator").post(f"{SESSIONS}{session.pk}/cancel/", CONFIRMED)
    assert answer["Location"] == f"{SESSIONS}{session.pk}/change/"


def test_cancelling_what_has_just_ended_says_so():
    session = session_with("running")
    end(session.records.get())
    SyncSession.objects.filter(pk=session.pk).update(status="completed", completed_at=timezone.now())
    answer = browser("operator").post(f"{SESSIONS}{session.pk}/cancel/", CONFIRMED)
    assert "already finished" in said(answer)


def test_retry_starts_a_session_and_leads_to_it():
    session = session_with("failed", "completed")
    chosen = {**CONFIRMED, "reasons": ["DATABASE_CONNECTION_ERROR/refused"]}
    answer = browser("operator").post(f"{SESSIONS}{session.pk}/retry_failed/", chosen)
    started = SyncSession.objects.get(retry_of=session)
    assert answer["Location"] == f"{SESSIONS}{started.pk}/change/"
    assert (started.total_instances, started.created_by.username) == (1, "operator")


def test_an_error_group_leads_to_the_retry_of_exactly_its_instances():
    session = session_with("failed", "failed", {"status": "failed", "name": "login", **REJECTED})
    client = browser("operator")
    links = [part.split('"')[0] for part in page(session, "operator").split('hx-get="') if "?reason=" in part[:200]]
    assert len(links) == 2
    ticked = client.get(next(link for link in links if link.endswith("/auth"))).context["form"]["reasons"].value()
    assert ticked == ["DATABASE_CONNECTION_ERROR/auth"]
    client.post(f"{SESSIONS}{session.pk}/retry_failed/", {**CONFIRMED, "reasons": ticked})
    assert [record.instance_name for record in SyncSession.objects.get(retry_of=session).records.all()] == ["login"]
    assert "?reason=" not in page(session, "viewer")


def test_a_retry_of_everything_is_what_the_dialog_offers_and_of_nothing_is_refused():
    session = session_with("failed", {"status": "failed", **REJECTED})
    client, url = browser("operator"), f"{SESSIONS}{session.pk}/retry_failed/"
    offered = ["DATABASE_CONNECTION_ERROR/auth", "DATABASE_CONNECTION_ERROR/refused"]
    assert client.get(url).context["form"]["reasons"].value() == offered
    for reasons in ([], ["nonsense"]):
        assert client.post(url, {**CONFIRMED, "reasons": reasons}).status_code == 200
    assert SyncSession.objects.count() == 1


@pytest.mark.parametrize("action", ["cancel", "retry_failed"])
def test_a_viewer_cannot_reach_an_action_by_its_address(action):
    session = session_with("running", "failed")
    answer = browser("viewer").post(f"{SESSIONS}{session.pk}/{action}/", CONFIRMED)
    assert answer.status_code == 403
    assert SyncSession.objects.count() == 1


def test_an_action_without_a_csrf_token_is_refused():
    session = session_with("running")
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("operator"))
    assert client.post(f"{SESSIONS}{session.pk}/cancel/", CONFIRMED).status_code == 403
    session.refresh_from_db()
    assert session.status == "running"


def test_every_action_that_changes_something_asks_first():
    """Without a dialog unfold runs an action on GET, so that a link alone could start it."""
    unasked = []
    for model_admin in admin.site._registry.values():
        for kind in ("actions_list", "actions_row", "actions_detail"):
            for name in getattr(model_admin, kind, ()):
                method = getattr(model_admin, name)
                if getattr(method, "dialog", None) is None:
                    unasked.append(f"{model_admin}.{name}")
    assert not unasked


# Records


def test_records_narrow_by_session_status_code_and_reason():
    mine = session_with({"status": "failed", "name": "mine"}, {"status": "completed", "name": "fine"})
    session_with({"status": "failed", "name": "other", **REJECTED})
    client = browser("viewer")

    def names(**query: str) -> set[str]:
        shown = client.get(RECORDS, query).context["cl"].result_list
        return {record.instance_name for record in shown}

    assert names(session=str(mine.session_id)) == {"mine", "fine"}
    assert names(session=str(mine.session_id)[:8]) == {"mine", "fine"}
    assert names(status__exact="failed") == {"mine", "other"}
    assert names(reason="auth") == {"other"}
    assert names(message_code="DATABASE_CONNECTION_ERROR") == {"mine", "other"}
    assert names(session=str(mine.session_id), status__exact="failed", reason="refused") == {"mine"}


def test_the_links_of_the_page_lead_to_exactly_these_records():
    session = session_with("failed", {"status": "failed", "name": "login", **REJECTED}, "completed")
    session_with({"status": "failed", **REJECTED})
    shown = page(session)
    link = next(part.split('"')[0] for part in shown.split('href="') if "reason=auth" in part.split('"')[0])
    records = browser("viewer").get(link).context["cl"].result_list
    assert [record.instance_name for record in records] == ["login"]


def test_the_list_of_records_takes_a_fixed_number_of_statements(django_assert_max_num_queries):
    client = browser("viewer")
    session_with(*["completed"] * 60)
    with django_assert_max_num_queries(9):
        client.get(RECORDS)


def test_the_page_of_a_record_shows_details_and_what_helps():
    session = session_with({"status": "failed", "sync_details": {"version": 1, "databases": ["a"]}})
    shown = unescape(browser("viewer").get(f"{RECORDS}{session.records.get().pk}/change/").content.decode())
    assert "Check host, port and firewall" in shown
    assert '"databases"' in shown
    assert "('failed'" not in shown


# Starting from instances


@pytest.fixture
def fleet(make_instances) -> list[Instance]:
    return [Instance.objects.get(name=instance.name) for instance in make_instances("a", "b", "c")]


def chosen(instances: list[Instance], **fields: str) -> dict[str, object]:
    return {"action": "sync_account", "_selected_action": [str(instance.pk) for instance in instances], **fields}


def test_chosen_instances_are_asked_for_first_and_then_synchronized(fleet):
    client = browser("operator")
    asked = client.post(INSTANCES, chosen(fleet[:2]))
    assert "Synchronize 2 instances?" in asked.content.decode()
    assert not SyncSession.objects.exists()
    answer = client.post(INSTANCES, chosen(fleet[:2], **CONFIRMED))
    session = SyncSession.objects.get()
    assert (session.sync_type, session.sync_category, session.parameters) == ("manual_batch", "account", {})
    assert set(session.records.values_list("instance_name", flat=True)) == {"a", "b"}
    assert f"{SESSIONS}{session.pk}/change/" in said(answer)


def test_the_tick_in_the_dialog_forces(fleet):
    browser("operator").post(INSTANCES, chosen(fleet[:1], force="on", **CONFIRMED))
    assert SyncSession.objects.get().parameters == {"force": True}


def test_choosing_across_pages_takes_everything(fleet):
    browser("operator").post(INSTANCES, chosen(fleet[:1], select_across="1", **CONFIRMED))
    assert SyncSession.objects.get().total_instances == 3


def test_the_list_button_synchronizes_every_active_instance(fleet):
    Instance.objects.filter(name="c").update(is_active=False)
    browser("operator").post(reverse("admin:instances_instance_sync_account_all"), CONFIRMED)
    session = SyncSession.objects.get()
    assert (session.sync_type, session.total_instances) == ("manual_task", 2)


@pytest.mark.parametrize(("category", "said_of_it"), [("capacity", "read this instance"), ("aggregation", "no server")])
def test_only_what_refuses_reads_can_be_forced(fleet, category, said_of_it):
    page = browser("operator").get(f"{INSTANCES}{fleet[0].pk}/sync-{category}/").content.decode()
    assert "Accept a much shorter list" not in page
    assert said_of_it in page


def test_the_instance_page_synchronizes_this_one_by_the_workers(fleet):
    client, url = browser("operator"), f"{INSTANCES}{fleet[0].pk}/sync-account/"
    assert "Accept a much shorter list" in client.get(url).content.decode()
    answer = client.post(url, CONFIRMED, headers={"HX-Request": "true"})
    session = SyncSession.objects.get()
    assert (session.sync_type, session.status, session.records.get().instance) == ("manual_batch", "running", fleet[0])
    assert f"{SESSIONS}{session.pk}/change/" in said(answer)


def test_a_disabled_instance_is_explained_and_not_synchronized(fleet):
    Instance.objects.update(is_active=False)
    answer = browser("operator").post(f"{INSTANCES}{fleet[0].pk}/sync-account/", CONFIRMED)
    assert "There is no active instance" in said(answer)
    assert not SyncSession.objects.exists()


def test_a_viewer_is_offered_no_synchronization_and_cannot_reach_it(fleet):
    client = browser("viewer")
    assert "sync-account" not in client.get(f"{INSTANCES}{fleet[0].pk}/change/").content.decode()
    listed = client.get(INSTANCES).content.decode()
    assert "sync-account" not in listed
    assert "sync_account" not in listed
    assert client.post(f"{INSTANCES}{fleet[0].pk}/sync-account/", CONFIRMED).status_code == 403
    assert client.post(reverse("admin:instances_instance_sync_account_all"), CONFIRMED).status_code == 403
    client.post(INSTANCES, chosen(fleet, **CONFIRMED))
    assert not SyncInstanceRecord.objects.exists()
