"""Catalogue twins: SQL Server's and Oracle's documented catalogue views, filled by a test and read by the shipped SQL.

    twin = catalog.load("sqlserver", version=(2012,))
    twin.database("sales", {"sys.schemas": [{"schema_id": 1, "name": "dbo", "principal_id": 1}]})
    twin.check(text)                     # refused, when the documentation of that version does not bear it out
    twin.rows(text, row_limit=10)        # what it returns

A statement is parsed in its own dialect and held to the constructs that mean the same everywhere (`grammar.py`); its
names are looked up in the documented catalogue (`documented.py` and the JSON files); DuckDB runs it over the test's
rows. What a twin cannot show: that a documented column is right, or that a real server accepts the text.
"""

from __future__ import annotations

from tests.twins.catalog.errors import Conflict, Refused, TwinError, Undocumented, UnknownColumn, UnknownObject
from tests.twins.catalog.oracle import OracleTwin
from tests.twins.catalog.sqlserver import SqlServerTwin
from tests.twins.catalog.twin import Result, Twin

__all__ = [
    "TWINS",
    "Conflict",
    "OracleTwin",
    "Refused",
    "Result",
    "SqlServerTwin",
    "Twin",
    "TwinError",
    "Undocumented",
    "UnknownColumn",
    "UnknownObject",
    "load",
]

TWINS: dict[str, type[Twin]] = {"sqlserver": SqlServerTwin, "oracle": OracleTwin}


def load(db_type, *, version=(9999,), **options):
    """An empty server of a version: (2012,) or (19, 0); by default everything that is documented."""
    return TWINS[db_type](version=tuple(version), **options)
