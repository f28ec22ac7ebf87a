"""The account category: reads who may log in and what they may do."""

from __future__ import annotations

from django.db.models import F

import dbms
from accounts_sync.reconcile import reconcile
from dbms.base import Target
from dbms.snapshots import AccountsSnapshot
from instances.models import Instance
from sessions_app.categories import ItemCounts, Run, SyncCategory


class AccountSync(SyncCategory[AccountsSnapshot]):
    key, label = "account", "accounts"
    instance_updates = {"sync_count": F("sync_count") + 1}

    def metrics(self, totals: ItemCounts) -> dict[str, int]:
        changed = totals.created + totals.updated + totals.deleted
        return {**super().metrics(totals), "accounts_seen": totals.synced, "accounts_changed": changed}

    def fetch(self, target: Target) -> AccountsSnapshot:
        adapter = dbms.get(target.db_type)
        with adapter.connect(target) as connection:
            return adapter.read_accounts(connection)

    def apply(self, instance: Instance, snapshot: AccountsSnapshot, run: Run) -> ItemCounts:
        return reconcile(instance, snapshot, run)
