"""Which roles are reached, and what follows: compared with what PostgreSQL itself lets a login do."""

from __future__ import annotations

import itertools
import random

import psycopg
import pytest
from psycopg import sql

import dbms
from dbms.postgresql.facts import facts, reach
from dbms.snapshots import SERVER, Reach, account
from tests.dbms.conftest import admin_of, target_of

ADAPTER = dbms.get("postgresql")
ATTRIBUTES = {
    "can_super": False, "can_create_role": False, "can_create_db": False, "can_replicate": False,
    "can_bypass_rls": False, "can_login": True, "can_inherit": True, "connection_limit": -1,
}  # fmt: skip


def role(name: str, *edges: str | dict, **attributes):
    memberships = [
        {"admin": False, "inherit": True, "set": True, **(edge if isinstance(edge, dict) else {"role": edge})}
        for edge in edges
    ]
    categories = {"postgresql_role_attributes": {**ATTRIBUTES, **attributes}, "postgresql_memberships": memberships}
    return account(username=name, kind="user", parts={SERVER: categories})


def reached(*roles):
    return {key[0]: found for key, found in reach(roles).items()}


def facts_of(found, name):
    return facts(categories=found.parts[SERVER], type_specific={}, reach=name)


class TestReach:
    def test_goes_through_diamonds_and_cycles(self):
        found = reached(role("a", "b", "c"), role("b", "d"), role("c", "d"), role("d", "a"), role("e"))
        assert found["a"].roles == ("b", "c", "d")
        assert found["d"].roles == ("a", "b", "c")
        assert found["e"].roles == ()

    def test_names_the_shortest_path_to_a_superuser(self):
        found = reached(
            role("eve", "ops", "app_admins"),
            role("ops", "more_ops"),
            role("more_ops", "dba"),
            role("app_admins", "dba"),
            role("dba", can_super=True),
        )
        assert found["eve"].capability_reasons == {"SUPERUSER": ("member of app_admins → dba",)}
        assert found["dba"].capability_reasons == {}

    def test_does_not_inherit_attributes(self):
        edge = {"role": "boss", "inherit": True, "set": False}
        found = reached(role("eve", edge), role("boss", can_create_role=True))
        assert found["eve"].roles == ("boss",)
        assert found["eve"].capability_reasons == {}

    def test_of_a_superuser_by_inheritance_alone_is_said_so(self):
        edge = {"role": "root", "inherit": True, "set": False}
        assert reached(role("eve", edge), role("root", can_super=True))["eve"].capability_reasons == {
            "SUPERUSER": ("inherits from root",)
        }

    def test_ends_at_a_membership_without_any_option(self):
        edge = {"role": "root", "inherit": False, "set": False}
        assert reached(role("eve", edge), role("root", can_super=True))["eve"] == Reach()

    def test_counts_the_right_to_grant_a_role_to_oneself(self):
        edge = {"role": "root", "admin": True, "inherit": False, "set": False}
        found = reached(role("eve", edge), role("root", can_super=True))
        assert found["eve"].capability_reasons == {"SUPERUSER": ("member of root",)}

    def test_leaves_public_and_a_role_of_its_name_apart(self):
        public = account(username="PUBLIC", is_role=True, kind="public", parts={SERVER: {}})
        found = reach([public, role("PUBLIC", "dba"), role("dba")])
        assert found["PUBLIC", "", True] == Reach()
        assert found["PUBLIC", "", False].roles == ("dba",)

    def test_survives_a_long_chain(self):
        found = reached(*(role(f"r{n}", f"r{n + 1}") for n in range(400)), role("r400", can_super=True))
        assert len(found["r0"].roles) == 400
        assert found["r398"].capability_reasons == {"SUPERUSER": ("member of r399 → r400",)}

    def test_is_what_set_role_allows(self, scene):
        """Random memberships; the truth is a login that tries SET ROLE."""
        rng = random.Random(20)
        names = [scene.role(f"reach_{n}", rng.choice(["LOGIN", "LOGIN NOINHERIT"])) for n in range(8)]
        version = int(scene.value("SHOW server_version_num"))
        for number, group in itertools.combinations(range(8), 2):
            if rng.random() < 0.35:
                options = rng.choice(["SET FALSE", "SET TRUE", "SET FALSE, INHERIT FALSE", "INHERIT FALSE"])
                words = f" WITH {options}" if version >= 160000 else ""
                scene.run(f"GRANT reach_{group} TO reach_{number}{words}")
        if version >= 160000:  # inherited memberships do not help SET ROLE
            names += [scene.role(name) for name in ("reach_a", "reach_b", "reach_c")]
            scene.run("GRANT reach_b TO reach_a WITH SET FALSE", "GRANT reach_c TO reach_b WITH INHERIT FALSE")
        with ADAPTER.connect(target_of(scene.server)) as connection:
            found = reach(ADAPTER.read_accounts(connection).accounts)
        may_set, may_use = "SET" if version >= 160000 else "MEMBER", "USAGE"
        for name in names:
            truth = set()
            with admin_of(scene.server, user=name) as own:
                for other in set(names) - {name}:
                    try:
                        own.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(other)))
                        truth.add(other)
                        own.execute("RESET ROLE")
                    except psycopg.errors.InsufficientPrivilege:
                        pass
                for other in set(names) - {name}:
                    if own.execute("SELECT pg_has_role(%s, %s)", [other, may_use]).fetchone()[0]:
                        truth.add(other)
                    if own.execute("SELECT pg_has_role(%s, %s)", [other, may_set]).fetchone()[0]:
                        truth.add(other)
            # A role that one has become passes on what it inherits.
            for other in list(truth):
                if scene.value("SELECT pg_has_role(%s, %s, %s)", name, other, may_set):
                    truth |= {
                        third for third in names if third != name and scene.value(
                            "SELECT pg_has_role(%s, %s, 'USAGE')", other, third
                        )
                    }  # fmt: skip
            assert set(found[name, "", False].roles) == truth, name


class TestFacts:
    def test_have_the_shape_of_version_two(self):
        found = facts(categories={}, type_specific={}, reach=Reach())
        assert found == {
            "version": 2,
            "db_type": "postgresql",
            "capabilities": [],
            "capability_reasons": {},
            "roles": [],
            "privileges": {"global": [], "server": [], "system": [], "database": {}, "tablespace": {}},
            "errors": [],
            "meta": {},
        }

    def test_name_direct_and_indirect_capabilities(self):
        eve = role("eve", "dba", can_create_role=True)
        found = facts_of(eve, reached(eve, role("dba", can_super=True))["eve"])
        assert found["capabilities"] == ["GRANT_ADMIN", "SUPERUSER", "can_create_role", "can_inherit", "can_login"]
        assert found["capability_reasons"] == {"GRANT_ADMIN": ["CREATEROLE"], "SUPERUSER": ["member of dba"]}
        assert found["roles"] == ["dba"]

    @pytest.mark.parametrize(
        ("attributes", "reasons"),
        [
            ({"can_login": False}, ["NOLOGIN"]),
            ({"connection_limit": 0}, ["connection limit 0"]),
            ({"can_login": False, "connection_limit": 0}, ["NOLOGIN", "connection limit 0"]),
            ({"connection_limit": 0, "can_super": True}, None),
            ({"connection_limit": 5}, None),
        ],
    )
    def test_say_who_cannot_log_in_and_why(self, attributes, reasons):
        found = facts_of(role("eve", **attributes), Reach())
        assert found["capability_reasons"].get("LOCKED") == reasons
        assert ("LOCKED" in found["capabilities"]) is bool(reasons)

    def test_name_predefined_roles_that_lead_to_superuser_without_calling_it_so(self):
        eve = role("eve", "pg_write_server_files")
        found = facts_of(eve, reached(eve, role("pg_write_server_files", can_login=False))["eve"])
        assert found["meta"] == {"escalation": ["pg_write_server_files"]}
        assert "SUPERUSER" not in found["capabilities"]

    def test_hold_privileges_by_kind(self):
        categories = {
            "postgresql_database_privileges": {"app": ["CONNECT"]},
            "postgresql_object_privileges": {
                "": {"tablespace:fast": ["CREATE"], "parameter:work_mem": ["ALTER SYSTEM", "SET"]},
                "app": {"relation:s.t": ["SELECT"]},
            },
        }
        found = facts(categories=categories, type_specific={}, reach=Reach())["privileges"]
        assert found["database"] == {"app": ["CONNECT"]}
        assert found["tablespace"] == {"fast": ["CREATE"]}
        assert found["server"] == ["ALTER SYSTEM ON PARAMETER work_mem", "SET ON PARAMETER work_mem"]
