"""The rules that sort the demo's accounts: those that docs/classification.md begins with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from classification.models import AccountClassification
from classification.services import create_rule

OF_ALL_KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "Superusers": ("super", {"version": 4, "expr": {"fn": "is_superuser"}}),
    "May give privileges away": (
        "highly",
        {"version": 4, "expr": {"fn": "has_capability", "args": {"name": "GRANT_ADMIN"}}},
    ),
    "Can gain more than they were given": ("highly", {"version": 5, "expr": {"fn": "can_escalate"}}),
    "Everybody": ("public", {"version": 5, "expr": {"fn": "kind_in", "args": {"kinds": ["public"]}}}),
}
OF_ONE_KIND: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "mysql": {
        "Read every table": (
            "sensitive",
            {"version": 4, "expr": {"fn": "has_privilege", "args": {"name": "SELECT", "scope": "global"}}},
        ),
    },
    "postgresql": {
        "Own a database": ("medium", {"version": 5, "expr": {"fn": "owns", "args": {"object": "database:%"}}}),
    },
}


def write(db_types: Iterable[str]) -> None:
    """Store the rules of some database kinds."""
    classes = {one.code: one for one in AccountClassification.objects.all()}
    for db_type in sorted(set(db_types)):
        for name, (code, expression) in (OF_ALL_KINDS | OF_ONE_KIND[db_type]).items():
            create_rule(classification=classes[code], db_type=db_type, rule_name=name, expression=expression)
