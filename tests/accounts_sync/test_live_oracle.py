"""Whole sessions over the double of a CDB, through the real driver: stored is what the double's dictionary holds, and
the change log says what was done to it, and nothing else."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from tests.accounts_sync.conftest import synchronize
from tests.accounts_sync.stored import account, active, attempt, categories, covered, ended, everything, reasons, said
from tests.dbms.conftest import Authority, oracle_certificate, trusted_ca  # noqa: F401 - fixtures
from tests.dbms.oracle.conftest import Scene
from tests.dbms.peers import Proxy
from tests.instances.factories import CredentialFactory, InstanceFactory
from tests.twins.oracle.database import ROOT, Database
from tests.twins.oracle.server import LineDropped, OracleServer, serving

pytestmark = pytest.mark.django_db

MONITOR, PASSWORD = "C##WATCHER", "w4tch 'n\\ see;}"
SALES, MILL = 3, 4
EVERYBODY = {(name, "") for name in ("SYS", "SYSTEM", "PUBLIC", "DBA", "CONNECT", "SELECT_CATALOG_ROLE")}
COMMON = {"C##DBAS", "C##OPS", "C##ADA", "C##BOB", "C##EVE", MONITOR}
OBJECTS = "oracle_pdb_object_privileges"


class Town(Scene):
    """A CDB with nested roles, somebody who may grant, somebody locked out, and two pluggable databases."""

    def __init__(self, server: OracleServer) -> None:
        super().__init__(server, MONITOR)
        database = self.database
        for name in ("SALES", "mill house"):
            database.add_pdb(name)
        self.places = (ROOT, SALES, MILL)
        database.add_login(MONITOR, PASSWORD)
        database.grant_all_containers(MONITOR)
        for name, status in (("C##ADA", "OPEN"), ("C##BOB", "OPEN"), ("C##EVE", "LOCKED")):
            database.add_login(name, "x", account_status=status)
        for con_id in self.places:
            for role in ("C##DBAS", "C##OPS"):
                self.role(role, common=True, con_id=con_id)
            self.grant_role("DBA", "C##DBAS", common=True, con_id=con_id)
            self.grant_role("C##DBAS", "C##OPS", common=True, con_id=con_id)
            self.grant_role("C##OPS", "C##ADA", common=True, con_id=con_id)
            self.grant("GRANT ANY ROLE", "C##BOB", admin=True, common=True, con_id=con_id)
        for con_id in (SALES, MILL):
            database.add_login("app", "x", con_id=con_id)
            self.grant_on("app", "Orders", "SELECT", "C##ADA", option=True, con_id=con_id)

    def revoke(self, view: str, **of: object) -> None:
        """Delete the rows of a view that have these values."""
        conditions = " AND ".join(f"{column} = ?" for column in of)
        self.database.run(f"DELETE FROM all_{view} WHERE {conditions}", *of.values())

    def drop(self, name: str) -> None:
        for view in ("users", "roles"):
            self.revoke(view, **{"username" if view == "users" else "role": name})
        for view in ("sys_privs", "role_privs", "tab_privs"):
            self.revoke(view, grantee=name)

    def show(self) -> None:
        """Give back every view that was hidden from the monitor."""
        self.database.logins[MONITOR, ROOT].hidden.clear()


@pytest.fixture(autouse=True)
def adapter() -> None:
    """The adapter of Oracle stays in its place."""


@pytest.fixture
def town() -> Iterator[Town]:
    with serving(Database(is_cdb=True)) as server:
        instance("127.0.0.1", server.port)
        yield Town(server)


def instance(host: str, port: int, **fields) -> None:
    InstanceFactory(
        db_type="oracle", host=host, port=port, credential=CredentialFactory(username=MONITOR, password=PASSWORD),
        **{"connect_timeout": 2, "statement_timeout": 1, **fields},
    )  # fmt: skip


def test_the_first_session_stores_what_the_dictionary_holds_and_the_second_changes_nothing(town):
    session = synchronize()
    assert said(session) == {}
    assert active() == EVERYBODY | {(name, "") for name in COMMON} | {("app", "SALES"), ("app", "mill house")}
    assert session.records.get().items_created == len(active())
    assert categories("C##ADA") == {
        "oracle_roles": ["C##OPS"],
        "oracle_system_privileges": ["CREATE SESSION"],
        OBJECTS: {pdb: {'"app"."Orders"': ["SELECT WITH GRANT OPTION"]} for pdb in ("SALES", "mill house")},
    }
    assert categories("C##BOB") == {"oracle_system_privileges": ["CREATE SESSION", "GRANT ANY ROLE WITH ADMIN OPTION"]}
    assert categories("app", "SALES") == {"oracle_pdb_system_privileges": {"SALES": ["CREATE SESSION"]}}
    assert covered("server") == covered("pdb:SALES") == covered("pdb:mill house") == ("ok", "")
    before = everything()
    again = synchronize()
    assert (said(again), everything()) == ({}, before)
    record = again.records.get()
    assert (record.items_created, record.items_updated, record.items_deleted) == (0, 0, 0)


def test_facts_follow_nested_roles(town):
    synchronize()
    path = "member of C##OPS → C##DBAS → DBA"
    assert reasons("C##ADA") == {"SUPERUSER": [path], "GRANT_ADMIN": [path]}
    assert reasons("C##BOB") == {"GRANT_ADMIN": ["GRANT ANY ROLE"]}
    assert reasons("C##EVE") == {"LOCKED": ["ACCOUNT LOCK"]}
    assert reasons(MONITOR) == {}
    ada = account("C##ADA")
    assert (ada.is_superuser, account("C##BOB").is_superuser, account("C##EVE").is_locked) == (True, False, True)
    town.revoke("role_privs", grantee="C##OPS", granted_role="C##DBAS")
    assert said(synchronize()) == {
        ("C##OPS", ""): ("modify_privilege", "REVOKE C##DBAS; is_superuser: True → False"),
        ("C##ADA", ""): ("modify_other", "is_superuser: True → False"),
    }


def test_known_changes_are_logged_exactly(town):
    synchronize()
    town.grant_on("app", "Orders", "UPDATE", "C##ADA", con_id=SALES)
    town.revoke("tab_privs", grantee="C##ADA", con_id=MILL)
    town.database.run("UPDATE all_users SET account_status = 'OPEN' WHERE username = 'C##EVE'")
    town.grant_role("DBA", "app", con_id=MILL)
    town.database.add_login("C##NEWCOMER", "x")
    town.drop("C##BOB")
    found = said(synchronize())
    assert found.pop(("C##NEWCOMER", ""))[0] == "add"
    assert found == {
        ("C##ADA", ""): (
            "modify_privilege",
            'GRANT UPDATE SALES: "app"."Orders"; REVOKE SELECT WITH GRANT OPTION mill house: "app"."Orders"',
        ),
        ("C##EVE", ""): ("modify_other", "is_locked: True → False"),
        ("app", "mill house"): (
            "modify_privilege",
            "GRANT DBA mill house; is_superuser: False → True (member of DBA in mill house)",
        ),
        ("C##BOB", ""): ("delete", ""),
    }
    assert not account("C##BOB").is_active
    assert reasons("app", "SALES") == {}


def test_a_dropped_pluggable_database_is_logged_as_such(town):
    synchronize()
    for view in ("users", "roles", "role_privs", "sys_privs", "tab_privs", "containers"):
        town.revoke(view, con_id=MILL)
    found = said(synchronize())
    assert "database_dropped" in found["C##ADA", ""][1]
    assert ("app", "mill house") not in active()
    assert set(categories("C##ADA")[OBJECTS]) == {"SALES"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE all_containers SET open_mode = 'MOUNTED' WHERE con_id = 4", ("offline", "mounted")),
        ("UPDATE all_containers SET restricted = 'YES' WHERE con_id = 4", ("offline", "open in restricted mode only")),
    ],
    ids=["mounted", "restricted"],
)
def test_a_pluggable_database_that_is_closed_for_a_while_loses_nothing(town, change, expected):
    synchronize()
    before = everything()
    town.database.run(change)
    for view in ("users", "roles", "role_privs", "sys_privs", "tab_privs"):
        town.revoke(view, con_id=MILL)
    town.revoke("tab_privs", grantee="C##ADA", con_id=SALES)
    session = synchronize()
    assert said(session) == {
        ("C##ADA", ""): ("modify_privilege", 'REVOKE SELECT WITH GRANT OPTION SALES: "app"."Orders"')
    }
    assert covered("pdb:mill house") == expected
    assert ended(session.records.get())[0] == "completed"
    assert categories("C##ADA")[OBJECTS] == {"mill house": {'"app"."Orders"': ["SELECT WITH GRANT OPTION"]}}
    assert everything()["app", "mill house"] == before["app", "mill house"]


@pytest.mark.parametrize(
    ("view", "expected"),
    [("hidden", ("denied", "no SELECT on SYS.CDB_TAB_PRIVS")), ("slow", ("timeout", ""))],
)
def test_a_view_that_cannot_be_read_for_a_while_loses_nothing(town, view, expected):
    synchronize()
    before = everything()
    if view == "hidden":
        town.hide("cdb_tab_privs")
    else:
        town.server.fault("cdb_tab_privs", lambda session: session.wait(30))
    town.revoke("tab_privs", grantee="C##ADA")
    town.revoke("tab_privs", grantee="PUBLIC")
    town.grant("CREATE TABLE", "C##EVE")
    session = synchronize()
    assert said(session) == {("C##EVE", ""): ("modify_privilege", "GRANT CREATE TABLE")}
    scopes = ("category:oracle_object_privileges", "pdb:SALES", "pdb:mill house")
    assert {covered(scope)[0] for scope in scopes} == {expected[0]}
    assert expected[1] in covered(scopes[0])[1]
    assert ended(session.records.get())[0] == "completed"
    for key in (("C##ADA", ""), ("PUBLIC", ""), ("app", "SALES")):
        assert everything()[key] == before[key]
    town.show()
    town.server.mend()
    found = said(synchronize())
    assert set(found) == {("C##ADA", ""), ("PUBLIC", "")}
    assert 'REVOKE SELECT WITH GRANT OPTION SALES: "app"."Orders"' in found["C##ADA", ""][1]


def test_a_line_that_drops_in_the_middle_changes_nothing(town, settings):
    settings.SYNC_ATTEMPTS = 1
    synchronize()
    before = everything()
    town.server.fault("cdb_tab_privs", LineDropped())
    town.revoke("tab_privs", grantee="C##ADA")
    town.drop("C##BOB")
    assert ended(attempt()) == ("failed", "SYNC_DATA_ERROR", "protocol")
    assert everything() == before
    town.server.mend()
    assert set(said(synchronize())) == {("C##ADA", ""), ("C##BOB", "")}


@pytest.mark.parametrize("view", ["cdb_users", "cdb_roles"])
def test_a_view_of_who_exists_that_is_denied_changes_nothing_and_says_what_to_grant(town, view):
    synchronize()
    before = everything()
    town.hide(view)
    town.drop("C##BOB")
    record = attempt()
    assert ended(record) == ("failed", "SYNC_DATA_ERROR", "privilege")
    assert f'GRANT SELECT ON SYS.{view.upper()} TO "{MONITOR}"' in record.error_message
    assert everything() == before


def test_a_list_of_pluggable_databases_that_may_be_incomplete_drops_none(town):
    synchronize()
    before = everything()
    town.database.run("DELETE FROM dba_container_data")
    town.database.logins[MONITOR, ROOT].containers = {SALES}
    assert said(synchronize()) == {}
    assert everything() == before
    assert covered("pdb:mill house") == ("denied", "not in the CONTAINER_DATA of the monitoring account")


@pytest.mark.parametrize("tls_mode", ["require", "verify"])
def test_a_session_over_tls_shows_nothing_to_who_listens(
    tls_mode: str, trusted_ca: Authority, oracle_certificate: ssl.SSLContext  # noqa: F811 - fixtures
) -> None:  # fmt: skip
    with (
        serving(Database(is_cdb=True), tls=oracle_certificate) as server,
        Proxy(("127.0.0.1", server.port)) as proxy,
    ):
        Town(server)
        ca = trusted_ca.pem if tls_mode == "verify" else ""
        instance(proxy.host, proxy.port, tls_mode=tls_mode, tls_ca=ca)
        synchronize()
        assert ("C##ADA", "") in active()
        said_openly = bytes(proxy.said)
    assert len(said_openly) > 1000
    assert b"whalefall" not in said_openly
    assert MONITOR.encode() not in said_openly
