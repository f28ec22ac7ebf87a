"""Functions: what is true, what is false, and what nobody can say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.classification.conftest import facts
from tests.classification.subjects import NOW, SUPER, deep, outcome, subject

HELD = {
    "global": ["SELECT WITH GRANT OPTION", "GRANT OPTION"],
    "server": ["CONTROL SERVER", "DENY SHUTDOWN"],
    "system": ["CREATE SESSION WITH ADMIN OPTION"],
    "database": {"app": ["CONNECT"], "log": ["CREATE"]},
    "tablespace": {"fast": ["CREATE"]},
}


@pytest.mark.parametrize(
    ("name", "scope", "database", "expected"),
    [
        ("SELECT", "global", None, True),
        ("SELECT WITH GRANT OPTION", "global", None, True),
        ("select", "global", None, False),
        ("CONTROL SERVER", "server", None, True),
        ("CREATE SESSION", "server", None, True),
        ("SHUTDOWN", "server", None, False),
        ("DENY SHUTDOWN", "server", None, True),
        ("CONNECT", "database", None, True),
        ("CONNECT", "database", "app", True),
        ("CONNECT", "database", "log", False),
        ("CREATE", "tablespace", "fast", True),
        ("CONNECT", "tablespace", None, False),
    ],
)
def test_a_privilege_is_looked_for_in_its_scope(name, scope, database, expected):
    args = {"name": name, "scope": scope} | ({"database": database} if database else {})
    assert outcome({"fn": "has_privilege", "args": args}, subject(facts(privileges=HELD))) is expected


MALFORMED = [
    {**facts(), "version": 1},
    {**facts(), "capabilities": None},
    {**facts(), "capabilities": ["LOCKED", 7]},
    {**facts(), "errors": ["the roles could not be read"]},
]


@pytest.mark.parametrize("known", MALFORMED)
def test_not_over_an_error_never_matches(known):
    about = subject(known)
    assert outcome(SUPER, about) is None
    assert outcome({"op": "NOT", "args": [SUPER]}, about) is None
    assert outcome({"op": "NOT", "args": [{"op": "NOT", "args": [SUPER]}]}, about) is None
    assert outcome({"op": "OR", "args": [SUPER, deep(2)]}, about) is None


def test_what_was_found_is_true_even_where_facts_have_errors():
    known = facts(capabilities=["SUPERUSER"], errors=["something else"])
    assert outcome(SUPER, subject(known)) is True
    assert outcome({"op": "NOT", "args": [SUPER]}, subject(known)) is False


CATEGORIES = {
    "postgresql_object_privileges": {"app": {"relation:public.pay": ["SELECT", "UPDATE WITH GRANT OPTION"]}},
    "postgresql_owned": {"app": ["relation:public.own"], "": ["database:app"]},
    "mysql_table_privileges": {"`a.b`.t": ["SELECT"]},
    "sqlserver_database_permissions": {"erp": {"schema": {"dbo": ["CONTROL"]}, "database": ["CONNECT"]}},
    "oracle_pdb_object_privileges": {"PDB1": {"HR.EMP": ["SELECT"]}},
}


@pytest.mark.parametrize(
    ("fn", "args", "expected"),
    [
        ("has_object_privilege", {"name": "SELECT", "level": "relation", "object": "public.%"}, True),
        ("has_object_privilege", {"name": "SELECT", "object": "public.%", "database": "log"}, False),
        ("has_object_privilege", {"name": "UPDATE", "grantable": True}, True),
        ("has_object_privilege", {"name": "UPDATE", "grantable": False}, False),
        ("has_object_privilege", {"name": "SELECT", "level": "table", "database": "a.b"}, True),
        ("has_object_privilege", {"name": "CONTROL", "level": "schema", "database": "erp"}, True),
        ("has_object_privilege", {"name": "CONNECT", "level": "database", "object": "erp"}, True),
        ("has_object_privilege", {"name": "SELECT", "database": "PDB_", "object": "HR.%"}, True),
        ("owns", {"object": "relation:%"}, True),
        ("owns", {"object": "database:%"}, True),
        ("owns", {"object": "schema:%"}, False),
    ],
)
def test_single_objects_are_found_in_the_document(fn, args, expected):
    assert outcome({"fn": fn, "args": args}, subject(categories=CATEGORIES), 5) is expected
    assert outcome({"fn": fn, "args": args}, subject(), 5) is None  # no document was read


@pytest.mark.parametrize(
    ("fn", "args", "known", "columns", "expected"),
    [
        ("name_like", {"pattern": "app\\_%"}, {}, {"username": "app_ro"}, True),
        ("name_like", {"pattern": "app\\_%"}, {}, {"username": "xapp_ro"}, False),
        ("host_like", {"pattern": "10.%"}, {}, {"host": "10.0.0.1"}, True),
        ("kind_in", {"kinds": ["PUBLIC"]}, {}, {"kind": "public"}, True),
        ("is_system", {}, {}, {"is_system": True}, True),
        ("is_locked", {}, {}, {"locked_until": NOW + timedelta(seconds=1)}, True),
        ("is_locked", {}, {}, {"locked_until": NOW - timedelta(seconds=1)}, False),
        ("changed_within", {"days": 7}, {}, {"last_changed_at": NOW - timedelta(days=6)}, True),
        ("changed_within", {"days": 7}, {}, {"last_changed_at": NOW - timedelta(days=8)}, False),
        ("member_of", {"role": "pg\\_%"}, {"roles": ["pg_monitor"]}, {}, True),
        ("member_of", {"role": "pg\\_%"}, {"roles": ["pgmonitor"]}, {}, False),
        ("has_grant_option", {}, {"privileges": HELD}, {}, True),
        ("has_grant_option", {"name": "SELECT", "scope": "global"}, {"privileges": HELD}, {}, True),
        ("has_grant_option", {"scope": "database"}, {"privileges": HELD}, {}, False),
        ("can_escalate", {}, {"meta": {"escalation": ["FILE"]}}, {}, True),
        ("can_escalate", {}, {}, {}, False),
        ("can_escalate", {}, {"meta": None}, {}, None),
    ],
)
def test_functions_of_version_5(fn, args, known, columns, expected):
    assert outcome({"fn": fn, "args": args}, subject(facts(**known), **columns), 5) is expected


@pytest.mark.parametrize(
    ("reason", "via"),
    [("SUPERUSER", "own"), ("member of a → b", "role"), ("inherits from a", "role"), ("PUBLIC", "public"),
     ("public: CONTROL SERVER", "public")],
)  # fmt: skip
def test_a_capability_may_be_asked_for_by_the_way_it_comes(reason, via):
    known = facts(capabilities=["SUPERUSER"], capability_reasons={"SUPERUSER": [reason]})
    for way in ("own", "role", "public"):
        node = {"fn": "has_capability", "args": {"name": "SUPERUSER", "via": way}}
        assert outcome(node, subject(known), 5) is (way == via)


NAMED, PATTERN = {"name": "SELECT"}, {"role": "%"}
UNREADABLE = [
    ("is_superuser", {}, {"capabilities": {"SUPERUSER": True}}),
    ("has_capability", NAMED, {"capabilities": "SELECT"}),
    ("has_capability", {"name": "LOCKED", "via": "own"}, {"capability_reasons": {"LOCKED": "x"}}),
    ("has_role", NAMED, {"roles": ["other", None]}),
    ("member_of", PATTERN, {"roles": None}),
    ("has_privilege", {"name": "SELECT", "scope": "global"}, {"privileges": {**HELD, "global": "SELECT"}}),
    ("has_privilege", {"name": "SELECT", "scope": "server"}, {"privileges": {**HELD, "system": None}}),
    ("has_privilege", {"name": "SELECT", "scope": "database"}, {"privileges": {"database": {"app": "SELECT"}}}),
    ("has_privilege", {"name": "SELECT", "scope": "tablespace"}, {"privileges": {}}),
    ("has_grant_option", {"scope": "database"}, {"privileges": {"database": {"app": None}}}),
    ("can_escalate", {}, {"meta": []}),
    ("can_escalate", {}, {"meta": {"escalation": {"FILE": 1}}}),
]


@pytest.mark.parametrize(("fn", "args", "broken"), UNREADABLE)
def test_what_is_malformed_is_neither_there_nor_not_there(fn, args, broken):
    about = subject({**facts(), **broken})
    node = {"fn": fn, "args": args}
    assert outcome(node, about, 5) is None
    assert outcome({"op": "NOT", "args": [node]}, about, 5) is None
