"""Rolls days up into periods: one statement for databases, one for instances, however many of them there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import orjson
from django.db import DataError, OperationalError, connection

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

# Half up, in whole numbers: the same on every database, and never off by a float's error.
MEAN = "(CAST(SUM({name}) AS bigint) + COUNT({name}) / 2) / NULLIF(COUNT({name}), 0)"
MEANS = ("size_bytes", "data_size_bytes", "log_size_bytes", "total_size_bytes", "database_count")
# Whole times first, then the rest, in hundredths, halves away from zero. Beyond 100 TB the rest is scaled down before
# it is multiplied, which costs the fourteenth digit and cannot overflow.
PERCENT = """CASE WHEN {before} > 0 THEN (
        ({change}) / {before} * 10000
        + ((({change}) - ({change}) / {before} * {before}) / {scale} * 20000
            + CASE WHEN ({change}) < 0 THEN -1 ELSE 1 END * ({before} / {scale})) / (2 * ({before} / {scale}))
    ) / 100.0 END"""
PERCENTS = {"size": "avg_size", "data_size": "avg_data_size", "log_size": "avg_log_size"} | {
    name: name for name in ("total_size", "databases")
}
UNSCALED = 100_000_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Rows of each instance that are new, and that have other figures than before."""

    created: Counter[int]
    updated: Counter[int]


def roll_up(model: Model, type: PeriodType, wanted: Mapping[Period, Sequence[int]], *, today: date) -> Written:
    """Calculate periods of one type, each of its instances; one statement. A row that stays equal is not written.

    Periods that end before `today`, the local date, are over. Raises DataError for a sum that no column holds.
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
        try:
            cursor.execute(
                _statement(model, connection.vendor), {"wanted": orjson.dumps(rows).decode(), "period_type": type.value}
            )
        except OperationalError as error:
            # SQLite's word for a sum that no column holds. As an operational error it would be tried again, in vain.
            if str(error) == "integer overflow":
                raise DataError(str(error)) from error
            raise
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
            mean={name: MEAN.format(name=name) for name in MEANS},
            percent={name: _percent(before=f"before_{name}", now=column) for name, column in PERCENTS.items()},
            now=NOW[vendor],
            **_upsert(model),
        )
    )


NOW = {"postgresql": "STATEMENT_TIMESTAMP()", "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f000', 'NOW')"}


def _wanted(vendor: str) -> str:
    """The list of what is wanted, which travels as one JSON parameter, as a table."""
    if vendor == "postgresql":
        columns = ", ".join(f"{name} {kind}" for name, kind in WANTED.items())
        return f"json_to_recordset(%(wanted)s::json) AS listed ({columns})"
    columns = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in WANTED)
    return f"(SELECT {columns} FROM json_each(%(wanted)s)) AS listed"  # noqa: S608 - our own names


def _percent(*, before: str, now: str) -> str:
    return PERCENT.format(change=f"{now} - {before}", before=before, scale=f"({before} / {UNSCALED} + 1)")


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
