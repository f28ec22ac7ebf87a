"""Readers see the old or the new set of an instance, whatever happens to the run."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections

from classification import run
from instances.models import Instance
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

ADMIN = {"version": 4, "expr": {"fn": "has_role", "args": {"name": "admin"}}}


@pytest.mark.django_db
def test_a_chunk_that_fails_half_written_leaves_the_old_set_and_the_others_get_the_new(monkeypatch):
    for name in ("good", "bad"):
        instance = make_instance(name)
        make_account(instance, f"{name} leaves", superuser())
        make_account(instance, f"{name} enters", facts())
    make_rule(rule_name="r")
    classify()
    for account in [account for instance in Instance.objects.all() for account in instance.accounts.all()]:
        learn(account, facts() if account.username.endswith("leaves") else superuser())
    bad = Instance.objects.get(name="bad")
    insert = run.bulk.insert

    def poisoned(model, rows, **options):
        if model is run.AccountClassificationAssignment and any(
            row["account_id"] in set(bad.accounts.values_list("pk", flat=True)) for row in rows
        ):
            raise RuntimeError("after the deletes")
        return insert(model, rows, **options)

    monkeypatch.setattr(run.bulk, "insert", poisoned)
    session = classify()
    assert dict(session.records.values_list("instance_name", "status")) == {"good": "completed", "bad": "failed"}
    assert {account for account, _, _ in classes()} == {"good enters", "bad leaves"}
    monkeypatch.undo()
    classify()
    assert {account for account, _, _ in classes()} == {"good enters", "bad enters"}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite in memory lets nobody read beside a writer")
@pytest.mark.django_db(transaction=True)
def test_a_reader_beside_a_run_sees_the_old_set_until_it_is_committed(monkeypatch, restored_classes):
    instance = make_instance()
    leaves = make_account(instance, "leaves", superuser())
    enters = make_account(instance, "enters", facts())
    make_rule(rule_name="r")
    classify()
    learn(leaves, facts())
    learn(enters, superuser())
    written, seen = threading.Event(), threading.Event()
    write = run.Difference.write

    def paused(difference):
        write(difference)
        written.set()
        assert seen.wait(30)

    monkeypatch.setattr(run.Difference, "write", paused)

    def work():
        try:
            classify()
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert written.wait(30)
        assert {account for account, _, _ in classes()} == {"leaves"}
    finally:
        seen.set()
        worker.join(30)
    assert {account for account, _, _ in classes()} == {"enters"}
