"""A cancel reaches the servers, whoever gives it and wherever the worker runs."""

from __future__ import annotations

import pytest
from django.db import connection

from accounts_sync.models import InstanceAccount
from instances.models import Instance
from sessions_app import services
from sessions_app.models import RecordStatus
from tests.chaos.sleeping import SLEEP
from tests.dbms.conftest import admin_of
from tests.dbms.contract import MySql
from tests.dbms.test_contract import awaited

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="several processes need a server"),
]
EACH = 8


def sleepers(targets) -> dict[str, int]:
    """How many statements sleep on each server, as it says itself to somebody else."""
    with admin_of(targets["postgresql"]) as admin:
        query = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = %s"
        found = {"postgresql": admin.execute(query, [SLEEP["postgresql"]]).fetchone()[0]}
    admin = MySql(targets["mysql"].host, targets["mysql"].port, targets["mysql"].superuser)
    query = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = %s"
    return {**found, "mysql": admin.run(query, parameters=[SLEEP["mysql"]])[0][0]}


def test_a_cancel_during_16_sleeping_queries_ends_them_on_their_servers(targets, make_instances, start_worker):
    for db_type, server in targets.items():
        make_instances(db_type, [(server.host, server.port)] * EACH)
    session = services.start_session(category="account", sync_type="manual_task", instances=Instance.objects.all())
    worker = start_worker("tests.chaos.sleeping.Sleeping", SYNC_PER_HOST=str(2 * EACH), SYNC_THREADS=str(2 * EACH))
    assert awaited(lambda: sleepers(targets) == {"postgresql": EACH, "mysql": EACH}, 20)

    services.cancel_session(session)

    assert all(record.is_cancelling for record in session.records.all())
    assert awaited(lambda: sleepers(targets) == {"postgresql": 0, "mysql": 0}, 5)
    assert awaited(lambda: not any(record.is_cancelling for record in session.records.all()), 5)
    assert worker.wait(10) == 0, "every thread has ended"
    assert services.cancel_session(session).status == "cancelled"
    assert set(session.records.values_list("status", flat=True)) == {RecordStatus.CANCELLED}
    assert not InstanceAccount.objects.exists()
