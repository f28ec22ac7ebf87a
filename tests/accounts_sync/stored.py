"""Shorthands for what sessions left behind: accounts and their grants, coverage, the change log, the record."""

from __future__ import annotations

from accounts_sync.models import AccountChangeLog, InstanceAccount
from instances.models import Instance
from sessions_app import engine, services
from sessions_app.models import InstanceCoverage, SyncInstanceRecord, SyncSession
from tests.accounts_sync.conftest import words

Key = tuple[str, str]  # name, and where two may have the same one: the database of a user, the PDB of a local account


def said(session: SyncSession) -> dict[Key, tuple[str, str]]:
    """{account: (change type, its diff in words)} of what a session logged, but for the baseline."""
    rows = AccountChangeLog.objects.filter(session_uuid=session.session_id, is_baseline=False)
    return {
        (row.account.username, row.account.host): (row.change_type, words(row))
        for row in rows.select_related("account")
    }


def account(name: str, host: str = "") -> InstanceAccount:
    return InstanceAccount.objects.select_related("permission").get(username=name, host=host)


def active() -> set[Key]:
    """Every account that is there."""
    return set(InstanceAccount.objects.filter(is_active=True).values_list("username", "host"))


def categories(name: str, host: str = "") -> dict:
    return account(name, host).permission.permission_snapshot["categories"]


def reasons(name: str, host: str = "") -> dict[str, list[str]]:
    """Why an account is a superuser, may grant, or cannot log in."""
    return account(name, host).permission.permission_facts["capability_reasons"]


def everything() -> dict[Key, tuple]:
    """All that a session may change of accounts."""
    rows = InstanceAccount.objects.select_related("permission")
    return {
        (row.username, row.host): (row.is_active, row.is_superuser, row.is_locked,
                                   row.permission.permission_snapshot["categories"])
        for row in rows
    }  # fmt: skip


def covered(scope: str) -> tuple[str, str]:
    """(status, reason) of a scope."""
    return InstanceCoverage.objects.values_list("status", "reason").get(scope=scope)


def attempt() -> SyncInstanceRecord:
    """The record of a session over the only instance, however it ended."""
    session = services.start_session(category="account", sync_type="manual_task", instances=Instance.objects.all())
    engine.run(session=session)
    return session.records.get()


def ended(record: SyncInstanceRecord) -> tuple[str, str, str]:
    return record.status, record.message_code, record.reason
