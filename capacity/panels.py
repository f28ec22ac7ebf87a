"""What the page of an instance says of its sizes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from capacity import charts, freshness, history, outlook, units
from capacity.history import InstanceDay
from capacity.models import CapacityLimit, InstanceDatabase, SizePart
from dbms.snapshots import SERVER
from instances.models import Instance
from sessions_app.admin.links import page_url
from sessions_app.models import InstanceCoverage, SyncCategoryName

TOP = 5
TOP_DAYS = 7  # over which the fastest growing databases grew
PARTS_SHOWN = 20


def instance(request: HttpRequest, shown: Instance) -> SafeString | None:
    """The capacity of an instance: its total over time and its forecast, its top databases and its parts.

    Seven queries, however many databases it has. Nothing for who may not see databases.
    """
    if not request.user.has_perm("capacity.view_instancedatabase"):
        return None
    today = timezone.localdate()
    chosen = charts.chosen_range(request)
    days = history.of_instance(shown.pk, until=today)
    return render_to_string("capacity/instance.html", _context(shown, days, chosen, today), request=request)


def _context(shown: Instance, days: Sequence[InstanceDay], chosen: str, today: date) -> dict[str, Any]:
    since = charts.first_day(chosen, today)
    visible = [day for day in days if since is None or day.day >= since]
    incomplete = [day.day for day in visible if not day.is_complete]
    limits = CapacityLimit.objects.filter(instance=shown, database_name="")
    limit = limits.values_list("limit_bytes", flat=True).first()
    # What a database is missing from is no smaller instance: such a day says nothing of the slope.
    found = outlook.trends([day.point for day in days if day.is_complete], today)
    listed = InstanceDatabase.objects.listed().filter(instance=shown)
    databases = reverse("admin:capacity_instancedatabase_changelist")
    return {
        "latest": days[-1] if days else None,
        "facts": _facts(days[-1]) if days else [],
        "growth": _growth(days),
        **_read(shown),
        "limit": units.readable(limit) if limit is not None else "",
        "outlooks": [outlook.outlook(trend, limit) for trend in found.values()] if days else [],
        "ranges": charts.range_choices(chosen),
        "chart": charts.document(
            [day.day for day in visible],
            {"size": [day.size_bytes for day in visible]},
            labels={
                "size": _("Total"),
                "trend": _("Forecast"),
                "range": _("Range of the forecast"),
                "limit": _("Limit"),
            },
            until=today,
            trend=outlook.drawn(found, charts.RANGES[chosen]),
            limit=limit,
            partial=incomplete,
        ),
        "chart_label": _("Total size of {name} over time; the figures follow as a table").format(name=shown.name),
        "chart_note": _incomplete(len(incomplete)),
        "rows": _rows(visible),
        "is_monthly": len(visible) > charts.ROWS_SHOWN,
        "largest": [
            (_page(database), database.database_name, units.readable(database.size_bytes or 0))
            for database in history.largest(listed, TOP)
        ],
        "growing": [
            (_page(database), database.database_name, outlook.signed(getattr(database, f"grown_{TOP_DAYS}")))
            for database in history.fastest_growing(listed, TOP, days=TOP_DAYS)
        ],
        "growing_days": TOP_DAYS,
        "databases_url": f"{databases}?instance__id__exact={shown.pk}",
        **_parts(shown),
    }


def _facts(latest: InstanceDay) -> list[tuple[str, str]]:
    facts = [
        (_("Total"), units.readable(latest.size_bytes) if latest.is_complete else _at_least(latest.size_bytes)),
        (_("Databases"), str(latest.database_count)),
        (_("Hidden"), units.readable(latest.hidden_size_bytes)),
    ]
    if latest.shared_size_bytes:
        facts.append((_("Shared by databases"), units.readable(latest.shared_size_bytes)))
    return facts


def _at_least(size: int) -> str:
    return _("at least {size}").format(size=units.readable(size))


def _growth(days: Sequence[InstanceDay]) -> list[tuple[int, str]]:
    if not days:
        return []
    grown = history.instance_growth(days, days[-1].day)
    return [(back, "—" if size is None else outlook.signed(size)) for back, size in grown.items()]


def _read(shown: Instance) -> dict[str, Any]:
    """When the server was last read for its sizes, and whether that is as the schedule promises. Two queries."""
    row = InstanceCoverage.objects.filter(instance=shown, sync_category=SyncCategoryName.CAPACITY, scope=SERVER).first()
    at = row.last_ok_at if row else None
    return {"read_at": at, "is_late": shown.is_active and (at is None or at < freshness.last_due())}


def _incomplete(days: int) -> str:
    if not days:
        return ""
    return (
        ngettext(
            "On %d day, marked in the chart, some database could not be measured: the total is a lower bound.",
            "On %d days, marked in the chart, some database could not be measured: their totals are lower bounds.",
            days,
        )
        % days
    )


def _rows(days: Sequence[InstanceDay]) -> list[tuple[str, str, int, str, str, str]]:
    """The figures as words, the newest first."""
    return [
        (
            day.day.isoformat(),
            units.readable(day.size_bytes),
            day.database_count,
            units.readable(day.hidden_size_bytes),
            units.readable(day.shared_size_bytes),
            "" if day.is_complete else _("incomplete"),
        )
        for day in reversed(charts.rows(days))
    ]


def _page(database: InstanceDatabase) -> str:
    return page_url("capacity_instancedatabase", database.pk)


def _parts(shown: Instance) -> dict[str, Any]:
    """The largest tablespaces, schemas and shared parts. One query."""
    parts = list(SizePart.objects.filter(instance=shown).order_by("-size_bytes", "pk")[: PARTS_SHOWN + 1])
    return {
        "parts": [
            (
                part.get_kind_display(),
                f"{part.database_name} · {part.name}" if part.database_name else part.name,
                units.readable(part.size_bytes),
                "" if part.used_bytes is None else units.readable(part.used_bytes),
                "" if part.max_bytes is None else units.readable(part.max_bytes),
            )
            for part in parts[:PARTS_SHOWN]
        ],
        "has_more_parts": len(parts) > PARTS_SHOWN,
    }
