"""What was never read is not absent: nobody can say "no" where something may be hidden, and everybody hears where."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from classification.dsl.evaluate import compile_expression
from classification.dsl.explain import explain
from classification.dsl.parse import parse
from classification.dsl.subjects import Account, Subject
from classification.dsl.unread import unread
from tests.classification.conftest import facts

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def call(fn: str, **args: Any) -> dict[str, Any]:
    return {"fn": fn, "args": args}


def answer(
    node: dict[str, Any],
    kind: str,
    scopes: list[str],
    *,
    known: dict[str, Any] | None = None,
    categories: dict[str, Any] | None = None,
    **document: Any,
) -> tuple[bool | None, tuple[str, ...]]:
    """The outcome for an account that holds nothing but this, and the scopes that an explanation names."""
    account = Account(
        id=1, instance_id=1, db_type=kind, username="ada", host=document.pop("host", ""), kind="user", is_active=True,
        is_system=False, is_locked=False, locked_until=None, last_changed_at=NOW, first_seen_at=NOW,
    )  # fmt: skip
    expression = parse({"version": 5, "expr": node})
    stored = {"version": 4, "categories": categories or {}, **document}
    about = Subject(account, facts() if known is None else known, NOW, stored, unread(kind, dict.fromkeys(scopes)))
    return compile_expression(expression).test(about), explain(expression, about).unread


ANY_PRIVILEGE = call("has_privilege", name="CONNECT", scope="database")
ON_SHOP = call("has_privilege", name="CONNECT", scope="database", database="shop")
ON_OBJECTS = call("has_object_privilege", name="SELECT")
SHOP = "database:shop"
ROLES = "category:mysql_granted_roles"

HIDDEN = {  # name: (function, kind, scopes that were never read, those that hide the answer)
    "privileges on a database": (ANY_PRIVILEGE, "sqlserver", [SHOP], [SHOP]),
    "privileges on this database": (ON_SHOP, "sqlserver", [SHOP, "database:other"], [SHOP]),
    "privileges on another database": (ON_SHOP, "sqlserver", ["database:other"], []),
    "what PostgreSQL's server tells of a database": (ON_SHOP, "postgresql", [SHOP], []),
    "privileges on the server": (call("has_privilege", name="X", scope="server"), "sqlserver", [SHOP], []),
    "privileges of a pluggable database": (ANY_PRIVILEGE, "oracle", ["pdb:SALES"], ["pdb:SALES"]),
    "system privileges": (
        call("has_privilege", name="X", scope="server"), "oracle",
        ["category:oracle_system_privileges"], ["category:oracle_system_privileges"],
    ),
    "quotas": (
        call("has_privilege", name="X", scope="tablespace"), "oracle", ["category:oracle_quotas"],
        ["category:oracle_quotas"],
    ),
    "roles": (call("has_role", name="dba"), "mysql", [ROLES], [ROLES]),
    "roles like": (call("member_of", role="dba%"), "mysql", [ROLES], [ROLES]),
    "superusers by roles": (call("is_superuser"), "mysql", [ROLES], [ROLES]),
    "locks beside roles": (call("has_capability", name="LOCKED"), "mysql", [ROLES], []),
    "superusers of SQL Server": (call("is_superuser"), "sqlserver", [SHOP], []),
    "superusers of PostgreSQL": (call("is_superuser"), "postgresql", [SHOP], []),
    "by way of a role": (call("has_capability", name="GRANT_ADMIN", via="role"), "oracle", ["pdb:S"], ["pdb:S"]),
    "roles of the server": (call("has_role", name="sysadmin"), "sqlserver", [SHOP], []),
    "roles of the database": (call("has_role", name="shop.db_owner"), "sqlserver", [SHOP], [SHOP]),
    "roles of another database": (call("has_role", name="shop2.db_owner"), "sqlserver", [SHOP], []),
    "roles of a database in brackets": (
        call("has_role", name="[my shop].db_owner"), "sqlserver", ["database:my shop"], ["database:my shop"],
    ),
    "roles like those of the database": (call("member_of", role="sh%.db_owner"), "sqlserver", [SHOP], [SHOP]),
    "roles like those of no database": (call("member_of", role="sys%"), "sqlserver", [SHOP], []),
    "roles like those of any database": (call("member_of", role="%.db_owner"), "sqlserver", [SHOP], [SHOP]),
    "grant options": (call("has_grant_option"), "sqlserver", [SHOP], [SHOP]),
    "grant options on the server": (call("has_grant_option", scope="server"), "sqlserver", [SHOP], []),
    "escalation": (call("can_escalate"), "sqlserver", [SHOP], [SHOP]),
    "escalation by the server": (call("can_escalate"), "postgresql", [SHOP], []),
    "objects": (ON_OBJECTS, "postgresql", [SHOP], [SHOP]),
    "objects of databases like it": (
        call("has_object_privilege", name="SELECT", database="sh%"), "postgresql", [SHOP, "database:x"], [SHOP],
    ),
    "objects of other databases": (
        call("has_object_privilege", name="SELECT", database="x%"), "postgresql", [SHOP], [],
    ),
    "databases as objects": (
        call("has_object_privilege", name="CONNECT", level="database"), "postgresql", [SHOP], [],
    ),
    "a database as an object": (
        call("has_object_privilege", name="CONNECT", level="database", object="shop"), "sqlserver",
        [SHOP, "database:other"], [SHOP],
    ),
    "tables beside columns": (
        call("has_object_privilege", name="SELECT", level="table"), "mysql", ["category:mysql_column_privileges"], [],
    ),
    "columns": (
        call("has_object_privilege", name="SELECT", level="column"), "mysql", ["category:mysql_column_privileges"],
        ["category:mysql_column_privileges"],
    ),
    "owners": (call("owns"), "postgresql", [SHOP], [SHOP]),
    "owners in other databases": (call("owns", database="x%"), "postgresql", [SHOP], []),
    "template0": (call("owns"), "postgresql", ["database:template0"], []),
    "locks": (call("is_locked"), "oracle", ["pdb:SALES"], ["pdb:SALES"]),
    "locks of another kind": (call("is_locked"), "sqlserver", [SHOP], []),
    "privileges on databases that are not listed": (ANY_PRIVILEGE, "sqlserver", ["databases"], ["databases"]),
    "a database that may not be listed": (ON_SHOP, "sqlserver", ["databases"], ["databases"]),
    "roles of databases that are not listed": (
        call("has_role", name="x.db_owner"), "sqlserver", ["databases"], ["databases"],
    ),
    "superusers beside databases that are not listed": (call("is_superuser"), "sqlserver", ["databases"], []),
    "names": (call("name_like", pattern="x"), "sqlserver", [SHOP], []),
    "nothing that is not derived": (call("has_role", name="x"), "mysql", ["category:mysql_proxy_privileges"], []),
}  # fmt: skip


@pytest.mark.parametrize("case", HIDDEN)
def test_a_negative_answer_is_unknown_exactly_where_what_was_asked_may_be_hidden(case):
    node, kind, scopes, hiding = HIDDEN[case]
    assert answer(node, kind, scopes) == (None if hiding else False, tuple(hiding))
    negated, _ = answer({"op": "NOT", "args": [node]}, kind, scopes)
    assert negated is (None if hiding else True)


def test_an_account_of_one_database_can_hold_nothing_in_another():
    assert answer(ANY_PRIVILEGE, "sqlserver", [SHOP], host="blog") == (False, ())
    assert answer(ANY_PRIVILEGE, "sqlserver", [SHOP], host="shop") == (None, (SHOP,))
    assert answer(call("has_role", name="dba"), "mysql", [ROLES], host="%") == (None, (ROLES,))


POSITIVE = {
    "a privilege": (ANY_PRIVILEGE, facts(privileges={"database": {"blog": ["CONNECT"]}}), {}),
    "a role": (call("has_role", name="db"), facts(roles=["db"]), {}),
    "roles like": (call("member_of", role="d%"), facts(roles=["db"]), {}),
    "an option": (call("has_grant_option"), facts(privileges={"database": {"b": ["X WITH GRANT OPTION"]}}), {}),
    "escalation": (call("can_escalate"), facts(meta={"escalation": ["x"]}), {}),
    "an object": (ON_OBJECTS, facts(), {"sqlserver_database_permissions": {"blog": {"object": {"t": ["SELECT"]}}}}),
}


@pytest.mark.parametrize("case", POSITIVE)
def test_what_was_found_stays_true_whatever_else_is_hidden(case):
    node, known, categories = POSITIVE[case]
    assert answer(node, "sqlserver", [SHOP], known=known, categories=categories) == (True, ())


# What was read as one with others ------------------------------------------------------------------------------------

IN_HR = {"categories": {"oracle_column_privileges": {"HR.*.*": ["SELECT"]}},
         "meta": {"summarised": {"category:oracle_column_privileges": {"HR.*.*": {"SELECT": 9}}}}}  # fmt: skip
OWNS_MANY = {"categories": {"postgresql_owned": {"shop": ["relation:public.*"]}},
             "meta": {"owned_counts": {"shop": {"relation:public.*": 5000}}}}  # fmt: skip
TOGETHER = {
    "one of them": (call("has_object_privilege", name="SELECT", object="HR.EMP.PAY"), "oracle", IN_HR, None),
    "some of them": (call("has_object_privilege", name="SELECT", object="HR.%"), "oracle", IN_HR, True),
    "any": (call("has_object_privilege", name="SELECT"), "oracle", IN_HR, True),
    "one of another owner": (call("has_object_privilege", name="SELECT", object="OE.T.C"), "oracle", IN_HR, False),
    "another privilege": (call("has_object_privilege", name="UPDATE", object="HR.EMP.PAY"), "oracle", IN_HR, False),
    "another level": (
        call("has_object_privilege", name="SELECT", object="HR.EMP.PAY", level="object"), "oracle", IN_HR, False,
    ),
    "one object owned": (call("owns", object="relation:public.orders"), "postgresql", OWNS_MANY, None),
    "one of another schema": (call("owns", object="relation:sales.orders"), "postgresql", OWNS_MANY, False),
    "in another database": (
        call("owns", object="relation:public.orders", database="blog"), "postgresql", OWNS_MANY, False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOGETHER)
def test_of_objects_that_were_read_as_one_nobody_can_say_what_holds_for_a_single_one(case):
    node, kind, document, expected = TOGETHER[case]
    assert answer(node, kind, [], **document)[0] is expected


# Malformed -----------------------------------------------------------------------------------------------------------

OBJECT = call("has_object_privilege", name="S")
SHOP_OBJECTS = {"postgresql_object_privileges": {"shop": {"relation:t": "S"}}}
MALFORMED = {
    "who owns what on a kind that does not tell": (call("owns"), "mysql", {}, {}),
    "a document of another version": (call("owns"), "postgresql", {}, {"version": 3}),
    "a document without a version": (OBJECT, "postgresql", {}, {"version": None}),
    "facts of another version": (call("owns"), "postgresql", facts(version=1), {}),
    "facts with errors": (call("owns"), "postgresql", facts(errors=["x"]), {}),
    "a text in place of privileges": (OBJECT, "postgresql", {}, {"categories": SHOP_OBJECTS}),
    "a text in place of objects": (
        call("owns", object="t"), "postgresql", {}, {"categories": {"postgresql_owned": {"shop": "table"}}},
    ),
    "numbers in place of escalations": (call("can_escalate"), "postgresql", facts(meta={"escalation": [1]}), {}),
    "a text in place of a privilege": (ON_SHOP, "mysql", facts(privileges={"database": {"shop": "CONNECT"}}), {}),
    "an error beside a privilege on a database": (ON_SHOP, "mysql", facts(errors=["x"]), {}),
    "an error beside evidence": (call("member_of", role="x"), "mysql", facts(errors=["x"]), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", MALFORMED)
def test_of_what_is_malformed_or_not_told_nobody_can_say(case):
    node, kind, known, document = MALFORMED[case]
    assert answer(node, kind, [], known=known or facts(), **document)[0] is None


def test_what_is_malformed_behind_a_match_makes_it_no_less_true():
    objects = {"shop": {"relation:t": ["SELECT"], "relation:u": "SELECT"}}
    assert answer(ON_OBJECTS, "postgresql", [], categories={"postgresql_object_privileges": objects}) == (True, ())
