"""Expressions and their explanations as people read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from classification.dsl.explain import Explanation
from classification.dsl.functions import FUNCTIONS
from classification.dsl.nodes import Call, Node

RISK_TONES = {1: "danger", 2: "warning", 3: "primary", 4: "info", 5: "success", 6: ""}
OPERATIONS = {"AND": gettext_lazy("All of these"), "OR": gettext_lazy("Any of these"), "NOT": gettext_lazy("Not")}
OUTCOMES = {
    "true": ("success", gettext_lazy("holds")),
    "false": ("", gettext_lazy("does not hold")),
    "unknown": ("warning", gettext_lazy("nobody can say")),
}
PARAMETERS = {
    "types": gettext_lazy("Database kinds"),
    "name": gettext_lazy("Name"),
    "via": gettext_lazy("By way of"),
    "scope": gettext_lazy("Scope"),
    "database": gettext_lazy("Database"),
    "role": gettext_lazy("Role like"),
    "level": gettext_lazy("Level"),
    "object": gettext_lazy("Object like"),
    "grantable": gettext_lazy("May be passed on"),
    "kinds": gettext_lazy("Kinds of account"),
    "pattern": gettext_lazy("Pattern"),
    "days": gettext_lazy("Days"),
}


ICON_NAME = RegexValidator(r"^[a-z0-9_]+\Z", gettext_lazy("Small letters, digits and underscores only."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of an expression: how deep it lies, what it asks, and what came out, if it was asked."""

    depth: int
    path: str
    text: str
    arguments: str = ""
    tone: str = ""
    outcome: str = ""
    evidence: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def title(name: str) -> str:
    """An operation or function in words."""
    return str(OPERATIONS[name]) if name in OPERATIONS else _(FUNCTIONS[name].label)


def arguments(values: Mapping[str, Any]) -> str:
    """The arguments of a function in one line."""
    return ", ".join(f"{PARAMETERS[name]}: {_value(value)}" for name, value in values.items())


def steps(found: Explanation, depth: int = 0) -> Iterator[Step]:
    """An explanation line by line."""
    tone, outcome = OUTCOMES[found.document()["outcome"]]
    yield Step(
        depth=depth,
        path=found.path,
        text=title(found.name),
        arguments=arguments(found.arguments),
        tone=tone,
        outcome=str(outcome),
        evidence=found.evidence,
        unread=found.unread,
    )
    for child in found.children:
        yield from steps(child, depth + 1)


def lines(node: Node, path: str = "expr", depth: int = 0) -> Iterator[Step]:
    """An expression line by line."""
    if isinstance(node, Call):
        yield Step(depth=depth, path=path, text=title(node.fn), arguments=arguments(node.args))
        return
    yield Step(depth=depth, path=path, text=title(node.op))
    for number, arg in enumerate(node.args):
        yield from lines(arg, f"{path}.args[{number}]", depth + 1)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(value) if isinstance(value, list) else str(value)
