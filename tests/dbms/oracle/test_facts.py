"""What follows from roles within roles: superusers, those who may grant, those who cannot log in."""

from __future__ import annotations

import pytest

from tests.dbms.oracle.conftest import by_name, facts_of


def reasons(scene, name: str) -> dict[str, list[str]]:
    return facts_of(scene.read(), name)["capability_reasons"]


@pytest.fixture
def bob(scene):
    scene.database.add_login("BOB", "x")
    return scene


def test_nobody_is_anything_without_a_grant(bob):
    facts = facts_of(bob.read(), "BOB")
    assert (facts["capabilities"], facts["roles"], facts["meta"]) == ([], [], {})


def test_dba_is_a_superuser_who_may_grant(bob):
    bob.grant_role("DBA", "BOB")
    assert reasons(bob, "BOB") == {"SUPERUSER": ["member of DBA"], "GRANT_ADMIN": ["member of DBA"]}


def test_dba_through_roles_names_the_shortest_path_of_a_diamond(bob):
    for role in ("LONG", "LONGER", "SHORT"):
        bob.role(role)
    bob.grant_role("LONG", "BOB")
    bob.grant_role("SHORT", "BOB")
    bob.grant_role("LONGER", "LONG")
    bob.grant_role("DBA", "LONGER")
    bob.grant_role("DBA", "SHORT")
    facts = facts_of(bob.read(), "BOB")
    assert facts["capability_reasons"]["SUPERUSER"] == ["member of SHORT → DBA"]
    assert facts["roles"] == ["DBA", "LONG", "LONGER", "SHORT"]


def test_a_cycle_of_roles_ends(bob):
    for role in ("ONE", "TWO"):
        bob.role(role)
    bob.grant_role("ONE", "BOB")
    bob.grant_role("TWO", "ONE")
    bob.grant_role("ONE", "TWO")
    assert facts_of(bob.read(), "BOB")["roles"] == ["ONE", "TWO"]


def test_a_role_in_quotes_is_another_than_the_one_without(bob):
    bob.role("dba")
    bob.grant_role("dba", "BOB")
    facts = facts_of(bob.read(), "BOB")
    assert (facts["capabilities"], facts["roles"]) == ([], ['"dba"'])


def test_sysdba_of_the_password_file_is_a_superuser_and_sysoper_is_none(bob):
    bob.database.add_login("EVE", "x")
    bob.in_password_file("BOB", "SYSDBA")
    bob.in_password_file("EVE", "SYSOPER")
    assert reasons(bob, "BOB") == {"SUPERUSER": ["SYSDBA"]}
    assert reasons(bob, "EVE") == {}


@pytest.mark.parametrize("privilege", ["GRANT ANY PRIVILEGE", "GRANT ANY ROLE"])
def test_who_may_grant_everything_is_told(bob, privilege):
    bob.grant(privilege, "BOB", admin=True)
    assert reasons(bob, "BOB") == {"GRANT_ADMIN": [privilege]}


def test_what_public_has_everybody_has(bob):
    bob.role("OPS")
    bob.grant_role("OPS", "PUBLIC")
    bob.grant_role("DBA", "OPS")
    bob.grant("GRANT ANY ROLE", "PUBLIC")
    found = reasons(bob, "BOB")
    assert found["SUPERUSER"] == ["PUBLIC → OPS → DBA"]
    assert "PUBLIC" in found["GRANT_ADMIN"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"account_status": "LOCKED"}, ["ACCOUNT LOCK"]),
        ({"account_status": "EXPIRED & LOCKED"}, ["ACCOUNT LOCK"]),
        ({"authentication_type": "NONE"}, ["no authentication"]),
        ({"account_status": "LOCKED", "authentication_type": "NONE"}, ["ACCOUNT LOCK", "no authentication"]),
    ],
)
def test_who_cannot_log_in_is_locked_for_a_reason(scene, columns, expected):
    scene.database.add_login("BOB", "x", **columns)
    assert reasons(scene, "BOB") == {"LOCKED": expected}


class TestWithoutCreateSession:
    """BOB has lost his own CREATE SESSION."""

    @pytest.fixture(autouse=True)
    def _revoke(self, bob):
        bob.database.run("DELETE FROM all_sys_privs WHERE grantee = 'BOB'")

    def test_nobody_can_log_in(self, bob):
        snapshot = bob.read()
        assert by_name(snapshot, "BOB").is_locked
        assert facts_of(snapshot, "BOB")["capability_reasons"] == {"LOCKED": ["no CREATE SESSION"]}

    def test_a_lock_is_told_as_such(self, bob):
        bob.database.run("UPDATE all_users SET account_status = 'LOCKED' WHERE username = 'BOB'")
        assert reasons(bob, "BOB") == {"LOCKED": ["ACCOUNT LOCK"]}

    @pytest.mark.parametrize("way", ["a role", "a role of a role", "PUBLIC", "a role of PUBLIC", "the password file"])
    def test_there_are_other_ways_in(self, bob, way):
        for role in ("OUTER_ROLE", "INNER_ROLE"):
            bob.role(role)
        if way == "PUBLIC":
            bob.grant("CREATE SESSION", "PUBLIC")
        elif way == "the password file":
            bob.in_password_file("BOB", "SYSBACKUP")
        else:
            bob.grant("CREATE SESSION", "INNER_ROLE")
            bob.grant_role("INNER_ROLE", {"a role": "BOB", "a role of PUBLIC": "PUBLIC"}.get(way, "OUTER_ROLE"))
            bob.grant_role("OUTER_ROLE", "BOB")
        snapshot = bob.read()
        assert not by_name(snapshot, "BOB").is_locked
        assert "LOCKED" not in facts_of(snapshot, "BOB")["capability_reasons"]

    def test_a_role_that_is_not_enabled_at_the_login_lets_nobody_in(self, bob):
        bob.grant_role("CONNECT", "BOB", default=False)
        assert by_name(bob.read(), "BOB").is_locked

    @pytest.mark.parametrize("view", ["dba_sys_privs", "dba_role_privs", "v$pwfile_users"])
    def test_nothing_is_claimed_where_a_way_in_could_be_hidden(self, bob, view):
        bob.hide(view)
        snapshot = bob.read()
        assert not by_name(snapshot, "BOB").is_locked
        assert "LOCKED" not in facts_of(snapshot, "BOB")["capability_reasons"]


def test_a_common_user_who_may_enter_one_container_only_is_not_locked(cdb):
    cdb.database.add_login("C##BOB", "x")
    cdb.database.run("DELETE FROM all_sys_privs WHERE grantee = 'C##BOB'")
    assert by_name(cdb.read(), "C##BOB").is_locked
    cdb.grant("CREATE SESSION", "C##BOB", con_id=4)
    assert not by_name(cdb.read(), "C##BOB").is_locked


def test_a_common_user_may_be_let_in_by_a_container_that_is_closed(cdb):
    cdb.database.add_login("C##BOB", "x")
    cdb.database.run("DELETE FROM all_sys_privs WHERE grantee = 'C##BOB'")
    cdb.database.close_pdb(3)
    assert not by_name(cdb.read(), "C##BOB").is_locked


def test_a_role_is_locked_as_one(bob):
    bob.role("OPS")
    assert reasons(bob, "OPS") == {"LOCKED": ["role"]}


def test_what_can_be_turned_into_more_is_told(bob):
    bob.grant("ALTER USER", "BOB")
    bob.grant("CREATE TABLE", "BOB")
    facts = facts_of(bob.read(), "BOB")
    assert facts["meta"] == {"escalation": ["ALTER USER"]}
    assert facts["privileges"]["system"] == ["ALTER USER", "CREATE SESSION", "CREATE TABLE"]
