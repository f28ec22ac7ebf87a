"""Connections that are open at once to one host, counted there."""

from __future__ import annotations

import pytest
from django.db import connection

from accounts_sync.models import InstanceAccount
from instances.models import Instance
from sessions_app import services
from tests.chaos.counting import CountingHost

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="several processes need a server"),
]


def test_two_sessions_in_two_processes_never_exceed_the_limit_of_a_host(targets, make_instances, start_worker):
    servers = list(targets.items())
    with CountingHost([(server.host, server.port) for _ in range(8) for _, server in servers]) as host:
        made = [
            instance.pk
            for number, (db_type, _) in enumerate(servers)
            for instance in make_instances(db_type, host.addresses[number::2])
        ]
        sessions = [
            services.start_session(
                category="account", sync_type="manual_task", instances=Instance.objects.filter(pk__in=half)
            )
            for half in (made[::2], made[1::2])
        ]
        workers = [start_worker("accounts_sync.sync.AccountSync") for _ in range(2)]
        assert [worker.wait(60) for worker in workers] == [0, 0]
        for session in sessions:
            session.refresh_from_db()
            assert (session.outcome, session.successful_instances) == ("clean", 8)
        assert InstanceAccount.objects.exists()
        assert host.total >= 16
        assert host.most == 2, "both processes together read two servers of the host at once, and never three"
