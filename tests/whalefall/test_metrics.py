"""/metrics: who may read it, what it says, and what it costs."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from knox.models import AuthToken
from prometheus_client.parser import text_string_to_metric_families

from instances.models import Instance
from sessions_app.models import InstanceCoverage, SyncInstanceRecord, SyncSession
from tests.people import browser, person
from tests.sessions_app.rows import session_with
from whalefall.console.checks import check_metrics

pytestmark = pytest.mark.django_db

AWAY = {"REMOTE_ADDR": "203.0.113.9"}


def scraped(client: Client | None = None) -> dict[tuple[str, ...], float]:
    """Values by name and label values, the labels in the order of their names."""
    answer = (client or Client()).get("/metrics")
    assert answer.status_code == 200, answer.content
    return {
        (sample.name, *(value for _name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


# Who


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_scrape(address):
    answer = Client().get("/metrics", REMOTE_ADDR=address)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")


@pytest.mark.parametrize("address", ["203.0.113.9", "10.0.0.1", "2001:db8::1", "::ffff:203.0.113.9", "", "unix:"])
def test_nobody_else_may_without_a_login(address):
    answer = Client().get("/metrics", REMOTE_ADDR=address)
    assert (answer.status_code, answer.json()["message_code"]) == (401, "AUTHENTICATION_REQUIRED")
    assert b"whalefall_" not in answer.content


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_a_proxy_on_this_machine_opens_it_to_nobody(header):
    assert Client().get("/metrics", headers={header: "127.0.0.1"}).status_code == 401


def test_networks_of_the_setting_may_and_an_empty_one_shuts_it(settings):
    settings.METRICS_ALLOWED = ["203.0.113.0/24"]
    assert Client().get("/metrics", **AWAY).status_code == 200
    assert Client().get("/metrics").status_code == 401
    settings.METRICS_ALLOWED = []
    assert Client().get("/metrics").status_code == 401


def test_a_login_or_a_token_needs_the_right_to_see_sessions():
    for role, expected in (("viewer", 200), ("nobody", 403)):
        assert browser(role).get("/metrics", **AWAY).status_code == expected
        _, token = AuthToken.objects.create(person(role))
        headers = {"Authorization": f"Token {token}"}
        assert Client().get("/metrics", headers=headers, **AWAY).status_code == expected
    assert Client().get("/metrics", headers={"Authorization": "Token nonsense"}, **AWAY).status_code == 401


@pytest.mark.parametrize("accepted", ["application/openmetrics-text;version=1.0.0", "text/plain", "text/html", ""])
def test_every_scraper_gets_the_text_format(accepted):
    assert Client().get("/metrics", headers={"Accept": accepted})["Content-Type"].startswith("text/plain")


def test_it_is_only_read():
    assert Client().post("/metrics").status_code == 405


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("METRICS_ALLOWED", ["monitoring.example"], "console.E001"),
        ("METRICS_ALLOWED", ["10.0.0.1/8"], "console.E001"),
        ("METRICS", ["sessions_app.metrics.nothing"], "console.E002"),
    ],
)
def test_a_setting_that_means_nothing_is_named(settings, name, value, expected):
    assert check_metrics() == []
    setattr(settings, name, value)
    assert [message.id for message in check_metrics()] == [expected]


# What


def test_sessions_and_records_are_counted_by_category_and_status():
    session_with("running", "pending", "pending")
    session_with("completed", "failed", "skipped")
    found = scraped()
    assert found["whalefall_sessions", "account", "running"] == 1
    assert found["whalefall_sessions", "account", "failed"] == 1
    assert found["whalefall_sessions", "account", "cancelled"] == 0
    assert [found["whalefall_records", "account", status] for status in ("pending", "running", "completed")] == [
        2,
        1,
        1,
    ]


def test_what_ended_more_than_a_day_ago_is_history(settings):
    settings.SYNC_FOLLOW_UPS = {}
    session_with("completed")
    SyncSession.objects.update(completed_at=timezone.now() - timedelta(hours=25))
    found = scraped()
    assert found["whalefall_sessions", "account", "completed"] == 0
    assert found["whalefall_records", "account", "completed"] == 0


def test_durations_are_a_histogram_of_what_ended():
    now = timezone.now()
    for seconds in (0.4, 4, 400):
        times = {"started_at": now - timedelta(seconds=seconds), "completed_at": now}
        session_with({"status": "completed", **times}, started_at=now - timedelta(seconds=seconds))
    session_with("running", "pending")
    found = scraped()
    name = "whalefall_record_duration_seconds"
    assert [found[f"{name}_bucket", "account", le] for le in ("0.1", "0.5", "5.0", "300.0", "+Inf")] == [0, 1, 2, 2, 3]
    assert found[f"{name}_gcount", "account"] == 3
    assert found[f"{name}_gsum", "account"] == pytest.approx(404.4)
    assert found["whalefall_session_duration_seconds_bucket", "account", "300.0"] == 2
    assert found["whalefall_session_duration_seconds_gcount", "account"] == 3


def test_lost_workers_and_open_connections_are_seen():
    later = timezone.now() + timedelta(minutes=5)
    session_with({"status": "running", "lost_count": 2, "slot_until": later}, {"status": "failed", "lost_count": 3})
    found = scraped()
    assert found["whalefall_lost_workers", "account"] == 5
    assert found["whalefall_open_fetches",] == 1


def test_health_is_among_the_metrics():
    session_with("pending")
    SyncInstanceRecord.objects.update(created_at=timezone.now() - timedelta(hours=1))
    found = scraped()
    assert math.isnan(found["whalefall_sweep_age_seconds",])
    assert found["whalefall_unclaimed_seconds",] == pytest.approx(3600, abs=30)
    assert found["whalefall_unhealthy", "unclaimed"] == 1
    assert found["whalefall_unhealthy", "never_swept"] == 0


def test_each_instance_says_how_old_what_is_known_of_it_is(settings):
    now = timezone.now()
    fresh, _never, _off = (
        Instance.objects.create(name=name, db_type="postgresql", host=name, port=5432, **fields)
        for name, fields in {
            'odd "name"\\': {"last_connected_at": now - timedelta(seconds=50)},
            "never": {},
            "off": {"is_active": False},
        }.items()
    )
    for scope, seconds in {"server": 90, "database:app": 10}.items():
        InstanceCoverage.objects.create(
            instance=fresh,
            sync_category="account",
            scope=scope,
            status="ok",
            last_ok_at=now - timedelta(seconds=seconds),
        )
    found = scraped()
    assert found["whalefall_instance_connected_age_seconds", "postgresql", fresh.name] == pytest.approx(50, abs=10)
    assert found["whalefall_instance_read_age_seconds", "account", "postgresql", fresh.name] == pytest.approx(
        90, abs=10
    )
    assert found["whalefall_instance_read_age_seconds", "account", "postgresql", "never"] == math.inf
    assert not [key for key in found if "off" in key]
    settings.METRICS_INSTANCES = False
    assert not [key for key in scraped() if key[0].startswith("whalefall_instance")]


def test_requests_are_counted_and_an_invented_method_adds_no_series():
    Client().get("/healthz")
    for method in ("BREW", "WHEN"):
        Client().generic(method, "/healthz")
    found = scraped()
    assert [value for key, value in found.items() if key[0] == "django_http_requests_total_by_method_total"]
    assert not [key for key in found if "BREW" in key or "WHEN" in key]


# At what price


def test_a_scrape_takes_as_many_statements_with_much_data_as_with_little():
    def count() -> int:
        with CaptureQueriesContext(connection) as sent:
            Client().get("/metrics")
        return len(sent)

    few = count()
    for _ in range(3):
        session_with("running", "pending", "completed", "failed")
    assert count() == few == 9


def test_without_its_database_a_scrape_fails_as_a_whole():
    def fail(execute, sql, params, many, context):
        raise OperationalError("gone")

    with connection.execute_wrapper(fail):
        assert Client().get("/metrics").status_code >= 500
