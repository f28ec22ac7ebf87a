"""Runs, previews and pages over accounts of which something was never read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts_sync.models import InstanceAccount
from classification.dsl.parse import parse
from classification.dsl.unread import unread
from classification.models import AccountClassification, ClassifiedState
from classification.preview import explain_account, preview
from classification.stored import look_at
from sessions_app.models import InstanceCoverage
from tests.classification.conftest import classes, classify, facts, learn, make_account, make_instance, make_rule
from tests.people import browser

SHOP = "database:shop"
NOT_OWNER = {"version": 5, "expr": {"op": "NOT", "args": [{"fn": "owns"}]}}


def cover(instance, scope: str, status: str = "denied", *, last_ok_at: datetime | None = None, **fields: Any) -> None:
    InstanceCoverage.objects.create(
        instance=instance, sync_category=fields.pop("category", "account"), scope=scope, status=status,
        last_ok_at=last_ok_at,
    )  # fmt: skip


@pytest.mark.django_db
def test_a_rule_does_not_match_because_of_what_was_never_read_and_every_run_says_so(instance):
    cover(instance, SHOP)
    make_account(instance, "ada", facts())
    make_account(make_instance("other"), "bob", facts())
    make_rule(NOT_OWNER, rule_name="owns nothing")
    for _ in range(2):
        record = classify().records.get(instance_name="db1")
        (problem,) = record.sync_details["problems"]
        assert {
            "message_code": "UNKNOWN_OUTCOME", "account": "ada", "path": "expr.args[0]", "unread": SHOP,
        }.items() <= problem.items()  # fmt: skip
    assert classes() == {("bob", "super", "owns nothing")}
    InstanceCoverage.objects.update(status="ok", last_ok_at=timezone.now())
    classify()
    assert {account for account, _, _ in classes()} == {"ada", "bob"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("db_type", "categories", "is_known"),
    [
        ("sqlserver", ["databases", "sqlserver_server_roles"], True),
        ("sqlserver", ["sqlserver_server_roles"], False),  # without VIEW ANY DATABASE
        ("mysql", ["mysql_global_privileges"], True),  # its grants do not stand in the databases
    ],
)
def test_a_server_that_may_have_further_databases_may_hide_what_is_in_them(db_type, categories, is_known):
    instance = make_instance("one", db_type=db_type)
    InstanceCoverage.objects.create(
        instance=instance, sync_category="account", scope="server", status="ok", categories=categories,
        last_ok_at=timezone.now(),
    )  # fmt: skip
    make_account(instance, "ada", facts())
    negated = {
        "version": 4,
        "expr": {"op": "NOT", "args": [{"fn": "has_privilege", "args": {"name": "CONNECT", "scope": "database"}}]},
    }
    make_rule(negated, db_type=db_type, rule_name="holds nothing")
    record = classify().records.get()
    assert bool(classes()) is is_known
    assert [problem["unread"] for problem in record.sync_details.get("problems", [])] == [
        "databases" for _ in range(not is_known)
    ]


@pytest.mark.django_db
def test_what_was_read_once_is_known_as_of_then(instance):
    cover(instance, SHOP, last_ok_at=timezone.now() - timedelta(days=9))
    cover(instance, "database:blog", category="capacity")
    make_account(instance, "ada", facts(), first_seen_at=timezone.now() - timedelta(days=10))
    make_rule(NOT_OWNER, rule_name="owns nothing")
    classify()
    assert classes() == {("ada", "super", "owns nothing")}


@pytest.mark.django_db
def test_of_an_account_that_came_after_the_last_read_nobody_knows_what_is_there(instance):
    read_at = timezone.now() - timedelta(days=9)
    cover(instance, SHOP, last_ok_at=read_at)
    make_account(instance, "ada", facts(), first_seen_at=read_at)
    bob = make_account(instance, "bob", facts(), first_seen_at=read_at + timedelta(days=1))
    make_rule(NOT_OWNER, rule_name="owns nothing")
    (problem,) = classify().records.get().sync_details["problems"]
    assert (problem["account"], problem["unread"]) == ("bob", SHOP)
    assert classes() == {("ada", "super", "owns nothing")}
    assert explain_account(bob, parse(NOT_OWNER)).outcome is None
    InstanceCoverage.objects.update(status="ok", last_ok_at=timezone.now())
    classify()
    assert {account for account, _, _ in classes()} == {"ada", "bob"}


@pytest.mark.django_db
def test_who_was_found_to_hold_nothing_is_not_taken_out_by_a_database_that_comes_up(instance):
    make_account(instance, "ada", facts())
    make_rule(NOT_OWNER, rule_name="owns nothing")
    classify()
    cover(instance, SHOP)
    learn(InstanceAccount.objects.get(), facts(roles=["new"]))
    classify()
    assert classes() == {("ada", "super", "owns nothing")}


@pytest.mark.django_db
def test_a_preview_and_an_explanation_say_that_nobody_can_say(instance):
    cover(instance, SHOP)
    account = make_account(instance, "ada", facts())
    make_account(make_instance("other"), "bob", facts())
    expression = parse(NOT_OWNER)
    found = preview(expression, db_type="postgresql", classification=AccountClassification.objects.get(code="low"))
    assert [one.account for one in found.lists["unknown"]] == ["ada"]
    assert [one.account for one in found.lists["entering"]] == ["bob"]
    (node,) = explain_account(account, expression).document()["children"]
    assert (node["outcome"], node["unread"]) == ("unknown", [SHOP])


@pytest.mark.django_db
def test_the_page_of_an_account_names_what_was_never_read(instance):
    cover(instance, SHOP)
    account = make_account(instance, "ada", facts())
    make_rule(NOT_OWNER)
    page = browser("viewer").get(reverse("admin:accounts_sync_instanceaccount_change", args=[account.pk]))
    assert "Never read:" in page.content.decode()
    assert f'<code class="wf-evidence">{SHOP}</code>' in page.content.decode()


@pytest.mark.django_db
def test_accounts_are_counted_and_unread_scopes_looked_up_by_one_statement(instance):
    other, empty = make_instance("other", "sqlserver"), make_instance("empty")
    for number in range(3):
        make_account(instance, f"user{number}", facts())
    make_account(instance, "gone", facts(), is_active=False)
    make_account(other, "sa", facts())
    cover(other, SHOP)
    cover(empty, SHOP)
    with CaptureQueriesContext(connection) as captured:
        seen, hidden = look_at([instance.pk, other.pk, empty.pk])
    assert len(captured) == 1
    assert seen == {instance.pk: 3, other.pk: 1}
    assert hidden == {other.pk: unread("sqlserver", {SHOP: None}), empty.pk: unread("postgresql", {SHOP: None})}


@pytest.mark.django_db
def test_the_age_of_an_account_makes_it_due_by_the_clock_alone(instance):
    account = make_account(instance, "ada", facts())
    changed = timezone.now() - timedelta(days=5)
    InstanceAccount.objects.update(last_changed_at=changed)
    make_rule({"version": 5, "expr": {"fn": "changed_within", "args": {"days": 7}}}, rule_name="new")
    classify()
    assert classes() == {("ada", "super", "new")}
    assert ClassifiedState.objects.get(account=account).due_at == changed + timedelta(days=7)
