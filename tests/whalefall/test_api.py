"""The envelope, errors, authentication and roles, on endpoints made for failing."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import polib
import pytest
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from tests.people import api, person
from tests.whalefall.views import SECRET
from whalefall.errors import UnknownHost

pytestmark = pytest.mark.urls("tests.whalefall.views")

SUCCESS_KEYS = {"success", "error", "message", "timestamp"}
ERROR_KEYS = {
    "success", "error", "error_id", "category", "severity", "message_code", "message", "timestamp", "recoverable",
    "suggestions", "context",
}  # fmt: skip


def failed(path: str, **headers: str):
    return APIClient().get(f"/api/v1/open/{path}", headers=headers)


def test_a_success_is_wrapped_and_stamped_in_utc():
    answer = APIClient().get("/api/v1/open/plain").json()
    assert set(answer) == SUCCESS_KEYS | {"data"}
    assert (answer["success"], answer["error"], answer["data"]) == (True, False, {"number": 1})
    stamped = datetime.fromisoformat(answer["timestamp"])
    assert stamped.utcoffset() == timedelta(0)
    assert abs(stamped - timezone.now()) < timedelta(seconds=30)


def test_a_success_without_data_has_no_data_key():
    assert set(APIClient().get("/api/v1/open/nothing").json()) == SUCCESS_KEYS


def test_a_view_may_add_a_message_and_meta():
    answer = APIClient().get("/api/v1/open/message").json()
    assert (answer["message"], answer["meta"], answer["data"]) == ("It is done", {"took": 3}, {"number": 1})


def test_an_error_has_exactly_the_keys_of_the_contract_and_extra_only_when_there_is_some():
    answer = failed("finished")
    assert answer.status_code == 409
    document = answer.json()
    assert set(document) == ERROR_KEYS | {"extra"}
    assert document["extra"] == {"session_id": "s1"}
    assert (document["success"], document["error"]) == (False, True)
    assert set(failed("dns").json()) == ERROR_KEYS
    assert len(document["error_id"]) == 32


def test_an_error_says_where_it_happened_and_what_helps():
    document = failed("dns", **{"X-Request-ID": "abc-1"}).json()
    assert document["context"] == {"request_id": "abc-1", "url": "/api/v1/open/dns", "method": "GET"}
    assert document["message"] == "The host name db.example cannot be resolved"
    assert document["suggestions"] == ["Check the spelling and the name servers of the worker's machine."]


@pytest.mark.parametrize(
    ("name", "status", "code", "category", "severity", "recoverable"),
    [
        ("finished", 409, "SESSION_FINISHED", "business", "medium", True),
        ("dns", 409, "DATABASE_CONNECTION_ERROR", "external", "medium", True),
        ("missing", 404, "RESOURCE_NOT_FOUND", "business", "low", True),
        ("forbidden", 403, "PERMISSION_REQUIRED", "authorization", "medium", True),
        ("suspicious", 400, "INVALID_REQUEST", "business", "medium", True),
        ("taken", 409, "CONSTRAINT_VIOLATION", "business", "medium", True),
        ("throttled", 429, "RATE_LIMIT_EXCEEDED", "security", "medium", True),
        ("invalid", 400, "VALIDATION_ERROR", "validation", "low", True),
        ("database", 500, "DATABASE_QUERY_ERROR", "database", "high", False),
        ("bug", 500, "INTERNAL_ERROR", "system", "high", False),
        ("upstream", 500, "INTERNAL_ERROR", "system", "high", False),
    ],
)
def test_every_kind_of_failure_has_its_code_and_status(name, status, code, category, severity, recoverable):
    answer = failed(name)
    document = answer.json()
    assert answer.status_code == status
    assert document["message_code"] == code
    assert (document["category"], document["severity"], document["recoverable"]) == (category, severity, recoverable)


@pytest.mark.parametrize("name", ["taken", "database", "bug", "upstream"])
def test_what_nobody_anticipated_is_never_shown(name):
    assert SECRET not in failed(name).content.decode()


@pytest.mark.parametrize("name", ["database", "bug"])
def test_what_nobody_anticipated_is_logged_under_the_error_id(name, caplog):
    with caplog.at_level(logging.ERROR):
        error_id = failed(name).json()["error_id"]
    logged = [record for record in caplog.records if error_id in record.getMessage()]
    assert len(logged) == 1
    assert logged[0].exc_info


def test_an_anticipated_refusal_is_not_logged_as_an_error(caplog):
    with caplog.at_level(logging.ERROR, logger="whalefall"):
        failed("finished")
    assert not caplog.records


def test_a_throttled_caller_is_told_when_to_come_back():
    assert failed("throttled")["Retry-After"] == "8"


def test_a_validation_error_names_its_fields_in_the_message_and_in_extra():
    document = failed("invalid").json()
    assert document["message"] == "Invalid input: limit: too much; 0: unknown"
    assert document["extra"]["fields"] == {"limit": ["too much"], "tags": {"0": ["unknown"]}}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        *(
            (body, "VALIDATION_ERROR")
            for body in ('{"number": 0}', '{"number": 1, "nubmer": 2}', "[1]", "[]", "null", "")
        ),
        *((body, "INVALID_REQUEST") for body in ("{number", '{"number": NaN}')),
    ],
)
def test_wrong_input_and_unreadable_input_are_told_apart(body, code):
    answer = APIClient().post("/api/v1/open/plain", body, content_type="application/json")
    assert (answer.status_code, answer.json()["message_code"]) == (400, code)


@pytest.mark.parametrize(("method", "status"), [("delete", 405), ("put", 405)])
def test_a_method_that_is_not_there_keeps_its_status(method, status):
    answer = getattr(APIClient(), method)("/api/v1/open/plain")
    assert (answer.status_code, answer.json()["message_code"]) == (status, "INVALID_REQUEST")


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_body_that_is_nested_without_end_is_unreadable_input(opening):
    answer = APIClient().post("/api/v1/open/plain", opening * 100_000, content_type="application/json")
    assert (answer.status_code, answer.json()["message_code"]) == (400, "INVALID_REQUEST")


def test_a_content_type_that_nobody_reads_keeps_its_status():
    answer = APIClient().post("/api/v1/open/plain", "<a/>", content_type="text/xml")
    assert (answer.status_code, answer.json()["message_code"]) == (415, "INVALID_REQUEST")


def test_messages_are_in_the_readers_language(tmp_path, settings):
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    for source, shown in {UnknownHost.text: "无法解析主机名 {host}", UnknownHost.hint: "请检查拼写"}.items():
        catalogue.append(polib.POEntry(msgid=source, msgstr=shown))
    folder = tmp_path / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalogue.save_as_mofile(str(folder / "django.mo"))
    settings.LOCALE_PATHS = [tmp_path]
    chinese = failed("dns", **{"Accept-Language": "zh-hans"}).json()
    assert chinese["message"] == "无法解析主机名 db.example"
    assert chinese["suggestions"] == ["请检查拼写"]
    assert failed("dns", **{"Accept-Language": "en"}).json()["message"] == "The host name db.example cannot be resolved"


# Plain Django under the API's paths


def test_an_address_that_does_not_exist_answers_the_envelope_and_other_paths_a_page():
    client = Client()
    answer = client.get("/api/v1/nothing-here")
    assert (answer.status_code, answer.json()["message_code"]) == (404, "RESOURCE_NOT_FOUND")
    assert "text/html" in client.get("/pages/nothing-here")["Content-Type"]


def test_a_plain_view_that_breaks_answers_the_envelope_and_other_paths_a_page():
    client = Client(raise_request_exception=False)
    answer = client.get("/api/v1/broken-page")
    assert (answer.status_code, answer.json()["message_code"]) == (500, "INTERNAL_ERROR")
    assert SECRET not in answer.content.decode()
    assert "text/html" in client.get("/pages/broken")["Content-Type"]


def test_a_plain_view_tells_a_missing_csrf_token_from_a_wrong_one():
    client = Client(enforce_csrf_checks=True)
    assert client.post("/api/v1/plain-post").json()["message_code"] == "CSRF_MISSING"
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post("/api/v1/plain-post", headers={"X-CSRFToken": "b" * 32})
    assert (answer.status_code, answer.json()["message_code"]) == (403, "CSRF_INVALID")
    assert "text/html" in client.post("/pages/post")["Content-Type"]


# Who asks


@pytest.mark.django_db
def test_nobody_gets_401_and_the_way_to_log_in():
    answer = APIClient().get("/api/v1/guarded")
    assert (answer.status_code, answer.json()["message_code"]) == (401, "AUTHENTICATION_REQUIRED")
    assert answer["WWW-Authenticate"] == "Token"


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["nonsense", "x" * 64, "\xff\xfe", "with-dash", ""])
def test_a_token_that_is_not_valid_gets_401_invalid_credentials(token):
    answer = APIClient().get("/api/v1/guarded", headers={"Authorization": f"Token {token}"})
    assert (answer.status_code, answer.json()["message_code"]) == (401, "INVALID_CREDENTIALS")


@pytest.mark.django_db
def test_a_token_lets_its_user_in_without_a_csrf_token():
    user = person("operator")
    _made, token = AuthToken.objects.create(user)
    client = APIClient(enforce_csrf_checks=True)
    answer = client.post("/api/v1/guarded", headers={"Authorization": f"Token {token}"})
    assert answer.json()["data"] == {"user": "operator"}


@pytest.mark.django_db
def test_an_expired_token_and_the_token_of_an_inactive_user_are_worthless():
    user = person("operator")
    _made, expired = AuthToken.objects.create(user, expiry=timedelta(seconds=-1))
    _made, valid = AuthToken.objects.create(user)
    assert APIClient().get("/api/v1/guarded", headers={"Authorization": f"Token {expired}"}).status_code == 401
    assert APIClient().get("/api/v1/guarded", headers={"Authorization": f"Token {valid}"}).status_code == 200
    user.is_active = False
    user.save()
    assert APIClient().get("/api/v1/guarded", headers={"Authorization": f"Token {valid}"}).status_code == 401


@pytest.mark.django_db
def test_the_token_itself_is_stored_nowhere():
    made, token = AuthToken.objects.create(person("operator"))
    stored = AuthToken.objects.filter(pk=made.pk).values().get()
    assert token not in map(str, stored.values())


@pytest.mark.django_db
def test_a_session_needs_the_csrf_token_to_change_something():
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(person("operator"))
    assert client.get("/api/v1/guarded").status_code == 200
    missing = client.post("/api/v1/guarded")
    assert (missing.status_code, missing.json()["message_code"]) == (403, "CSRF_MISSING")
    client.cookies["csrftoken"] = "a" * 32
    wrong = client.post("/api/v1/guarded", headers={"X-CSRFToken": "b" * 32})
    assert (wrong.status_code, wrong.json()["message_code"]) == (403, "CSRF_INVALID")
    assert client.post("/api/v1/guarded", headers={"X-CSRFToken": "a" * 32}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "get", "post"), [("nobody", 403, 403), ("viewer", 200, 403), ("operator", 200, 200), ("root", 200, 200)]
)
def test_a_role_may_do_what_its_permissions_say(role, get, post):
    client = api(role)
    assert client.get("/api/v1/guarded").status_code == get
    answer = client.post("/api/v1/guarded")
    assert answer.status_code == post
    if post == 403:
        assert answer.json()["message_code"] == "PERMISSION_REQUIRED"


@pytest.mark.django_db
def test_a_view_that_names_no_permission_is_closed_even_to_a_superuser():
    assert api("root").get("/api/v1/unnamed").status_code == 500


@pytest.mark.django_db
def test_the_browsable_api_shows_the_envelope():
    page = api("viewer").get("/api/v1/guarded", headers={"Accept": "text/html"})
    assert "text/html" in page["Content-Type"]
    assert "&quot;success&quot;" in page.content.decode()
