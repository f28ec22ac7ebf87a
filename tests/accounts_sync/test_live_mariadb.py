"""Whole sessions over a real MariaDB server: what the change log says is what was done, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts_sync.models import AccountChangeLog, InstanceAccount
from instances.models import Instance
from sessions_app import engine, services
from sessions_app.models import InstanceCoverage, SyncSession
from tests.accounts_sync.conftest import synchronize, words
from tests.dbms.mysql.conftest import MariaDbScene
from tests.instances.factories import CredentialFactory, InstanceFactory

pytestmark = pytest.mark.django_db

MONITOR, PASSWORD = "watcher", "w4tch 'n\" see\\"
GRANT_TABLES = ("global_priv", "db", "tables_priv", "columns_priv", "procs_priv", "roles_mapping", "proxies_priv")
ROLES, TABLES = "category:mysql_granted_roles", "category:mysql_table_privileges"


@pytest.fixture(autouse=True)
def adapter() -> None:
    """The adapter of MySQL stays in its place."""


@pytest.fixture
def town(mariadb) -> Iterator[MariaDbScene]:
    """A server with an instance that reads it as an account that may see the seven grant tables alone."""
    scene = MariaDbScene(mariadb)
    scene.user(MONITOR)
    scene.run(f"SET PASSWORD FOR {MONITOR} = PASSWORD('{PASSWORD.translate({39: chr(39) * 2, 92: chr(92) * 2})}')")
    scene.run(*(f"GRANT SELECT ON mysql.{table} TO {MONITOR}" for table in GRANT_TABLES))
    scene.role("dba")
    scene.role("ops")
    scene.user("ada")
    scene.user("ada", "10.0.0.%")
    scene.database("shop")
    scene.public()
    scene.run(
        "GRANT SELECT ON nowhere.* TO PUBLIC",
        "GRANT SUPER ON *.* TO dba",
        "GRANT dba TO ops",
        "GRANT ops TO ada",
        "CREATE TABLE shop.t (a int, b int)",
        "GRANT SELECT ON shop.t TO ada",
    )
    InstanceFactory(
        db_type="mysql",
        host=mariadb.host,
        port=mariadb.port,
        database_name="",
        credential=CredentialFactory(username=MONITOR, password=PASSWORD),
        connect_timeout=2,
    )
    yield scene
    scene.clean()


def said(session: SyncSession) -> set[tuple[str, str, str]]:
    """What a session logged of others than the reader itself, but for the baseline."""
    rows = AccountChangeLog.objects.filter(session_uuid=session.session_id, is_baseline=False)
    return {(row.username, row.change_type, words(row)) for row in rows.exclude(account__username=MONITOR)}


def account(username: str, host: str = "%") -> InstanceAccount:
    return InstanceAccount.objects.select_related("permission").get(username=username, host=host)


def categories(username: str) -> dict:
    return account(username).permission.permission_snapshot["categories"]


def covered(scope: str) -> str:
    return InstanceCoverage.objects.get(scope=scope).status


def test_known_changes_are_logged_exactly(town):
    assert said(synchronize()) == set()
    assert said(synchronize()) == set()
    town.run(
        "GRANT UPDATE (b) ON shop.t TO ada",
        "REVOKE SELECT ON shop.t FROM ada",
        "GRANT ops TO ada@`10.0.0.%` WITH ADMIN OPTION",
        "ALTER USER ada ACCOUNT LOCK",
        "GRANT SELECT ON `sh_p`.* TO PUBLIC",
    )
    town.user("newcomer", "localhost")
    found = {username: (change, told) for username, change, told in said(synchronize())}
    assert set(found) == {"ada@%", "ada@10.0.0.%", "PUBLIC", "newcomer@localhost"}
    assert found["ada@%"] == (
        "modify_privilege",
        "GRANT UPDATE shop.t.b; REVOKE SELECT shop.t; is_locked: False → True",
    )
    told = "GRANT ops WITH ADMIN OPTION; is_superuser: False → True (member of ops → dba)"
    assert found["ada@10.0.0.%"] == ("modify_privilege", told)
    assert found["PUBLIC"] == ("modify_privilege", "GRANT SELECT sh_p")
    assert found["newcomer@localhost"][0] == "add"
    assert account("ada").is_locked
    town.run("DROP USER ada@`10.0.0.%`")
    assert ("ada@10.0.0.%", "delete", "") in said(synchronize())
    assert account("ada").is_active
    assert not account("ada", "10.0.0.%").is_active


def test_a_grant_table_that_is_denied_for_a_while_loses_nothing(town):
    synchronize()
    town.run(f"REVOKE SELECT ON mysql.tables_priv FROM {MONITOR}")
    town.run("GRANT PROCESS ON *.* TO ada")
    assert said(synchronize()) == {("ada@%", "modify_privilege", "GRANT PROCESS")}
    assert covered(TABLES) == "denied"
    assert categories("ada")["mysql_table_privileges"] == {"shop.t": ["SELECT"]}
    town.run("REVOKE SELECT ON shop.t FROM ada")
    assert said(synchronize()) == set()
    town.run(f"GRANT SELECT ON mysql.tables_priv TO {MONITOR}")
    assert ("ada@%", "modify_privilege", "REVOKE SELECT shop.t") in said(synchronize())
    assert covered(TABLES) == "ok"


def test_roles_that_cannot_be_read_for_a_while_still_make_superusers(town):
    synchronize()
    assert account("ada").is_superuser
    town.run(f"REVOKE SELECT ON mysql.roles_mapping FROM {MONITOR}")
    town.run("GRANT FILE ON *.* TO ada")
    assert said(synchronize()) == {("ada@%", "modify_privilege", "GRANT FILE")}
    assert covered(ROLES) == "denied"
    held = account("ada")
    assert held.is_superuser
    assert held.permission.permission_facts["roles"] == ["dba", "ops"]
    assert held.permission.permission_facts["capability_reasons"]["SUPERUSER"] == ["member of ops → dba"]
    assert held.permission.permission_facts["privileges"]["global"] == ["FILE"]
    assert categories("ada")["mysql_granted_roles"]["direct"] == ["ops"]
    town.run("REVOKE SUPER ON *.* FROM dba")
    told = said(synchronize())
    assert ("dba", "modify_privilege", "REVOKE SUPER; is_superuser: True → False") in told
    assert ("ada@%", "modify_other", "is_superuser: True → False") in told
    assert not account("ada").is_superuser


def test_an_unreadable_user_table_changes_nothing_and_says_what_to_grant(town):
    synchronize()
    before = InstanceAccount.objects.filter(is_active=True).count()
    town.run(f"REVOKE SELECT ON mysql.global_priv FROM {MONITOR}", "DROP USER ada@`10.0.0.%`")
    session = services.start_session(category="account", sync_type="manual_task", instances=Instance.objects.all())
    engine.run(session=session)
    record = session.records.get()
    assert (record.status, record.message_code, record.reason) == ("failed", "SYNC_DATA_ERROR", "privilege")
    assert "GRANT SELECT ON mysql.global_priv TO `watcher`@`%`" in record.error_message
    assert PASSWORD not in record.error_message
    assert InstanceAccount.objects.filter(is_active=True).count() == before


def test_a_new_grant_to_the_reader_makes_nobody_a_superuser_in_the_log(town):
    town.run(f"REVOKE SELECT ON mysql.roles_mapping FROM {MONITOR}")
    synchronize()
    assert not account("ada").is_superuser
    town.run(f"GRANT SELECT ON mysql.roles_mapping TO {MONITOR}")
    assert said(synchronize()) == set()
    assert account("ada").is_superuser


def test_an_account_made_again_has_nothing_of_the_old_one(town):
    synchronize()
    town.run("DROP USER ada@`%`")
    synchronize()
    town.run(*(f"REVOKE SELECT ON mysql.{table} FROM {MONITOR}" for table in ("roles_mapping", "tables_priv")))
    town.user("ada")
    (told,) = [told for username, change, told in said(synchronize()) if (username, change) == ("ada@%", "reactivate")]
    assert "is_superuser: True → False" in told
    assert "GRANT" not in told
    held = account("ada")
    assert not held.is_superuser
    assert set(categories("ada")) == {"mysql_global_privileges"}
    assert held.permission.permission_facts["roles"] == []
