"""Rolled-up sizes as CSV, written as they are read."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse

from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from whalefall import spreadsheet

ROWS_AT_ONCE = 2_000

_INSTANCE = {"instance": "instance__name", "db_type": "instance__db_type"}
_PERIOD = ("period_type", "period_start", "period_end", "data_count", "expected_days", "is_complete")


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


# {heading: field} of each file, by what its rows are.
COLUMNS: dict[type[Model], dict[str, str]] = {
    DatabaseSizeAggregation: {
        **_INSTANCE,
        "database": "database_name",
        **_same(
            *_PERIOD, "avg_size", "max_size", "min_size", "avg_data_size", "max_data_size", "min_data_size",
            "avg_log_size", "max_log_size", "min_log_size", "size_change", "data_size_change", "log_size_change",
            "size_change_percent", "data_size_change_percent",
        ),
    },
    InstanceSizeAggregation: {
        **_INSTANCE,
        **_same(
            *_PERIOD, "is_lower_bound", "total_size", "max_size", "min_size", "total_size_change",
            "total_size_change_percent", "database_count", "avg_database_count", "database_count_change",
            "trend_direction",
        ),
    },
}  # fmt: skip
FILES: dict[type[Model], str] = {
    DatabaseSizeAggregation: "database_trends.csv",
    InstanceSizeAggregation: "instance_trends.csv",
}


def csv_response(rows: QuerySet[Any]) -> StreamingHttpResponse:
    """The file of these rows, in their order."""
    columns = COLUMNS[rows.model]
    return StreamingHttpResponse(
        spreadsheet.lines(columns, rows.values_list(*columns.values()).iterator(chunk_size=ROWS_AT_ONCE)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{FILES[rows.model]}"'},
    )
