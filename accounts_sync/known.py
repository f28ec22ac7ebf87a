"""The last read that was stored to its end: an equal one has nothing to tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import dbms
from accounts_sync.counts import count
from dbms.snapshots import SERVER, AccountsSnapshot
from instances.models import Instance
from sessions_app import coverage
from sessions_app.categories import ItemCounts, Read
from sessions_app.models import InstanceCoverage, SyncCategoryName
from whalefall.errors import ReadOutdated

RULES_VERSION = 1  # rises when an equal read has to be stored in another way


def digest(instance: Instance, stamped: str) -> str:
    """What the last read of an instance amounted to, of what was stored of it; empty when it has to be read anew."""
    prefix = _prefix(instance)
    return stamped.removeprefix(prefix) if stamped.startswith(prefix) else ""


def stamp(instance: Instance, snapshot: AccountsSnapshot) -> str:
    """The digest of a read with the versions of what took it apart, to be stored; empty when it has none."""
    return _prefix(instance) + snapshot.digest if snapshot.digest else ""


def confirm(reads: Sequence[Read[AccountsSnapshot]]) -> dict[int, ItemCounts]:
    """Say of instances that everything read of them is stored already, by two statements; counts by instance id.

    Raises ReadOutdated for one of which it is not: it was stored anew since the read began.
    """
    instances = [read.instance for read in reads]
    ledgers: defaultdict[int, dict[str, InstanceCoverage]] = defaultdict(dict)
    for row in InstanceCoverage.objects.filter(instance__in=instances, sync_category=SyncCategoryName.ACCOUNT):
        ledgers[row.instance_id][row.scope] = row
    again: list[InstanceCoverage] = []
    counts = {}
    for instance, snapshot, _ in reads:
        ledger = ledgers[instance.pk]
        if SERVER not in ledger or ledger[SERVER].read_digest != stamp(instance, snapshot):
            raise ReadOutdated(instance=instance.name)
        named = {part.scope for part in snapshot.coverage} or ledger.keys()
        rows = [row for scope, row in ledger.items() if scope in named]
        again += rows
        counts[instance.pk] = count(rows, synced=ledger[SERVER].read_items)
    coverage.touch(again)
    return counts


def _prefix(instance: Instance) -> str:
    adapter = dbms.get(instance.db_type)
    return f"{adapter.reader_version}.{adapter.facts_version}.{RULES_VERSION}:"
