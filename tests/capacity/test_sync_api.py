"""Measuring over REST: the batch and the single run, and what a server without a database to show answers."""

from __future__ import annotations

import pytest

from capacity.models import InstanceDatabase, InstanceSizeStat
from dbms.base import Target
from instances.models import Credential, Instance
from sessions_app import engine
from sessions_app.models import SyncSession
from tests.capacity.conftest import make_instance, sizes, snapshot
from tests.people import api
from whalefall.errors import ConnectionRefused

pytestmark = pytest.mark.django_db

MANY = "/api/v1/instances/actions/sync-capacity"


def one(instance: Instance) -> str:
    return f"/api/v1/instances/{instance.pk}/actions/sync-capacity"


@pytest.fixture
def reachable(instance) -> Instance:
    """An instance with a login."""
    instance.credential = Credential.objects.create(name="monitor", username="monitor")
    instance.save()
    return instance


def test_a_single_run_measures_and_says_what_it_found(reachable, serve):
    serve(sizes(app=30, web=12))
    answer = api("operator").post(one(reachable))
    assert answer.status_code == 200, answer.content
    result = answer.json()["data"]["result"]
    assert (result["success"], result["status"], result["synced_count"], result["added_count"]) == (
        True, "completed", 2, 2,
    )  # fmt: skip
    assert (result["details"]["total_size_bytes"], result["details"]["database_count"]) == (42, 2)
    assert "2 databases" in result["message"]
    total = InstanceSizeStat.objects.get()
    assert (total.total_size_bytes, str(total.session.session_id)) == (42, result["session_id"])


def test_a_server_with_hidden_databases_alone_is_no_failure_and_no_success(reachable, serve):
    serve(sizes(postgres=30))
    answer = api("operator").post(one(reachable))
    assert answer.status_code == 200
    result = answer.json()["data"]["result"]
    assert (result["success"], result["status"]) == (False, "skipped")
    assert result["message"] == answer.json()["message"]
    assert "not hidden" in result["message"]
    assert InstanceDatabase.objects.get().database_name == "postgres"
    assert not InstanceSizeStat.objects.exists()
    session = SyncSession.objects.get()
    assert (session.successful_instances, session.skipped_instances) == (0, 1)


def test_a_server_that_cannot_be_reached_or_measured_is_a_conflict(reachable, serve):
    def refuse(_target: Target):
        raise ConnectionRefused(host="db", port=5432, detail="no")

    client = api("operator")
    for read, code in (
        (refuse, "DATABASE_CONNECTION_ERROR"),
        (snapshot({"app": None}, unread={"database:app": "denied"}), "SYNC_DATA_ERROR"),
    ):
        serve(read)
        answer = client.post(one(reachable))
        assert (answer.status_code, answer.json()["message_code"]) == (409, code)
        assert answer.json()["extra"]["result"]["success"] is False
    assert not InstanceDatabase.objects.exists()


def test_a_batch_is_measured_by_the_workers(reachable, serve):
    serve(lambda target: sizes(app=7))
    data = api("operator").post(MANY, {"db_type": "pg"}).json()["data"]
    engine.run()
    session = SyncSession.objects.get(session_id=data["session_id"])
    assert (session.sync_type, session.sync_category, session.status) == ("manual_batch", "capacity", "completed")
    assert session.summary["metrics"]["total_size_bytes"] == 7


def test_force_is_a_matter_of_accounts_and_refused(reachable):
    client = api("operator")
    for url in (MANY, one(reachable)):
        answer = client.post(url, {"force": True})
        assert (answer.status_code, list(answer.json()["extra"]["fields"])) == (400, ["force"])
    assert not SyncSession.objects.exists()


def test_only_who_may_run_sync_measures(reachable):
    make_instance("other")
    for url in (MANY, one(reachable)):
        assert api("viewer").post(url).status_code == 403
    assert not SyncSession.objects.exists()
