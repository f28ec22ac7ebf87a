"""The pages of classification in the admin: where they are, what is sent to them, what they say."""

from __future__ import annotations

import json
import re
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from classification.models import AccountClassification, ClassificationRule
from tests.classification.conftest import SUPER

ROLE = {"version": 4, "expr": {"op": "NOT", "args": [{"fn": "has_role", "args": {"name": "admin"}}]}}


def page(model: str, pk: int | None = None, view: str = "") -> str:
    name = f"admin:classification_{model}"
    return reverse(f"{name}_{view or 'change'}", args=[pk]) if pk else reverse(f"{name}_{view or 'changelist'}")


RULES, CLASSES = page("classificationrule"), page("accountclassification")
ASSIGNMENTS = page("accountclassificationassignment")
ACCOUNTS = reverse("admin:accounts_sync_instanceaccount_changelist")


def account_page(account: Any) -> str:
    return reverse("admin:accounts_sync_instanceaccount_change", args=[account.pk])


def rule_page(rule: ClassificationRule) -> str:
    return page("classificationrule", rule.pk)


def of(code: str) -> AccountClassification:
    return AccountClassification.objects.get(code=code)


def text(response: Any) -> str:
    """What a page says, without tags and in single spaces."""
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def form(**fields: Any) -> dict[str, Any]:
    expression = fields.pop("expression", SUPER)
    written = expression if isinstance(expression, str) else json.dumps(expression)
    return {"rule_name": "supers", "is_active": "on", "rule_expression": written, **fields}


def new(**fields: Any) -> dict[str, Any]:
    return form(classification=of("super").pk, db_type="postgresql", **fields)


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return response.context["adminform"].form.errors


def statements(client: Client, url: str, query: dict[str, Any] | None = None) -> int:
    """How many statements a page takes."""
    client.get(url, query)  # what Django remembers of content types and permissions is asked for once
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url, query).status_code == 200
    return len(queries)
