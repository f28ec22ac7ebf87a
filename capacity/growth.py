"""Databases that grew suddenly: by more than a share and by more than an amount since their last sample."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.conf import settings

from capacity.inventory import Found, Inventory
from capacity.models import GrowthEvent
from whalefall import bulk

GIB = 1024**3


def record(inventories: Mapping[int, Inventory], day: Mapping[int, date]) -> None:
    """Keep the growth events of the day as this read sees them: by one INSERT, and one DELETE of what no longer is."""
    rows = [
        {
            "instance_id": pk,
            "database_name": found.name,
            "size_before": found.previous.size_bytes,
            "size_after": found.bytes,
            "date_before": found.previous.day,
            "collected_date": day[pk],
        }
        for pk, inventory in inventories.items()
        for found in inventory.measured
        if found.previous is not None and grew(found)
    ]
    unique = ("instance_id", "database_name", "collected_date")
    update = ("size_before", "size_after", "date_before")
    kept = bulk.insert(GrowthEvent, rows, unique=unique, update=update, returning=["id"])
    ours = GrowthEvent.objects.filter(instance__in=list(day), collected_date__in=set(day.values()))
    ours.exclude(pk__in=[pk for (pk,) in kept]).delete()


def grew(found: Found) -> bool:
    """Whether a database passed both thresholds; sizes from different sources cannot be compared."""
    before, after = found.previous, found.bytes
    if before is None or after is None or before.size_bytes <= 0 or before.method != found.size.method:
        return False
    growth = after - before.size_bytes
    is_large = growth >= settings.CAPACITY_GROWTH_GB * GIB
    return bool(is_large and 100 * growth >= settings.CAPACITY_GROWTH_PERCENT * before.size_bytes)
