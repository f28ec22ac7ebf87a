"""Reads how much the largest tables of one PostgreSQL database take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dbms.postgresql.connection import Connection, connect
from dbms.postgresql.failures import DEFAULT_DATABASE
from dbms.sizes import TableSize

CANDIDATES = 2_000  # tables whose files are looked at: each costs the server some system calls


def read_tables(connection: Connection, database: str, most: int) -> Sequence[TableSize]:
    """The largest tables and materialized views of a database, with their indexes and TOAST; partitions summed up.

    Closes the connection when it is one to another database. Raises RemoteError, DatabaseMissing among them.
    """
    target = connection.target
    if database == (target.database or DEFAULT_DATABASE):
        return _read_tables(connection, most)
    connection.close()
    with connect(replace(target, database=database)) as further:
        return _read_tables(further, most)


def _read_tables(connection: Connection, most: int) -> Sequence[TableSize]:
    return [
        TableSize(
            schema=schema,
            name=name,
            size_bytes=total,
            data_size_bytes=data,
            index_size_bytes=indexes,
            row_estimate=rows if rows is None or rows >= 0 else None,
        )
        for schema, name, total, data, indexes, rows in connection.rows(
            "tables", candidates=max(CANDIDATES, most), most=most
        )
    ]
