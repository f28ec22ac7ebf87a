"""Years of samples, written without the reader that would take as many days to collect them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from capacity.models import DatabaseSizeStat, InstanceDatabase, InstanceSizeStat
from instances.models import Instance


def noon(day: date) -> datetime:
    return datetime.combine(day, time(4), tzinfo=UTC)  # in Shanghai


def measured(instance: Instance, name: str, sizes: Mapping[date, int], **fields: Any) -> InstanceDatabase:
    """A database with a sample on each of these days; the last one is its present size."""
    method = fields.pop("method", "test")
    parts = {key: fields.pop(key) for key in ("data_size_bytes", "log_size_bytes") if key in fields}
    days = sorted(sizes)
    DatabaseSizeStat.objects.bulk_create(
        [
            DatabaseSizeStat(
                instance=instance, database_name=name, size_bytes=sizes[day], method=method,
                collected_date=day, collected_at=noon(day), **parts,
            )
            for day in days
        ],
        batch_size=1000,
    )  # fmt: skip
    latest = days[-1]
    return InstanceDatabase.objects.create(
        **{
            "instance": instance, "database_name": name, "size_bytes": sizes[latest], "method": method,
            "collected_at": noon(latest),
            "collected_date": latest, "first_seen_date": days[0], "last_seen_date": latest, **parts, **fields,
        }
    )  # fmt: skip


def totalled(instance: Instance, sizes: Mapping[date, int], *, incomplete: tuple[date, ...] = ()) -> None:
    """The totals of an instance on these days."""
    InstanceSizeStat.objects.bulk_create(
        InstanceSizeStat(
            instance=instance, total_size_bytes=size, database_count=3, hidden_size_bytes=1, shared_size_bytes=2,
            is_complete=day not in incomplete, collected_date=day, collected_at=noon(day),
        )
        for day, size in sizes.items()
    )  # fmt: skip
