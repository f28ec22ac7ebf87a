"""The evaluator against an independent one, over random expressions, accounts, facts and documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.dsl.explain import explain
from classification.dsl.functions import FUNCTIONS
from classification.dsl.parse import parse
from classification.dsl.patterns import compile_like
from tests.classification import naive
from tests.classification.naive import About, Granted
from tests.classification.subjects import NOW, outcome, subject

NAMES = ("A", "SUPERUSER")
HELD = ("A", "A WITH GRANT OPTION", "A WITH ADMIN OPTION", "DENY A", "GRANT OPTION")
ASKED = ("A", "A WITH GRANT OPTION", "GRANT OPTION")
SCOPES = ("global", "server", "database", "tablespace")
REASONS = ("SUPERUSER", "member of x → y", "inherits from x", "PUBLIC → x", "public: CONTROL SERVER")
PLACES = ("app", "log")
KINDS, DB_TYPES = ("user", "role", "group", "public"), ("mysql", "postgresql", "sqlserver", "oracle")

# What an object is called in a document, and what it is: by category, key, level, database and name.
OBJECTS = [
    ("mysql_database_privileges", "app", "database", "app", "app"),
    ("mysql_table_privileges", "app.t", "table", "app", "app.t"),
    ("mysql_table_privileges", "`a.``b`.t", "table", "a.`b", "`a.``b`.t"),
    ("mysql_column_privileges", "log.t.c", "column", "log", "log.t.c"),
    ("mysql_routine_privileges", "PROCEDURE app.p", "routine", "app", "PROCEDURE app.p"),
    ("postgresql_database_privileges", "log", "database", "log", "log"),
    ("postgresql_object_privileges", "app/relation:public.t", "relation", "app", "public.t"),
    ("postgresql_object_privileges", "log/function:public.f(a:b)", "function", "log", "public.f(a:b)"),
    ("sqlserver_database_permissions", "app/database", "database", "app", "app"),
    ("sqlserver_database_permissions", "app/schema/dbo", "schema", "app", "dbo"),
    ("oracle_object_privileges", "HR.T", "object", "", "HR.T"),
    ("oracle_pdb_column_privileges", "app/HR.T.C", "column", "app", "HR.T.C"),
]


def document(grants: list[Granted], owned: list[tuple[str, str]]) -> dict[str, Any]:
    """The categories of permission_snapshot v4 that say this."""
    categories: dict[str, Any] = {}
    for grant in grants:
        *outer, last = grant.key.split("/")
        place = categories.setdefault(grant.category, {})
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = grant.words
    for database, name in owned:
        categories.setdefault("postgresql_owned", {}).setdefault(database, []).append(name)
    return categories


# Expressions

PATTERNS = ("%", "app", "a%", "%t", "_%", "public.%", "database:%", "\\_")
DATABASES = ("%", "app", "l_g", "a.%")

# {function: {argument: values to ask for; None leaves it out}}, of version 4 and of what 5 adds.
OF_4: dict[str, dict[str, Sequence[Any]]] = {
    "db_type_in": {"types": [[kind] for kind in DB_TYPES] + [list(DB_TYPES[:2])]},
    "is_superuser": {},
    "has_capability": {"name": NAMES},
    "has_role": {"name": NAMES},
    "has_privilege": {"name": ASKED, "scope": SCOPES, "database": [None, *PLACES]},
}
OF_5: dict[str, dict[str, Sequence[Any]]] = {
    **OF_4,
    "has_capability": {"name": NAMES, "via": [None, "own", "role", "public"]},
    "member_of": {"role": [*PATTERNS, "S%", "_"]},
    "has_grant_option": {"name": [None, *ASKED], "scope": [None, *SCOPES]},
    "can_escalate": {},
    "has_object_privilege": {
        "name": ASKED,
        "level": [None, "table", "relation", "database"],
        "object": [None, "%t", "app%"],
        "database": [None, *DATABASES],
        "grantable": [None, True, False],
    },
    "owns": {"object": [None, *PATTERNS], "database": [None, *DATABASES]},
    "kind_in": {"kinds": [[kind] for kind in KINDS] + [list(KINDS[:2])]},
    "name_like": {"pattern": PATTERNS},
    "host_like": {"pattern": [*PATTERNS, "l_g", "10.%"]},
    "is_system": {},
    "is_locked": {},
    "changed_within": {"days": [1, 2, 3]},
}


def calls(fn: str, arguments: dict[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """A call of a function for every combination of its arguments."""
    chosen = [dict(zip(arguments, values, strict=True)) for values in product(*arguments.values())]
    return [{"fn": fn, "args": {name: value for name, value in one.items() if value is not None}} for one in chosen]


def trees(functions: dict[str, dict[str, Sequence[Any]]]) -> Any:
    return st.recursive(
        st.one_of([st.sampled_from(calls(fn, arguments)) for fn, arguments in functions.items()]),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda args: {"op": "AND", "args": args}),
            st.lists(inner, min_size=1, max_size=3).map(lambda args: {"op": "OR", "args": args}),
            inner.map(lambda arg: {"op": "NOT", "args": [arg]}),
        ),
        max_leaves=10,
    )


TREES = {4: trees(OF_4), 5: trees(OF_5)}

# Accounts

moments = st.integers(-3, 3).map(lambda days: NOW + timedelta(days=days, seconds=1))
columns = st.fixed_dictionaries(
    {
        "db_type": st.sampled_from(DB_TYPES),
        "username": st.sampled_from(["app", "apt", "B"]),
        "host": st.sampled_from(["", "log", "10.0.0.1"]),
        "kind": st.sampled_from(KINDS),
        "is_system": st.booleans(),
        "is_locked": st.booleans(),
        "locked_until": st.none() | moments,
        "last_changed_at": moments,
    }
)
words = st.lists(st.sampled_from(HELD), max_size=2)
by_place = st.dictionaries(st.sampled_from(PLACES), words)
sound_facts = st.fixed_dictionaries(
    {
        "version": st.just(2),
        "capabilities": st.lists(st.sampled_from(NAMES), max_size=2),
        "capability_reasons": st.dictionaries(
            st.sampled_from(NAMES), st.lists(st.sampled_from(REASONS), min_size=1, max_size=2)
        ),
        "roles": st.lists(st.sampled_from(NAMES), max_size=2),
        "privileges": st.fixed_dictionaries(
            {"global": words, "server": words, "system": words, "database": by_place, "tablespace": by_place}
        ),
        "errors": st.sampled_from([[], [], [], ["the roles could not be read"]]),
        "meta": st.sampled_from([{}, {"escalation": []}, {"escalation": ["FILE"]}]),
    }
)
NO_LISTS = (None, "A", 7, [7], ["A", None])
MALFORMED = [{part: value} for part in ("capabilities", "roles", "privileges") for value in NO_LISTS] + [
    {"capability_reasons": None},
    {"capability_reasons": []},
    {"meta": None},
    {"meta": {"escalation": "FILE"}},
]
sound = st.just({})  # three times out of four
known_facts = st.builds(dict.__or__, sound_facts, st.one_of(sound, sound, sound, st.sampled_from(MALFORMED)))
grants = st.lists(st.tuples(st.sampled_from(OBJECTS), words), min_size=1, max_size=4, unique_by=lambda one: one[0]).map(
    lambda chosen: [Granted(*place, held) for place, held in chosen]
)
owned = st.lists(st.tuples(st.sampled_from(["", "app"]), st.sampled_from(["database:app", "relation:public.t"])))
unread = st.sampled_from([None, 7, [], "A"])  # no document, or one without categories


documents = st.one_of(st.tuples(grants, owned), st.tuples(grants, owned), unread)


def agree(version: int, asked: list[dict[str, Any]], own: dict[str, Any], known: dict[str, Any], held: Any) -> None:
    granted, has = held if isinstance(held, tuple) else (None, None)
    about = About(columns=own, facts=known, grants=granted, owned=has, now=NOW)
    evaluated = subject(known, document(*held) if isinstance(held, tuple) else held, **own)
    for node in asked:
        expected = {0: False, naive.UNKNOWN: None, 1: True}[naive.evaluate(node, about)]
        assert outcome(node, evaluated, version) is expected, node
        assert explain(parse({"version": version, "expr": node}), evaluated).outcome is expected, node


@pytest.mark.parametrize("version", TREES)
@given(data=st.data(), own=columns, known=known_facts, held=documents)
@settings(max_examples=200, deadline=None)
def test_the_evaluator_agrees_with_a_naive_one(version, data, own, known, held):
    agree(version, [data.draw(TREES[version])], own, known, held)


@pytest.mark.parametrize("fn", OF_5)
@given(own=columns, known=known_facts, held=documents)
@settings(max_examples=40, deadline=None)
def test_each_function_agrees_with_a_naive_one_whatever_it_is_asked(fn, own, known, held):
    agree(5, calls(fn, OF_5[fn]), own, known, held)


def test_every_function_and_argument_is_compared():
    for version, drawn in ((4, OF_4), (5, OF_5)):
        known = {fn: one.parameters.items() for fn, one in FUNCTIONS.items() if one.since <= version}
        assert {fn: set(arguments) for fn, arguments in drawn.items()} == {
            fn: {name for name, parameter in parameters if parameter.since <= version}
            for fn, parameters in known.items()
        }


@given(
    pattern=st.lists(st.sampled_from(["%", "_", "a", "b", "\\%", "\\_", "."]), max_size=7).map("".join),
    name=st.text("ab%_.\n", max_size=8),
)
@settings(max_examples=400, deadline=None)
def test_a_pattern_means_what_like_means(pattern, name):
    assert compile_like(pattern)(name) is naive.like(pattern, name)
