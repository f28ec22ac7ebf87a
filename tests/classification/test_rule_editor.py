"""What the rule editor in the browser is told."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts_sync.models import InstanceAccount
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
    shown = browser("admin").get(page("classificationrule", view="add")).content.decode()
    found = re.search(r'<script id="rule-editor-schema" type="application/json">(.*?)</script>', shown)
    offers = json.loads(found.group(1))["offers"]
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


def found(view: str, role: str = "viewer", **query: str) -> Any:
    return browser(role).get(reverse(f"admin:classification_classificationrule_{view}"), query)


def test_accounts_to_explain_are_told_apart_by_their_instance():
    orders, billing = make_instance("orders"), make_instance("billing")
    first = make_account(orders, "App_user")
    second = make_account(billing, "App_user", host="10.%")
    make_account(orders, "dba")
    make_account(make_instance("other", db_type="mysql"), "app")
    of_orders, of_billing = (
        {"id": first.pk, "text": "App_user — orders (PostgreSQL)"},
        {"id": second.pk, "text": "App_user@10.% — billing (PostgreSQL)"},
    )
    told = found("accounts", q="app", db_type="postgresql").json()
    assert told == {"accounts": [of_orders, of_billing], "has_more": False}
    assert found("accounts", q="app bill", db_type="postgresql").json()["accounts"] == [of_billing]
    assert found("accounts", q="app ord", db_type="postgresql").json()["accounts"] == [of_orders]
    assert found("accounts", "nobody").status_code == 403


def test_more_accounts_and_roles_than_are_offered_are_said_to_be_there(instance):
    InstanceAccount.objects.bulk_create(
        InstanceAccount(
            instance=instance, db_type="postgresql", username=f"team_{number:04}", kind="role", is_role=True
        )
        for number in range(101)
    )
    accounts = found("accounts", q="team", db_type="postgresql").json()
    assert (len(accounts["accounts"]), accounts["has_more"]) == (20, True)
    roles = found("roles", q="team", db_type="postgresql").json()
    assert (len(roles["names"]), roles["has_more"]) == (100, True)


def test_roles_are_found_once_whatever_part_of_their_name_is_typed_and_on_how_many_instances():
    for name in ("orders", "billing"):
        make_account(make_instance(name), "app_auditors", kind="role", is_role=True)
    make_account(make_instance("third"), "audit_user")
    make_account(make_instance("my", db_type="mysql"), "auditors", kind="role", is_role=True)
    assert found("roles", q="AUDIT", db_type="postgresql").json() == {"names": ["app_auditors"], "has_more": False}
    assert found("roles", "nobody").status_code == 403


@pytest.mark.parametrize(
    ("db_type", "username", "host", "name"),
    [
        ("postgresql", "Audit team", "", "Audit team"),
        ("mysql", "auditors", "%", "auditors"),
        ("mysql", "auditors", "10.%", "auditors@10.%"),
        ("oracle", "AUDITORS", "SALES", "AUDITORS"),
        ("oracle", "audit team", "", '"audit team"'),
        ("sqlserver", "auditors", "", "auditors"),
        ("sqlserver", "auditors", "my shop", "[my shop].auditors"),
    ],
)
def test_a_role_is_offered_as_the_facts_of_its_members_name_it(db_type, username, host, name):
    make_account(make_instance(db_type=db_type), username, host=host, kind="role")
    assert found("roles", q="audit", db_type=db_type).json()["names"] == [name]


@pytest.mark.parametrize("view", ["accounts", "roles"])
def test_a_search_takes_the_same_statements_whatever_it_finds(view):
    numbers = []
    viewer = browser("viewer")
    url = reverse(f"admin:classification_classificationrule_{view}")
    for count in (1, 12):
        for number in range(count):
            make_account(make_instance(f"db{count}-{number}"), f"app{count}-{number}", kind="role")
        viewer.get(url)
        with CaptureQueriesContext(connection) as captured:
            viewer.get(url, {"q": "app", "db_type": "postgresql"})
        numbers.append(len(captured))
    assert numbers[0] == numbers[1]
