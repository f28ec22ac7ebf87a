"""The pages that span apps: dashboard, sidebar, libraries' pages, request ids, health, tokens, schema."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta
from html import unescape

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.db.utils import InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from accounts_sync.models import AccountChangeLog, InstanceAccount
from instances.models import Credential, Instance
from sessions_app.models import Heartbeat, SyncInstanceRecord
from sessions_app.services import sweep
from tests.people import api, browser, person
from tests.sessions_app.conftest import FAKES
from tests.sessions_app.rows import session_with
from whalefall.console.middleware import RequestIdFilter, RequestIdMiddleware
from whalefall.errors import NotFound, ValidationFailed

pytestmark = pytest.mark.django_db


# The dashboard


def make_instance(name: str, **fields) -> Instance:
    return Instance.objects.create(name=name, db_type="postgresql", host=name, port=5432, **fields)


def dashboard(role: str = "viewer") -> dict[str, object]:
    answer = browser(role).get("/admin/")
    assert answer.status_code == 200
    return answer.context


def cards(context) -> dict[str, tuple[str, str]]:
    return {card.title: (card.value, card.detail) for card in context["cards"]}


def test_the_dashboard_counts_instances_sessions_accounts_and_changes():
    instance = make_instance("a")
    make_instance("off", is_active=False)
    make_instance("bin", deleted_at=timezone.now())
    for name, fields in {
        "app": {},
        "dba": {"is_superuser": True},
        "pg": {"is_system": True},
        "old": {"is_active": False},
    }.items():
        InstanceAccount.objects.create(instance=instance, db_type="postgresql", username=name, **fields)
    session = session_with("running", "pending", "completed")
    for baseline in (True, False):
        AccountChangeLog.objects.create(
            instance=instance, db_type="postgresql", username="app", session_uuid=session.session_id, change_type="add",
            is_baseline=baseline,
        )  # fmt: skip
    shown = cards(dashboard())
    assert shown["Instances"] == ("4", "1 disabled")  # with the three of the session
    assert shown["Sessions running"] == ("1", "2 instances to go")
    assert shown["Accounts"] == ("2", "on 1 instance")
    assert shown["Superusers"][0] == "1"
    assert shown["Changes in 24 hours"][0] == "1"


def test_the_dashboard_shows_the_last_session_of_each_category(settings):
    settings.SYNC_CATEGORIES, settings.SYNC_FOLLOW_UPS = FAKES, {}
    now = timezone.now()
    session_with("failed", started_at=now - timedelta(hours=3))
    session_with("completed", started_at=now - timedelta(hours=2))
    session_with("completed", "failed", sync_category="aggregation", started_at=now - timedelta(hours=1))
    session_with("running")
    shown = cards(dashboard())
    assert shown["Last session: Accounts"][0] == "Clean"
    assert shown["Last session: Aggregation"][0] == "Partial"


def test_a_suspended_credential_comes_before_everything_else():
    make_instance("billing", rejected_login="x", rejected_reason="auth", rejected_at=timezone.now())
    context = dashboard()
    assert [card.title for card in context["urgent_cards"]] == ["Credential suspended"]
    shown = unescape(browser("viewer").get("/admin/").content.decode())
    assert shown.index("billing: the login was rejected") < shown.index("Sessions running")


def test_a_suspended_instance_that_is_disabled_needs_nobody():
    make_instance("billing", is_active=False, rejected_login="x", rejected_at=timezone.now())
    assert not dashboard()["urgent_cards"]


def test_the_dashboard_names_what_nobody_can_connect_to_and_leads_there():
    assert "Unreachable" not in cards(dashboard())
    for name in ("billing", "disabled"):
        make_instance(name, is_active=name == "billing", connection_failures=7, breaker_opened_at=timezone.now())
    assert cards(dashboard())["Unreachable"][0] == "1"
    shown = unescape(browser("viewer").get("/admin/").content.decode())
    assert "billing: nobody could connect" in shown
    assert "/admin/instances/instance/?state=unreachable" in shown


def test_the_dashboard_takes_as_many_statements_with_much_data_as_with_little(django_assert_max_num_queries):
    def count() -> int:
        with django_assert_max_num_queries(26) as captured:
            client.get("/admin/")
        return len(captured)

    client = browser("viewer")
    make_instance("suspended", rejected_login="x", rejected_at=timezone.now())
    make_instance("unreachable", breaker_opened_at=timezone.now())
    session_with("completed")
    session_with("running")
    few = count()
    for number in range(10):
        make_instance(f"suspended-{number}", rejected_login="x", rejected_at=timezone.now())
        session_with("completed", "failed")
        session_with("running", "pending", "completed")
    assert count() == few


def test_somebody_without_a_role_sees_no_numbers():
    session_with("running")
    context = dashboard("nobody")
    assert (context["cards"], context["urgent_cards"], context["latest_sessions"]) == ([], [], [])


# The sidebar and the pages of libraries


def sidebar(role: str) -> set[str]:
    groups = browser(role).get("/admin/").context["sidebar_navigation"]
    return {str(item["title"]) for group in groups for item in group["items"]}


def test_the_sidebar_shows_what_the_role_may_see():
    assert {"Dashboard", "Sync sessions", "Instance records", "Instances"} <= sidebar("viewer")
    assert "Schedules" in sidebar("viewer")
    assert not {"Users", "API tokens", "Queued tasks"} & sidebar("viewer")
    assert {"Users", "API tokens", "Schedules", "Queued tasks", "Failed tasks"} <= sidebar("root")
    assert sidebar("nobody") == {"Dashboard"}


def test_every_page_of_the_admin_opens_for_a_superuser():
    client = browser("root")
    broken = {}
    for model in admin.site._registry:
        url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        status = client.get(url).status_code
        if status != 200:
            broken[url] = status
    assert not broken


def test_every_page_of_the_admin_is_made_with_the_theme():
    """A page of a library that is not has invisible inputs."""
    from unfold.admin import ModelAdmin

    assert not [page for page in admin.site._registry.values() if not isinstance(page, ModelAdmin)]


def test_tokens_are_seen_and_revoked_in_the_admin_but_never_made_there():
    made, token = AuthToken.objects.create(person("operator"))
    client = browser("root")
    shown = client.get("/admin/knox/authtoken/").content.decode()
    assert made.token_key in shown
    assert token not in shown
    assert client.get("/admin/knox/authtoken/add/").status_code == 403


# Paths


@pytest.mark.parametrize(
    ("path", "target"), [("/", "/admin/"), ("/accounts/login/?next=/admin/", "/admin/login/?next=/admin/")]
)
def test_short_paths_lead_to_the_admin(path, target):
    assert Client().get(path)["Location"] == target


def test_the_language_can_be_changed():
    client = browser("viewer")
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/admin/"})
    assert client.get("/admin/")["Content-Language"] == "zh-hans"


@pytest.mark.parametrize("path", ["/api/v1/sync-sessions/", "/api/v2/anything", "/api/", "/sync_sessions/api/nothing"])
def test_unknown_api_paths_answer_the_envelope_even_while_debugging(path, settings):
    settings.DEBUG = True
    answer = APIClient().get(path)
    assert (answer.status_code, answer.json()["message_code"]) == (404, "RESOURCE_NOT_FOUND")


def test_the_schema_is_valid_complete_and_tells_of_the_envelope():
    schema = APIClient().get("/api/v1/openapi.json").json()
    assert {
        "/api/v1/sync-sessions",
        "/api/v1/sync-sessions/statistics",
        "/api/v1/sync-sessions/{session_id}",
        "/api/v1/sync-sessions/{session_id}/records",
        "/api/v1/sync-sessions/{session_id}/error-logs",
        "/api/v1/sync-sessions/{session_id}/actions/cancel",
        "/api/v1/sync-sessions/{session_id}/actions/retry",
        "/api/v1/instances/actions/sync-accounts",
        "/api/v1/instances/{id}/actions/sync-accounts",
    } <= schema["paths"].keys()
    listed = schema["paths"]["/api/v1/sync-sessions"]["get"]
    answer = listed["responses"]["200"]["content"]["application/json"]["schema"]
    assert {"success", "error", "message", "timestamp", "data"} == set(answer["required"])
    assert listed["responses"]["default"]["content"]["application/json"]["schema"]["$ref"].endswith("/Error")
    assert {"page", "limit", "sort", "order", "instance_id", "created_by"} <= {
        one["name"] for one in listed["parameters"]
    }


def test_the_schema_has_no_warnings():
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=io.StringIO())


def test_the_documentation_asks_nobody_outside():
    shown = api("viewer").get("/api/v1/docs", headers={"Accept": "text/html"}).content.decode()
    assert "swagger-ui" in shown
    assert "http://" not in shown.replace("http://testserver", "")
    assert "https://" not in shown


# Request ids


def test_a_sane_request_id_is_kept_and_another_replaced():
    client = Client()
    assert client.get("/healthz", headers={"X-Request-ID": "nightly-42_a.b"})["X-Request-ID"] == "nightly-42_a.b"
    for given in ("", "with space", "x" * 129, "línea", "a:b"):
        made = client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]
        assert made != given
        assert len(made) == 32


def test_log_lines_of_a_request_carry_its_id(caplog, rf):
    def seen(request):
        logging.getLogger("instances").warning("inside")
        return HttpResponse()

    caplog.handler.addFilter(RequestIdFilter())
    request = rf.get("/", headers={"X-Request-ID": "trace-7"})
    RequestIdMiddleware(seen)(request)
    Client().get("/nowhere", headers={"X-Request-ID": "trace-8"})  # which Django logs after every middleware
    logging.getLogger("instances").warning("outside")
    assert [record.request_id for record in caplog.records] == ["trace-7", "trace-8", "-"]


# Health


def test_health_is_in_order_once_somebody_has_swept():
    sweep()
    answer = Client().get("/healthz")
    assert (answer.status_code, answer["Cache-Control"].split(",")[0]) == (200, "max-age=0")
    assert answer.json() == {
        "status": "ok",
        "database": "ok",
        "reasons": [],
        "sweep_age_seconds": pytest.approx(0, abs=5),
        "queue_age_seconds": None,
        "unclaimed_seconds": None,
        "oldest_lapsed_lease_seconds": None,
    }


def test_health_fails_with_a_stable_word_and_numbers_alone():
    sweep()
    session_with("running", "running")
    SyncInstanceRecord.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1000))
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    (reason,) = answer.json()["reasons"]
    assert reason == {"reason": "lease_lapsed", "seconds": pytest.approx(1000, abs=30), "limit": 180}


def test_health_says_when_the_database_does_not_answer():
    def fail(execute, sql, params, many, context):
        raise OperationalError("gone")

    with connection.execute_wrapper(fail):
        answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert answer.json()["reasons"] == [{"reason": "database_unreachable"}]


@pytest.mark.django_db(transaction=True)
def test_health_survives_a_connection_that_broke_since_the_last_request():
    broken = []

    def fail_once(execute, sql, params, many, context):
        if not broken:
            broken.append(sql)
            raise InterfaceError("connection already closed")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail_once):
        assert Client().get("/healthz").status_code == 200
    assert broken


def test_the_dashboard_says_that_workers_work_or_why_they_do_not():
    assert cards(dashboard())["Workers"] == ("none yet", "no worker has swept yet")
    sweep()
    assert cards(dashboard())["Workers"][0] == "working"
    Heartbeat.objects.filter(name="sweep").update(at=timezone.now() - timedelta(hours=1))
    (card,) = dashboard()["urgent_cards"]
    assert (card.title, card.tone) == ("Work stands still", "bad")
    assert card.detail.startswith("no worker sweeps (for 36")


# Tokens on the command line


def tokens(*arguments: str) -> object:
    said = io.StringIO()
    call_command("tokens", *arguments, "--json", stdout=said)
    return json.loads(said.getvalue())


def test_a_token_made_on_the_command_line_opens_the_api_until_it_is_revoked():
    person("viewer")
    made = tokens("create", "viewer")
    headers = {"Authorization": f"Token {made['token']}"}
    assert APIClient().get("/api/v1/sync-sessions", headers=headers).status_code == 200
    tokens("revoke", made["token_key"])
    assert APIClient().get("/api/v1/sync-sessions", headers=headers).status_code == 401


def test_a_token_lasts_ninety_days_unless_said_otherwise():
    person("viewer")
    for arguments, days in (((), 90), (("--days", "7"), 7)):
        tokens("create", "viewer", *arguments)
        left = AuthToken.objects.latest("created").expiry - timezone.now()
        assert timedelta(days=days) - timedelta(minutes=1) < left <= timedelta(days=days)


def test_the_list_names_tokens_and_shows_none():
    person("viewer")
    made = tokens("create", "viewer")
    (listed,) = tokens("list")
    assert (listed["token_key"], listed["user"]) == (made["token_key"], "viewer")
    assert made["token"] not in json.dumps(listed)


def test_the_token_alone_is_on_stdout_so_that_a_script_can_take_it(capsys):
    person("viewer")
    call_command("tokens", "create", "viewer")
    said = capsys.readouterr()
    assert AuthToken.objects.get().token_key == said.out.strip()[:15]
    assert len(said.out.split()) == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("create", "nobody-knows"), NotFound),
        (("create", "viewer", "--days", "0"), ValidationFailed),
        (("revoke", "nothing"), NotFound),
        (("list", "nobody-knows"), NotFound),
    ],
)
def test_what_cannot_be_done_is_an_error(arguments, error):
    person("viewer")
    with pytest.raises(error):
        call_command("tokens", *arguments)


def test_an_inactive_user_gets_no_token():
    user = person("viewer")
    user.is_active = False
    user.save()
    with pytest.raises(ValidationFailed):
        call_command("tokens", "create", "viewer")


def test_no_page_of_an_instance_shows_its_password():
    credential = Credential(name="monitor", username="monitor")
    credential.set_password("hunter2-secret")
    credential.save()
    instance = make_instance("a", credential=credential)
    client = browser("root")
    for path in (f"/admin/instances/instance/{instance.pk}/change/", "/admin/instances/credential/", "/admin/"):
        shown = client.get(path).content.decode()
        assert "hunter2-secret" not in shown
        assert credential.password_encrypted not in shown
