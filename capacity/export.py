"""The list of databases as a CSV file, written as it is read: its length costs no memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from capacity import freshness, units
from capacity.models import InstanceDatabase
from whalefall import spreadsheet

COLUMNS = (
    "database", "instance", "host", "port", "db_type", "tags", "size_bytes", "size_mb", "data_size_bytes",
    "log_size_bytes", "method", "is_estimate", "collected_at", "is_stale", "unread", "first_seen_date",
    "last_seen_date", "is_active", "is_system", "filtered_by",
)  # fmt: skip


def lines(databases: Iterable[InstanceDatabase], due: datetime) -> Iterator[str]:
    """The header and a line for each database. `unread` says why there is no newer size."""
    return spreadsheet.lines(COLUMNS, (_row(database, due) for database in databases))


def _row(database: Any, due: datetime) -> tuple[object, ...]:
    instance = database.instance
    return (
        database.database_name,
        instance.name,
        instance.host,
        instance.port,
        instance.db_type,
        ";".join(sorted(tag.name for tag in instance.tags.all())),
        database.size_bytes,
        None if database.size_bytes is None else units.megabytes(database.size_bytes),
        database.data_size_bytes,
        database.log_size_bytes,
        database.method,
        database.is_estimate,
        database.collected_at,
        freshness.is_stale(database, due),
        database.unread_status,
        database.first_seen_date,
        database.last_seen_date,
        database.is_active,
        database.is_system,
        database.filtered_by,
    )
