"""Writes or deletes many rows of a table by one statement that has one parameter, on PostgreSQL and SQLite alike.

`bulk_create` makes a parameter of each value: on thousands of rows with documents most of the time goes into counting
and quoting them, and SQLite splits the statement at its parameter limit. Here the rows travel as one JSON array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from django.db import connection, models

BATCH_BYTES = 16 * 1024 * 1024

Row = Mapping[str, Any]  # values by attribute name: a foreign key is its `…_id`


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column and how its values travel: as they are unless `convert` says otherwise."""

    name: str
    kind: str
    convert: Callable[[Any], Any] | None


def insert(
    model: type[models.Model],
    rows: Sequence[Row],
    *,
    unique: Sequence[str] = (),
    update: Sequence[str] = (),
    returning: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    """Insert rows that all name the same fields; nothing is filled in for fields that they do not name.

    A row whose `unique` fields are taken changes its `update` fields instead. Returns the `returning` fields of every
    row, in no particular order.
    """
    if not rows:
        return []
    known = {field.attname: _column(field) for field in model._meta.concrete_fields}
    columns = [known[name] for name in rows[0]]
    statement = _statement(
        model._meta.db_table,
        columns,
        unique=[known[name].name for name in unique],
        update=[known[name].name for name in update],
        returning=[known[name].name for name in returning],
    )
    found: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for batch in _batches(rows, dict(zip(rows[0], columns, strict=True))):
            cursor.execute(statement, [batch])
            if returning:
                found += cursor.fetchall()
    return found


def delete(model: type[models.Model], keys: Sequence[int]) -> int:
    """Delete rows by their ids, by one statement with one parameter. No row may refer to them. Returns how many."""
    if not keys:
        return 0
    name, key = model._meta.db_table, str(model._meta.pk.column)
    if connection.vendor == "postgresql":
        source = "SELECT value::bigint FROM json_array_elements_text(%s::json)"
    else:
        source = "SELECT value FROM json_each(%s)"
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {quote(name)} WHERE {quote(key)} IN ({source})",  # noqa: S608 - our own names
            [orjson.dumps(list(keys)).decode()],
        )
        return int(cursor.rowcount)


def _column(field: models.Field[Any, Any]) -> Column:
    # Without its length: the table's own column checks that, and refuses instead of cutting.
    kind = str(field.db_type(connection)).partition("(")[0]
    convert: Callable[[Any], Any] | None = None
    if connection.vendor == "sqlite" and isinstance(field, models.DateTimeField | models.UUIDField):
        convert = partial(field.get_db_prep_save, connection=connection)  # SQLite's text is Django's, not ISO's
    return Column(name=str(field.column), kind=kind, convert=convert)


def _statement(
    table: str,
    columns: Sequence[Column],
    *,
    unique: Sequence[str],
    update: Sequence[str],
    returning: Sequence[str],
) -> str:
    quote = connection.ops.quote_name
    names = ", ".join(quote(column.name) for column in columns)
    if connection.vendor == "postgresql":
        kinds = ", ".join(f"{quote(column.name)} {column.kind}" for column in columns)
        source = f"SELECT {names} FROM json_to_recordset(%s::json) AS incoming ({kinds})"  # noqa: S608 - our own names
    else:
        values = ", ".join(f"json_extract(value, '$.{column.name}')" for column in columns)
        # WHERE tells SQLite's parser where the SELECT ends.
        source = f"SELECT {values} FROM json_each(%s) WHERE true"  # noqa: S608 - our own names
    statement = f"INSERT INTO {quote(table)} ({names}) {source}"
    if unique:
        changes = ", ".join(f"{quote(name)} = EXCLUDED.{quote(name)}" for name in update)
        statement += f" ON CONFLICT ({', '.join(map(quote, unique))}) DO UPDATE SET {changes}"
    if returning:
        statement += f" RETURNING {', '.join(map(quote, returning))}"
    return statement


def _batches(rows: Sequence[Row], columns: Mapping[str, Column]) -> Iterator[str]:
    """The rows as JSON arrays of a bounded size. Raises ValueError when one names other fields than the first."""
    batch: list[bytes] = []
    size = 0
    is_converted = any(column.convert is not None or column.name != name for name, column in columns.items())
    for row in rows:
        if row.keys() != columns.keys():
            raise ValueError(f"all rows name the same fields; these differ: {row.keys() ^ columns.keys()}")
        batch.append(orjson.dumps(_values(row, columns) if is_converted else row))
        size += len(batch[-1])
        if size > BATCH_BYTES:
            yield _array(batch)
            batch, size = [], 0
    if batch:
        yield _array(batch)


def _values(row: Row, columns: Mapping[str, Column]) -> dict[str, Any]:
    return {
        column.name: row[name] if column.convert is None or row[name] is None else column.convert(row[name])
        for name, column in columns.items()
    }


def _array(rows: Sequence[bytes]) -> str:
    return (b"[" + b",".join(rows) + b"]").decode()
