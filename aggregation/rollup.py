"""Rolls days up into periods: one statement for databases, one for instances, however many of them there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import orjson
from django.db import connection

from aggregation.models import DatabaseSizeAggregation, InstanceSizeAggregation
from aggregation.periods import Period, PeriodType

FOLDER = Path(__file__).parent / "sql"
WANTED = {
    "instance_id": "bigint",
    "period_start": "date",
    "period_end": "date",
    "previous_start": "date",
    "expected_days": "integer",
    "is_over": "boolean",
}
TIMES = ("created_at", "calculated_at")
Model = type[DatabaseSizeAggregation] | type[InstanceSizeAggregation]

KEYS: dict[Model, tuple[str, ...]] = {
    DatabaseSizeAggregation: ("instance_id", "period_type", "period_start", "database_name"),
    InstanceSizeAggregation: ("instance_id", "period_type", "period_start"),
}
FILES: dict[Model, str] = {DatabaseSizeAggregation: "databases.sql", InstanceSizeAggregation: "instances.sql"}

# Half up, in whole numbers: the same on every database, never off by a float's error, and no sum of days is too large.
# SQLite, whose sums must fit 63 bits, adds the upper and the lower half of each number by themselves.
MEAN = {
    "postgresql": "CAST(DIV(SUM({name}) + COUNT({name}) / 2, NULLIF(COUNT({name}), 0)) AS bigint)",
    "sqlite": """(SUM({name} / 4294967296) / NULLIF(COUNT({name}), 0) * 4294967296
        + (SUM({name} / 4294967296) %% COUNT({name}) * 4294967296 + SUM({name} %% 4294967296) + COUNT({name}) / 2)
        / NULLIF(COUNT({name}), 0))""",
}
MEANS = ("size_bytes", "data_size_bytes", "log_size_bytes", "total_size_bytes", "database_count")
# In hundredths, halves away from zero. SQLite divides as one does on paper: the whole, then two digits, then two more.
# What does not fit 63 bits there becomes a float: all but the first fifteen digits of a percentage, and the last
# hundredth where the size before is more than 45 PB.
PERCENT = {
    "postgresql": """CASE WHEN {before} > 0 THEN
        SIGN(CAST({change} AS numeric)) * DIV(ABS({change}) * 20000.0 + {before}, 2.0 * {before}) * 0.01 END""",
    "sqlite": """CASE WHEN {before} > 0 THEN SIGN({change}) * (
        ABS({change}) / {before} * 10000
        + CASE WHEN {before} <= 45000000000000000
            THEN ABS({change}) %% {before} * 100 / {before} * 100
                + (ABS({change}) %% {before} * 100 %% {before} * 200 + {before}) / (2 * {before})
            ELSE ROUND(ABS({change}) %% {before} * 10000.0 / {before}) END
    ) / 100.0 END""",
}
PERCENTS = {"size": "avg_size", "data_size": "avg_data_size", "log_size": "avg_log_size"} | {
    name: name for name in ("total_size", "databases")
}
NOW = {"postgresql": "STATEMENT_TIMESTAMP()", "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f000', 'NOW')"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Rows of each instance that are new, and that have other figures than before."""

    created: Counter[int]
    updated: Counter[int]


def roll_up(model: Model, type: PeriodType, wanted: Mapping[Period, Sequence[int]], *, today: date) -> Written:
    """Calculate periods of one type, each of its instances; one statement. A row that stays equal is not written.

    Periods that end before `today`, the local date, are over.
    """
    rows = [
        {
            "instance_id": pk,
            "period_start": period.start,
            "period_end": period.end,
            "previous_start": period.previous.start,
            "expected_days": period.days,
            "is_over": period.end < today,
        }
        for period, instances in wanted.items()
        for pk in instances
    ]
    written = Written(created=Counter(), updated=Counter())
    with connection.cursor() as cursor:
        cursor.execute(
            _statement(model, connection.vendor), {"wanted": orjson.dumps(rows).decode(), "period_type": type.value}
        )
        for pk, is_new in cursor.fetchall():
            (written.created if is_new else written.updated)[pk] += 1
    return written


@cache
def _statement(model: Model, vendor: str) -> str:
    return (
        (FOLDER / FILES[model])
        .read_text(encoding="utf-8")
        .format(
            wanted=_wanted(vendor),
            wanted_columns=", ".join(WANTED),
            mean={name: MEAN[vendor].format(name=name) for name in MEANS},
            percent={name: _percent(vendor, before=f"before_{name}", now=column) for name, column in PERCENTS.items()},
            now=NOW[vendor],
            **_upsert(model),
        )
    )


def _wanted(vendor: str) -> str:
    """The list of what is wanted, which travels as one JSON parameter, as a table."""
    if vendor == "postgresql":
        columns = ", ".join(f"{name} {kind}" for name, kind in WANTED.items())
        return f"json_to_recordset(%(wanted)s::json) AS listed ({columns})"
    columns = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in WANTED)
    return f"(SELECT {columns} FROM json_each(%(wanted)s)) AS listed"  # noqa: S608 - our own names


def _percent(vendor: str, *, before: str, now: str) -> str:
    return PERCENT[vendor].format(change=f"({now} - {before})", before=before)


def _upsert(model: Model) -> dict[str, str]:
    """What a row that exists already gets, and when it is written at all."""
    table = model._meta.db_table
    values = [
        field.column
        for field in model._meta.concrete_fields
        if not field.primary_key and field.column not in (*KEYS[model], *TIMES)
    ]
    return {
        "changes": ", ".join(f"{name} = EXCLUDED.{name}" for name in (*values, "calculated_at")),
        "differs": f"({', '.join(f'{table}.{name}' for name in values)})"
        f" IS DISTINCT FROM ({', '.join(f'EXCLUDED.{name}' for name in values)})",
    }
