"""The coverage ledger: how far reads of an instance got, scope by scope, and since when that is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models.functions import Now

from dbms.snapshots import SERVER, Coverage
from instances.models import Instance
from sessions_app.models import InstanceCoverage

OK = "ok"
REASON_LENGTH = 255


def stored(instance: Instance, category: str) -> dict[str, InstanceCoverage]:
    """The ledger of an instance by scope, by one query."""
    rows = InstanceCoverage.objects.filter(instance=instance, sync_category=category)
    return {row.scope: row for row in rows}


def store(
    instance: Instance,
    category: str,
    coverage: Sequence[Coverage],
    previous: Mapping[str, InstanceCoverage],
    gone: Collection[str],
    *,
    digest: str = "",
    items: int = 0,
) -> None:
    """Write a read into the ledger by at most two statements. `previous` is what `stored()` gave before.

    Only a scope that was read moves its `last_ok_at`, to the database's clock, and its categories. One that was not
    keeps both: they say what is known and since when. Rows of `gone` scopes are deleted. `digest` and `items` tell the
    next read what this one amounted to.
    """
    scopes = {scope.scope: scope for scope in coverage}
    rows = [_row(instance, category, scope, previous.get(name)) for name, scope in scopes.items()]
    for row in rows:
        if row.scope == SERVER:
            row.read_digest, row.read_items = digest, items
    if all(_says(previous.get(row.scope), row) for row in rows):
        touch(previous[name] for name in scopes)
    else:
        InstanceCoverage.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["instance", "sync_category", "scope"],
            update_fields=["status", "reason", "categories", "last_ok_at", "read_digest", "read_items"],
        )
    vanished = [row.pk for name, row in previous.items() if name in gone]
    if vanished:
        InstanceCoverage.objects.filter(pk__in=vanished).delete()


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
