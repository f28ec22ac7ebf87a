"""CSV files whose cells no spreadsheet runs. A leaf."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

BOM = "\ufeff"  # by which spreadsheets know UTF-8

# A spreadsheet runs a cell that begins like this, so such a cell gets an apostrophe, and one that already has
# apostrophes there gets another: taking one away always gives the original back.
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


class _Line:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def guard(cell: str) -> str:
    """The cell as text that is shown and never run."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def unguard(cell: str) -> str:
    """What guard() was given."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """A CSV file, written as its rows are read: its length costs no memory. Harmless in a spreadsheet."""
    writer = csv.writer(_Line())
    yield BOM + writer.writerow(header)
    for row in rows:
        yield writer.writerow([_cell(value) for value in row])


def _cell(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        case str():
            return guard(value)
    return value  # a negative number is no formula
