"""An instance whose DBMS is a value, and a function that reconciles a snapshot with it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

import dbms
from accounts_sync.models import AccountChangeLog, InstanceAccount
from accounts_sync.reconcile import reconcile
from dbms.base import Target
from dbms.snapshots import AccountsSnapshot
from instances.models import Instance
from sessions_app import engine, services
from sessions_app.categories import ItemCounts, Run
from sessions_app.models import SyncInstanceRecord, SyncSession
from tests.accounts_sync import fakes


@pytest.fixture(autouse=True)
def adapter(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The fake adapter in PostgreSQL's place; call it to put another version there."""

    def use(**versions: int) -> None:
        monkeypatch.setitem(dbms.ADAPTERS, "postgresql", fakes.adapter(**versions))

    use()
    return use


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let every server answer with a snapshot from now on, or with what a function makes of its target."""

    def answer(read: AccountsSnapshot | Callable[[Target], AccountsSnapshot], **versions: int) -> None:
        adapter = replace(
            fakes.adapter(**versions),
            connect=nullcontext,
            read_accounts=read if callable(read) else lambda target: read,
        )
        monkeypatch.setitem(dbms.ADAPTERS, "postgresql", adapter)

    return answer


def make_instance(name: str = "db1") -> Instance:
    return Instance.objects.create(name=name, db_type="postgresql", host="127.0.0.1", port=5432)


@pytest.fixture
def instance(db: None) -> Instance:
    return make_instance()


class Syncs:
    """Sessions of one instance, one after another."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.sessions = 0

    def run(self, **parameters: Any) -> Run:
        session = SyncSession.objects.create(
            sync_type="manual_single", sync_category="account", total_instances=1, parameters=parameters
        )
        record = SyncInstanceRecord.objects.create(
            session=session, instance=self.instance, instance_name=self.instance.name, sync_category="account",
            status="completed", completed_at=timezone.now(),
        )  # fmt: skip
        self.sessions += 1
        return Run(
            session_pk=session.pk, session_id=session.session_id, record_pk=record.pk,
            started_at=timezone.now(), began_at=timezone.now(),
            parameters=parameters,
        )  # fmt: skip

    def __call__(self, snapshot: AccountsSnapshot, **parameters: Any) -> ItemCounts:
        run = self.run(**parameters)
        self.last_session: uuid.UUID = run.session_id
        with transaction.atomic():
            return reconcile(Instance.objects.get(pk=self.instance.pk), snapshot, run)

    def log(self) -> list[AccountChangeLog]:
        """The rows that the last session wrote, by account."""
        return list(AccountChangeLog.objects.filter(session_uuid=self.last_session).order_by("username"))

    def said(self) -> list[tuple[str, str, str]]:
        """The last session's changes in words: (account, change type, "GRANT SELECT app: relation:s.t; …")."""
        return [(row.username, row.change_type, words(row)) for row in self.log()]

    def account(self, username: str) -> InstanceAccount:
        return InstanceAccount.objects.select_related("permission").get(instance=self.instance, username=username)


def synchronize(**parameters: Any) -> SyncSession:
    """A session over all instances, worked on here until it has ended without a failure."""
    session = services.start_session(
        category="account", sync_type="manual_task", instances=Instance.objects.all(), parameters=parameters
    )
    engine.run(session=session)
    session.refresh_from_db()
    assert session.outcome == "clean", [record.error_message for record in session.records.all()]
    return session


def words(row: AccountChangeLog) -> str:
    """The diff of a row, written by other means than the product's."""
    said = [
        " ".join(filter(None, [
            entry["action"], ",".join(entry["permissions"]), entry["object"],
            f"×{entry['count']}" if "count" in entry else "", f"({entry['reason']})" if "reason" in entry else "",
        ]))
        for entry in row.privilege_diff["entries"]
    ]  # fmt: skip
    said += [
        f"{entry['field']}: {entry['before']} → {entry['after']}"
        + (f" ({entry['description']})" if entry["description"] else "")
        for entry in row.other_diff["entries"]
    ]
    return "; ".join(said)


@pytest.fixture
def sync(instance: Instance) -> Syncs:
    return Syncs(instance)
