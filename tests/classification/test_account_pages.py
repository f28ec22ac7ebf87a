"""Accounts and their classes in the admin: by hand, explained, filtered, counted."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission

from accounts_sync.models import InstanceAccount
from classification import services
from classification.models import (
    AccountClassificationAssignment,
)
from tests.classification.conftest import (
    classify,
    facts,
    make_account,
    make_instance,
    make_rule,
    superuser,
)
from tests.classification.pages import (
    ACCOUNTS,
    account_page,
    errors,
    of,
    page,
    statements,
    text,
)
from tests.people import browser, person

pytestmark = pytest.mark.django_db


def test_an_operator_puts_an_account_into_a_class_and_takes_it_out(instance):
    account = make_account(instance, "app", superuser())
    make_rule()
    classify()
    operator = browser("operator")
    add = page("accountclassificationassignment", view="add")
    assert f"{add}?account={account.pk}" in operator.get(account_page(account)).content.decode()
    operator.post(add, {"account": account.pk, "classification": of("low").pk, "notes": "agreed"})
    manual = AccountClassificationAssignment.objects.get(assignment_type="manual")
    assert (manual.assigned_by.username, manual.notes) == ("operator", "agreed")
    auto = AccountClassificationAssignment.objects.get(assignment_type="auto")
    assert operator.post(page("accountclassificationassignment", auto.pk, "delete"), {"post": "yes"}).status_code == 403
    delete = page("accountclassificationassignment", manual.pk, "delete")
    assert delete in operator.get(account_page(account)).content.decode()
    assert browser("viewer").post(delete, {"post": "yes"}).status_code == 403
    operator.post(delete, {"post": "yes"})
    manual.refresh_from_db()
    assert not manual.is_active
    gone = make_account(instance, "gone", is_active=False)
    refused = operator.post(add, {"account": gone.pk, "classification": of("low").pk})
    assert "account" in errors(refused)


def test_the_page_of_an_account_says_which_rules_hold_and_why(instance):
    account = make_account(instance, "dba", superuser())
    make_rule(rule_name="supers")
    make_rule({"version": 4, "expr": {"fn": "has_role", "args": {"name": "admin"}}}, rule_name="admins")
    make_rule(db_type="mysql", rule_name="elsewhere")
    shown = browser("viewer").get(account_page(account))
    said = text(shown)
    assert "Why supers says Super accounts not yet: the next run brings the account in" in said
    assert "1 rule does not match" in said
    assert "elsewhere" not in said
    classify()
    assert "not yet" not in text(browser("viewer").get(account_page(account)))
    blank = make_account(instance, "new")
    assert "The account is in no class." in text(browser("viewer").get(account_page(blank)))


def test_accounts_are_filtered_by_class_and_risk_and_show_their_classes(instance):
    dba, app, _idle = (make_account(instance, name, facts()) for name in ("dba", "app", "idle"))
    services.assign(dba, of("super"))
    services.assign(dba, of("low"))
    services.assign(app, of("low"))
    viewer = browser("viewer")

    def named(**chosen: Any) -> list[str]:
        return [one.username for one in viewer.get(ACCOUNTS, chosen).context["cl"].result_list]

    assert named() == ["app", "dba", "idle"]
    assert named(**{"class": of("low").pk}) == ["app", "dba"]
    assert named(**{"class": "none"}) == ["idle"]
    assert named(risk="top") == ["dba"]
    assert named(risk="5") == ["app", "dba"]
    listed = viewer.get(ACCOUNTS).context["cl"].result_list
    low, top = ("success", "Low risk accounts"), ("danger", "Super accounts")
    assert [one.badges for one in listed] == [[low], [top, low], []]


def test_who_may_not_see_classes_sees_none_of_them_with_accounts(instance):
    account = make_account(instance, "dba", superuser())
    services.assign(account, of("super"))
    nobody = browser("nobody")
    person("nobody").user_permissions.add(Permission.objects.get(codename="view_instanceaccount"))
    assert "Super accounts" not in text(nobody.get(ACCOUNTS))
    assert "Super accounts" not in text(nobody.get(account_page(account)))


def test_the_dashboard_counts_dangerous_and_unclassified_accounts(instance):
    for name, code in {"dba": "super", "boss": "highly", "app": "low", "idle": None}.items():
        account = make_account(instance, name, facts())
        if code:
            services.assign(account, of(code))
    services.assign(make_account(instance, "pg", is_system=True), of("super"))
    cards = {card.title: card for card in browser("viewer").get("/admin/").context["cards"]}
    assert (cards["Dangerous accounts"].value, cards["Unclassified accounts"].value) == ("2", "1")
    for title, names in {"Dangerous accounts": ["boss", "dba"], "Unclassified accounts": ["idle"]}.items():
        listed = browser("viewer").get(cards[title].link).context["cl"].result_list
        assert [one.username for one in listed] == names


def test_accounts_to_put_into_a_class_are_told_apart_by_their_instance(instance):
    account = make_account(instance, "root")
    other = make_account(make_instance("orders", "mysql"), "root")
    url = page("accountclassificationassignment", view="accounts")
    asked = {
        "app_label": "classification", "model_name": "accountclassificationassignment", "field_name": "account",
        "term": "root",
    }  # fmt: skip
    operator = browser("operator")
    assert url in operator.get(page("accountclassificationassignment", view="add")).content.decode()
    assert operator.get(url, asked).json()["results"] == [
        {"id": str(account.pk), "text": "root — db1 (PostgreSQL)"},
        {"id": str(other.pk), "text": "root — orders (MySQL / MariaDB)"},
    ]
    for number in range(10):
        make_account(make_instance(f"more{number}"), "root")
    few = statements(operator, url, {**asked, "term": "roo"})
    InstanceAccount.objects.exclude(pk=account.pk).delete()
    assert statements(operator, url, asked) == few
    assert browser("nobody").get(url, asked).status_code == 403
