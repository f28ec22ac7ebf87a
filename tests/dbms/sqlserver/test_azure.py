"""Azure SQL Database: a connection sees one database, and what it does not see is never taken for gone."""

from __future__ import annotations

import pytest

from dbms.snapshots import DATABASE_LIST, SERVER
from tests.dbms.sqlserver.catalogue import sid_of
from tests.dbms.sqlserver.conftest import ADAPTER, account_of, category, coverage_of
from tests.twins.sqlserver.server import TdsError
from whalefall.errors import AnswerUnexplained, PrivilegeMissing

ONE_ONLY = "Azure SQL Database: a connection sees one database only"


@pytest.fixture
def azure(scene):
    """A server with the database sho]p, where the login ada has a user and a role holds something."""
    scene.catalogue.version, scene.catalogue.engine_edition = (12, 0, 2000), 5
    scene.catalogue.sees_definitions = scene.catalogue.sees_security_definitions = None
    ada = scene.catalogue.login("ada")
    scene.catalogue.login("off", is_disabled=True)
    shop = scene.catalogue.database("sho]p")
    shop.user(5, "ada", sid=ada.sid)
    shop.user(6, "own", sid=sid_of("own"), authentication=2)
    shop.user(7, "eve@x.com", sid=sid_of("eve"), type="E", authentication=4)
    shop.user(16400, "clerks", sid=sid_of("clerks"), type="R", authentication=0)
    shop.roles += [(16400, 5)]
    shop.grant(16400, "SELECT", on=(3, "SCHEMA", 5, "sales", None, 0, None), state="W")
    scene.catalogue.database("other").user(5, "ada", sid=ada.sid)
    return scene


def test_the_connected_database_is_read_with_every_user_as_an_account_of_its_own(azure):
    snapshot = azure.read(database="sho]p")
    assert {account.key for account in snapshot.accounts} == {
        (name, "sho]p", False) for name in ("public", "guest", "dbo", "ada", "own", "eve@x.com", "clerks")
    }
    ada = account_of(snapshot, "ada", "sho]p")
    assert category(ada, "database_roles") == {"sho]p": ["clerks"]}
    assert category(account_of(snapshot, "clerks", "sho]p"), "database_permissions") == {
        "sho]p": {"schema": {"sales": ["SELECT WITH GRANT OPTION"]}}
    }
    assert (ada.is_locked, ada.type_specific["locks"]) == (False, []), "nobody here can say whether its login is gone"


def test_nothing_but_the_connected_database_is_covered_and_no_list_is_complete(azure):
    snapshot = azure.read(database="sho]p")
    assert coverage_of(snapshot) == {SERVER: ("ok", ONE_ONLY), "database:sho]p": ("ok", "")}
    assert [part.categories for part in snapshot.coverage if part.scope == SERVER] == [()]
    assert not any(DATABASE_LIST in part.categories for part in snapshot.coverage)
    assert ADAPTER.grants(snapshot, "sa") == ()


def test_no_view_of_the_whole_server_is_asked_for(azure):
    azure.read(database="sho]p")
    sent = "\n".join(azure.server.received)
    assert "sys.server_" not in sent
    assert "master_files" not in sent
    assert "sql_logins" not in sent
    assert "sys.routes" not in sent
    assert "[other]" not in sent


def test_the_logins_are_read_from_master_beside_its_users(azure):
    azure.catalogue.sees_definitions = 1
    snapshot = azure.read(database="master")
    logins = {account.username: account.type_specific["locks"] for account in snapshot.accounts if not account.host}
    assert logins == {"sa": [], "ada": [], "off": ["DISABLED"]}
    assert {account.host for account in snapshot.accounts} == {"", "master"}
    assert coverage_of(snapshot) == {SERVER: ("ok", ONE_ONLY), "database:master": ("ok", "")}


def test_logins_that_are_not_all_visible_are_not_read_at_all(azure):
    with pytest.raises(PrivilegeMissing) as caught:
        azure.read(database="master")
    assert caught.value.params["detail"] == "ALTER SERVER ROLE ##MS_DefinitionReader## ADD MEMBER [sa]"


@pytest.mark.parametrize("answer", [0, None])
def test_a_database_whose_definitions_are_hidden_is_not_read_at_all(azure, answer):
    azure.catalogue.databases["sho]p"].sees_definitions = answer
    with pytest.raises(PrivilegeMissing) as caught:
        azure.read(database="sho]p")
    assert caught.value.params["detail"] == "GRANT VIEW DEFINITION TO [sa]"


def test_a_database_that_fails_fails_the_read(azure):
    azure.catalogue.databases["sho]p"].error = TdsError(40197, "The service has encountered an error.")
    with pytest.raises(AnswerUnexplained):
        azure.read(database="sho]p")
