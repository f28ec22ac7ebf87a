"""Rows of trends for pages to show, and what pages show of them."""

from __future__ import annotations

import re
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from aggregation import periods
from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.periods import Period, PeriodType
from instances.models import Instance

INSTANCES = reverse("admin:aggregation_instancesizeaggregation_changelist")
DATABASES = reverse("admin:aggregation_databasesizeaggregation_changelist")
GIB = 1024**3


def last(type: str = "daily", back: int = 0) -> Period:
    """The last complete period, or one before it."""
    found = periods.last_complete(PeriodType(type), timezone.localdate())
    for _ in range(back):
        found = found.previous
    return found


def _row(
    instance: Instance, period: Period, size: int, change: int | None, percent: Any, fields: Any
) -> dict[str, Any]:
    now = timezone.now()
    return {
        "instance": instance, "period_type": period.type, "period_start": period.start, "period_end": period.end,
        "max_size": size + 2 * GIB, "min_size": size - GIB, "data_count": period.days, "expected_days": period.days,
        "is_complete": True, "collected_at": now, "created_at": now, "calculated_at": now, **fields,
    }  # fmt: skip


def database(
    instance: Instance, name: str, size: int, change: int | None = None, percent: Any = None,
    period: Period | None = None, **fields: Any,
) -> None:  # fmt: skip
    """A database's row, sizes in GB."""
    row = _row(instance, period or last(), size * GIB, change, percent, fields)
    DatabaseSizeAggregation.objects.create(
        database_name=name, avg_size=size * GIB, size_change=None if change is None else change * GIB,
        size_change_percent=percent, **row,
    )  # fmt: skip


def total(
    instance: Instance, size: int, change: int | None = None, percent: Any = None, trend: str = "",
    period: Period | None = None, **fields: Any,
) -> None:  # fmt: skip
    """An instance's row, sizes in GB."""
    row = _row(instance, period or last(), size * GIB, change, percent, fields)
    InstanceSizeAggregation.objects.create(
        total_size=size * GIB, total_size_change=None if change is None else change * GIB,
        total_size_change_percent=percent, trend_direction=trend, database_count=3, avg_database_count=3,
        max_database_count=3, min_database_count=3, **row,
    )  # fmt: skip


def listed(client: Client, url: str, **asked: Any) -> list[Any]:
    response = client.get(url, asked)
    assert response.status_code == 200
    rows = response.context["cl"].result_list
    return [getattr(row, "database_name", row.instance.name) for row in rows]


def text(page: Any) -> str:
    """What a page says, without tags and in single spaces."""
    body = re.sub(r"(?s)<script.*?</script>", " ", page.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def cells(page: Any, name: str) -> list[str]:
    """The figures of the table's row that begins with a name."""
    table = page.content.decode().split('id="result_list"', 1)[1]
    rows = [
        [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"(?s)<t[dh][^>]*>(.*?)</t[dh]>", row)]
        for row in re.findall(r"(?s)<tr.*?</tr>", table)
    ]
    return next([cell for cell in row if cell] for row in rows if name in row)


def statements(client: Client, url: str, **asked: Any) -> int:
    client.get(url, asked)  # what Django remembers of content types and permissions is asked for once
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url, asked).status_code == 200
    return len(queries)


def tops(page: Any) -> list[list[tuple[str, str]]]:
    return [[(name, figure) for _url, name, figure in rows] for _title, rows in page.context["tops"]]
