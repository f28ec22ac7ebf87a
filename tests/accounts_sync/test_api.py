"""Starting account synchronization over REST: the batch and the single run, with the exact answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

import dbms
from accounts_sync.models import InstanceAccount
from dbms import postgresql
from instances.models import Credential, Instance, Tag
from sessions_app import claims, engine
from sessions_app.models import SyncInstanceRecord, SyncSession
from tests.people import api
from tests.sessions_app import fakes
from whalefall.errors import ConnectionRefused, InternalError, PrivilegeMissing

MANY = "/api/v1/instances/actions/sync-accounts"
RESULT_KEYS = {
    "success", "status", "message", "synced_count", "added_count", "modified_count", "removed_count", "details",
    "session_id",
}  # fmt: skip

pytestmark = pytest.mark.django_db


def one(instance: Instance | int) -> str:
    return f"/api/v1/instances/{getattr(instance, 'pk', instance)}/actions/sync-accounts"


@pytest.fixture
def script(settings) -> Iterator[fakes.Script]:
    settings.SYNC_CATEGORIES = ["tests.sessions_app.fakes.FakeFetching"]
    settings.SYNC_FOLLOW_UPS = {}
    yield fakes.reset()
    fakes.reset()


@pytest.fixture
def fleet(script) -> dict[str, Instance]:
    """Two active instances, a disabled one and one in the recycle bin; two of them are tagged."""
    credential = Credential.objects.create(name="monitor", username="monitor")
    tag = Tag.objects.create(name="nightly")
    found = {}
    for name, fields in {
        "a": {},
        "b": {},
        "off": {"is_active": False},
        "bin": {"deleted_at": "2026-01-01T00:00Z"},
    }.items():
        found[name] = Instance.objects.create(
            name=name, db_type="postgresql", host=name, port=5432, credential=credential, **fields
        )
    found["a"].tags.add(tag)
    found["off"].tags.add(tag)
    return found


def instances_of(session_id: str) -> set[str]:
    return set(
        SyncInstanceRecord.objects.filter(session__session_id=session_id).values_list("instance_name", flat=True)
    )


# Many


def test_without_a_body_every_active_instance_is_synchronized_by_the_workers(fleet):
    answer = api("operator").post(MANY)
    assert answer.status_code == 200
    data = answer.json()["data"]
    session = SyncSession.objects.get(session_id=data["session_id"])
    assert instances_of(data["session_id"]) == {"a", "b"}
    assert (session.sync_type, session.sync_category, session.status) == ("manual_task", "account", "running")
    assert (session.created_by.username, session.parameters, data["total_instances"]) == ("operator", {}, 2)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"tags": ["nightly"]}, {"a"}),
        ({"db_type": "postgresql"}, {"a", "b"}),
        ({"db_type": "PG"}, {"a", "b"}),
        ({"tags": ["nightly"], "db_type": "postgresql"}, {"a"}),
    ],
)
def test_a_narrowed_request_is_a_batch_of_chosen_instances(fleet, wanted, names):
    data = api("operator").post(MANY, wanted).json()["data"]
    assert instances_of(data["session_id"]) == names
    assert SyncSession.objects.get().sync_type == "manual_batch"


def test_named_instances_are_synchronized_and_disabled_ones_are_named_back(fleet):
    ids = [fleet["b"].pk, fleet["off"].pk]
    data = api("operator").post(MANY, {"instance_ids": ids, "force": True}).json()["data"]
    assert instances_of(data["session_id"]) == {"b"}
    assert data["inactive_instance_ids"] == [fleet["off"].pk]
    assert SyncSession.objects.get().parameters == {"force": True}


def test_unknown_ids_are_refused_by_name_and_nothing_starts(fleet):
    answer = api("operator").post(MANY, {"instance_ids": [fleet["a"].pk, 999, fleet["bin"].pk]})
    document = answer.json()
    assert (answer.status_code, document["message_code"]) == (400, "VALIDATION_ERROR")
    assert document["extra"]["unknown_instance_ids"] == sorted([999, fleet["bin"].pk])
    assert "999" in document["message"]
    assert not SyncSession.objects.exists()


@pytest.mark.parametrize(
    "wanted",
    [
        {"tags": ["nightli"]}, {"db_type": "db2"}, {"instance_ids": []}, {"instance_ids": "1"}, {"instance_ids": [0]},
        {"instance_ids": [2**70]}, {"force": "perhaps"}, {"tags": [""]},
    ],
)  # fmt: skip
def test_wrong_input_is_refused_and_nothing_starts(fleet, wanted):
    answer = api("operator").post(MANY, wanted)
    assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR")
    assert not SyncSession.objects.exists()


@pytest.mark.parametrize("name", ["instance_id", "dbtype", "Tags", ""])
def test_a_misspelt_condition_is_refused_by_name_and_does_not_start_the_whole_fleet(fleet, name):
    for url in (MANY, one(fleet["a"])):
        answer = api("operator").post(url, {name: [1], "force": True})
        document = answer.json()
        assert (answer.status_code, document["message_code"]) == (400, "VALIDATION_ERROR")
        assert list(document["extra"]["fields"]) == [name]
        assert "force" in document["message"]
    assert not SyncSession.objects.exists()


@pytest.mark.parametrize("body", [r'{"\ud800": 1}', r'{"db_type": "\ud800"}', r'{"tags": ["\ud800"]}'])
def test_half_a_character_is_refused_with_an_answer_that_can_be_sent(fleet, body):
    answer = api("operator").post(MANY, body, content_type="application/json")
    assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR")
    assert not SyncSession.objects.exists()


def test_no_active_instance_is_a_validation_error_with_a_hint(fleet):
    Instance.objects.update(is_active=False)
    answer = api("operator").post(MANY)
    assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["suggestions"]


def test_choosing_ten_instances_takes_as_many_statements_as_choosing_two(fleet, django_assert_max_num_queries):
    client, ids = api("operator"), [fleet["a"].pk, fleet["b"].pk]
    for number in range(10):
        ids.append(Instance.objects.create(name=f"i{number}", db_type="postgresql", host="h", port=1).pk)
    with django_assert_max_num_queries(26):
        assert client.post(MANY, {"instance_ids": ids}).status_code == 200


# One


def test_a_single_run_answers_with_what_it_did(fleet):
    answer = api("operator").post(one(fleet["a"]))
    assert answer.status_code == 200
    result = answer.json()["data"]["result"]
    assert set(result) == RESULT_KEYS
    assert (result["success"], result["status"]) == (True, "completed")
    assert [result[f"{kind}_count"] for kind in ("synced", "added", "modified", "removed")] == [3, 1, 1, 1]
    session = SyncSession.objects.get(session_id=result["session_id"])
    assert (session.sync_type, session.status) == ("manual_single", "completed")


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (ConnectionRefused(host="a", port=5432, detail="Connection refused"), "DATABASE_CONNECTION_ERROR", "refused"),
        (PrivilegeMissing(host="a", port=5432, username="m", detail="pg_authid"), "SYNC_DATA_ERROR", "privilege"),
        (ZeroDivisionError("a bug"), InternalError.message_code, ""),
    ],
)
def test_a_failed_single_run_is_a_conflict_with_the_records_code_and_result(fleet, script, error, code, reason):
    def fail(_target):
        raise error

    script.fetch["a"] = fail
    answer = api("operator").post(one(fleet["a"]))
    document = answer.json()
    assert (answer.status_code, document["message_code"]) == (409, code)
    result = document["extra"]["result"]
    assert set(result) == RESULT_KEYS
    assert (result["success"], result["status"]) == (False, "failed")
    record = SyncInstanceRecord.objects.get()
    assert (record.message_code, record.reason) == (code, reason)
    assert document["message"] == record.error_message == result["message"]


def test_a_single_run_that_takes_too_long_goes_on_and_says_so(fleet, script, settings):
    settings.SYNC_INLINE_SECONDS = 0.3
    answered = threading.Event()

    def wait(_target):
        answered.wait(30)
        return fakes.FakeSnapshot()

    script.fetch["a"] = wait
    try:
        answer = api("operator").post(one(fleet["a"]))
    finally:
        answered.set()
    assert answer.status_code == 202
    result = answer.json()["data"]["result"]
    assert (result["success"], result["status"]) == (None, "running")
    assert SyncSession.objects.get(session_id=result["session_id"]).status == "running"


def test_a_missing_instance_is_404_and_a_disabled_one_400(fleet):
    client = api("operator")
    for missing in (999, fleet["bin"].pk, 2**63):
        answer = client.post(one(missing))
        assert (answer.status_code, answer.json()["message_code"]) == (404, "RESOURCE_NOT_FOUND")
    answer = client.post(one(fleet["off"]))
    assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR")
    assert not SyncSession.objects.exists()


def test_an_instance_that_is_being_synchronized_is_a_conflict_that_names_the_session(fleet):
    client = api("operator")
    other = client.post(MANY, {"instance_ids": [fleet["a"].pk]}).json()["data"]["session_id"]
    claims.claim_fetches(limit=1, free_bytes=10**9, idle=True)
    answer = client.post(one(fleet["a"]))
    assert (answer.status_code, answer.json()["message_code"]) == (409, "SYNC_ALREADY_RUNNING")
    assert answer.json()["extra"]["session_id"] == other
    assert SyncSession.objects.count() == 1


@pytest.mark.parametrize("role", ["nobody", "viewer"])
def test_only_who_may_run_sync_starts_anything(fleet, role):
    client = api(role)
    for url in (MANY, one(fleet["a"])):
        answer = client.post(url)
        assert (answer.status_code, answer.json()["message_code"]) == (403, "PERMISSION_REQUIRED")
    assert not SyncSession.objects.exists()


# A real server


def test_a_single_run_reads_the_roles_of_a_real_server(postgresql_installed, monkeypatch):
    monkeypatch.setitem(dbms.ADAPTERS, "postgresql", postgresql.adapter)
    server = postgresql_installed
    credential = Credential.objects.create(name="real", username=server.superuser)
    instance = Instance.objects.create(
        name="real", db_type="postgresql", host=server.host, port=server.port, credential=credential
    )

    def run(statement: str) -> None:
        with psycopg.connect(
            host=server.host, port=server.port, user=server.superuser, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)

    run("CREATE ROLE api_reader LOGIN")
    client = api("operator")
    try:
        first = client.post(one(instance))
        assert first.status_code == 200, first.content
        counted = first.json()["data"]["result"]
        assert counted["synced_count"] == counted["added_count"] == InstanceAccount.objects.count() > 0
        assert InstanceAccount.objects.filter(username="api_reader", is_active=True).exists()
    finally:
        run("DROP ROLE api_reader")
    second = client.post(one(instance)).json()["data"]["result"]
    assert (second["added_count"], second["removed_count"]) == (0, 1)
    assert not InstanceAccount.objects.get(username="api_reader").is_active


def test_a_batch_is_worked_on_by_a_worker(fleet, script):
    session_id = api("operator").post(MANY).json()["data"]["session_id"]
    engine.run()
    assert sorted(script.applied) == ["a", "b"]
    assert SyncSession.objects.get(session_id=session_id).status == "completed"
