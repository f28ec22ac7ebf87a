"""The capacity category: reads how large every database is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Sum

import dbms
from capacity import units
from capacity.models import InstanceSizeStat
from capacity.store import store
from dbms.base import Target
from dbms.sizes import CapacitySnapshot
from instances.models import Instance
from sessions_app.categories import ItemCounts, Read, Run, SyncCategory


class CapacitySync(SyncCategory[CapacitySnapshot]):
    key, label, is_heavy = "capacity", "capacity", False

    def metrics(self, totals: ItemCounts, session_pk: int) -> dict[str, int]:
        measured = InstanceSizeStat.objects.filter(session=session_pk).aggregate(bytes=Sum("total_size_bytes"))
        return {**super().metrics(totals, session_pk), "total_size_bytes": measured["bytes"] or 0}

    def amount(self, details: Mapping[str, Any]) -> str:
        size = details.get("total_size_bytes")
        return "" if size is None else units.readable(size)

    def fetch(self, target: Target) -> CapacitySnapshot:
        adapter = dbms.get(target.db_type)
        with adapter.connect(target) as connection:
            return adapter.read_capacity(connection)

    def apply(self, instance: Instance, snapshot: CapacitySnapshot, run: Run) -> ItemCounts:
        return self.apply_together([Read(instance, snapshot, run)])[instance.pk]

    def apply_together(self, reads: Sequence[Read[CapacitySnapshot]]) -> Mapping[int, ItemCounts]:
        return store(reads)
