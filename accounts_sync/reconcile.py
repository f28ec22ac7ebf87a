"""From what was read to what is stored: new, changed, deleted and returned accounts, and a log of all of it.

Nothing is concluded outside the scopes that were really read. Runs in the transaction that completes the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import dbms
from accounts_sync import changes, known, rows
from accounts_sync.counts import count
from accounts_sync.reading import Reading, is_same_account
from accounts_sync.scopes import Scopes
from accounts_sync.stored import INCOMPARABLE, Key, StoredAccount, stored_accounts, stored_documents
from dbms.base import Adapter
from dbms.snapshots import AccountSnapshot, AccountsSnapshot, is_database_scope, split
from instances.models import Instance
from sessions_app import coverage
from sessions_app.categories import ItemCounts, Run
from sessions_app.coverage import LedgerUpdate
from sessions_app.models import InstanceCoverage, SyncCategoryName
from whalefall.errors import AccountListShrunk

PUBLIC = "public"
SHRUNK_BY = 10  # fewer accounts than this may vanish at once, whatever their share


def reconcile(instance: Instance, snapshot: AccountsSnapshot, run: Run) -> ItemCounts:
    """Store a read of an instance's accounts.

    Raises AccountListShrunk when it cannot be true.
    """
    ledger = coverage.stored(instance, SyncCategoryName.ACCOUNT)
    scopes = Scopes.between(ledger, snapshot.coverage)
    stored = stored_accounts(instance)
    listed = {account.key: account for account in snapshot.accounts}
    missing = _missing(scopes, stored, listed)
    if not run.parameters.get("force"):
        _refuse_collapse(instance, stored, listed, missing)
    if not scopes.is_server_read:  # who exists is the server scope's word
        listed = {key: account for key, account in listed.items() if key in stored and stored[key].is_active}

    adapter = dbms.get(instance.db_type)
    reading = Reading.of(adapter, scopes, _role_graph(adapter, scopes, ledger, snapshot.accounts, stored))
    due = [(account, stored.get(key)) for key, account in listed.items() if reading.is_due(account, stored.get(key))]
    needed = [before.id for account, before in due if before is not None and reading.needs_document(account, before)]
    documents = stored_documents(needed, facts=not scopes.is_server_read)
    updates = [reading.update(account, before, documents.get(before.id) if before else None) for account, before in due]
    if updates or missing:
        rows.write(instance, run, updates, [(account, _deletion(scopes, account)) for account in missing])
    rows.mark_incomparable(_outdated(scopes, stored, listed))
    read = LedgerUpdate(
        instance=instance,
        coverage=snapshot.coverage,
        previous=ledger,
        gone=scopes.gone,
        digest=known.stamp(instance, snapshot),
        items=len(listed),
    )
    coverage.store(SyncCategoryName.ACCOUNT, read)
    return count(snapshot.coverage, synced=len(listed), updates=updates, deleted=len(missing), gone=scopes.gone)


def _role_graph(
    adapter: Adapter,
    scopes: Scopes,
    ledger: Mapping[str, InstanceCoverage],
    accounts: Sequence[AccountSnapshot],
    stored: Mapping[Key, StoredAccount],
) -> Sequence[AccountSnapshot]:
    """The accounts with what is known of the server from earlier: roles may stand in a scope that was not read now."""
    kept = {
        scope
        for scope, row in ledger.items()
        if row.last_ok_at is not None and not is_database_scope(scope) and scopes.keeps(scope)
    }
    if not kept or not scopes.is_server_read:
        return accounts
    same = [
        (account.key, stored[account.key].id)
        for account in accounts
        if account.key in stored and is_same_account(account, stored[account.key])
    ]
    documents = stored_documents([pk for _, pk in same], facts=False)
    earlier = {}
    for key, pk in same:
        document, _ = documents.get(pk, ({}, {}))
        parts = split(document.get("categories", {}), adapter.category_scopes)
        earlier[key] = {scope: part for scope, part in parts.items() if scope in kept}
    return [replace(account, parts={**earlier.get(account.key, {}), **account.parts}) for account in accounts]


def _missing(
    scopes: Scopes, stored: Mapping[Key, StoredAccount], listed: Mapping[Key, AccountSnapshot]
) -> list[StoredAccount]:
    """Active accounts that a read of their home no longer lists."""
    if not scopes.is_server_read:
        return []
    return [
        account
        for key, account in stored.items()
        if account.is_active and key not in listed and not scopes.keeps(scopes.home(account.host))
    ]


def _outdated(scopes: Scopes, stored: Mapping[Key, StoredAccount], listed: Mapping[Key, AccountSnapshot]) -> list[int]:
    """Accounts that are away while a scope they hold something in begins to be read in another shape."""
    return [
        account.id
        for key, account in stored.items()
        if not account.is_active
        and key not in listed
        and account.reader_version != INCOMPARABLE
        and not scopes.reshaped.isdisjoint(account.digests)
    ]


def _refuse_collapse(
    instance: Instance,
    stored: Mapping[Key, StoredAccount],
    listed: Mapping[Key, AccountSnapshot],
    missing: Sequence[StoredAccount],
) -> None:
    """The public and the accounts that every server brings along are always there, so they do not count."""
    before = sum(account.is_active and _counts_for_collapse(account) for account in stored.values())
    lost = sum(_counts_for_collapse(account) for account in missing)
    found = sum(
        _counts_for_collapse(account) and not (key in stored and stored[key].is_active)
        for key, account in listed.items()
    )
    after = before - lost + found
    is_empty = all(account.kind == PUBLIC for account in listed.values()) or (before > 0 and after == 0)
    if is_empty or (2 * after < before and before - after >= SHRUNK_BY):
        raise AccountListShrunk(instance=instance.name, before=before, after=after)


def _counts_for_collapse(account: StoredAccount | AccountSnapshot) -> bool:
    return account.kind != PUBLIC and not account.is_system


def _deletion(scopes: Scopes, account: StoredAccount) -> dict[str, Any]:
    """The other_diff of a deletion; it says when the account went with its database."""
    if not scopes.is_gone(scopes.home(account.host)):
        return changes.other_document([])
    return changes.other_document([changes.other_entry("is_active", True, False, description="database_dropped")])
