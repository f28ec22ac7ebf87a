"""Cells of CSV files that a spreadsheet must not run. A leaf."""

from __future__ import annotations

import re

# A spreadsheet runs a cell that begins like this, so such a cell gets an apostrophe, and one that already has
# apostrophes there gets another: taking one away always gives the original back.
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def guard(cell: str) -> str:
    """The cell as text that is shown and never run."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def unguard(cell: str) -> str:
    """What guard() was given."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell
