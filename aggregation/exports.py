"""Rolled-up sizes as CSV, written as they are read."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse

from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.serializers import DatabaseAggregationSerializer, InstanceAggregationSerializer
from whalefall import spreadsheet

ROWS_AT_ONCE = 2_000

# {heading: field} of what the API says of the instance in a document of its own, and by another name.
FLAT = {"instance": {"instance": "instance__name", "db_type": "instance__db_type"}}
ALIASES: dict[type[Model], dict[str, str]] = {
    DatabaseSizeAggregation: {"growth_rate": "size_change_percent"},
    InstanceSizeAggregation: {"growth_rate": "total_size_change_percent", "avg_size": "total_size"},
}
# {heading: field} of each file, by what its rows are: the fields of the API, except sizes a second time in MB.
COLUMNS: dict[type[Model], dict[str, str]] = {
    serializer.Meta.model: {
        heading: field
        for name in serializer.Meta.fields
        for heading, field in FLAT.get(name, {name: ALIASES[serializer.Meta.model].get(name, name)}).items()
    }
    for serializer in (DatabaseAggregationSerializer, InstanceAggregationSerializer)
}
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
