"""Rolled-up sizes as CSV, row by row: a spreadsheet must not take a database's name for a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from instances.inventory import FORMULA

ROWS_AT_ONCE = 2_000
BOM = "\ufeff"  # by which spreadsheets know UTF-8


class _Line:
    """What csv writes to: it hands the line back."""

    def write(self, line: str) -> str:
        return line


def csv_response(rows: QuerySet[Any], columns: Mapping[str, str], *, filename: str) -> StreamingHttpResponse:
    """A file of rows with the columns `{heading: field}`."""
    return StreamingHttpResponse(
        _lines(rows, columns),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _lines(rows: QuerySet[Any], columns: Mapping[str, str]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield BOM + writer.writerow(columns)
    for row in rows.values_list(*columns.values()).iterator(chunk_size=ROWS_AT_ONCE):
        yield writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> Any:
    # A negative number is no formula; only texts come from servers.
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value
