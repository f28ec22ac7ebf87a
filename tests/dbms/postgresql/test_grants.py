"""The grant doctor: its statements, and the script of the documentation, are enough to read everything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from psycopg import sql

from dbms import postgresql
from dbms.postgresql.accounts import _why_not, read_accounts
from dbms.postgresql.connection import connect
from dbms.postgresql.grants import NO_CONNECT, grants
from dbms.snapshots import AccountsSnapshot, Coverage, account
from tests.dbms.conftest import Scene, target_of
from whalefall.errors import ConnectDenied

DOCUMENT = Path(__file__).parents[3] / "docs/monitoring-accounts.md"
HOSTILE = [
    "plain",
    "MixedCase",
    'say "hi"',
    "it's; DROP ROLE x",
    "new\nline",
    "back\\slash\t",
    "новая \x1b[31m",
    "%s {x}",
]


def read(scene: Scene, username: str) -> AccountsSnapshot:
    with connect(target_of(scene.server, username=username)) as connection:
        return read_accounts(connection)


def statuses(snapshot: AccountsSnapshot) -> dict[str, str]:
    return {part.scope: part.status for part in snapshot.coverage}


def members_only(scene: Scene, name: str) -> None:
    scene.database(name)
    scene.run(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


@pytest.mark.parametrize("username", ["monitor", 'the "DBA"\'s\tmonitor'])
def test_its_statements_open_every_database_whatever_the_names(scene, username):
    for name in HOSTILE:
        members_only(scene, name)
    scene.role(username)
    before = read(scene, username)
    statements = postgresql.adapter.grants(before, username)
    assert len(statements) == len(HOSTILE)
    assert all(statement.isprintable() for statement in statements)
    scene.run(*statements)
    after = read(scene, username)
    assert {statuses(after)[f"database:{name}"] for name in HOSTILE} == {"ok"}
    assert grants(after, username) == ()


def test_what_accepts_no_connections_is_not_missing(scene):
    scene.database("parked", "ALLOW_CONNECTIONS false")
    scene.database("half_gone")
    scene.run("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'half_gone'")
    scene.role("monitor")
    seen = read(scene, "monitor")
    offline = {scope for scope, status in statuses(seen).items() if status == "offline"}
    assert offline == {"database:template0", "database:parked", "database:half_gone"}
    assert grants(seen, "monitor") == ()


def test_a_database_that_closes_between_list_and_login_is_missing_too(scene):
    members_only(scene, "secret")
    scene.role("monitor")
    with (
        pytest.raises(ConnectDenied) as caught,
        connect(target_of(scene.server, username="monitor", database="secret")),
    ):
        pass
    assert _why_not(caught.value) == ("denied", NO_CONNECT)


@pytest.mark.parametrize(("superuser", "expected"), [("rdsadmin", 0), ("postgres", 1)])
def test_a_cloud_providers_own_database_is_not_missing(superuser, expected):
    """No such server can be started here: the snapshot is written by hand."""
    seen = AccountsSnapshot(
        db_type="postgresql",
        version="PostgreSQL 15.4",
        main_version="15.4",
        coverage=(Coverage(scope="database:rdsadmin", status="denied", reason="no CONNECT privilege"),),
        accounts=(account(username=superuser, kind="user", principal_id="10", parts={}),),
    )
    assert len(grants(seen, "monitor")) == expected


def test_what_no_grant_opens_is_not_promised():
    seen = AccountsSnapshot(
        db_type="postgresql",
        version="PostgreSQL 15.4",
        main_version="15.4",
        coverage=(
            Coverage(scope="database:a", status="denied", reason='no pg_hba.conf entry for host "::1"'),
            Coverage(scope="database:b", status="timeout"),
        ),
        accounts=(),
    )
    assert grants(seen, "monitor") == ()


def test_the_documented_script_lets_its_account_read_all_that_a_superuser_reads(scene):
    (script,) = re.findall(r"## PostgreSQL\n.*?```sql\n(.+?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    for name in HOSTILE:
        members_only(scene, name)
        scene.run("CREATE TABLE t ()", "GRANT SELECT ON t TO PUBLIC", database=name)
    scene.database("parked", "ALLOW_CONNECTIONS false")
    scene.adopt_role("whalefall")
    scene.run(script)
    seen = read(scene, "whalefall")
    assert {scope for scope, status in statuses(seen).items() if status != "ok"} == {
        "database:template0",
        "database:parked",
    }
    assert seen == read(scene, "postgres")
    with connect(target_of(scene.server, username="whalefall")) as connection:
        sizes = postgresql.adapter.read_capacity(connection)
    assert {part.status for part in sizes.coverage} == {"ok"}
    assert None not in {database.size_bytes for database in sizes.databases}
    assert postgresql.adapter.capacity_grants(sizes, "whalefall") == ()
    attributes = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
    assert not scene.value(f"SELECT {attributes} FROM pg_roles WHERE rolname = 'whalefall'")
    assert not scene.value("SELECT has_table_privilege('whalefall', 'pg_authid', 'SELECT')")
