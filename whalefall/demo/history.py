"""Sizes of the months before the demo began, made up backwards from what the servers weigh now."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from capacity.models import DatabaseSizeStat, InstanceDatabase, InstanceSizeStat
from whalefall import bulk

DAYS = 200
READ_AT = time(3, 4)
UNREACHABLE = range(44, 47)  # so many days ago nothing was measured: a gap
LOADED_DAYS_AGO = 30  # a big import into the first database of each instance
GROWTH_A_DAY = (0.0027, 0.0011, 0.0, 0.0041, -0.0006)  # by turns: of what a database weighs today
RIPPLE = 0.01  # up and down within a week


def invent() -> date:
    """Store a size a day for every database that was measured, and the instances' totals. Returns the first day."""
    today = timezone.localdate()
    databases: list[bulk.Row] = []
    totals: list[bulk.Row] = []
    inventories = _measured()
    for now in InstanceSizeStat.objects.filter(collected_date=today, instance__in=list(inventories)):
        for days_ago in _days_ago():
            day = {
                "instance_id": now.instance_id,
                "collected_date": today - timedelta(days=days_ago),
                "collected_at": _read_at(today - timedelta(days=days_ago)),
            }
            sizes = {
                database: _size(database.size_bytes or 0, turn, days_ago)
                for turn, database in enumerate(inventories[now.instance_id])
            }
            databases += [_of_database(database, size) | day for database, size in sizes.items()]
            totals.append(
                {
                    "total_size_bytes": sum(size for database, size in sizes.items() if not database.is_hidden),
                    "database_count": now.database_count,
                    "hidden_size_bytes": sum(size for database, size in sizes.items() if database.is_hidden),
                    "shared_size_bytes": now.shared_size_bytes,
                    "is_complete": True,
                    **day,
                }
            )
    bulk.insert(DatabaseSizeStat, databases)
    bulk.insert(InstanceSizeStat, totals)
    return today - timedelta(days=DAYS)


def _measured() -> dict[int, list[InstanceDatabase]]:
    found: defaultdict[int, list[InstanceDatabase]] = defaultdict(list)
    databases = InstanceDatabase.objects.present().filter(size_bytes__isnull=False)
    for database in databases.order_by("instance", "is_system", "database_name"):
        found[database.instance_id].append(database)
    return found


def _days_ago() -> Iterator[int]:
    return (days for days in range(1, DAYS + 1) if days not in UNREACHABLE)


def _read_at(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, READ_AT))


def _size(now: int, turn: int, days_ago: int) -> int:
    """What a database weighed, growing steadily, with a little ebb and flow."""
    share = 1 - GROWTH_A_DAY[turn % len(GROWTH_A_DAY)] * days_ago
    share += RIPPLE * (math.sin(2 * math.pi * days_ago / 7 + turn) - math.sin(turn))  # none today
    if turn == 0 and days_ago > LOADED_DAYS_AGO:
        share *= 0.7
    return int(now * share)


def _of_database(database: InstanceDatabase, size: int) -> dict[str, object]:
    return {
        "database_name": database.database_name,
        "size_bytes": size,
        "data_size_bytes": None,
        "log_size_bytes": None,
        "method": database.method,
        "is_estimate": database.is_estimate,
    }
