"""Whole sessions over the double of a SQL Server, through the real driver: stored is what the double's catalogue holds,
and the change log says what was done to it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.accounts_sync.conftest import synchronize
from tests.accounts_sync.stored import account, active, attempt, categories, covered, ended, everything, reasons, said
from tests.dbms.conftest import other_ca, trusted_ca  # noqa: F401 - fixtures
from tests.dbms.peers import Proxy
from tests.dbms.sqlserver.catalogue import Catalogue
from tests.dbms.sqlserver.subject import tls_context
from tests.instances.factories import CredentialFactory, InstanceFactory
from tests.twins.sqlserver.server import LineDropped, TdsServer

pytestmark = pytest.mark.django_db

MONITOR, PASSWORD = "watch]er", "w4tch 'n\" see\\;}"
ORDERS = (1, "OBJECT_OR_COLUMN", 900, "sales", "orders", 0, None)
EVERYBODY = {("sa", ""), ("public", ""), ("sysadmin", ""), ("securityadmin", "")}  # of a new catalogue
DBA, OPS, ADA, BOB, EVE = range(6, 11)  # in the order in which the town makes them, after the monitor


class Town(Catalogue):
    """A server with nested roles, somebody who may hand out roles, somebody locked out, and two databases."""

    def __init__(self) -> None:
        super().__init__()
        self.login(MONITOR, password=PASSWORD)
        dba, ops = self.role("dba"), self.role("ops")
        ada, bob, eve = self.login("ada"), self.login("bob"), self.login("eve", is_disabled=True)
        assert [each.id for each in (dba, ops, ada, bob, eve)] == [DBA, OPS, ADA, BOB, EVE]
        self.server_roles += [(3, DBA), (DBA, OPS), (OPS, ADA), (4, BOB)]
        self.grant(bob, "VIEW SERVER STATE", state="W")
        for name in ("shop", "mill"):
            database = self.database(name)
            database.user(5, "Ada", sid=ada.sid)
            database.user(6, "orphan", sid=b"\x09gone")
            database.grant(5, "SELECT", on=ORDERS, state="W")
            database.grant(5, "DELETE", on=ORDERS, state="D")
            database.roles.append((16384, 6))


@pytest.fixture(autouse=True)
def adapter() -> None:
    """The adapter of SQL Server stays in its place."""


@pytest.fixture
def town() -> Iterator[Town]:
    town = Town()
    with TdsServer(town) as server:
        instance(server.host, server.port)
        yield town


def instance(host: str, port: int, **fields) -> None:
    InstanceFactory(
        db_type="sqlserver", host=host, port=port, credential=CredentialFactory(username=MONITOR, password=PASSWORD),
        **{"connect_timeout": 2, "statement_timeout": 1, **fields},
    )  # fmt: skip


def test_the_first_session_stores_what_the_catalogue_holds_and_the_second_changes_nothing(town):
    session = synchronize()
    assert said(session) == {}
    own = {(name, "") for name in (MONITOR, "dba", "ops", "ada", "bob", "eve")}
    users = {(name, database) for database in ("shop", "mill") for name in ("orphan", "guest", "public")}
    assert active() == EVERYBODY | own | users | {("guest", "master"), ("public", "master")}
    assert session.records.get().items_created == len(active())
    assert categories("ada") == {
        "sqlserver_server_roles": ["ops"],
        "sqlserver_server_permissions": ["CONNECT SQL"],
        "sqlserver_database_users": {"shop": ["Ada"], "mill": ["Ada"]},
        "sqlserver_database_permissions": {
            database: {"object": {"sales.orders": ["DENY DELETE", "SELECT WITH GRANT OPTION"]}}
            for database in ("shop", "mill")
        },
    }
    assert categories("bob")["sqlserver_server_permissions"] == ["CONNECT SQL", "VIEW SERVER STATE WITH GRANT OPTION"]
    assert categories("orphan", "mill")["sqlserver_database_roles"] == {"mill": ["db_owner"]}
    assert covered("server") == covered("database:shop") == covered("database:mill") == ("ok", "")
    before = everything()
    again = synchronize()
    assert (said(again), everything()) == ({}, before)
    record = again.records.get()
    assert (record.items_created, record.items_updated, record.items_deleted) == (0, 0, 0)


def test_facts_follow_nested_roles(town):
    synchronize()
    assert reasons("ada") == {"SUPERUSER": ["member of ops → dba → sysadmin"]}
    assert reasons("bob") == {"GRANT_ADMIN": ["securityadmin"]}
    assert reasons("eve") == {"LOCKED": ["DISABLED"]}
    assert reasons("orphan", "shop") == {"LOCKED": ["orphaned"]}
    assert reasons(MONITOR) == {}
    assert (account("ada").is_superuser, account("bob").is_superuser, account("eve").is_locked) == (True, False, True)
    town.server_roles.remove((DBA, OPS))
    assert said(synchronize()) == {
        ("ops", ""): ("modify_privilege", "REVOKE dba; is_superuser: True → False"),
        ("ada", ""): ("modify_other", "is_superuser: True → False"),
    }


def test_known_changes_are_logged_exactly(town):
    synchronize()
    shop = town.databases["shop"]
    shop.grant(5, "UPDATE", on=(1, "OBJECT_OR_COLUMN", 900, "sales", "orders", 2, "pri]ce"))
    shop.permissions = [row for row in shop.permissions if row[3] != "DELETE"]
    town.logins["eve"].is_disabled = False
    town.server_roles.append((4, EVE))
    town.login("newcomer")
    del town.logins["bob"]
    found = said(synchronize())
    assert found.pop(("newcomer", ""))[0] == "add"
    assert found == {
        ("ada", ""): (
            "modify_privilege",
            "GRANT UPDATE shop: column:sales.orders.[pri]]ce]; REVOKE DENY DELETE shop: object:sales.orders",
        ),
        ("eve", ""): ("modify_privilege", "GRANT securityadmin; is_locked: True → False (DISABLED)"),
        ("bob", ""): ("delete", ""),
    }
    assert not account("bob").is_active
    assert reasons("eve") == {"GRANT_ADMIN": ["securityadmin"]}


def test_what_keeps_somebody_out_is_one_change_and_another_cause_of_it_too(town):
    synchronize()
    bob = town.logins["bob"]
    bob.is_disabled = True
    assert said(synchronize()) == {("bob", ""): ("modify_other", "is_locked: False → True (DISABLED)")}
    bob.is_disabled = False
    town.server_permissions.remove((BOB, 100, "SERVER", "CONNECT SQL", "G", 0, None))
    assert said(synchronize()) == {
        ("bob", ""): (
            "modify_privilege",
            "REVOKE CONNECT SQL; type_specific.locks: ['DISABLED'] → ['no CONNECT SQL']",
        )
    }


def test_a_dropped_database_is_logged_as_such(town):
    synchronize()
    del town.databases["mill"]
    found = said(synchronize())
    assert "database_dropped" in found["ada", ""][1]
    assert not {key for key in active() if key[1] == "mill"}
    assert categories("ada")["sqlserver_database_users"] == {"shop": ["Ada"]}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"has_access": 0}, ("denied", "no access to the database")),
        ({"state": 6, "state_text": "OFFLINE", "has_access": 0}, ("offline", "OFFLINE")),
        ({"error": lambda session: session.wait(30)}, ("timeout", "Query timeout expired")),
    ],
    ids=["no access", "offline", "too slow"],
)
def test_a_database_that_cannot_be_read_for_a_while_loses_nothing(town, fault, expected):
    synchronize()
    mill, shop = town.databases["mill"], town.databases["shop"]
    kept = {name: getattr(mill, name) for name in fault}
    vars(mill).update(fault)
    mill.permissions, shop.permissions = [], []
    before = everything()["orphan", "mill"]
    session = synchronize()
    assert said(session) == {
        ("ada", ""): ("modify_privilege", "REVOKE DENY DELETE,SELECT WITH GRANT OPTION shop: object:sales.orders")
    }
    assert covered("database:mill") == expected
    assert ended(session.records.get())[0] == "completed"
    held = {"mill": {"object": {"sales.orders": ["DENY DELETE", "SELECT WITH GRANT OPTION"]}}}
    assert categories("ada")["sqlserver_database_permissions"] == held
    assert everything()["orphan", "mill"] == before
    vars(mill).update(kept)
    assert said(synchronize()) == {
        ("ada", ""): ("modify_privilege", "REVOKE DENY DELETE,SELECT WITH GRANT OPTION mill: object:sales.orders")
    }
    assert covered("database:mill") == ("ok", "")


def test_a_line_that_drops_in_the_middle_changes_nothing(town, settings):
    settings.SYNC_ATTEMPTS = 1
    synchronize()
    before = everything()

    def drop(_session):
        raise LineDropped

    town.databases["mill"].error = drop
    town.databases["shop"].permissions = []
    del town.logins["bob"]
    assert ended(attempt()) == ("failed", "SYNC_DATA_ERROR", "protocol")
    assert everything() == before
    town.databases["mill"].error = None
    assert set(said(synchronize())) == {("ada", ""), ("bob", "")}


def test_a_login_that_sees_no_definitions_any_more_changes_nothing_and_says_what_to_grant(town):
    synchronize()
    before = everything()
    town.sees_definitions, town.sees_security_definitions = 0, None
    town.logins = {name: login for name, login in town.logins.items() if name in ("sa", "public", MONITOR)}
    record = attempt()
    assert ended(record) == ("failed", "SYNC_DATA_ERROR", "privilege")
    assert "GRANT VIEW ANY DEFINITION TO [watch]]er]" in record.error_message
    assert everything() == before


def test_a_list_of_databases_that_may_be_incomplete_drops_none(town):
    synchronize()
    before = everything()
    town.databases["mill"].is_listed = False
    assert said(synchronize()) == {}
    assert everything() == before
    assert covered("server") == ("ok", "a database is hidden, so none is taken for dropped")


@pytest.mark.parametrize("tls_mode", ["require", "verify"])
def test_a_session_over_tls_shows_nothing_to_who_listens(tls_mode, trusted_ca):  # noqa: F811 - a fixture
    with (
        TdsServer(Town(), tls=tls_context(trusted_ca)) as server,
        Proxy((server.host, server.port)) as proxy,
    ):
        ca = trusted_ca.pem if tls_mode == "verify" else ""
        instance(proxy.host, proxy.port, tls_mode=tls_mode, tls_ca=ca)
        synchronize()
        assert ("ada", "") in active()
        said_openly = bytes(proxy.said)
    assert len(said_openly) > 1000
    assert "whalefall".encode("utf-16-le") not in said_openly
    assert MONITOR.encode("utf-16-le") not in said_openly
