"""Roles, what they lead to, and PUBLIC, which everybody has and nobody is."""

from __future__ import annotations

import pytest

from tests.dbms.mysql.conftest import login
from tests.dbms.mysql.reading import account_of, categories, category, facts_of, public_of, read, role_of


def test_roles_name_members_admins_and_defaults(scene):
    scene.role("team")
    scene.role("boss")
    bob, ann = scene.user("bob"), scene.user("a@nn", "10.%")
    scene.run(
        f"GRANT team TO {bob}, boss",
        f"GRANT team TO {ann} WITH ADMIN OPTION",
        f"GRANT boss TO {bob}",
        f"SET DEFAULT ROLE boss FOR {bob}",
    )
    snapshot = read(scene.server)
    assert category(account_of(snapshot, "bob"), "granted_roles") == {"direct": ["boss", "team"], "default": ["boss"]}
    found = category(account_of(snapshot, "a@nn", "10.%"), "granted_roles")
    assert found == {"direct": ["team WITH ADMIN OPTION"], "default": []}
    assert category(role_of(snapshot, "boss"), "granted_roles") == {"direct": ["team"], "default": []}
    members = category(role_of(snapshot, "team"), "role_members")
    assert {name.removesuffix(" WITH ADMIN OPTION") for name in members["direct"]} == {
        "`a@nn`@`10.%`", "bob@%", "boss", "root@127.0.0.1",
    }  # fmt: skip
    assert members["default"] == []
    assert category(role_of(snapshot, "boss"), "role_members")["default"] == ["bob@%"]


def test_what_is_granted_to_public_stands_on_public_alone(scene):
    scene.database("shop")
    scene.run("CREATE TABLE shop.t (id int)", "CREATE TABLE shop.u (id int)")
    scene.user("bob")
    assert not scene.may("SELECT * FROM shop.t", "bob")
    public = scene.public()
    scene.run(f"GRANT SELECT ON shop.t TO {public}", f"GRANT SHOW DATABASES ON *.* TO {public}")
    assert scene.may("SELECT * FROM shop.t", "bob")
    assert not scene.may("SELECT * FROM shop.u", "bob")
    snapshot = read(scene.server)
    assert categories(account_of(snapshot, "bob")) == {}
    assert public_of(snapshot).kind == "public"
    assert categories(public_of(snapshot)) == {
        "mysql_global_privileges": ["SHOW DATABASES"],
        "mysql_table_privileges": {"shop.t": ["SELECT"]},
    }


def test_a_user_called_public_is_not_public(scene):
    scene.run(f"GRANT SUPER ON *.* TO {scene.user('PUBLIC')}")
    scene.run(f"GRANT PROCESS ON *.* TO {scene.public()}")
    snapshot = read(scene.server)
    assert (account_of(snapshot, "PUBLIC").kind, public_of(snapshot).kind) == ("user", "public")
    assert categories(account_of(snapshot, "PUBLIC")) == {"mysql_global_privileges": ["SUPER"]}
    assert categories(public_of(snapshot)) == {"mysql_global_privileges": ["PROCESS"]}


class TestFacts:
    def test_find_a_superuser_behind_two_roles(self, scene):
        for name in ("dba", "ops"):
            scene.role(name)
        bob = scene.user("bob", options="IDENTIFIED BY 's3cret'")
        scene.run("GRANT SUPER ON *.* TO dba", "GRANT dba TO ops", f"GRANT ops TO {bob}")
        with login(scene.server, "bob", password="s3cret") as cursor:
            cursor.execute("SET ROLE ops")  # and may do what only SUPER may
            cursor.execute("SET GLOBAL slow_launch_time = @@GLOBAL.slow_launch_time")
        snapshot = read(scene.server)
        found = facts_of(snapshot, account_of(snapshot, "bob"))
        assert "SUPERUSER" in found["capabilities"]
        assert found["capability_reasons"]["SUPERUSER"] == ["member of ops → dba"]
        assert found["roles"] == ["dba", "ops"]
        assert facts_of(snapshot, role_of(snapshot, "ops"))["capability_reasons"]["SUPERUSER"] == ["member of dba"]

    @pytest.mark.parametrize(
        "grants",
        [
            ["GRANT SUPER ON *.* TO PUBLIC"],
            ["GRANT SUPER ON *.* TO dba", "GRANT dba TO PUBLIC"],
        ],
    )
    def test_find_what_public_gives_to_everybody(self, scene, grants):
        scene.role("dba")
        scene.user("bob", options="IDENTIFIED BY 's3cret'")
        change = "SET GLOBAL slow_launch_time = @@GLOBAL.slow_launch_time"  # takes SUPER
        assert not scene.may(change, "bob", password="s3cret")
        scene.public()
        scene.run(*grants)
        assert scene.may(change, "bob", password="s3cret")
        snapshot = read(scene.server)
        found = facts_of(snapshot, account_of(snapshot, "bob"))
        assert "SUPERUSER" in found["capabilities"]
        assert "PUBLIC" in found["capability_reasons"]["SUPERUSER"][0]

    def test_of_a_user_do_not_follow_a_role_of_its_name(self, scene):
        scene.role("bob")
        scene.user("bob")
        scene.run("GRANT SUPER ON *.* TO bob")  # the role: the user would be bob@%
        assert "SUPER" not in str(scene.rows("SHOW GRANTS FOR bob@`%`"))
        snapshot = read(scene.server)
        assert "SUPERUSER" not in facts_of(snapshot, account_of(snapshot, "bob"))["capabilities"]
        assert "SUPERUSER" in facts_of(snapshot, role_of(snapshot, "bob"))["capabilities"]

    def test_name_those_who_may_grant_everything(self, scene):
        for name, what in {"root_like": "ALL ON *.*", "helper": "SELECT ON *.*", "local": "ALL ON shop.*"}.items():
            scene.run(f"GRANT {what} TO {scene.user(name)} WITH GRANT OPTION")
        snapshot = read(scene.server)
        granters = {
            name
            for name in ("root_like", "helper", "local")
            if "GRANT_ADMIN" in facts_of(snapshot, account_of(snapshot, name))["capabilities"]
        }
        assert granters == {"root_like", "helper"}

    def test_say_who_is_locked_and_why(self, scene):
        scene.user("bob")
        scene.user("locked", options="ACCOUNT LOCK")
        scene.user("expired", options="IDENTIFIED BY 's3cret' PASSWORD EXPIRE")
        scene.role("team")
        snapshot = read(scene.server)
        found = {
            account.username: facts_of(snapshot, account)["capability_reasons"].get("LOCKED")
            for account in snapshot.accounts
        }
        assert found["locked"]
        assert found["team"]
        assert found["mariadb.sys"]
        assert found["locked"] != found["team"]
        assert found["bob"] is None
        assert found["expired"] is None

    def test_reach_every_role_that_the_server_calls_applicable(self, scene):
        edges = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": ["e"], "lonely": ["e"]}
        for name in ("a", "b", "c", "d", "e", "lonely"):
            scene.role(name)
        for name, roles in edges.items():
            scene.run(*(f"GRANT {role} TO {name}" for role in roles))
        for user, role in {"one": "a", "two": "c", "three": "lonely"}.items():
            scene.run(f"GRANT {role} TO {scene.user(user)}")
        scene.user("four")
        snapshot = read(scene.server)
        for user in ("one", "two", "three", "four"):
            with login(scene.server, user) as cursor:
                cursor.execute("SELECT DISTINCT ROLE_NAME FROM information_schema.APPLICABLE_ROLES")
                applicable = {name for (name,) in cursor.fetchall()}
            assert set(facts_of(snapshot, account_of(snapshot, user))["roles"]) == applicable, user

    def test_are_not_misled_by_the_name_of_a_role(self, scene):
        scene.run(f"GRANT {scene.role('x WITH ADMIN OPTION')} TO {scene.user('bob')}")
        scene.run(f"GRANT {scene.role('x')} TO {scene.user('ann')} WITH ADMIN OPTION")
        scene.run("GRANT SUPER ON *.* TO `x WITH ADMIN OPTION`")
        snapshot = read(scene.server)
        bob, ann = (account_of(snapshot, name) for name in ("bob", "ann"))
        assert "SUPERUSER" in facts_of(snapshot, bob)["capabilities"]
        assert "SUPERUSER" not in facts_of(snapshot, ann)["capabilities"]
        assert category(bob, "granted_roles") != category(ann, "granted_roles")
