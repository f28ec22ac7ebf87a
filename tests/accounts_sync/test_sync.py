"""The account category in the engine: one record from the claim to the end."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts_sync.models import AccountChangeLog, AccountPermission, InstanceAccount
from instances.models import Instance
from sessions_app import engine, services
from sessions_app.models import SyncSession
from tests.accounts_sync.fakes import role, snapshot
from tests.instances.factories import InstanceFactory

pytestmark = pytest.mark.django_db


def run() -> SyncSession:
    session = services.start_session(category="account", sync_type="manual_task", instances=Instance.objects.all())
    engine.run(session=session)
    session.refresh_from_db()
    return session


def of_the_apply(captured: CaptureQueriesContext) -> list[str]:
    """The statements of the transaction that holds, applies and completes."""
    statements = [query["sql"] for query in captured]
    begins = [place for place, statement in enumerate(statements) if statement.startswith("BEGIN")]
    (begin,) = [place for place in begins if statements[place + 1].startswith('UPDATE "sync_instance_records"')]
    return statements[begin : statements.index("COMMIT", begin) + 1]


def test_a_completed_record_leaves_what_the_server_said_on_its_instance(serve):
    instance = InstanceFactory()
    serve(snapshot(role("ada"), version="PostgreSQL 15.18"))
    session = run()
    instance.refresh_from_db()
    assert (instance.database_version, instance.main_version, instance.sync_count) == ("PostgreSQL 15.18", "15.18", 1)
    assert instance.last_connected_at is not None
    assert instance.snapshot_bytes > 0
    assert session.summary["metrics"]["accounts_seen"] == 1
    assert session.summary["metrics"]["accounts_changed"] == 1


def test_a_refused_list_changes_nothing_and_is_accepted_by_force(serve):
    InstanceFactory()
    serve(snapshot(*(role(f"user{number}") for number in range(40))))
    run()
    serve(snapshot(role("user0")))
    refused = run()
    assert refused.error_summary == [{"message_code": "SYNC_DATA_ERROR", "reason": "shrunk", "count": 1}]
    assert InstanceAccount.objects.active().count() == 40
    assert "40" in refused.records.get().error_message
    forced = services.start_session(
        category="account", sync_type="manual_task", instances=Instance.objects.all(), parameters={"force": True}
    )
    engine.run(session=forced)
    assert InstanceAccount.objects.active().count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [10, 2_000])
def test_the_statements_of_an_instance_do_not_depend_on_its_accounts(serve, count):
    InstanceFactory()
    serve(snapshot(*(role(f"user{number}") for number in range(count))))
    with CaptureQueriesContext(connection) as first:
        run()
    assert len(of_the_apply(first)) <= 15
    with CaptureQueriesContext(connection) as unchanged:
        run()
    assert len(of_the_apply(unchanged)) <= 8


def test_an_unchanged_run_writes_no_account_row(serve):
    InstanceFactory()
    serve(snapshot(*(role(f"user{number}") for number in range(20))))
    run()
    models = (InstanceAccount, AccountPermission, AccountChangeLog)
    before = [list(model.objects.order_by("pk").values()) for model in models]
    with CaptureQueriesContext(connection) as captured:
        run()
    assert [list(model.objects.order_by("pk").values()) for model in models] == before
    tables = [model._meta.db_table for model in models]
    written = [query["sql"] for query in captured if not query["sql"].startswith("SELECT")]
    assert not [statement for statement in written if any(f'"{table}"' in statement for table in tables)]
