"""Writing accounts, permissions and the change log of an instance, by a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from accounts_sync.models import AccountChangeLog, AccountPermission, ChangeType, InstanceAccount
from accounts_sync.stored import INCOMPARABLE, SETTINGS, Key, StoredAccount, batches
from dbms.snapshots import AccountSnapshot
from instances.models import Instance
from sessions_app.categories import Run
from whalefall import bulk


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUpdate:
    """One account as it shall be stored. `change` is None when nothing happened on its server."""

    seen: AccountSnapshot
    before: StoredAccount | None
    change: ChangeType | None
    is_baseline: bool
    privilege_diff: dict[str, Any]
    other_diff: dict[str, Any]
    settings: dict[str, Any]
    is_superuser: bool
    document: dict[str, Any]
    facts: dict[str, Any]
    scope_digests: dict[str, str]
    fingerprint: str
    reach_digest: str
    reader_version: int
    facts_version: int

    @property
    def touches_account(self) -> bool:
        """Whether the account's own row has to be written, not only its permissions."""
        before = self.before
        return (
            before is None
            or self.change is not None
            or before.is_superuser != self.is_superuser
            or any(getattr(before, name) != value for name, value in self.settings.items())
        )


def write(
    instance: Instance,
    run: Run,
    updates: Sequence[AccountUpdate],
    deleted: Sequence[tuple[StoredAccount, dict[str, Any]]],
) -> None:
    """Store updated accounts, deactivate deleted ones (each with its other_diff), and log what changed."""
    clock = Instance.objects.values_list(Now(), flat=True).get(pk=instance.pk)  # one time for all rows, the database's
    ids = _write_accounts(instance, updates, clock)
    _write_permissions(updates, ids, clock)
    _deactivate([account.id for account, _ in deleted], clock)
    log = [
        _log_row(instance, run, clock, ids[update.seen.key], update.seen, update.change,
                 is_baseline=update.is_baseline, privilege_diff=update.privilege_diff, other_diff=update.other_diff)
        for update in updates if update.change is not None
    ]  # fmt: skip
    log += [
        _log_row(instance, run, clock, account.id, account, ChangeType.DELETE, other_diff=other_diff)
        for account, other_diff in deleted
    ]
    bulk.insert(AccountChangeLog, log)


def mark_incomparable(ids: Sequence[int]) -> None:
    """Note of accounts that are away that their documents cannot be compared any more when they come back."""
    for some in batches(ids):
        AccountPermission.objects.filter(account_id__in=some).update(reader_version=INCOMPARABLE)


def _write_accounts(instance: Instance, updates: Sequence[AccountUpdate], clock: datetime) -> dict[Key, int]:
    """Upsert the accounts' own rows; returns the id of every updated account."""
    written = bulk.insert(
        InstanceAccount,
        [
            {
                "instance_id": instance.pk,
                "db_type": instance.db_type,
                "username": update.seen.username,
                "host": update.seen.host,
                "is_role": update.seen.is_role,
                "is_superuser": update.is_superuser,
                "is_active": True,
                "deleted_at": None,
                "first_seen_at": clock,  # of a new row; never among the updated fields
                "last_changed_at": clock if update.change or update.before is None else update.before.last_changed_at,
                "updated_at": clock,
                **update.settings,
            }
            for update in updates
            if update.touches_account
        ],
        unique=["instance_id", "username", "host", "is_role"],
        update=[*SETTINGS, "is_superuser", "is_active", "deleted_at", "last_changed_at", "updated_at"],
        returning=["username", "host", "is_role", "id"],
    )
    ids: dict[Key, int] = {(username, host, bool(is_role)): pk for username, host, is_role, pk in written}
    return ids | {update.seen.key: update.before.id for update in updates if update.before is not None}


def _write_permissions(updates: Sequence[AccountUpdate], ids: dict[Key, int], clock: datetime) -> None:
    rows = []
    for update in updates:
        before = update.before
        rows.append(
            {
                "account_id": ids[update.seen.key],
                "permission_snapshot": update.document,
                "permission_facts": update.facts,
                "type_specific": update.document["type_specific"],
                "scope_digests": update.scope_digests,
                "fingerprint": update.fingerprint,
                "owned_digest": update.seen.owned_digest,
                "reach_digest": update.reach_digest,
                "reader_version": update.reader_version,
                "facts_version": update.facts_version,
                "last_change_type": update.change or (before and before.last_change_type) or ChangeType.ADD,
                "last_change_time": (update.change is None and before and before.last_change_time) or clock,
            }
        )
    bulk.insert(
        AccountPermission,
        rows,
        unique=["account_id"],
        update=[name for name in rows[0] if name != "account_id"] if rows else [],
    )


def _deactivate(ids: Sequence[int], clock: datetime) -> None:
    for some in batches(ids):
        InstanceAccount.objects.filter(pk__in=some).update(
            is_active=False, deleted_at=clock, last_changed_at=clock, updated_at=clock
        )
        AccountPermission.objects.filter(account_id__in=some).update(
            last_change_type=ChangeType.DELETE, last_change_time=clock
        )


def _log_row(
    instance: Instance,
    run: Run,
    clock: datetime,
    account_id: int,
    account: AccountSnapshot | StoredAccount,
    change: ChangeType,
    *,
    is_baseline: bool = False,
    privilege_diff: dict[str, Any] | None = None,
    other_diff: dict[str, Any],
) -> bulk.Row:
    return {
        "account_id": account_id,
        "instance_id": instance.pk,
        "db_type": instance.db_type,
        "username": f"{account.username}@{account.host}" if account.host else account.username,
        "session_id": run.session_pk,
        "record_id": run.record_pk,
        "session_uuid": run.session_id,
        "change_type": change,
        "change_time": clock,
        "created_at": clock,
        "is_baseline": is_baseline,
        "privilege_diff": privilege_diff or {"version": 1, "entries": []},
        "other_diff": other_diff,
    }
