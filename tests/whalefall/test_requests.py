"""Request ids, addresses that are refused, and whether the site is healthy."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.db import connection
from django.db.utils import InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from sessions_app.models import SyncInstanceRecord
from sessions_app.services import sweep
from tests.people import api, browser
from tests.sessions_app.rows import session_with
from whalefall.console.middleware import RequestIdFilter, RequestIdMiddleware

pytestmark = pytest.mark.django_db


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


def test_nul_in_an_address_is_refused_and_breaks_nothing():
    for query in ("db_type=%00", "q=a%00b"):
        assert browser("root").get(f"/admin/instances/instance/?{query}").status_code == 400
    assert browser("root").get("/admin/instances/instance/%00/change/").status_code == 302
    answer = api("root").get("/api/v1/accounts/ledgers?search=%00")
    assert (answer.status_code, answer.json()["message_code"]) == (400, "INVALID_REQUEST")


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
