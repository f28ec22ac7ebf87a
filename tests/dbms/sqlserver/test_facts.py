"""Capabilities follow from roles, nested ones too, and from permissions, with the way that leads there."""

from __future__ import annotations

from tests.dbms.sqlserver.conftest import facts_of


def test_a_member_of_sysadmin_is_a_superuser(scene):
    ada = scene.catalogue.login("ada")
    scene.catalogue.server_roles.append((3, ada.id))
    found = facts_of(scene.read(), "ada")
    assert found["capability_reasons"] == {"SUPERUSER": ["sysadmin"]}
    assert found["roles"] == ["sysadmin"]


def test_nested_roles_lead_by_the_shortest_way_through_diamonds_and_circles(scene):
    ada = scene.catalogue.login("ada")
    inner = scene.catalogue.role("inner")
    left, right = scene.catalogue.role("left", ada), scene.catalogue.role("right", ada)
    longer = scene.catalogue.role("longer", right)
    scene.catalogue.server_roles += [(inner.id, left.id), (inner.id, longer.id), (3, inner.id), (left.id, inner.id)]
    found = facts_of(scene.read(), "ada")
    assert found["capability_reasons"] == {"SUPERUSER": ["member of left → inner → sysadmin"]}
    assert found["roles"] == ["inner", "left", "longer", "right", "sysadmin"]
    assert facts_of(scene.read(), "left")["capability_reasons"]["SUPERUSER"] == ["member of inner → sysadmin"]


def test_control_server_and_securityadmin_administer_grants_but_a_denial_does_not(scene):
    for name, state in (("granted", "G"), ("with option", "W"), ("denied", "D")):
        scene.catalogue.grant(scene.catalogue.login(name), "CONTROL SERVER", state=state)
    scene.catalogue.grant(scene.catalogue.role("ops", scene.catalogue.login("by role")), "CONTROL SERVER")
    keeper = scene.catalogue.login("keeper")
    scene.catalogue.server_roles.append((4, keeper.id))
    snapshot = scene.read()
    reasons = {name: facts_of(snapshot, name)["capability_reasons"].get("GRANT_ADMIN")
               for name in ("granted", "with option", "denied", "by role", "keeper", "sa")}  # fmt: skip
    assert reasons == {
        "granted": ["CONTROL SERVER"],
        "with option": ["CONTROL SERVER"],
        "denied": None,
        "by role": ["member of ops: CONTROL SERVER"],
        "keeper": ["securityadmin"],
        "sa": None,
    }
    assert facts_of(snapshot, "granted")["meta"] == {"escalation": ["CONTROL SERVER"]}


def test_what_public_may_do_everybody_may_do(scene):
    scene.catalogue.login("ada")
    scene.catalogue.grant(scene.catalogue.logins["public"], "CONTROL SERVER")
    snapshot = scene.read()
    assert facts_of(snapshot, "ada")["capability_reasons"]["GRANT_ADMIN"] == ["public: CONTROL SERVER"]
    assert facts_of(snapshot, "public")["capability_reasons"]["GRANT_ADMIN"] == ["CONTROL SERVER"]


def test_a_role_of_a_database_is_no_role_of_the_server_of_the_same_name(scene):
    ada = scene.catalogue.login("ada")
    shop = scene.catalogue.database("shop")
    shop.user(5, "ada", sid=ada.sid)
    shop.user(16400, "sysadmin", sid=b"r1", type="R", authentication=0)
    shop.user(16401, "cl.erks", sid=b"r2", type="R", authentication=0)
    shop.roles += [(16401, 5), (16400, 16401), (16401, 16400)]
    found = facts_of(scene.read(), "ada")
    assert found["capability_reasons"] == {}
    assert found["roles"] == ["shop.[cl.erks]", "shop.sysadmin"]


def test_whoever_cannot_log_in_is_locked_with_the_reason(scene):
    scene.catalogue.login("off", is_disabled=True)
    scene.catalogue.database("shop").user(5, "orphan", sid=b"\x09gone")
    snapshot = scene.read()
    assert facts_of(snapshot, "off")["capability_reasons"] == {"LOCKED": ["DISABLED"]}
    assert facts_of(snapshot, "orphan", "shop")["capability_reasons"] == {"LOCKED": ["orphaned"]}


def test_privileges_stand_where_rules_look_for_them(scene):
    ada = scene.catalogue.login("ada")
    shop = scene.catalogue.database("shop")
    shop.user(5, "ada", sid=ada.sid)
    shop.grant(5, "CREATE TABLE")
    assert facts_of(scene.read(), "ada")["privileges"] == {
        "global": [], "server": ["CONNECT SQL"], "system": [], "database": {"shop": ["CREATE TABLE"]},
        "tablespace": {},
    }  # fmt: skip


class TestTrustworthyDatabases:
    def escalations(self, scene, **changes) -> dict[str, list[str]]:
        """Of each user of a database whose owner is sa, unless the changes say otherwise."""
        database = scene.catalogue.database("sho]p", **{"is_trustworthy": True, **changes})
        logins = {name: scene.catalogue.login(name) for name in ("owner", "nested", "control", "acts", "reader")}
        numbers = {name: database.user(number, name, sid=login.sid)
                   for number, (name, login) in enumerate(logins.items(), 5)}  # fmt: skip
        database.user(16400, "clerks", sid=b"clerks", type="R", authentication=0)
        database.roles += [(16384, numbers["owner"]), (16384, 16400), (16400, numbers["nested"])]
        database.grant(numbers["control"], "CONTROL", state="W")
        database.grant(numbers["control"], "CONTROL", on=(3, "SCHEMA", 5, "sales", None, 0, None))
        database.grant(numbers["acts"], "IMPERSONATE", on=(4, "DATABASE_PRINCIPAL", 1, None, "dbo", 0, None))
        database.grant(numbers["reader"], "CONTROL", state="D")
        snapshot = scene.read()
        found = {name: facts_of(snapshot, name)["meta"].get("escalation", []) for name in (*logins, "sa")}
        return {name: ways for name, ways in found.items() if ways}

    def test_of_a_sysadmin_make_whoever_can_act_as_dbo_a_sysadmin(self, scene):
        assert self.escalations(scene) == {
            "owner": ["TRUSTWORTHY [sho]]p]: db_owner"],
            "nested": ["TRUSTWORTHY [sho]]p]: clerks → db_owner"],
            "control": ["TRUSTWORTHY [sho]]p]: CONTROL"],
            "acts": ["TRUSTWORTHY [sho]]p]: IMPERSONATE ON USER::dbo"],
        }

    def test_of_somebody_else_or_that_are_not_trustworthy_make_nobody_one(self, scene):
        assert self.escalations(scene, owner=b"\x09nobody") == {}
        assert self.escalations(scene, is_trustworthy=False) == {}

    def test_of_a_member_of_a_nested_role_count_too(self, scene):
        boss = scene.catalogue.login("boss")
        role = scene.catalogue.role("dbas", boss)
        scene.catalogue.server_roles.append((3, role.id))
        assert "owner" in self.escalations(scene, owner=boss.sid)

    def test_that_lead_up_through_public_lead_everybody(self, scene):
        msdb = scene.catalogue.database("msdb", is_trustworthy=True)
        msdb.user(5, "ada", sid=scene.catalogue.login("ada").sid)
        msdb.grant(0, "CONTROL")
        assert facts_of(scene.read(), "ada")["meta"]["escalation"] == ["TRUSTWORTHY msdb: public: CONTROL"]
