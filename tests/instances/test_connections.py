"""The connection test against real servers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import psycopg
import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from instances import connections
from instances.connections import ConnectionReport
from instances.models import Instance
from tests.instances.factories import InstanceFactory
from tests.shell import Shell
from whalefall.demo import servers
from whalefall.demo.servers import ThrowawayServer

PASSWORD = "hunter2-unique"
HBA = "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


@pytest.fixture(scope="module")
def server() -> Iterator[ThrowawayServer]:
    """A PostgreSQL server that asks for passwords and lets the role `monitor` in."""
    binaries = servers.installed_postgresql()
    assert binaries, "install the package postgresql"
    with servers.postgresql(binaries, hba=HBA) as server:
        with psycopg.connect(host=server.host, port=server.port, user="postgres", autocommit=True) as superuser:
            superuser.execute(f"CREATE ROLE monitor LOGIN PASSWORD '{PASSWORD}'")
            superuser.execute("CREATE ROLE parked NOLOGIN PASSWORD 'x'")
            superuser.execute("CREATE DATABASE secret")
            superuser.execute("REVOKE CONNECT ON DATABASE secret FROM PUBLIC")
        yield server


@pytest.fixture
def instance(server: ThrowawayServer, db: None) -> Instance:
    """The server, registered with the right login, and suspended."""
    return InstanceFactory(
        host=server.host,
        port=server.port,
        credential__username="monitor",
        credential__password=PASSWORD,
        rejected_login="x",
        rejected_reason="auth",
        rejected_at=datetime.now(UTC),
    )


def check(instance: Instance) -> ConnectionReport:
    """Test the connection, and have the row read again."""
    report = connections.check_connection(instance)
    instance.refresh_from_db()
    assert PASSWORD not in repr(report)
    return report


def test_a_success_tells_the_version_and_ends_a_suspension(instance: Instance, server: ThrowawayServer):
    with psycopg.connect(host=server.host, port=server.port, user="postgres") as superuser:
        (version,) = superuser.execute("SHOW server_version").fetchone()
    report = check(instance)
    assert report.success, report
    assert report.message_code == report.text == report.hint == ""
    assert version.split()[0] in report.version
    assert version.startswith(report.main_version)
    assert instance.main_version == report.main_version
    assert instance.database_version == instance.detailed_version == report.version
    assert (datetime.now(UTC) - instance.last_connected_at).total_seconds() < 60
    assert (instance.rejected_login, instance.rejected_reason, instance.rejected_at) == ("", "", None)


def test_a_wrong_password_suspends_exactly_this_login(instance: Instance):
    credential = instance.credential
    credential.set_password("wrong")
    credential.save()
    report = check(instance)
    assert (report.success, report.message_code, report.reason) == (False, "DATABASE_CONNECTION_ERROR", "auth")
    assert "monitor" in report.text
    assert report.hint
    assert instance.rejected_reason == "auth"
    assert (datetime.now(UTC) - instance.rejected_at).total_seconds() < 60
    assert instance.is_suspended(instance.target())
    assert instance.last_connected_at is None
    credential.set_password(PASSWORD)
    credential.save()
    assert not Instance.objects.get().is_suspended(Instance.objects.get().target())


def test_a_role_that_may_not_log_in_is_suspended_as_locked(instance: Instance):
    instance.credential.username = "parked"
    instance.credential.set_password("x")
    instance.credential.save()
    assert check(instance).reason == "account_locked"
    assert instance.rejected_reason == "account_locked"


def test_what_is_no_answer_to_the_login_neither_begins_nor_ends_a_suspension(instance: Instance):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: nobody else gets the port, and it refuses
        instance.port = taken.getsockname()[1]
        instance.save()
        report = check(instance)
    assert (report.success, report.message_code, report.reason) == (False, "DATABASE_CONNECTION_ERROR", "refused")
    assert str(instance.port) in report.text
    assert (instance.rejected_login, instance.rejected_reason) == ("x", "auth")
    assert instance.last_connected_at is None


def test_an_unknown_host_is_named(instance: Instance):
    instance.host = "no-such-host.invalid"
    instance.save()
    report = check(instance)
    assert (report.success, report.reason) == (False, "dns")
    assert "no-such-host.invalid" in report.text


def test_a_server_that_stays_silent_is_given_up(instance: Instance):
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        instance.port = silent.getsockname()[1]
        instance.connect_timeout = 1
        instance.save()
        report = check(instance)
    assert (report.success, report.message_code, report.reason) == (False, "DATABASE_TIMEOUT", "timeout")
    assert report.duration < 5


def test_tls_that_the_server_does_not_offer_is_its_own_reason(instance: Instance):
    instance.tls_mode = "require"
    instance.save()
    assert check(instance).reason == "tls"


def test_a_credential_that_is_missing_or_unreadable_is_reported_without_a_connection(
    instance: Instance, settings: Settings
):
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert check(instance).message_code == "CREDENTIAL_UNREADABLE"
    instance.credential = None
    instance.save()
    assert check(instance).message_code == "CREDENTIAL_MISSING"
    assert instance.rejected_login == "x"


def test_a_login_database_that_denies_us_is_told_with_its_grant(instance: Instance):
    instance.database_name = "secret"
    instance.save()
    report = check(instance)
    assert (report.success, report.message_code, report.reason) == (False, "DATABASE_CONNECTION_ERROR", "privilege")
    assert 'GRANT CONNECT ON DATABASE "secret" TO "monitor"' in report.hint
    assert instance.rejected_reason == "auth", "the login itself was not rejected"


def test_the_command_prints_the_missing_grants_and_succeeds_when_nothing_is_missing(
    instance: Instance, server: ThrowawayServer, manage: Shell
):
    ended = manage("instances", "test", instance.name)
    assert (ended.status, ended.err) == (1, "")
    assert "  database:secret: denied (no CONNECT privilege)" in ended.out.splitlines()
    statements = ['GRANT CONNECT ON DATABASE "secret" TO "monitor"', 'GRANT pg_read_all_stats TO "monitor"']
    assert ended.out.splitlines()[-2:] == [f"  {statement};" for statement in statements]
    ended = manage("instances", "test", instance.name, "--json")
    assert (ended.status, ended.err) == (1, "")
    assert ended.json["success"] is True
    assert ended.json["grants"] == statements
    with psycopg.connect(host=server.host, port=server.port, user="postgres", autocommit=True) as superuser:
        for statement in statements:
            superuser.execute(statement)
        try:
            ended = manage("instances", "test", instance.name, "--json")
            printed = manage("instances", "test", instance.name)
        finally:
            superuser.execute("REVOKE CONNECT ON DATABASE secret FROM monitor; REVOKE pg_read_all_stats FROM monitor")
    assert (ended.status, printed.status) == (0, 0)
    assert ended.json["grants"] == []
    assert [line.split(":")[1] for line in ended.json["missing"]] == ["template0"]
    assert "GRANT" not in printed.out


def test_a_reading_test_says_what_could_not_be_read(instance: Instance):
    report = connections.check_connection(instance, read=True)
    assert report.success, report
    assert {scope.scope: scope.status for scope in report.coverage}["database:secret"] == "denied"
    assert any(line.startswith("database:secret: denied") for line in report.missing)
    assert not any(line.startswith(("server:", "database:postgres:")) for line in report.missing)
    assert report.accounts >= 3


@pytest.mark.django_db
def test_remembering_takes_one_statement(django_assert_num_queries):
    instance = InstanceFactory()
    target = instance.target()
    with django_assert_num_queries(1):
        connections.note_rejection(instance.pk, target, "auth")
    assert Instance.objects.get().is_suspended(target)
    with django_assert_num_queries(1):
        connections.note_success(instance.pk, version="x" * 300, main_version="1")
    assert not Instance.objects.suspended().exists()
