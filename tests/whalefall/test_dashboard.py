"""What the first page counts and warns of."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from accounts_sync.models import AccountChangeLog, InstanceAccount
from instances.models import Instance
from sessions_app.models import Heartbeat
from sessions_app.services import sweep
from tests.people import browser
from tests.sessions_app.conftest import FAKES
from tests.sessions_app.rows import session_with

pytestmark = pytest.mark.django_db


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


def test_the_dashboard_says_that_workers_work_or_why_they_do_not():
    assert cards(dashboard())["Workers"] == ("none yet", "no worker has swept yet")
    sweep()
    assert cards(dashboard())["Workers"][0] == "working"
    Heartbeat.objects.filter(name="sweep").update(at=timezone.now() - timedelta(hours=1))
    (card,) = dashboard()["urgent_cards"]
    assert (card.title, card.tone) == ("Work stands still", "bad")
    assert card.detail.startswith("no worker sweeps (for 36")
