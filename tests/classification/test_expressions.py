"""Expressions: what is refused, and with which words; what is the same; which names are doubted."""

from __future__ import annotations

import pytest

from classification.dsl.names import warnings
from classification.dsl.parse import MAX_DEPTH, MAX_NODES, parse
from tests.classification.subjects import SUPER, deep, outcome, subject
from whalefall import messages
from whalefall.details import recognise
from whalefall.errors import DslV4Required, InvalidDslExpression

REFUSED = {
    "an unknown key": ({**SUPER, "x": 1}, "expr knows no 'x'"),
    "an unknown argument": ({"fn": "is_superuser", "args": {"x": 1}}, "expr.args takes nothing, not even 'x'"),
    "an unknown function": ({"fn": "is_owner"}, "expr.fn: 'is_owner' is unknown; known are db_type_in,"),
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
    "no list of nodes": ({"op": "OR", "args": SUPER}, "expr.args must be a list that is not empty"),
    "arguments that are no object": ({"fn": "is_superuser", "args": []}, "expr.args must be an object"),
    "a name of a novel": (
        {"fn": "has_role", "args": {"name": "x" * 257}},
        "expr.args.name is longer than 256 characters",
    ),
    "too deep": (deep(MAX_DEPTH + 1), f"lies deeper than {MAX_DEPTH} levels"),
    "too many nodes": ({"op": "OR", "args": [SUPER] * MAX_NODES}, f"is one of more than {MAX_NODES} nodes"),
}


REFUSED_IN_5 = {
    "no days": (
        {"fn": "changed_within", "args": {"days": 0}},
        "expr.args.days must be a whole number of days from 1 to",
    ),
    "half a day": ({"fn": "changed_within", "args": {"days": 0.5}}, "expr.args.days must be a whole number of days"),
    "a flag in words": (
        {"fn": "has_object_privilege", "args": {"name": "X", "grantable": "yes"}},
        "expr.args.grantable must be true or false",
    ),
    "a lone backslash": ({"fn": "name_like", "args": {"pattern": "a\\"}}, "expr.args.pattern ends in a lone backslash"),
}


@pytest.mark.parametrize(
    ("version", "node", "message"),
    [pytest.param(4, *one, id=name) for name, one in REFUSED.items()]
    + [pytest.param(5, *one, id=name) for name, one in REFUSED_IN_5.items()],
)
def test_what_is_not_understood_is_refused_with_its_place_in_words_that_can_be_translated(version, node, message):
    with pytest.raises(InvalidDslExpression) as error:
        parse({"version": version, "expr": node})
    assert message in str(error.value)
    template, places = recognise(error.value.params["detail"])
    assert template.format(**places) == error.value.params["detail"]
    assert places["path"] == error.value.extra["path"]


@pytest.mark.parametrize("document", [{"expr": SUPER, "version": 4, "note": ""}, {"version": 4}])
def test_what_stands_beside_an_expression_is_refused(document):
    with pytest.raises(InvalidDslExpression) as error:
        parse(document)
    assert recognise(error.value.params["detail"])[0]


def test_a_refusal_is_told_in_the_readers_language_with_its_place(monkeypatch):
    monkeypatch.setattr(
        messages, "gettext", lambda text: text.replace("is missing", "fehlt").replace("not valid", "ungültig")
    )
    with pytest.raises(InvalidDslExpression) as error:
        parse({"version": 4, "expr": {"op": "NOT", "args": [{"fn": "has_role"}]}})
    assert messages.render_error(error.value) == "The expression is ungültig: expr.args[0].args.name fehlt"


@pytest.mark.parametrize("document", [None, [], {}, {"expr": SUPER}, {"version": 3, "expr": SUPER},
                                      {"version": True, "expr": SUPER}, {"version": "4", "expr": SUPER},
                                      {"version": 4.0, "expr": SUPER}, {"version": 5.0, "expr": SUPER}])  # fmt: skip
def test_another_language_is_refused_as_such(document):
    with pytest.raises(DslV4Required) as error:
        parse(document)
    assert recognise(error.value.params["detail"])[0]


def test_spelling_makes_no_difference_to_the_canonical_form():
    first = {"version": 4, "expr": {"op": "and", "args": [{"fn": "db_type_in", "args": {"types": ["PG"]}}, SUPER]}}
    second = {"expr": {"args": [{"args": {"types": ["postgresql"]}, "fn": "db_type_in"}, {"fn": "is_superuser"}],
                       "op": "AND"}, "version": 4}  # fmt: skip
    assert parse(first).canonical() == parse(second).canonical()
    assert parse(parse(first).document()).canonical() == parse(first).canonical()


def test_the_deepest_and_largest_expression_is_accepted():
    assert outcome(deep(MAX_DEPTH), subject()) is True
    assert outcome({"op": "OR", "args": [SUPER] * (MAX_NODES - 1)}, subject()) is False


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
