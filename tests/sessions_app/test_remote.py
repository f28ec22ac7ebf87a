"""Reads that say nothing new are written together; what befalls one of them befalls it alone."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from instances.models import Instance
from sessions_app import engine, fetches, records, services
from sessions_app.models import RecordStatus, SyncInstanceRecord
from tests.sessions_app.fakes import FakeSnapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(script, make_instances, monkeypatch):
    """Three instances whose reads end at once and say nothing new."""
    monkeypatch.setattr(fetches, "GATHER_SECONDS", 10)  # it ends as soon as all three have
    everybody, awaited = threading.Barrier(3), threading.Event()

    def next_finished(*arguments):
        awaited.set()
        return fetches.next_finished(*arguments)

    monkeypatch.setattr(engine, "next_finished", next_finished)

    def read(target):
        everybody.wait(timeout=10)
        assert awaited.wait(10)
        return FakeSnapshot(text=target.host, is_known=True)

    for instance in make_instances("a", "b", "c"):
        script.fetch[instance.name] = read
    return script


def start():
    return services.start_session(category="account", sync_type="manual_task", instances=Instance.objects.all())


def completions(captured: CaptureQueriesContext) -> list[str]:
    updates = [query["sql"] for query in captured if query["sql"].startswith('UPDATE "sync_instance_records"')]
    return [statement for statement in updates if '"items_synced"' in statement]


def statuses(session) -> dict[str, str]:
    return dict(session.records.values_list("instance_name", "status"))


def test_known_reads_are_completed_by_one_statement_each_with_its_own_story(known):
    session = start()
    with CaptureQueriesContext(connection) as captured:
        engine.run(session=session)
    assert len(completions(captured)) == 1
    assert statuses(session) == dict.fromkeys("abc", RecordStatus.COMPLETED)
    assert {record.sync_details["read"] for record in session.records.all()} == {"a", "b", "c"}
    assert not Instance.objects.filter(last_connected_at=None).exists()


def test_light_reads_are_written_together_and_heavy_ones_alone(known):
    for name in "ab":
        known.fetch[name] = lambda target, read=known.fetch[name]: replace(read(target), is_known=False, size_bytes=10)
    known.fetch["c"] = lambda target, read=known.fetch["c"]: replace(read(target), is_known=False, size_bytes=10**6)
    session = start()
    with CaptureQueriesContext(connection) as captured:
        engine.run(session=session)
    assert len(completions(captured)) == 2
    assert statuses(session) == dict.fromkeys("abc", RecordStatus.COMPLETED)
    assert dict(Instance.objects.values_list("name", "snapshot_bytes")) == {"a": 10, "b": 10, "c": 10**6}


def test_one_that_cannot_be_written_fails_alone(known):
    def fail(instance, run):
        raise ValueError("of b only")

    known.apply["b"] = fail
    session = start()
    engine.run(session=session)
    assert statuses(session) == {"a": RecordStatus.COMPLETED, "b": RecordStatus.FAILED, "c": RecordStatus.COMPLETED}
    assert Instance.objects.get(name="b").last_connected_at is None


def test_one_that_was_cancelled_is_left_alone(known):
    session = start()
    turn = engine.Turn(session=session, seconds=20)
    taken = turn.take

    def take(fetch):
        SyncInstanceRecord.objects.filter(session=session, instance_name="b").update(
            status=RecordStatus.CANCELLED, completed_at=Now(), **records.NO_LEASE
        )
        return taken(fetch)

    turn.take = take
    turn.run()
    assert statuses(session) == {"a": RecordStatus.COMPLETED, "b": RecordStatus.CANCELLED, "c": RecordStatus.COMPLETED}
    assert "b" not in known.applied
