"""Accounts that were never stored, and what an expression says of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from classification.dsl.evaluate import compile_expression
from classification.dsl.parse import parse
from classification.dsl.subjects import Account, Subject
from tests.classification.conftest import facts

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SUPER: dict[str, Any] = {"fn": "is_superuser", "args": {}}


def subject(known: dict[str, Any] | None = None, categories: dict[str, Any] | None = None, **columns: Any) -> Subject:
    account = Account(
        **{
            "id": 1, "instance_id": 1, "db_type": "postgresql", "username": "ada", "host": "", "kind": "user",
            "is_active": True, "is_system": False, "is_locked": False, "locked_until": None, "last_changed_at": NOW,
            "first_seen_at": NOW,
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
