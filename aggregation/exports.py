"""Rolled-up sizes as CSV, written as they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from whalefall import spreadsheet

ROWS_AT_ONCE = 2_000


def csv_response(rows: QuerySet[Any], columns: Mapping[str, str], *, filename: str) -> StreamingHttpResponse:
    """A file of rows with the columns `{heading: field}`."""
    return StreamingHttpResponse(
        spreadsheet.lines(columns, rows.values_list(*columns.values()).iterator(chunk_size=ROWS_AT_ONCE)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
