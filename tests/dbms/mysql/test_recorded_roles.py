"""Roles of MySQL, which share one name space with users, and what follows from them: on recorded rows."""

from __future__ import annotations

import pytest

import dbms
from tests.dbms.mysql.playback import EIGHT, Playback, facts, of, played
from tests.dbms.mysql.reading import account_of, category, coverage_of, facts_of

ROLES = "category:mysql_granted_roles"


def capabilities(user: str, host: str = "%") -> dict:
    return facts(EIGHT, user, host)["capability_reasons"]


class TestRoles:
    MANDATORY = ("`at@home`@`10.0.%`", "everyone", 'quo"ted', "reporting@10.0.%", "two words@localhost")

    def test_roles_name_their_members_admins_and_defaults(self):
        held = category(of(EIGHT, "rw_user", "localhost"), "granted_roles")
        assert (held["direct"], held["default"]) == (
            ["app_read", "app_write WITH ADMIN OPTION", "unlocked"],
            ["app_read"],
        )
        assert category(of(EIGHT, "app_write"), "granted_roles") == {"direct": ["app_read"], "default": []}
        assert category(of(EIGHT, "app_read"), "role_members") == {
            "direct": ["app_write@%", "rw_user@localhost"],
            "default": ["rw_user@localhost"],
        }
        assert category(of("mysql_8_0_11", "dev"), "granted_roles") == {
            "direct": ["team WITH ADMIN OPTION"],
            "default": ["team"],
        }

    def test_a_role_on_another_host_is_another_role(self):
        assert category(of(EIGHT, "carol"), "granted_roles")["direct"] == ["ops_role", "reporting@10.0.%"]
        assert category(of(EIGHT, "reporting", "10.0.%"), "role_members")["direct"] == ["carol@%"]

    def test_mandatory_roles_are_everybodys_as_far_as_they_exist(self):
        for user, host in (("dba", "%"), ("", "localhost"), ("carol", "%")):
            assert tuple(category(of(EIGHT, user, host), "granted_roles")["mandatory"]) == self.MANDATORY
        assert category(of("mysql_9", "guarded"), "granted_roles") == {
            "direct": [],
            "default": [],
            "mandatory": ["everyone"],
        }
        assert "mandatory" not in category(of(EIGHT, "everyone"), "granted_roles")
        assert set(self.MANDATORY) <= set(facts(EIGHT, "dba")["roles"])

    def test_a_mandatory_role_makes_everybody_what_it_is(self):
        variables = {"version": "8.0.36", "version_comment": "", "mandatory_roles": "'ops_role'@'%'"}
        snapshot = dbms.get("mysql").read_accounts(Playback(EIGHT, variables=variables))
        reasons = facts_of(snapshot, account_of(snapshot, "never"))["capability_reasons"]
        assert reasons == {"SUPERUSER": ["member of ops_role → super_role"]}

    def test_what_create_role_leaves_is_a_role_and_what_logs_in_is_a_user(self):
        kinds = {account.key[:2]: account.kind for account in played(EIGHT).accounts}
        assert {user for (user, _), kind in kinds.items() if kind == "role"} == {
            "everyone", "two words", "at@home", 'quo"ted', "reporting", "app_read", "app_write", "super_role",
            "ops_role", "unused_role", "old_app_dev",
        }  # fmt: skip
        assert kinds["old_app_dev", "localhost"] == "role"  # a locked user that was granted to somebody
        assert kinds["unlocked", "%"] == "user"  # a role that may log in
        assert kinds["locked", "%"] == kinds["mysql.sys", "localhost"] == "user"
        assert category(of(EIGHT, "unlocked"), "role_members")["direct"] == ["rw_user@localhost"]

    def test_a_server_without_roles_has_none_to_miss(self):
        part = coverage_of(played("mysql_5_7"), ROLES)
        assert (part.status, part.reason) == ("ok", "")
        assert not [account for account in played("mysql_5_7").accounts if account.parts.get(ROLES)]

    def test_a_server_without_roles_has_no_account_that_is_one(self):
        assert {account.kind for account in played("mysql_5_7").accounts} == {"user"}

    def test_the_reader_sees_every_database_by_a_role_that_is_active(self):
        assert "databases" in coverage_of(played("mysql_8_4"), "server").categories
        assert "databases" not in coverage_of(played("mysql_8_0_11"), "server").categories
        assert played("mysql_5_7").reader == "`whalefall`@`10.0.%`"


class TestFacts:
    @pytest.mark.parametrize(
        ("user", "reason"),
        [
            ("dba", "CREATE USER + SYSTEM_USER + SYSTEM_VARIABLES_ADMIN"),
            ("role_dba", "ROLE_ADMIN + SYSTEM_USER + SYSTEM_VARIABLES_ADMIN"),
            ("carol", "member of ops_role → super_role"),
            ("super_role", "SUPER"),
        ],
    )
    def test_know_what_amounts_to_a_superuser(self, user, reason):
        assert capabilities(user)["SUPERUSER"] == [reason]

    @pytest.mark.parametrize(
        "user", ["no_system_user", "no_accounts", "no_variables", "half_dba", "role_admin", "grantor"]
    )
    def test_know_what_misses_something_of_it(self, user):
        assert "SUPERUSER" not in capabilities(user)

    def test_know_who_may_pass_privileges_on(self):
        assert capabilities("grantor")["GRANT_ADMIN"] == ["GRANT OPTION ON *.*"]
        assert capabilities("role_admin")["GRANT_ADMIN"] == ["ROLE_ADMIN ON *.*"]
        assert capabilities("role_dba")["GRANT_ADMIN"] == ["ROLE_ADMIN ON *.*"]
        assert "GRANT_ADMIN" not in capabilities("dba")

    def test_know_who_cannot_log_in(self):
        assert capabilities("locked") == {"LOCKED": ["ACCOUNT LOCK"]}
        assert "LOCKED" in capabilities("app_read")
        assert "LOCKED" not in capabilities("by_hand")

    def test_the_catalogue_knows_only_super(self):
        named = {account.username for account in played(EIGHT).accounts if account.is_superuser}
        assert named == {"root", "mysql.session", "super_role"}
