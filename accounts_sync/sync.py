"""The account category: reads who may log in and what they may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.db.models import F

import dbms
from accounts_sync import known
from accounts_sync.reconcile import reconcile
from dbms.base import Interrupt, Target
from dbms.snapshots import AccountsSnapshot, content_digest
from instances.models import Instance
from sessions_app.categories import ItemCounts, Read, Run, SyncCategory


class AccountSync(SyncCategory[AccountsSnapshot]):
    key, label, can_force = "account", "accounts", True

    def metrics(self, totals: ItemCounts, session_pk: int) -> dict[str, int]:
        changed = totals.created + totals.updated + totals.deleted
        return {**super().metrics(totals, session_pk), "accounts_seen": totals.synced, "accounts_changed": changed}

    def target(self, instance: Instance, interrupt: Interrupt, run: Run) -> Target:
        target = super().target(instance, interrupt, run)
        if run.parameters.get("force"):
            return target
        return replace(target, known_digest=known.digest(instance, run.read_digest))

    def fetch(self, target: Target) -> AccountsSnapshot:
        adapter = dbms.get(target.db_type)
        with adapter.connect(target) as connection:
            snapshot = adapter.read_accounts(connection)
        return _with_digest(snapshot, target.known_digest)

    def apply(self, instance: Instance, snapshot: AccountsSnapshot, run: Run) -> ItemCounts:
        about_the_instance = {
            "sync_count": F("sync_count") + 1,
            "database_version": snapshot.version[:255],
            "main_version": snapshot.main_version[:64],
            "detailed_version": snapshot.version,
        }
        return replace(reconcile(instance, snapshot, run), instance=about_the_instance)

    def confirm(self, reads: Sequence[Read[AccountsSnapshot]]) -> Mapping[int, ItemCounts]:
        counted = known.confirm(reads)
        return {pk: replace(count, instance={"sync_count": F("sync_count") + 1}) for pk, count in counted.items()}


def _with_digest(snapshot: AccountsSnapshot, known_digest: str) -> AccountsSnapshot:
    """A read with its digest; without the accounts that are known."""
    if snapshot.digest:
        return snapshot
    digest = content_digest(snapshot)
    if digest == known_digest:
        return replace(snapshot, digest=digest, is_known=True, accounts=())
    return replace(snapshot, digest=digest)
