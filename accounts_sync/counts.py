"""What a record says of a read: how many accounts, how many changed, and how far the read got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from accounts_sync.models import ChangeType
from accounts_sync.rows import AccountUpdate
from dbms.snapshots import Coverage
from sessions_app.categories import ItemCounts
from sessions_app.models import InstanceCoverage

SCOPES_NAMED = 100  # in the record's details; further ones are only counted


def count(
    ledger: Iterable[Coverage | InstanceCoverage],
    *,
    synced: int,
    updates: Sequence[AccountUpdate] = (),
    deleted: int = 0,
    gone: Collection[str] = (),
) -> ItemCounts:
    """`synced` accounts were seen; of them `updates` were written, `deleted` are no longer there."""
    changed = Counter(update.change for update in updates)
    scopes = list(ledger)
    unread = [{"scope": scope.scope, "status": scope.status, "reason": scope.reason}
              for scope in scopes if scope.status != "ok"]  # fmt: skip
    summarised = [scope.scope for scope in scopes if scope.status == "ok" and scope.reason == "summarised"]
    vanished = sorted(gone)
    return ItemCounts(
        synced=synced,
        created=changed[ChangeType.ADD] + changed[ChangeType.REACTIVATE],
        updated=changed[ChangeType.MODIFY_PRIVILEGE] + changed[ChangeType.MODIFY_OTHER],
        deleted=deleted,
        details={
            "reactivated": changed[ChangeType.REACTIVATE],
            "silently_updated": changed[None],
            "scopes": len(scopes),
            "unread_scopes": unread[:SCOPES_NAMED],
            "unread_count": len(unread),
            "summarised_scopes": summarised[:SCOPES_NAMED],
            "summarised_count": len(summarised),
            "gone_scopes": vanished[:SCOPES_NAMED],
            "gone_count": len(vanished),
        },
    )
