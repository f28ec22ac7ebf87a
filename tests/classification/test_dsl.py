"""The language: what is refused, what is true, and what nobody can say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.dsl.evaluate import compile_expression
from classification.dsl.explain import explain
from classification.dsl.names import warnings
from classification.dsl.parse import MAX_DEPTH, MAX_NODES, parse
from classification.dsl.patterns import compile_like
from classification.dsl.subjects import Account, Subject
from tests.classification.conftest import facts
from whalefall.errors import DslV4Required, InvalidDslExpression

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SUPER: dict[str, Any] = {"fn": "is_superuser", "args": {}}


def subject(known: dict[str, Any] | None = None, categories: dict[str, Any] | None = None, **columns: Any) -> Subject:
    account = Account(
        **{
            "id": 1, "instance_id": 1, "db_type": "postgresql", "username": "ada", "host": "", "kind": "user",
            "is_active": True, "is_system": False, "is_locked": False, "locked_until": None, "last_changed_at": NOW,
        } | columns
    )  # fmt: skip
    document = None if categories is None else {"version": 4, "categories": categories}
    return Subject(account, facts() if known is None else known, NOW, document)


def outcome(node: dict[str, Any], about: Subject, version: int = 4) -> bool | None:
    return compile_expression(parse({"version": version, "expr": node})).test(about)


def deep(levels: int) -> dict[str, Any]:
    node = SUPER
    for _ in range(levels - 1):
        node = {"op": "NOT", "args": [node]}
    return node


REFUSED = {
    "an unknown key": ({**SUPER, "x": 1}, "expr knows no 'x'"),
    "an unknown argument": ({"fn": "is_superuser", "args": {"x": 1}}, "expr.args knows no 'x'"),
    "an unknown function": ({"fn": "is_owner"}, "expr.fn 'is_owner' is unknown"),
    "a function of version 5": ({"fn": "is_locked"}, "is_locked needs version 5"),
    "an argument of version 5": ({"fn": "has_capability", "args": {"name": "x", "via": "own"}}, "knows no 'via'"),
    "an unknown operation": ({"op": "XOR", "args": [SUPER]}, "expr.op must be one of AND, OR, NOT"),
    "an empty list": ({"op": "AND", "args": []}, "expr.args must be a list that is not empty"),
    "two nodes under NOT": ({"op": "NOT", "args": [SUPER, SUPER]}, "expr.args of NOT is one node"),
    "no kinds": ({"fn": "db_type_in", "args": {"types": []}}, "expr.args.types must be a list of 1"),
    "an unknown kind": ({"fn": "db_type_in", "args": {"types": ["db2"]}}, "expr.args.types[0] must be one of"),
    "a missing name": ({"fn": "has_role", "args": {}}, "expr.args.name is missing"),
    "a blank name": ({"fn": "has_role", "args": {"name": " "}}, "expr.args.name must be a text"),
    "half a character": ({"fn": "has_role", "args": {"name": "\ud800"}}, "a character that no name can have"),
    "an unknown scope": (
        {"op": "OR", "args": [SUPER, {"fn": "has_privilege", "args": {"name": "X", "scope": "row"}}]},
        "expr.args[1].args.scope must be one of",
    ),
    "neither op nor fn": ({}, "expr has neither op nor fn"),
    "no object": ([], "expr must be an object"),
    "too deep": (deep(MAX_DEPTH + 1), f"lies deeper than {MAX_DEPTH} levels"),
    "too many nodes": ({"op": "OR", "args": [SUPER] * MAX_NODES}, f"is more than {MAX_NODES} nodes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_understood_is_refused_with_its_place(case):
    node, message = REFUSED[case]
    with pytest.raises(InvalidDslExpression) as error:
        parse({"version": 4, "expr": node})
    assert message in str(error.value)


@pytest.mark.parametrize("document", [None, [], {}, {"expr": SUPER}, {"version": 3, "expr": SUPER},
                                      {"version": True, "expr": SUPER}, {"version": "4", "expr": SUPER}])  # fmt: skip
def test_another_language_is_refused_as_such(document):
    with pytest.raises(DslV4Required):
        parse(document)


def test_spelling_makes_no_difference_to_the_canonical_form():
    first = {"version": 4, "expr": {"op": "and", "args": [{"fn": "db_type_in", "args": {"types": ["PG"]}}, SUPER]}}
    second = {"expr": {"args": [{"args": {"types": ["postgresql"]}, "fn": "db_type_in"}, {"fn": "is_superuser"}],
                       "op": "AND"}, "version": 4}  # fmt: skip
    assert parse(first).canonical() == parse(second).canonical()
    assert parse(parse(first).document()).canonical() == parse(first).canonical()


def test_the_deepest_and_largest_expression_is_accepted():
    assert outcome(deep(MAX_DEPTH), subject()) is True
    assert outcome({"op": "OR", "args": [SUPER] * (MAX_NODES - 1)}, subject()) is False


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


def test_an_explanation_says_what_holds_and_why():
    known = facts(capabilities=["SUPERUSER"], capability_reasons={"SUPERUSER": ["member of dba"]}, roles=["r"])
    node = {"op": "AND", "args": [SUPER, {"op": "NOT", "args": [{"fn": "has_role", "args": {"name": "r"}}]}]}
    told = explain(parse({"version": 4, "expr": node}), subject(known))
    assert told.outcome is False
    first, second = told.children
    assert (first.path, first.outcome, first.evidence) == ("expr.args[0]", True, ("member of dba",))
    assert (second.path, second.outcome) == ("expr.args[1]", False)
    assert (second.children[0].path, second.children[0].outcome) == ("expr.args[1].args[0]", True)


def test_names_that_the_kind_does_not_have_are_warned_of():
    node = {"op": "OR", "args": [
        {"fn": "has_privilege", "args": {"name": "SUPER", "scope": "global"}},
        {"fn": "has_privilege", "args": {"name": "SUPPER", "scope": "global"}},
        {"fn": "has_privilege", "args": {"name": "SUPER", "scope": "database"}},
        {"fn": "owns", "args": {}},
        {"fn": "has_role", "args": {"name": "anything"}},
    ]}  # fmt: skip
    found = warnings(parse({"version": 5, "expr": node}), "mysql")
    assert [path for path, _ in found] == ["expr.args[1].args.name", "expr.args[2].args.name", "expr.args[3]"]


# Against an independent evaluation ---------------------------------------------------------------------------------

NAMES = ("A", "B", "C")
leaves = st.one_of(
    st.just(SUPER),
    st.sampled_from(NAMES).map(lambda name: {"fn": "has_role", "args": {"name": name}}),
    st.sampled_from(NAMES).map(lambda name: {"fn": "has_capability", "args": {"name": name}}),
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["global", "server", "database"])).map(
        lambda both: {"fn": "has_privilege", "args": {"name": both[0], "scope": both[1]}}
    ),
    st.lists(st.sampled_from(["mysql", "postgresql"]), min_size=1).map(
        lambda types: {"fn": "db_type_in", "args": {"types": types}}
    ),
)
nodes = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda args: {"op": "AND", "args": args}),
        st.lists(inner, min_size=1, max_size=3).map(lambda args: {"op": "OR", "args": args}),
        inner.map(lambda arg: {"op": "NOT", "args": [arg]}),
    ),
    max_leaves=10,
)
lists = st.lists(st.sampled_from(NAMES), max_size=3)
known_facts = st.fixed_dictionaries(
    {
        "version": st.just(2),
        "capabilities": st.one_of(st.lists(st.sampled_from([*NAMES, "SUPERUSER"])), st.none()),
        "roles": st.one_of(lists, st.just("A")),
        "privileges": st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {"global": lists, "server": lists, "system": lists, "database": st.dictionaries(st.just("d"), lists)}
            ),
        ),
        "errors": st.sampled_from([[], [], ["x"]]),
    }
)


def naive(node: dict[str, Any], known: dict[str, Any]) -> float:
    """Kleene's logic in numbers: 0 false, ½ unknown, 1 true."""
    if "op" in node:
        values = [naive(arg, known) for arg in node["args"]]
        return {"AND": min(values), "OR": max(values), "NOT": 1 - values[0]}[node["op"]]
    args = node["args"]
    if node["fn"] == "db_type_in":
        return float("postgresql" in args["types"])
    privileges = known["privileges"] or {}
    held: Any = {
        "is_superuser": known["capabilities"],
        "has_capability": known["capabilities"],
        "has_role": known["roles"],
    }.get(node["fn"])
    if node["fn"] == "has_privilege":
        if not privileges:
            held = None
        elif args["scope"] == "server":
            held = privileges["server"] + privileges["system"]
        elif args["scope"] == "database":
            held = [name for names in privileges["database"].values() for name in names]
        else:
            held = privileges["global"]
    if not isinstance(held, list):
        return 0.5
    if args.get("name", "SUPERUSER") in held:
        return 1
    return 0.5 if known["errors"] else 0


@given(node=nodes, known=known_facts)
@settings(max_examples=400, deadline=None)
def test_the_evaluator_agrees_with_a_naive_one(node, known):
    expected = {0: False, 0.5: None, 1: True}[naive(node, known)]
    assert outcome(node, subject(known)) is expected
    assert explain(parse({"version": 4, "expr": node}), subject(known)).outcome is expected


def like(pattern: str, name: str) -> bool:
    """LIKE by its definition."""
    if not pattern:
        return not name
    if pattern[0] == "%":
        return like(pattern[1:], name) or (bool(name) and like(pattern, name[1:]))
    if pattern[0] == "\\":
        return bool(name) and name[0] == pattern[1] and like(pattern[2:], name[1:])
    return bool(name) and pattern[0] in ("_", name[0]) and like(pattern[1:], name[1:])


@given(
    pattern=st.lists(st.sampled_from(["%", "_", "a", "b", "\\%", "\\_", "."]), max_size=7).map("".join),
    name=st.text("ab%_.\n", max_size=8),
)
@settings(max_examples=400, deadline=None)
def test_a_pattern_means_what_like_means(pattern, name):
    assert compile_like(pattern)(name) is like(pattern, name)
