"""The coverage ledger: how far reads of an instance got, scope by scope, and since when that is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models.functions import Now

from dbms.snapshots import SERVER, Coverage
from instances.models import Instance
from sessions_app.models import InstanceCoverage

OK = "ok"
REASON_LENGTH = 255


def stored(instance: Instance, category: str) -> dict[str, InstanceCoverage]:
    """The ledger of an instance by scope, by one query."""
    return stored_of([instance], category)[instance.pk]


def stored_of(instances: Iterable[Instance], category: str) -> dict[int, dict[str, InstanceCoverage]]:
    """The ledgers of instances by their ids, by one query."""
    ledgers: dict[int, dict[str, InstanceCoverage]] = {instance.pk: {} for instance in instances}
    for row in InstanceCoverage.objects.filter(instance__in=list(ledgers), sync_category=category):
        ledgers[row.instance_id][row.scope] = row
    return ledgers


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerUpdate:
    """What one read of an instance says for the ledger. `previous` is what `stored()` gave before.

    Rows of `gone` scopes are deleted. `digest` and `items` tell the next read what this one amounted to.
    """

    instance: Instance
    coverage: Sequence[Coverage]
    previous: Mapping[str, InstanceCoverage]
    gone: Collection[str] = ()
    digest: str = ""
    items: int = 0


def store(category: str, *updates: LedgerUpdate) -> None:
    """Write reads into the ledger by at most three statements.

    Only a scope that was read moves its `last_ok_at`, to the database's clock, and its categories. One that was not
    keeps both: they say what is known and since when.
    """
    new: list[InstanceCoverage] = []
    same: list[InstanceCoverage] = []
    for update in updates:
        rows = _rows(category, update)
        if all(_says(update.previous.get(row.scope), row) for row in rows):
            same += [update.previous[row.scope] for row in rows]
        else:
            new += rows
    touch(same)
    if new:
        InstanceCoverage.objects.bulk_create(
            new,
            update_conflicts=True,
            unique_fields=["instance", "sync_category", "scope"],
            update_fields=["status", "reason", "categories", "last_ok_at", "read_digest", "read_items"],
        )
    vanished = [row.pk for update in updates for scope, row in update.previous.items() if scope in update.gone]
    if vanished:
        InstanceCoverage.objects.filter(pk__in=vanished).delete()


def _rows(category: str, update: LedgerUpdate) -> list[InstanceCoverage]:
    scopes = {scope.scope: scope for scope in update.coverage}
    rows = [_row(update.instance, category, scope, update.previous.get(name)) for name, scope in scopes.items()]
    for row in rows:
        if row.scope == SERVER:
            row.read_digest, row.read_items = update.digest, update.items
    return rows


def touch(rows: Iterable[InstanceCoverage]) -> None:
    """Say of stored rows that their scopes were read again as they are, as far as they were. One UPDATE."""
    read = [row.pk for row in rows if row.status == OK]
    if read:
        InstanceCoverage.objects.filter(pk__in=read).update(last_ok_at=Now())


def _says(stored: InstanceCoverage | None, row: InstanceCoverage) -> bool:
    """Whether a stored row already says everything but the time of this read."""
    return stored is not None and all(
        getattr(stored, name) == getattr(row, name)
        for name in ("status", "reason", "categories", "read_digest", "read_items")
    )


def _row(instance: Instance, category: str, scope: Coverage, before: InstanceCoverage | None) -> InstanceCoverage:
    categories: list[str]
    last_ok_at: datetime | Now | None
    if scope.status == OK:
        categories, last_ok_at = list(scope.categories), Now()
    elif before is not None:
        categories, last_ok_at = before.categories, before.last_ok_at
    else:
        categories, last_ok_at = [], None
    return InstanceCoverage(
        instance=instance,
        sync_category=category,
        scope=scope.scope,
        status=scope.status,
        reason=scope.reason[:REASON_LENGTH],
        categories=categories,
        last_ok_at=last_ok_at,
    )
