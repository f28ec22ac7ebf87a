"""A rule that is deleted or switched off leaves nothing behind, wherever its accounts are."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from classification import run, services
from classification.ending import end_assignments
from classification.models import AccountClassification, AccountClassificationAssignment, ClassificationRule
from classification.sync import ClassificationSync
from instances.models import Instance
from sessions_app import engine
from sessions_app import services as sessions
from tests.classification.conftest import classes, classify, learn, make_account, make_instance, make_rule, superuser
from whalefall.errors import ClassificationInUse

ENDS = {"deleted": services.delete_rule, "switched off": lambda rule: services.update_rule(rule, is_active=False)}
ADMIN = {"version": 4, "expr": {"fn": "has_role", "args": {"name": "admin"}}}


def classify_only(*instances: Instance) -> None:
    """A session over some instances, and what follows its end."""
    chosen = Instance.objects.filter(pk__in=[instance.pk for instance in instances])
    engine.run(session=sessions.start_session(category="classification", sync_type="manual_task", instances=chosen))
    ClassificationSync().conclude()


@pytest.mark.django_db
@pytest.mark.parametrize("end", ENDS)
def test_an_account_without_facts_leaves_the_class_of_a_rule_that_ended(instance, end):
    account = make_account(instance, "lost", superuser())
    ended, _stays = make_rule(rule_name="ended"), make_rule(code="low", rule_name="stays")
    classify()
    learn(account, {})
    ENDS[end](ended)
    record = classify().records.get()
    assert classes() == {("lost", "low", "stays")}
    assert record.items_deleted == 1


@pytest.mark.django_db
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("why", ["disabled", "deleted"])
def test_so_does_one_on_an_instance_that_no_run_visits(instance, end, why):
    make_account(instance, "ada", superuser())
    make_account(make_instance("visited"), "root", superuser())
    rule = make_rule(rule_name="ended")
    by_hand = services.assign(instance.accounts.get(), AccountClassification.objects.get(code="low"))
    make_rule(code="medium", rule_name="stays")
    classify()
    change = {"is_active": False} if why == "disabled" else {"deleted_at": timezone.now()}
    Instance.objects.filter(pk=instance.pk).update(**change)
    ENDS[end](rule)
    classify_only(Instance.objects.get(name="visited"))
    assert classes() == {("ada", "medium", "stays"), ("ada", "low", None), ("root", "medium", "stays")}
    assert AccountClassificationAssignment.objects.filter(pk=by_hand.pk).exists()


@pytest.mark.django_db
def test_what_an_older_version_gave_stays_where_no_run_has_asked_the_newer_one(instance):
    make_account(instance, "ada", superuser())
    other = make_instance("visited")
    rule = make_rule(rule_name="r")
    classify()
    services.update_rule(rule, expression=ADMIN)
    classify_only(other)
    assert classes() == {("ada", "super", "r")}


@pytest.mark.django_db
def test_a_rule_that_is_switched_on_again_gets_back_whom_it_lost_in_between(instance):
    make_account(instance, "ada", superuser())
    other = make_instance("visited")
    rule = make_rule(rule_name="r")
    classify()
    services.update_rule(rule, is_active=False)
    classify_only(other)
    assert classes() == set()
    services.update_rule(rule, is_active=True)
    classify()
    assert classes() == {("ada", "super", "r")}


@pytest.mark.django_db
def test_ending_takes_as_many_statements_for_many_accounts(instance):
    for number in range(40):
        make_account(instance, f"user{number}", superuser())
    rule = make_rule()
    classify()
    services.delete_rule(rule)
    with CaptureQueriesContext(connection) as captured:
        assert end_assignments() == 40
    assert len([query for query in captured if "SAVEPOINT" not in query["sql"]]) <= 3


@pytest.mark.django_db
def test_a_class_can_be_deleted_with_what_an_ended_rule_left_in_it(instance):
    account = make_account(instance, "ada", superuser())
    mine = services.create_classification(code="mine")
    rule = make_rule(code="mine")
    classify()
    with pytest.raises(ClassificationInUse):
        services.delete_classification(mine)
    services.delete_rule(rule)
    by_hand = services.assign(account, mine)
    with pytest.raises(ClassificationInUse) as error:
        services.delete_classification(mine)
    assert (error.value.params["rules"], error.value.params["assignments"]) == (0, 1)
    services.withdraw(by_hand)
    services.delete_classification(mine)
    assert not AccountClassificationAssignment.objects.exists()


only_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")


def beside(work) -> tuple[threading.Thread, list[BaseException]]:
    """Work in another connection; what it raises is in the list."""
    raised: list[BaseException] = []

    def run_it() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run_it)
    thread.start()
    return thread, raised


@pytest.fixture
def mine(restored_classes) -> ClassificationRule:
    """A rule of a class of its own that holds for an account of either of two instances, and no run yet."""
    for name in ("db1", "db2"):
        make_account(make_instance(name), "root", superuser())
    services.create_classification(code="mine")
    return make_rule(code="mine")


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_about_to_commit_leaves_nothing_in_a_class_that_is_deleted_meanwhile(monkeypatch, mine):
    written, deleted = threading.Event(), threading.Event()
    write = run.Difference.write

    def paused(difference):
        write(difference)
        if not written.is_set():
            written.set()
            assert deleted.wait(30)

    monkeypatch.setattr(run.Difference, "write", paused)
    worker, raised = beside(classify)
    try:
        assert written.wait(30)
        services.delete_rule(mine)
        services.delete_classification(mine.classification)
    finally:
        deleted.set()
        worker.join(30)
    assert not raised
    assert not AccountClassificationAssignment.objects.exists()
    assert set(Instance.objects.values_list("sync_records__status", flat=True)) == {"completed"}


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_run_that_commits_while_its_class_is_deleted_does_not_make_the_deletion_fail(mine):
    locking, committed = threading.Event(), threading.Event()
    stale = ClassificationRule.objects.get(pk=mine.pk)
    account = Instance.objects.get(name="db1").accounts.get()
    services.delete_rule(mine)

    def paused(execute, sql, params, many, context):
        if "classification_rules" in sql and "FOR UPDATE" in sql:
            locking.set()
            assert committed.wait(30)
        return execute(sql, params, many, context)

    def delete():
        with connection.execute_wrapper(paused):
            services.delete_classification(stale.classification)

    worker, raised = beside(delete)
    try:
        assert locking.wait(30)
        run.Difference(
            inserts=[{"account_id": account.pk, "classification_id": stale.classification_id, "rule_id": stale.pk}]
        ).write()
    finally:
        committed.set()
        worker.join(30)
    assert not raised
    assert not AccountClassificationAssignment.objects.exists()
