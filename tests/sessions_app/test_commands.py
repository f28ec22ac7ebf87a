"""manage.py sync, sessions and sweep, as a shell sees them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from instances.models import Instance, Tag
from sessions_app import claims, engine, services
from sessions_app.models import SyncSession
from tests.sessions_app.conftest import expire_lease, record_of
from whalefall.errors import ConnectionRefused

pytestmark = pytest.mark.django_db


def refuse(target):
    raise ConnectionRefused(**target.address, detail="closed")


def start(instances=None) -> SyncSession:
    """A session that nobody works on yet."""
    return services.start_session(
        category="account",
        sync_type="manual_task",
        instances=Instance.objects.all() if instances is None else instances,
    )


@pytest.fixture
def session(script, make_instances) -> SyncSession:
    make_instances("good", "bad")
    script.fetch["bad"] = refuse
    session = services.start_session(
        category="account", sync_type="manual_task", instances=Instance.objects.all(), max_attempts=1
    )
    engine.run(session=session)
    session.refresh_from_db()
    return session


# sync -------------------------------------------------------------------------------------------------------------


def test_sync_inline_works_in_this_process_and_succeeds(manage, script, make_instances):
    make_instances("a", "b")
    ended = manage("sync", "account", "--inline")
    assert ended.status == 0, ended.err
    assert "a: 3 read, 1 created, 1 updated, 1 deleted" in ended.out
    assert "2 completed, 0 failed" in ended.out


def test_sync_inline_fails_when_a_record_fails_and_says_why_on_stderr(manage, script, make_instances):
    make_instances("good", "bad")
    script.fetch["bad"] = refuse
    ended = manage("sync", "account", "--inline")
    assert ended.status == 1
    (line,) = [line for line in ended.err.splitlines() if "bad" in line]
    assert line.startswith("DATABASE_CONNECTION_ERROR: bad: ")
    assert "firewall" in line


def test_sync_prints_one_json_document(manage, script, make_instances):
    make_instances("a")
    document = manage("sync", "account", "--inline", "--json").json
    assert (document["status"], document["outcome"]) == ("completed", "clean")
    assert [record["accounts_synced"] for record in document["records"]] == [3]


def test_sync_without_a_way_to_wait_only_starts(manage, script, make_instances):
    make_instances("a")
    document = manage("sync", "account", "--json").json
    assert (document["status"], document["sync_type"], document["pending_instances"]) == ("running", "manual_task", 1)
    assert script.applied == []


def test_sync_takes_the_instances_that_the_options_name(manage, script, make_instances):
    named, tagged, _ = make_instances("named", "tagged", "other")
    tagged.tags.add(Tag.objects.create(name="prod"))
    named.tags.add(Tag.objects.create(name="test"))
    document = manage("sync", "account", "--tag", "prod", "--tag", "test", "--inline", "--json").json
    assert [record["instance_name"] for record in document["records"]] == ["named", "tagged"]
    assert document["sync_type"] == "manual_batch"
    document = manage("sync", "account", "--instance", "named", "--inline", "--json").json
    assert [record["instance_name"] for record in document["records"]] == ["named"]


def test_sync_force_is_remembered_in_the_session(manage, script, make_instances):
    make_instances("a")
    assert manage("sync", "account", "--force", "--json").json["parameters"] == {"force": True}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("account", "--instance", "nonsense"), "RESOURCE_NOT_FOUND"),
        (("account", "--tag", "nonsense"), "RESOURCE_NOT_FOUND"),
        (("account", "--db-type", "nonsense"), "VALIDATION_ERROR"),
        (("config",), "VALIDATION_ERROR"),
        (("nonsense",), "VALIDATION_ERROR"),
        (("capacity", "--force"), "VALIDATION_ERROR"),
    ],
)
def test_sync_refuses_what_it_does_not_know_with_one_line(manage, script, make_instances, arguments, code):
    make_instances("a")
    ended = manage("sync", *arguments)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"{code}: ")
    assert len(ended.err.splitlines()) == 1
    assert not SyncSession.objects.exists()


def test_sync_with_nothing_to_do_says_so(manage, script, db):
    ended = manage("sync", "account")
    assert (ended.status, ended.err.split(":")[0]) == (1, "VALIDATION_ERROR")


@pytest.mark.parametrize("how", [(), ("--inline",), ("--wait",), ("--inline", "--json")])
def test_sync_fails_when_another_session_has_every_instance_already(manage, script, make_instances, how):
    make_instances("a", "b")
    other = start()
    ended = manage("sync", "account", *how)
    assert ended.status == 1
    if "--json" in how:
        records = ended.json["records"]
        assert [(record["status"], record["reason"]) for record in records] == [("skipped", "already_running")] * 2
    else:
        assert ended.err.splitlines() == [
            f"SKIPPED: {name}: Already being synchronized by session {other.session_id}" for name in "ab"
        ]
        assert "2 skipped" in ended.out


def test_sync_of_all_succeeds_when_some_are_skipped_but_of_named_ones_only_when_none_is(manage, script, make_instances):
    busy, _free = make_instances("busy", "free")
    start(Instance.objects.filter(pk=busy.pk))
    assert manage("sync", "account", "--inline").status == 0
    ended = manage("sync", "account", "--instance", "busy", "--instance", "free", "--inline")
    assert ended.status == 1
    (line,) = ended.err.splitlines()
    assert line.startswith("SKIPPED: busy: ")
    assert "1 completed" in ended.out
    assert manage("sync", "account", "--instance", "free", "--inline").status == 0


@pytest.mark.parametrize("how", [(), ("--inline",), ("--wait",)])
def test_sync_refuses_a_named_instance_that_is_disabled_before_anything_starts(manage, script, make_instances, how):
    off, _on = make_instances("off", "on")
    Instance.objects.filter(pk=off.pk).update(is_active=False)
    ended = manage("sync", "account", "--instance", "on", "--instance", "off", *how)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("VALIDATION_ERROR: Instance off is disabled (")
    assert not SyncSession.objects.exists()


# sessions ---------------------------------------------------------------------------------------------------------


def test_sessions_lists_the_newest_first(manage, session):
    services.start_session(category="account", sync_type="scheduled_task", instances=Instance.objects.all())
    ids = [document["sync_type"] for document in manage("sessions", "list", "--json").json]
    assert ids == ["scheduled_task", "manual_task"]
    assert len(manage("sessions", "list", "--status", "failed").out.splitlines()) == 1


def test_sessions_show_tells_records_and_errors(manage, session):
    ended = manage("sessions", "show", str(session.session_id))
    assert "good: 3 read" in ended.out
    assert "DATABASE_CONNECTION_ERROR: bad" in ended.err
    assert len(manage("sessions", "show", str(session.session_id), "--json").json["records"]) == 2


def test_sessions_records_can_be_filtered(manage, session):
    found = manage("sessions", "records", str(session.session_id), "--status", "failed", "--json").json
    assert [(record["instance_name"], record["reason"]) for record in found] == [("bad", "refused")]


def test_sessions_retry_starts_a_child(manage, session):
    document = manage("sessions", "retry", str(session.session_id), "--reason", "refused", "--json").json
    assert (document["retry_of"], document["total_instances"]) == (str(session.session_id), 1)


def test_sessions_show_leads_from_a_retry_to_its_origin_and_back(manage, session):
    child = manage("sessions", "retry", str(session.session_id), "--json").json["session_id"]
    assert f"retried by {child}" in manage("sessions", "show", str(session.session_id)).out
    assert manage("sessions", "show", str(session.session_id), "--json").json["retries"] == [child]
    assert f"retry of {session.session_id}" in manage("sessions", "show", child).out


def test_sessions_retry_refuses_a_reason_that_does_not_exist(manage, session):
    ended = manage("sessions", "retry", str(session.session_id), "--reason", "refussed")
    assert (ended.status, ended.err.split(":")[0]) == (1, "VALIDATION_ERROR")
    assert "refussed" in ended.err


def test_sessions_cancel_ends_a_running_session(manage, script, make_instances):
    make_instances("a")
    session = services.start_session(category="account", sync_type="manual_task", instances=Instance.objects.all())
    assert manage("sessions", "cancel", str(session.session_id), "--json").json["status"] == "cancelled"


def test_sessions_cancel_of_a_finished_one_is_refused(manage, session):
    ended = manage("sessions", "cancel", str(session.session_id))
    assert (ended.status, ended.err.split(":")[0]) == (1, "SESSION_FINISHED")


@pytest.mark.parametrize("name", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_session_is_not_found(manage, db, name):
    ended = manage("sessions", "show", name)
    assert (ended.status, ended.err.split(":")[0]) == (1, "RESOURCE_NOT_FOUND")


def test_sessions_purge_tells_before_it_deletes(manage, session):
    SyncSession.objects.update(completed_at=timezone.now() - timedelta(days=40))
    assert json.loads(manage("sessions", "purge", "--older-than", "30", "--dry-run", "--json").out)["purged"] == 1
    assert SyncSession.objects.exists()
    assert manage("sessions", "purge", "--older-than", "30").status == 0
    assert not SyncSession.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        *(("purge", "--older-than", days) for days in ("-1", "0", "36501", "99999999999", "1.5", "٣", "all", "")),
        *(("list", "--limit", number) for number in ("-1", "0", "1001", "9" * 5000)),
        ("list", "--category", "bogus"),
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_sessions_refuses_what_is_out_of_bounds_and_touches_nothing(manage, session, arguments):
    SyncSession.objects.update(completed_at=timezone.now() - timedelta(days=40_000))
    ended = manage("sessions", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.splitlines()[-1].startswith(f"manage.py sessions {arguments[0]}: error: argument {arguments[1]}: ")
    assert SyncSession.objects.count() == 1


def test_sessions_takes_the_bounds_themselves(manage, session):
    assert manage("sessions", "purge", "--older-than", "36500", "--json").json == {"purged": 0, "dry_run": False}
    assert manage("sessions", "purge", "--older-than", "1", "--json").json["purged"] == 0
    assert len(manage("sessions", "list", "--limit", "1", "--category", "account", "--json").json) == 1
    assert len(manage("sessions", "list", "--limit", "1000", "--json").json) == 1


# sweep ------------------------------------------------------------------------------------------------------------


def test_sweep_reports_what_it_repaired(manage, script, make_instances):
    make_instances("a")
    session = services.start_session(category="account", sync_type="manual_task", instances=Instance.objects.all())
    claims.claim_fetches(limit=1, free_bytes=10**9, idle=True)
    expire_lease(record_of(session, "a"))
    assert manage("sweep", "--json").json == {
        "returned": 1, "lost": 0, "dropped": 0, "finalized": 0, "nudged": True,
    }  # fmt: skip
    assert manage("sweep").status == 0
