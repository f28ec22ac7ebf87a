"""What nobody can answer changes nothing: not the classes of an account, not what a page foretells."""

from __future__ import annotations

import pytest
from django.urls import reverse

from classification import services
from classification.dsl.functions import FUNCTIONS
from classification.dsl.parse import parse
from classification.models import AccountClassificationAssignment, ClassificationRule, RuleDailyStat
from classification.preview import preview
from classification.statistics import record_day
from tests.classification.conftest import (
    SUPER,
    classify,
    facts,
    learn,
    make_account,
    make_instance,
    make_rule,
    superuser,
)
from tests.people import api, browser

pytestmark = pytest.mark.django_db

ADMIN = {"version": 4, "expr": {"fn": "has_role", "args": {"name": "admin"}}}
NOBODY_KNOWS = {**superuser(), "capabilities": "SUPERUSER", "roles": "admin"}


def held(account) -> set[int | None]:
    return set(AccountClassificationAssignment.objects.filter(account=account).values_list("rule", flat=True))


def test_who_is_in_a_class_stays_there_when_nobody_can_say_any_more(instance):
    account = make_account(instance, "ada", superuser())
    rule = make_rule(rule_name="r")
    classify()
    learn(account, NOBODY_KNOWS)
    record = classify().records.get()
    assert record.items_deleted == 0
    assert held(account) == {rule.pk}
    learn(account, facts())
    classify()
    assert held(account) == set()


def test_a_rule_that_could_not_be_read_is_asked_of_everybody_once_it_can_be(instance, monkeypatch):
    account = make_account(instance, "ada", superuser())
    rule = make_rule(rule_name="r")
    newer = {"version": 4, "expr": {"fn": "of_a_newer_product"}}
    ClassificationRule.objects.update(rule_expression=newer)
    (problem,) = classify().records.get().sync_details["problems"]
    assert (problem["message_code"], problem["rule"]) == ("INVALID_DSL_EXPRESSION", "r")
    assert held(account) == set()
    monkeypatch.setitem(FUNCTIONS, "of_a_newer_product", FUNCTIONS["is_superuser"])
    classify()
    assert held(account) == {rule.pk}


ANSWERS = {
    "it holds": (facts(roles=["admin"]), "newer"),
    "it does not hold": (facts(), None),
    "nobody can say": (NOBODY_KNOWS, "older"),
    "nothing is known": ({}, "older"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_what_an_older_version_gave_stays_until_the_newer_one_has_an_answer(instance, case):
    known, expected = ANSWERS[case]
    account = make_account(instance, "ada", superuser())
    older = make_rule(rule_name="r")
    classify()
    newer = services.update_rule(older, expression=ADMIN)
    learn(account, known)
    classify()
    assert held(account) == ({{"older": older, "newer": newer}[expected].pk} if expected else set())


def test_what_an_older_version_gave_stays_while_the_newer_one_cannot_be_read(instance):
    account = make_account(instance, "ada", superuser())
    older = make_rule(rule_name="r")
    classify()
    newer = services.update_rule(older, expression=ADMIN)
    ClassificationRule.objects.filter(pk=newer.pk).update(rule_expression={"version": 9})
    classify()
    assert held(account) == {older.pk}


def test_an_account_without_facts_keeps_what_a_rule_gave_that_cannot_be_read(instance):
    account = make_account(instance, "ada", superuser())
    rule = make_rule(rule_name="r")
    classify()
    ClassificationRule.objects.filter(pk=rule.pk).update(rule_expression={"version": 9})
    learn(account, {})
    classify()
    assert held(account) == {rule.pk}


def test_of_a_rule_that_nobody_can_answer_an_account_without_classes_gets_none(instance):
    account = make_account(instance, "ada", NOBODY_KNOWS)
    make_rule({"version": 4, "expr": {"op": "NOT", "args": [SUPER["expr"]]}})
    classify()
    assert held(account) == set()


def test_another_rule_is_not_kept_by_one_that_nobody_can_answer(instance):
    account = make_account(instance, "ada", facts(capabilities=["SUPERUSER"], roles=["admin"]))
    unknown = make_rule(rule_name="r")
    make_rule(ADMIN, rule_name="admins")
    classify()
    learn(account, {**facts(), "capabilities": "SUPERUSER"})
    classify()
    assert held(account) == {unknown.pk}


def test_a_day_counts_whom_an_older_version_keeps_among_those_of_the_rule(instance):
    account = make_account(instance, "ada", superuser())
    older = make_rule(rule_name="r")
    classify()
    newer = services.update_rule(older, expression=ADMIN)
    learn(account, NOBODY_KNOWS)
    classify()
    record_day()
    assert RuleDailyStat.objects.get(rule=newer).matched_accounts_count == 1
    answer = api("viewer").get("/api/v1/accounts/statistics/rules").json()["data"]
    assert [rule["accounts"] for rule in answer["rules"]] == [1]
    page = browser("viewer").get(reverse("admin:classification_classificationrule_changelist"))
    assert [rule.matched for rule in page.context["cl"].result_list] == [1]


@pytest.fixture
def trial(instance):
    """Accounts of the class by a rule: one that stays, one that leaves, one of which nobody can say."""
    accounts = {name: make_account(instance, name, superuser()) for name in ("stays", "leaves", "unknown", "by hand")}
    rule = make_rule(rule_name="r")
    classify()
    learn(accounts["stays"], facts(roles=["admin"]))
    learn(accounts["leaves"], facts())
    learn(accounts["unknown"], NOBODY_KNOWS)
    learn(accounts["by hand"], facts())
    services.assign(accounts["by hand"], rule.classification)
    return rule


def test_in_a_preview_nobody_leaves_of_whom_nobody_can_say(trial):
    found = preview(
        parse(ADMIN), db_type="postgresql", classification=trial.classification, rule_group_id=trial.rule_group_id
    )
    assert (found.matched, found.entering, found.leaving, found.unknown) == (1, 0, 1, 1)
    assert [one.account for one in found.lists["leaving"]] == ["leaves"]
    assert [one.account for one in found.lists["unknown"]] == ["unknown"]


def test_in_a_preview_nobody_enters_who_is_in_the_class_by_hand(instance, trial):
    make_account(make_instance("db2"), "new", facts(roles=["admin"]))
    for account in instance.accounts.filter(username="by hand"):
        learn(account, facts(roles=["admin"]))
    found = preview(parse(ADMIN), db_type="postgresql", classification=trial.classification)
    assert [one.account for one in found.lists["entering"]] == ["new"]


@pytest.mark.parametrize("has_newer", [True, False])
@pytest.mark.parametrize(("username", "is_pending"), [("stays", False), ("leaves", True), ("unknown", False)])
def test_the_page_of_an_account_foretells_a_change_only_where_there_is_an_answer(
    instance, trial, username, is_pending, has_newer
):
    if has_newer:
        services.update_rule(trial, expression=ADMIN)
    elif username == "stays":
        learn(instance.accounts.get(username=username), superuser())
    account = instance.accounts.get(username=username)
    page = browser("viewer").get(reverse("admin:accounts_sync_instanceaccount_change", args=[account.pk]))
    assert ("the next run" in page.content.decode()) is is_pending
