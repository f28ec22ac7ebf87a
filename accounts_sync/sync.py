"""The account category: reads who may log in and what they may do."""

from __future__ import annotations

import dbms
from accounts_sync.reconcile import reconcile
from dbms.base import Target
from dbms.snapshots import AccountsSnapshot
from instances.models import Instance
from sessions_app.categories import ItemCounts, Run, SyncCategory


class AccountSync(SyncCategory[AccountsSnapshot]):
    key, label = "account", "accounts"

    def fetch(self, target: Target) -> AccountsSnapshot:
        adapter = dbms.get(target.db_type)
        with adapter.connect(target) as connection:
            return adapter.read_accounts(connection)

    def apply(self, instance: Instance, snapshot: AccountsSnapshot, run: Run) -> ItemCounts:
        return reconcile(instance, snapshot, run)
