"""What the page of one database shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize, number_format
from django.utils.translation import gettext as _

from capacity import charts, freshness, history, outlook, tables, units
from capacity.growth_rates import Growth, growth
from capacity.history import DatabaseDay
from capacity.models import CapacityLimit, GrowthEvent, InstanceDatabase, TableSizeSnapshot
from sessions_app.admin.links import page_url
from whalefall.messages import translated

EVENTS_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLine:
    """One table of a snapshot; `change` is since the snapshot before, as words."""

    schema: str
    name: str
    size: str
    data: str
    index: str
    rows: str
    change: str


def flags(database: InstanceDatabase) -> list[tuple[str, str]]:
    """(tone, word) of each state that is worth a badge."""
    held = [
        (not database.is_active, "danger", _("Vanished")),
        (is_unmeasured(database), "warning", _("Not measured")),
        (database.is_system, "", _("System")),
        (bool(database.filtered_by), "", _("Filtered")),
        (database.is_estimate, "info", _("Estimate")),
    ]
    return [(tone, word) for holds, tone, word in held if holds]


def is_unmeasured(database: Any) -> bool:
    """Whether the last read that named it could not measure it."""
    return bool(database.is_active and (database.size_bytes is None or database.unread_status))


def moment(at: datetime) -> str:
    """A time as pages write it."""
    return str(localize(timezone.localtime(at)))


def context(request: HttpRequest, database: Any) -> dict[str, Any]:
    """Everything on the page, by four queries beside the database's own."""
    today = timezone.localdate()
    chosen = charts.chosen_range(request)
    since = charts.first_day(chosen, today)
    days = history.of_database(database, until=today)
    shown = [day for day in days if since is None or day.day >= since]
    limits = CapacityLimit.objects.filter(instance=database.instance_id, database_name=database.database_name)
    limit = limits.values_list("limit_bytes", flat=True).first()
    found = outlook.trends([day.point for day in days], today)
    events = GrowthEvent.objects.filter(instance=database.instance_id, database_name=database.database_name)
    return {
        "title": database.database_name,
        "database": database,
        "flags": flags(database),
        "unread_reason": translated(database.unread_reason or ""),
        "instance_url": page_url("instances_instance", database.instance_id),
        "siblings_url": f"{reverse('admin:capacity_instancedatabase_changelist')}"
        f"?instance__id__exact={database.instance_id}",
        "sizes": [
            (name, units.readable(size))
            for name, size in (
                (_("Size"), database.size_bytes),
                (_("Data"), database.data_size_bytes),
                (_("Log"), database.log_size_bytes),
            )
            if size is not None
        ],
        "growth": [(days, _grown(rate)) for days, rate in growth(database).items()],
        "is_late": database.is_active and freshness.is_stale(database, database.due_at),
        "limit": units.readable(limit) if limit is not None else "",
        "outlooks": [outlook.outlook(trend, limit) for trend in found.values()],
        "ranges": charts.range_choices(chosen),
        "chart": charts.document(
            [day.day for day in shown],
            {
                "size": [day.size_bytes for day in shown],
                "data": [day.data_size_bytes for day in shown],
                "log": [day.log_size_bytes for day in shown],
            },
            labels=_labels(),
            until=today,
            trend=outlook.drawn(found, charts.RANGES[chosen]) if database.is_active else None,
            limit=limit,
        ),
        "chart_label": _("Size of {name} over time; the figures follow as a table").format(name=database.database_name),
        "rows": _rows(shown),
        "is_monthly": len(shown) > charts.ROWS_SHOWN,
        "events": [
            (event, outlook.signed(event.growth_bytes), units.readable(event.size_after))
            for event in events.order_by("-collected_date")[:EVENTS_SHOWN]
        ],
        **_tables(request, database),
    }


def _labels() -> dict[str, str]:
    return {
        "size": _("Size"),
        "data": _("Data"),
        "log": _("Log"),
        "trend": _("Forecast"),
        "range": _("Range of the forecast"),
        "limit": _("Limit"),
    }


def share(grown: Growth) -> str:
    """A growth in per cent; empty where it began with nothing."""
    return "" if grown.percent is None else f"{grown.percent:+.1f} %"


def _grown(grown: Growth | None) -> str:
    if grown is None:
        return "—"
    return f"{outlook.signed(grown.bytes)} ({share(grown)})" if share(grown) else outlook.signed(grown.bytes)


def _rows(days: Sequence[DatabaseDay]) -> list[tuple[str, str, str, str, str]]:
    """The figures as words, the newest first."""
    return [
        (
            day.day.isoformat(),
            units.readable(day.size_bytes),
            "" if day.data_size_bytes is None else units.readable(day.data_size_bytes),
            "" if day.log_size_bytes is None else units.readable(day.log_size_bytes),
            day.method,
        )
        for day in reversed(charts.rows(days))
    ]


def _tables(request: HttpRequest, database: InstanceDatabase) -> dict[str, Any]:
    """The table sizes of the snapshot that the address names, else of the last one. One query."""
    kept = tables.latest(database)
    wanted = request.GET.get("tables", "")
    chosen = next((number for number, snapshot in enumerate(kept) if str(snapshot.pk) == wanted), 0)
    before = kept[chosen + 1] if chosen + 1 < len(kept) else None
    return {
        "snapshots": kept,
        "snapshot": kept[chosen] if kept else None,
        "tables": _lines(kept[chosen], before) if kept else [],
        "has_change": before is not None,
    }


def _lines(snapshot: TableSizeSnapshot, before: TableSizeSnapshot | None) -> list[TableLine]:
    sizes = {(table["schema"], table["name"]): table["size_bytes"] for table in before.tables} if before else {}
    return [
        TableLine(
            schema=table["schema"],
            name=table["name"],
            size=units.readable(table["size_bytes"]),
            data=_known(table["data_size_bytes"]),
            index=_known(table["index_size_bytes"]),
            rows="" if table["row_estimate"] is None else number_format(table["row_estimate"], force_grouping=True),
            change=outlook.signed(table["size_bytes"] - sizes[key]) if (key := _key(table)) in sizes else "",
        )
        for table in snapshot.tables
    ]


def _key(table: dict[str, Any]) -> tuple[str, str]:
    return table["schema"], table["name"]


def _known(size: int | None) -> str:
    return "" if size is None else units.readable(size)
