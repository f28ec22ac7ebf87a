"""Explanations: node by node, what holds and why."""

from __future__ import annotations

from dataclasses import replace

from classification.dsl.explain import explain
from classification.dsl.functions import FUNCTIONS
from classification.dsl.parse import MAX_DEPTH, parse
from tests.classification.conftest import facts
from tests.classification.subjects import SUPER, deep, subject


def test_each_node_is_compiled_once(monkeypatch):
    built = []
    monkeypatch.setitem(
        FUNCTIONS,
        "is_superuser",
        replace(FUNCTIONS["is_superuser"], build=lambda args: built.append(1) or (lambda subject: True)),
    )
    explain(parse({"version": 4, "expr": deep(MAX_DEPTH)}), subject())
    assert len(built) == 1


def test_an_explanation_says_what_holds_and_why():
    known = facts(capabilities=["SUPERUSER"], capability_reasons={"SUPERUSER": ["member of dba"]}, roles=["r"])
    node = {"op": "AND", "args": [SUPER, {"op": "NOT", "args": [{"fn": "has_role", "args": {"name": "r"}}]}]}
    told = explain(parse({"version": 4, "expr": node}), subject(known))
    assert told.outcome is False
    first, second = told.children
    assert (first.path, first.outcome, first.evidence) == ("expr.args[0]", True, ("member of dba",))
    assert (second.path, second.outcome) == ("expr.args[1]", False)
    assert (second.children[0].path, second.children[0].outcome) == ("expr.args[1].args[0]", True)
