"""What an operator does all day: open the session center, watch a session, cancel it, start another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from instances.models import Instance
from sessions_app import sessions
from sessions_app.models import SyncSession
from tests.sessions_app import fakes
from tests.sessions_app.conftest import FAKES
from tests.sessions_app.rows import REJECTED, end, session_with


@pytest.fixture(autouse=True)
def script(settings) -> Iterator[fakes.Script]:
    settings.SYNC_CATEGORIES = FAKES
    yield fakes.reset()
    fakes.reset()


def test_a_session_is_watched_without_reloading_until_it_ends(operator: Page):
    session = session_with("completed", "running", "pending", "pending")
    operator.locator("nav").get_by_text("Sync sessions", exact=True).click()
    operator.get_by_role("link", name=str(session.session_id)[:8]).click()
    bar = operator.get_by_role("progressbar", name="Progress of the session")
    expect(bar).to_have_attribute("aria-valuenow", "25")
    operator.evaluate("window.sameDocument = true")

    running, waiting, last = session.records.exclude(status="completed").order_by("pk")
    end(running)
    expect(bar).to_have_attribute("aria-valuenow", "50")
    expect(operator.locator("[data-finished]")).to_have_text("2")
    expect(operator.locator("[data-count=completed]")).to_have_text("2")

    end(waiting, "failed", message_code="DATABASE_TIMEOUT", reason="timeout", error_params={"host": "h", "port": 1})
    expect(operator.get_by_role("heading", name="What failed, and why")).to_be_visible()
    expect(operator.get_by_role("button", name="Retry failed")).to_have_count(0)

    end(last)
    sessions.finalize(session.pk)
    summary = operator.get_by_label("Summary")
    expect(summary.get_by_text("Failed", exact=True)).to_be_visible()
    expect(summary.get_by_text("Partial", exact=True)).to_be_visible()
    expect(operator.get_by_text("Retry failed")).to_be_visible()
    expect(operator.get_by_text("Cancel session")).to_have_count(0)
    assert operator.evaluate("window.sameDocument") is True


def test_the_list_follows_running_sessions_without_reloading(operator: Page, live_server):
    session = session_with("running", "pending")
    operator.goto(f"{live_server.url}/admin/sessions_app/syncsession/")
    operator.evaluate("window.sameDocument = true")
    expect(operator.get_by_text("0 / 2")).to_be_visible()
    for record in session.records.all():
        end(record)
    sessions.finalize(session.pk)
    expect(operator.get_by_text("2 / 2")).to_be_visible()
    expect(operator.locator("#result_list").get_by_text("Clean", exact=True)).to_be_visible()
    assert operator.evaluate("window.sameDocument") is True


def test_following_stops_when_the_session_has_ended(operator: Page, live_server):
    session = session_with("running")
    operator.goto(f"{live_server.url}/admin/sessions_app/syncsession/{session.pk}/change/")
    polls: list[str] = []
    operator.on("request", lambda request: polls.append(request.url) if "/api/v1/" in request.url else None)
    end(session.records.get())
    sessions.finalize(session.pk)
    expect(operator.get_by_label("Summary").get_by_text("Clean", exact=True)).to_be_visible()
    asked = len(polls)
    operator.wait_for_timeout(3000)  # longer than one poll: what must not happen cannot be awaited
    assert len(polls) == asked


def test_a_session_is_cancelled_through_the_dialog(operator: Page, live_server):
    session = session_with("running", "pending")
    operator.goto(f"{live_server.url}/admin/sessions_app/syncsession/{session.pk}/change/")
    operator.get_by_text("Cancel session").click()
    expect(operator.get_by_text("Cancel this session?")).to_be_visible()
    session.refresh_from_db()
    assert session.status == "running"
    operator.get_by_role("button", name="Yes, cancel the session").click()
    expect(operator.get_by_text(re.compile("Session .* is cancelled"))).to_be_visible()
    expect(operator.get_by_label("Summary").get_by_text("Cancelled", exact=True)).to_be_visible()
    session.refresh_from_db()
    assert (session.status, session.cancelled_instances) == ("cancelled", 2)


def test_a_cancelled_record_is_cancelling_until_its_connection_is_closed(operator: Page, live_server):
    session = session_with({"status": "cancelled", "slot_until": timezone.now() + timedelta(minutes=1)})
    operator.goto(f"{live_server.url}/admin/sessions_app/syncsession/{session.pk}/change/")
    operator.evaluate("window.sameDocument = true")
    row = operator.locator("#session-body tbody tr")
    expect(row.get_by_text("Cancelling", exact=True)).to_be_visible()
    session.records.update(slot_until=None)
    expect(row.get_by_text("Cancelled", exact=True)).to_be_visible()
    assert operator.evaluate("window.sameDocument") is True


def test_one_error_group_is_retried_through_the_dialog(operator: Page, live_server):
    session = session_with("failed", {"status": "failed", "name": "login", **REJECTED})
    operator.goto(f"{live_server.url}/admin/sessions_app/syncsession/{session.pk}/change/")
    operator.get_by_role("listitem").filter(has_text="Login rejected").get_by_text("Retry these").click()
    expect(operator.get_by_label("Login rejected")).to_be_checked()
    expect(operator.get_by_label("Connection refused")).not_to_be_checked()
    operator.get_by_role("button", name="Start the retry").click()
    expect(operator.get_by_text(re.compile("Session .* tries the failed instances again"))).to_be_visible()
    assert [record.instance_name for record in session.retries.get().records.all()] == ["login"]


def test_chosen_instances_are_synchronized_from_their_list(operator: Page, live_server):
    for name in ("billing", "orders", "crm"):
        Instance.objects.create(name=name, db_type="postgresql", host=name, port=5432)
    operator.locator("nav").get_by_text("Instances", exact=True).click()
    for name in ("billing", "crm"):
        operator.get_by_role("row").filter(has_text=name).get_by_role("checkbox").check()
    operator.locator("select[name=action]").select_option("sync_account")
    operator.get_by_role("button", name="Run").click()
    expect(operator.get_by_role("heading", name="Synchronize 2 instances?")).to_be_visible()
    operator.get_by_role("button", name="Start").click()
    expect(operator.get_by_text(re.compile("Session .* has started"))).to_be_visible()
    session = SyncSession.objects.get()
    assert set(session.records.values_list("instance_name", flat=True)) == {"billing", "crm"}
    operator.get_by_role("link", name=str(session.session_id)[:8]).click()
    expect(operator.get_by_role("progressbar", name="Progress of the session")).to_have_attribute("aria-valuenow", "0")


def test_one_instance_is_synchronized_with_force_through_the_dialog(operator: Page, live_server):
    instance = Instance.objects.create(name="billing", db_type="postgresql", host="billing", port=5432)
    operator.goto(f"{live_server.url}/admin/instances/instance/{instance.pk}/change/")
    operator.get_by_text("Sync accounts").click()
    operator.get_by_label("Accept a much shorter list").check()
    operator.get_by_role("button", name="Start").click()
    expect(operator.get_by_text(re.compile("Session .* has started"))).to_be_visible()
    assert SyncSession.objects.get().parameters == {"force": True}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_a_telephone_without_scrolling_sideways(operator: Page, live_server, scheme):
    session = session_with("running", "failed", *["completed"] * 30)
    operator.emulate_media(color_scheme=scheme)
    operator.set_viewport_size({"width": 390, "height": 844})
    for path in ("", f"sessions_app/syncsession/{session.pk}/change/", "sessions_app/syncsession/"):
        operator.goto(f"{live_server.url}/admin/{path}")
        width = operator.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, path


def test_the_page_of_a_session_is_readable_without_scripts(live_server, browser, operator: Page):
    session = session_with("running", "failed", "completed")
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(operator.context.cookies())
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/sessions_app/syncsession/{session.pk}/change/")
    expect(page.get_by_text("What failed, and why")).to_be_visible()
    page.get_by_text("Cancel session").click()
    page.get_by_role("button", name="Yes, cancel the session").click()
    expect(page.get_by_label("Summary").get_by_text("Cancelled", exact=True)).to_be_visible()
    context.close()
