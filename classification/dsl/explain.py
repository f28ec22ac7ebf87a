"""Why an expression is true, false or unknown for an account, node by node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from classification.dsl.evaluate import operation
from classification.dsl.functions import FUNCTIONS
from classification.dsl.nodes import Call, Expression, Node
from classification.dsl.predicates import UNREADABLE, Test, Truth
from classification.dsl.subjects import Subject

EVIDENCE_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One node's outcome; `evidence` is what makes a function true, in the server's words.

    `unread` are the scopes that would have to be read before anybody can answer one that is unknown.
    """

    path: str
    name: str  # of the operation or function
    arguments: Mapping[str, Any]
    outcome: Truth
    evidence: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    children: tuple[Explanation, ...] = ()

    def unknown(self) -> Iterator[Explanation]:
        """The functions that nobody can answer."""
        if not self.children and self.outcome is None:
            yield self
        for child in self.children:
            yield from child.unknown()

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "path": self.path,
            "name": self.name,
            "args": dict(self.arguments),
            "outcome": {True: "true", False: "false", None: "unknown"}[self.outcome],
            "evidence": list(self.evidence),
            "unread": list(self.unread),
            "children": [child.document() for child in self.children],
        }


def explain(expression: Expression, subject: Subject) -> Explanation:
    """Every node's outcome; nothing is left out, unlike in a run."""
    return _explain(expression.root, subject, "expr")


def _explain(node: Node, subject: Subject, path: str) -> Explanation:
    if isinstance(node, Call):
        outcome = FUNCTIONS[node.fn].build(node.args)(subject)
        evidence, unread = _why(node, subject, outcome)
        return Explanation(
            path=path, name=node.fn, arguments=node.args, outcome=outcome, evidence=evidence, unread=unread
        )
    children = tuple(_explain(arg, subject, f"{path}.args[{number}]") for number, arg in enumerate(node.args))
    outcome = operation(node.op, [_known(child.outcome) for child in children])(subject)
    return Explanation(path=path, name=node.op, arguments={}, outcome=outcome, children=children)


def _known(outcome: Truth) -> Test:
    return lambda subject: outcome


def _why(call: Call, subject: Subject, outcome: Truth) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The evidence of what is true, and the scopes that hide what is unknown."""
    function, found = FUNCTIONS[call.fn], list[str]()
    if outcome is None:
        return (), tuple(islice(dict.fromkeys(subject.hiding(function.places(call.args))), EVIDENCE_SHOWN))
    if outcome:
        with suppress(*UNREADABLE):  # what comes after the first makes it no less true
            found.extend(islice(function.evidence(call.args)(subject), EVIDENCE_SHOWN))
    return tuple(found), ()
