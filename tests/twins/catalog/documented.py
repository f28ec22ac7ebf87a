"""The documented catalogue views, read from `sqlserver.json` and `oracle.json`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
TYPE = re.compile(r"(?P<base>[A-Za-z0-9_]+)(?:\((?P<size>\w+)(?:,(?P<scale>\d+))?\))?(?P<rest>.*)")
# How DuckDB stores a type. NUMBER and numeric keep their digits.
DUCKDB = {
    "SYSNAME": "VARCHAR",
    "NVARCHAR": "VARCHAR",
    "VARCHAR": "VARCHAR",
    "CHAR": "VARCHAR",
    "NCHAR": "VARCHAR",
    "VARCHAR2": "VARCHAR",
    "VARBINARY": "BLOB",
    "RAW": "BLOB",
    "BIT": "BOOLEAN",
    "TINYINT": "UTINYINT",
    "SMALLINT": "SMALLINT",
    "INT": "INTEGER",
    "BIGINT": "BIGINT",
    "DATETIME": "TIMESTAMP",
    "DATE": "TIMESTAMP",  # Oracle's holds a time; no view of SQL Server here has one
    "TIMESTAMP": "TIMESTAMP",
    "UNIQUEIDENTIFIER": "UUID",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its type as documented, the first version that has it, and the values that it may hold.

    `values` maps each documented value, as text, to what the `…_desc` column beside it says; empty where any will do.
    """

    name: str
    type: str
    since: tuple[int, ...]
    values: dict[str, str]

    @property
    def base(self) -> str:
        return TYPE.match(self.type)["base"].upper()

    @property
    def width(self) -> int:
        """The number of characters that a fixed-width column is padded to, else 0."""
        return int(TYPE.match(self.type)["size"]) if self.base in {"CHAR", "NCHAR"} else 0

    @property
    def is_text(self) -> bool:
        return DUCKDB.get(self.base) == "VARCHAR"

    @property
    def duckdb(self) -> str:
        match = TYPE.match(self.type)
        if self.base in {"NUMBER", "NUMERIC"}:
            return f"DECIMAL({match['size'] or 38},{match['scale'] or 0})"
        if "TIME ZONE" in match["rest"]:
            return "TIMESTAMPTZ"
        return DUCKDB[self.base]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One catalogue view; `scope` is server or database (SQL Server), `cdb` whether it has a CDB_ twin (Oracle).

    With `arguments` it is a function that returns a table: of everything, when all of so many are NULL.
    """

    name: str
    scope: str
    since: tuple[int, ...]
    source: str
    cdb: bool
    arguments: int
    columns: dict[str, Column]


def views(db_type: str, version: tuple[int, ...]) -> dict[str, View]:
    """What a version has, by upper-case name; columns by upper-case name too, in the documented order."""
    found = {}
    for view in _read(db_type):
        columns = {name: column for name, column in view.columns.items() if column.since <= version}
        if view.since <= version:
            found[view.name.upper()] = replace(view, columns=columns)
    return found


@cache
def _read(db_type: str) -> list[View]:
    document = json.loads((HERE / f"{db_type}.json").read_text(encoding="utf-8"))
    return [_view(name, facts) for name, facts in document["views"].items()]


def _view(name: str, facts: dict) -> View:
    values = facts.get("values", {})
    columns = {}
    for column, written in facts["columns"].items():
        type_, _, since = written.partition(" since ")
        listed = values.get(column, {})
        columns[column.upper()] = Column(
            name=column,
            type=type_,
            since=_version(since or facts["since"]),
            values=listed if isinstance(listed, dict) else dict.fromkeys(listed, ""),
        )
    return View(
        name=name,
        scope=facts.get("scope", ""),
        since=_version(facts["since"]),
        source=facts["source"],
        cdb=facts.get("cdb", False),
        arguments=facts.get("arguments", 0),
        columns=columns,
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
