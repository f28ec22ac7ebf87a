"""What could not be read is said, costs nothing else, and comes with the statement that helps."""

from __future__ import annotations

import pytest

from dbms.snapshots import DATABASE_LIST, SERVER
from tests.dbms.sqlserver.conftest import ADAPTER, account_of, category, coverage_of
from tests.twins.sqlserver.server import LineDropped, TdsError
from whalefall.errors import PrivilegeMissing, ProtocolViolation

UNREADABLE = TdsError(976, "The target database, 'bad', is participating in an availability group.", 14)
DENIED = TdsError(916, 'The server principal "sa" is not able to access the database "bad" under this context.', 14)


@pytest.fixture
def shop(scene):
    """A database in which the login ada holds something."""
    ada = scene.catalogue.login("ada")
    shop = scene.catalogue.database("shop")
    shop.user(5, "ada", sid=ada.sid)
    shop.grant(5, "CREATE TABLE")
    return shop


def server_part(snapshot):
    return next(part for part in snapshot.coverage if part.scope == SERVER)


def test_a_server_that_shows_everything_needs_nothing_more(scene, shop):
    snapshot = scene.read()
    assert coverage_of(snapshot) == {SERVER: ("ok", ""), "database:master": ("ok", ""), "database:shop": ("ok", "")}
    assert DATABASE_LIST in server_part(snapshot).categories
    assert ADAPTER.grants(snapshot, "sa") == ()


def test_databases_that_cannot_be_read_only_cost_themselves(scene, shop):
    scene.catalogue.database("off", state=6, state_text="OFFLINE", has_access=0, sees_definitions=None)
    scene.catalogue.database("closed", has_access=0)
    scene.catalogue.database("veiled", sees_definitions=0)
    snapshot = scene.read()
    assert coverage_of(snapshot) == {
        SERVER: ("ok", ""),
        "database:master": ("ok", ""),
        "database:shop": ("ok", ""),
        "database:off": ("offline", "OFFLINE"),
        "database:closed": ("denied", "no access to the database"),
        "database:veiled": ("denied", "no VIEW DEFINITION in the database"),
    }
    assert category(account_of(snapshot, "ada"), "database_permissions") == {"shop": {"database": ["CREATE TABLE"]}}
    assert [account for account in snapshot.accounts if account.host in {"off", "closed", "veiled"}] == []
    assert ADAPTER.grants(snapshot, "sa") == (
        "GRANT CONNECT ANY DATABASE TO [sa]",
        "USE [veiled] GRANT VIEW DEFINITION TO [sa]",
    )


def test_a_server_of_2012_wants_a_user_in_each_database(scene):
    scene.catalogue.version = (11, 0, 7507)
    scene.catalogue.database("clo]sed", has_access=0)
    assert ADAPTER.grants(scene.read(), "sa") == ("USE [clo]]sed] CREATE USER [sa] FOR LOGIN [sa]",)


@pytest.mark.parametrize(("error", "status"), [(UNREADABLE, "error"), (DENIED, "denied")])
def test_a_database_that_spoils_the_batch_only_costs_itself(scene, shop, error, status):
    scene.catalogue.database("bad", error=error)
    scene.catalogue.database("after")
    snapshot = scene.read()
    found = coverage_of(snapshot)
    assert found["database:bad"] == (status, error.text)
    assert {scope: found[scope][0] for scope in ("database:shop", "database:after", "database:master")} == {
        "database:shop": "ok", "database:after": "ok", "database:master": "ok",
    }  # fmt: skip
    assert category(account_of(snapshot, "ada"), "database_permissions") == {"shop": {"database": ["CREATE TABLE"]}}


def test_a_database_that_takes_too_long_only_costs_itself(scene, shop):
    scene.catalogue.database("slow", error=lambda session: session.wait(30))
    snapshot = scene.read(statement_timeout=1)
    assert coverage_of(snapshot)["database:slow"] == ("timeout", "Query timeout expired")
    assert coverage_of(snapshot)["database:shop"] == ("ok", "")


@pytest.mark.parametrize("many", ["users", "roles"])
def test_a_database_with_more_users_or_members_than_are_read_is_not_read_in_part(scene, shop, many):
    for number in range(100, 130):
        if many == "users":
            shop.user(number, f"user {number}", sid=b"\x09" + bytes([number]))
        else:
            shop.roles.append((16384, number))
    snapshot = scene.read(grant_row_cap=20)
    assert coverage_of(snapshot)["database:shop"] == ("error", "more than 20 rows in sys.database_principals")
    assert category(account_of(snapshot, "ada"), "database_permissions") is None


def test_a_line_that_drops_in_the_middle_yields_nothing(scene, shop):
    def drop(_session):
        raise LineDropped

    shop.error = drop
    with pytest.raises(ProtocolViolation, match="closed the connection"):
        scene.read()


def test_a_login_that_does_not_see_who_exists_is_told_what_it_needs(scene):
    scene.catalogue.login("mon]itor", password="right")
    scene.catalogue.sees_definitions, scene.catalogue.sees_security_definitions = 0, None
    with pytest.raises(PrivilegeMissing) as caught:
        scene.read(username="mon]itor", password="right")
    assert caught.value.params["detail"] == "GRANT VIEW ANY DEFINITION TO [mon]]itor]"


def test_a_list_of_databases_that_may_be_incomplete_drops_none(scene, shop):
    def reads() -> tuple[str, bool, tuple[str, ...]]:
        snapshot = scene.read()
        part = server_part(snapshot)
        assert part.status == "ok"
        return part.reason, DATABASE_LIST in part.categories, ADAPTER.grants(snapshot, "sa")

    shop.is_listed = False  # offline, and not shown to everybody; its files are
    assert reads() == ("a database is hidden, so none is taken for dropped", False, ())
    shop.is_listed = True
    scene.catalogue.sees_definitions = 0  # since 2022 there is a right that shows principals, but no files
    assert reads() == (
        "without VIEW ANY DEFINITION an offline database may be hidden", False,
        ("GRANT VIEW ANY DEFINITION TO [sa]",),
    )  # fmt: skip
    scene.catalogue.sees_databases = 0
    assert reads() == (
        "without VIEW ANY DATABASE nobody can say which databases exist", False,
        ("GRANT VIEW ANY DATABASE TO [sa]",),
    )  # fmt: skip
