"""What the rule editor in the browser is told."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.urls import reverse

from tests.classification.conftest import (
    SUPER,
    make_account,
    make_instance,
)
from tests.classification.pages import (
    page,
)
from tests.people import browser

pytestmark = pytest.mark.django_db


def test_the_editor_offers_the_names_of_each_database_kind():
    make_account(make_instance(), "auditors", kind="role")
    shown = browser("admin").get(page("classificationrule", view="add")).content.decode()
    found = re.search(r'<script id="rule-editor-schema" type="application/json">(.*?)</script>', shown)
    offers = json.loads(found.group(1))["offers"]
    assert offers["postgresql"]["roles"] == ["auditors"]
    assert offers["postgresql"]["scopes"] == ["server", "database", "tablespace"]
    assert "can_create_db" in offers["postgresql"]["capability"]
    assert "SELECT" in offers["mysql"]["scope:global"]
    assert "CONTROL SERVER" in offers["sqlserver"]["scope:server"]
    assert "CONTROL SERVER" not in offers["oracle"]["scope:"]


def test_the_editor_is_told_what_is_wrong_with_a_draft_and_where():
    url = reverse("admin:classification_classificationrule_check")

    def said(expression: Any, role: str = "viewer") -> Any:
        written = expression if isinstance(expression, str) else json.dumps(expression)
        return browser(role).post(url, {"rule_expression": written, "db_type": "postgresql"})

    unnamed = {"version": 4, "expr": {"op": "AND", "args": [{"fn": "has_role"}]}}
    assert said(unnamed).json()["path"] == "expr.args[0].args.name"
    assert "no JSON" in said("{").json()["problem"]
    unheard_of = {"version": 4, "expr": {"fn": "has_privilege", "args": {"name": "FLY", "scope": "database"}}}
    assert [one["path"] for one in said(unheard_of).json()["warnings"]] == ["expr.args.name"]
    assert said(SUPER).json() == {"warnings": []}
    assert said(SUPER, "nobody").status_code == 403


def test_accounts_to_explain_are_found_by_name_and_kind():
    instance = make_instance("orders")
    app = make_account(instance, "App_user")
    make_account(instance, "dba")
    make_account(make_instance("other", db_type="mysql"), "app")
    url = reverse("admin:classification_classificationrule_accounts")
    found = browser("viewer").get(url, {"q": "app", "db_type": "postgresql"}).json()
    assert found == {"accounts": [{"id": app.pk, "text": "App_user · orders"}]}
    assert browser("nobody").get(url).status_code == 403
