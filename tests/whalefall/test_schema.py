"""What the API says of itself: its envelope, its schema, its documentation."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from tests.people import api

pytestmark = pytest.mark.django_db


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
