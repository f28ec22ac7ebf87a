"""The cards about sizes, and what a capacity session says of itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from capacity import dashboard
from instances.models import Credential, Instance
from sessions_app.models import InstanceCoverage, SyncSession
from tests.capacity.conftest import GIB, collect, make_instance, sizes, snapshot
from tests.people import browser, person

pytestmark = pytest.mark.django_db


def cards(role: str = "viewer"):
    request = RequestFactory().get("/")
    request.user = person(role)
    return {card.title: card for card in dashboard.cards(request)}


def days_ago(days: int):
    return timezone.now() - timedelta(days=days)


def test_the_fleets_size_is_shown_with_what_a_week_changed(instance):
    other, new = make_instance("other"), make_instance("new")
    collect(instance, sizes(app=10 * GIB), days_ago(8))
    collect(instance, sizes(app=14 * GIB, postgres=100 * GIB), days_ago(0))
    collect(other, sizes(web=6 * GIB), days_ago(7))
    collect(other, sizes(web=5 * GIB), days_ago(1))
    collect(new, sizes(fresh=50 * GIB), days_ago(0))  # an instance that came is no growth
    card = cards()["Total size"]
    assert card.value == "69.0 GB"
    assert card.detail == "3 databases on 3 instances · +3.0 GB in 7 days"


@pytest.mark.parametrize("lacking", ["now", "before"])
def test_an_incomplete_total_is_not_compared(instance, lacking):
    reads = {"before": sizes(app=10 * GIB, web=90 * GIB), "now": sizes(app=11 * GIB, web=90 * GIB)}
    reads[lacking] = snapshot({"app": 10 * GIB, "web": None}, unread={"database:web": "denied"})
    collect(instance, reads["before"], days_ago(7))
    collect(instance, reads["now"], days_ago(0))
    assert "7 days" not in cards()["Total size"].detail


def test_what_grew_in_a_day_is_named_and_warns(instance):
    assert (cards()["Grown in 24 hours"].value, cards()["Grown in 24 hours"].tone) == ("0", "neutral")
    collect(instance, sizes(app=100 * GIB, web=100 * GIB, calm=GIB), days_ago(1))
    collect(instance, sizes(app=140 * GIB, web=200 * GIB, calm=GIB), days_ago(0))
    card = cards()["Grown in 24 hours"]
    assert (card.value, card.tone) == ("2", "warning")
    assert card.detail == "web +100.0 GB, app +40.0 GB"


def test_what_cannot_be_measured_has_a_card_until_it_can(instance):
    assert "Not measurable" not in cards()
    denied = {"database:app": "denied", "database:postgres": "denied"}
    collect(instance, snapshot({"app": None, "web": 1, "postgres": None}, unread=denied), days_ago(0))
    assert cards()["Not measurable"].value == "1"  # of what lists show
    collect(instance, sizes(app=1, web=1, postgres=1), days_ago(0))
    assert "Not measurable" not in cards()


def test_instances_whose_sizes_should_be_there_and_are_not_are_named(instance):
    make_instance("too new to be due")
    off = make_instance("off")
    Instance.objects.exclude(name="too new to be due").update(created_at=days_ago(5))
    Instance.objects.filter(pk=off.pk).update(is_active=False)
    assert cards()["Sizes overdue"].detail == "db1"
    collect(instance, sizes(app=1), days_ago(0))
    assert "Sizes overdue" not in cards()
    InstanceCoverage.objects.update(last_ok_at=days_ago(3))
    assert cards()["Sizes overdue"].value == "1"


def test_cards_cost_a_fixed_number_of_statements_and_nobody_without_the_right_sees_them(instance):
    def statements() -> int:
        person("viewer")
        with CaptureQueriesContext(connection) as captured:
            cards()
        return len(captured)

    Instance.objects.update(created_at=days_ago(5))
    collect(instance, snapshot({"app": None, "web": 1}, unread={"database:app": "denied"}), days_ago(5))
    few = statements()
    for number in range(5):
        collect(make_instance(f"i{number}"), sizes(app=1, web=2), days_ago(0))
    assert statements() <= few <= 14
    assert cards("nobody") == {}


def test_the_session_page_and_the_command_say_what_was_measured_altogether(instance, serve, manage):
    instance.credential = Credential.objects.create(name="monitor", username="monitor")
    instance.save()
    serve(sizes(app=3 * GIB, web=GIB // 2))
    done = manage("sync", "capacity", "--inline")
    assert (done.status, done.err) == (0, "")
    assert "db1: 2 read, 2 created, 0 updated, 0 deleted, 3.5 GB" in done.out
    session = SyncSession.objects.get()
    assert "3.5 GB" in manage("sessions", "show", str(session.session_id)).out
    serve(sizes(app=9 * GIB))
    manage("sync", "capacity", "--inline")  # takes over the day's total
    page = browser("viewer").get(reverse("admin:sessions_app_syncsession_change", args=[session.pk]))
    (card,) = [card for card in page.context["cards"] if card.title == "Total size"]
    assert (card.value, card.detail) == ("3.5 GB", "2 databases read")
    assert b"3.5 GB" in page.content
