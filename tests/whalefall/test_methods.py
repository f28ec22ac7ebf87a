"""Every endpoint with every method: what is not there is 405, and nothing breaks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tests.people import api

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
DOCS = "api/v1/docs"  # a page
OURS = ("api/v1/", "sync_sessions/api/")
PLACES = {
    "(?P<session_id>[^/.]+)": str(uuid.uuid4()),
    "<str:session_id>": str(uuid.uuid4()),
    "<int:pk>": "999",
    "(?P<job_id>[^/.]+)": "nonsense",
}

pytestmark = pytest.mark.django_db


def routes(entries: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in entries:
        route = before + str(entry.pattern).removeprefix("^")
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, route)
        elif route.startswith(OURS) and route != DOCS:
            yield route.removesuffix("$").removesuffix("\\Z"), entry


def address(route: str) -> str:
    for place, value in PLACES.items():
        route = route.replace(place, value)
    return f"/{route}"


def offered(entry: URLPattern) -> set[str]:
    """The methods that a view names; OPTIONS always, HEAD with GET."""
    actions = getattr(entry.callback, "actions", None)
    names = actions or [name for name in ("get", "post", "put", "patch", "delete") if hasattr(entry.callback.cls, name)]
    found = {name.upper() for name in names}
    return found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set())


ENDPOINTS = dict(routes(get_resolver().url_patterns))


def test_the_endpoints_are_found():
    assert {"api/v1/sync-sessions", "api/v1/instances/actions/sync-accounts"} <= ENDPOINTS.keys()
    assert not [route for route in ENDPOINTS if set(address(route)) & set("<>()^$")]


@pytest.mark.parametrize("role", ["viewer", "root"])
@pytest.mark.parametrize("route", ENDPOINTS)
def test_a_method_that_an_endpoint_lacks_is_refused_as_such_and_no_other(route, role):
    client = api(role)
    for method in METHODS:
        answer = client.generic(method, address(route), content_type="application/json")
        assert answer.status_code < 500, (method, answer.content)
        assert (answer.status_code == 405) == (method not in offered(ENDPOINTS[route])), method
        if answer.status_code == 405:
            assert set(answer["Allow"].split(", ")) == offered(ENDPOINTS[route])
        if answer.status_code == 405 and method != "HEAD":
            document = answer.json()
            assert (document["message_code"], document["context"]["method"]) == ("INVALID_REQUEST", method)


def test_the_page_of_the_documentation_can_only_be_read():
    statuses = {method: api("viewer").generic(method, f"/{DOCS}").status_code for method in METHODS}
    assert {method for method, status in statuses.items() if status == 200} == {"GET", "HEAD"}
    assert set(statuses.values()) == {200, 405}


def test_nobody_learns_which_methods_there_are(client):
    answer = client.put("/api/v1/sync-sessions")
    assert (answer.status_code, answer.json()["message_code"]) == (401, "AUTHENTICATION_REQUIRED")
