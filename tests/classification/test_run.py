"""What a run leaves behind, account by account."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts_sync.models import InstanceAccount
from classification import services
from classification.models import (
    AccountClassification,
    AccountClassificationAssignment,
    ClassDailyStat,
    ClassifiedState,
    RuleDailyStat,
    primary_class,
)
from classification.statistics import record_day
from tests.classification.conftest import (
    classes,
    classify,
    facts,
    learn,
    make_account,
    make_instance,
    make_rule,
    superuser,
)
from tests.people import browser
from whalefall.errors import NotFound

pytestmark = pytest.mark.django_db

ADMIN = {"version": 4, "expr": {"fn": "has_role", "args": {"name": "admin"}}}
NOT_SUPER = {"version": 4, "expr": {"op": "NOT", "args": [{"fn": "is_superuser"}]}}


def test_every_rule_that_matches_is_recorded_and_the_priority_names_the_primary_class(instance):
    both = make_account(instance, "both", facts(capabilities=["SUPERUSER"], roles=["admin"]))
    make_account(instance, "plain", facts())
    make_rule(rule_name="super")
    make_rule(ADMIN, code="super", rule_name="admins")
    make_rule(ADMIN, code="low", rule_name="admins, low")
    session = classify()
    assert classes() == {("both", "super", "super"), ("both", "super", "admins"), ("both", "low", "admins, low")}
    primary = InstanceAccount.objects.annotate(primary=primary_class()).get(pk=both.pk).primary
    assert AccountClassification.objects.get(pk=primary).code == "super"
    metrics = session.summary["metrics"]
    assert {"accounts": 2, "rules": 3, "matches": 3, "instances_without_rules": 0}.items() <= metrics.items()


def test_a_run_writes_the_difference_only(instance):
    stays = make_account(instance, "stays", superuser())
    leaves = make_account(instance, "leaves", superuser())
    enters = make_account(instance, "enters", facts())
    make_rule()
    classify()
    before = AccountClassificationAssignment.objects.get(account=stays)
    learn(leaves, facts())
    learn(enters, superuser())
    session = classify()
    record = session.records.get()
    assert (record.items_synced, record.items_created, record.items_deleted) == (3, 1, 1)
    assert record.sync_details["accounts_evaluated"] == 2
    assert {account for account, _, _ in classes()} == {"stays", "enters"}
    assert AccountClassificationAssignment.objects.get(account=stays).assigned_at == before.assigned_at


def test_an_unchanged_run_evaluates_and_writes_nothing(instance):
    make_account(instance, "ada", superuser())
    make_rule()
    classify()
    states = list(ClassifiedState.objects.values())
    with CaptureQueriesContext(connection) as captured:
        record = classify().records.get()
    assert record.sync_details["accounts_evaluated"] == 0
    assert list(ClassifiedState.objects.values()) == states
    assert not [query for query in captured if query["sql"].startswith(("INSERT", "DELETE")) and "class" in query["sql"]
                and "sync_" not in query["sql"]]  # fmt: skip


def test_another_version_of_a_rule_takes_effect_in_the_next_run_and_only_for_its_kind(instance):
    make_account(instance, "admin", facts(roles=["admin"]))
    make_account(instance, "root", superuser())
    other = make_instance("m1", "mysql")
    make_account(other, "mysql root", superuser())
    rule = make_rule(rule_name="r")
    make_rule(db_type="mysql", rule_name="m")
    classify()
    newer = services.update_rule(rule, expression=ADMIN)
    assert classes() == {("root", "super", "r"), ("mysql root", "super", "m")}
    session = classify()
    assert classes() == {("admin", "super", "r"), ("mysql root", "super", "m")}
    assert AccountClassificationAssignment.objects.get(account__username="admin").rule == newer
    evaluated = {record.instance_name: record.sync_details["accounts_evaluated"] for record in session.records.all()}
    assert evaluated == {"db1": 2, "m1": 0}


@pytest.mark.parametrize("end", ["switch off", "delete"])
def test_a_rule_that_ends_takes_its_accounts_out(instance, end):
    make_account(instance, "root", superuser())
    rule = make_rule()
    classify()
    if end == "delete":
        services.delete_rule(rule)
    else:
        services.update_rule(rule, is_active=False)
    assert classes()
    classify()
    assert classes() == set()


def test_what_a_person_assigned_is_never_touched(instance):
    account = make_account(instance, "ada", facts())
    low = AccountClassification.objects.get(code="low")
    services.assign(account, low)
    make_rule(NOT_SUPER, code="low", rule_name="others")
    classify()
    learn(account, superuser())
    classify()
    assert classes() == {("ada", "low", None)}


def test_nobody_is_assigned_to_a_class_that_was_deleted_meanwhile(instance):
    account = make_account(instance, "ada", facts())
    mine = services.create_classification(code="mine")
    services.delete_classification(AccountClassification.objects.get(pk=mine.pk))
    with pytest.raises(NotFound):
        services.assign(account, mine)
    assert not AccountClassificationAssignment.objects.exists()


def test_an_account_without_facts_is_named_keeps_its_classes_and_the_rest_goes_on(instance):
    lost = make_account(instance, "lost", superuser())
    make_rule()
    classify()
    learn(lost, {})
    make_account(instance, "never read")
    make_account(instance, "root", superuser())
    record = classify().records.get()
    assert record.status == "completed"
    assert record.sync_details["accounts_without_facts"] == 2
    named = {(problem["message_code"], problem["account"]) for problem in record.sync_details["problems"]}
    assert named == {("PERMISSION_FACTS_MISSING", "lost"), ("PERMISSION_FACTS_MISSING", "never read")}
    assert {account for account, _, _ in classes()} == {"lost", "root"}


def test_not_over_an_error_never_matches_and_is_reported_by_every_run(instance):
    make_account(instance, "broken", {**facts(), "capabilities": "SUPERUSER"})
    rule = make_rule(NOT_SUPER, rule_name="not super")
    for _ in range(2):
        (problem,) = classify().records.get().sync_details["problems"]
        assert (problem["account"], problem["rule"], problem["rule_id"]) == ("broken", "not super", rule.pk)
        assert problem["path"] == "expr.args[0]"
    assert classes() == set()


@pytest.fixture
def unruled(instance):
    """Three instances with accounts that no rule is for, one without accounts, and one that has a rule."""
    make_account(instance, "ada", facts())
    for number in range(2):
        make_account(make_instance(f"s{number}", "sqlserver"), "sa", facts())
    make_instance("empty", "oracle")
    make_account(make_instance("ruled", "mysql"), "root", superuser())
    make_rule(db_type="mysql")


NO_RULES = (
    "No rule is for PostgreSQL: rules put no account of 1 instance into a class.",
    "No rule is for SQL Server: rules put no account of 2 instances into a class.",
)


def test_a_kind_without_a_rule_is_said(unruled):
    session = classify()
    without = {record.instance_name for record in session.records.all() if record.sync_details.get("no_rules")}
    assert without == {"db1", "s0", "s1"}
    assert session.summary["metrics"]["instances_without_rules"] == 3
    assert session.summary["kinds_without_rules"] == {"postgresql": 1, "sqlserver": 2}


def test_the_page_of_a_session_says_which_kinds_have_no_rule(unruled):
    page = browser("viewer").get(reverse("admin:sessions_app_syncsession_change", args=[classify().pk]))
    assert tuple(page.context["remarks"]) == NO_RULES
    assert all(sentence in page.content.decode() for sentence in NO_RULES)


def test_the_command_says_which_kinds_have_no_rule(unruled, manage):
    lines = manage("sync", "classification", "--inline").out.splitlines()
    assert tuple(line for line in lines if line.startswith("No rule")) == NO_RULES


def test_nothing_is_said_when_every_kind_has_a_rule(instance):
    make_account(instance, "ada", facts())
    make_rule()
    page = browser("viewer").get(reverse("admin:sessions_app_syncsession_change", args=[classify().pk]))
    assert page.context["remarks"] == []
    assert 'aria-label="Remarks"' not in page.content.decode()


def test_an_account_that_is_gone_leaves_its_classes(instance):
    account = make_account(instance, "ada", superuser())
    make_rule()
    classify()
    account.is_active = False
    account.save()
    classify()
    assert classes() == set()


def test_the_clock_alone_changes_an_outcome_in_time(instance):
    now = timezone.now()
    account = make_account(instance, "ada", facts(), locked_until=now + timedelta(hours=1))
    make_rule({"version": 5, "expr": {"fn": "is_locked"}}, rule_name="locked")
    classify()
    assert classes() == {("ada", "super", "locked")}
    state = ClassifiedState.objects.get(account=account)
    assert state.due_at == account.locked_until
    assert classify().records.get().sync_details["accounts_evaluated"] == 0
    past = now - timedelta(minutes=1)
    InstanceAccount.objects.update(locked_until=past)  # as if the hour had passed
    ClassifiedState.objects.update(due_at=past)
    classify()
    assert classes() == set()


def test_a_rule_that_cannot_be_read_is_named_and_keeps_its_accounts(instance):
    make_account(instance, "root", superuser())
    rule = make_rule(rule_name="old")
    classify()
    type(rule).objects.filter(pk=rule.pk).update(rule_expression={"version": 9})
    (problem,) = classify().records.get().sync_details["problems"]
    assert (problem["message_code"], problem["rule"]) == ("DSL_V4_REQUIRED", "old")
    assert classes() == {("root", "super", "old")}


def test_numbers_of_a_day_have_zeros_and_are_replaced_by_a_later_run(instance):
    account = make_account(instance, "root", superuser())
    rule = make_rule()
    idle = make_rule(ADMIN, rule_name="idle")
    classify()
    services.assign(account, rule.classification)
    record_day()
    assert dict(RuleDailyStat.objects.values_list("rule", "matched_accounts_count")) == {rule.pk: 1, idle.pk: 0}
    numbers = dict(
        ClassDailyStat.objects.filter(db_type="postgresql").values_list(
            "classification__code", "matched_accounts_distinct_count"
        )
    )
    assert numbers == {"super": 1, "highly": 0, "sensitive": 0, "medium": 0, "low": 0, "public": 0}
    learn(account, facts())
    classify()
    record_day()
    assert dict(RuleDailyStat.objects.values_list("rule", "matched_accounts_count")) == {rule.pk: 0, idle.pk: 0}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [2, 300])
def test_the_work_of_a_chunk_takes_eight_statements_whatever_it_holds(count, restored_classes):
    """Between BEGIN and COMMIT of the transaction that stores a chunk; the engine's claims come before and after."""
    for number in range(3):
        instance = make_instance(f"db{number}")
        for other in range(count // 3 + 1):
            make_account(instance, f"user{other}", superuser())
    rule = make_rule()
    make_rule(ADMIN, rule_name="admins")
    classify()
    for number, account in enumerate(InstanceAccount.objects.all()):
        learn(account, facts(roles=["admin"]) if number % 2 else {**superuser(), "meta": {"n": number}})
    services.update_rule(rule, expression={**rule.rule_expression, "version": 5})
    with CaptureQueriesContext(connection) as captured:
        classify()
    statements = [query["sql"] for query in captured]
    begins = [place for place, statement in enumerate(statements) if statement.startswith("BEGIN")]
    (begin,) = [place for place in begins if any('LEFT OUTER JOIN "account_classification_states"' in statement
                for statement in statements[place : statements.index("COMMIT", place)])]  # fmt: skip
    chunk = statements[begin + 1 : statements.index("COMMIT", begin)]
    assert len(chunk) <= 8, chunk
    assert classes()
