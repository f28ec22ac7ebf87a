"""The statements of a PostgreSQL read, sent by hand."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import psycopg

from benchmarks.floor import STATEMENTS, Login, Row

SQL = STATEMENTS / "postgresql" / "sql"
ON_SERVER = ("roles", "memberships", "settings", "databases", "tablespaces", "server_grants")
SIZES = ("database_sizes", "tablespace_sizes")
IN_DATABASE = ("object_grants", "owned_objects")
PARAMETERS = {"row_limit": 200_000, "exact_limit": 2_000}


def connect(login: Login, database: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection as short-lived as the product's."""
    return psycopg.connect(
        host=login.host,
        port=login.port,
        user=login.username,
        password=login.password,
        dbname=database,
        autocommit=True,
        prepare_threshold=None,
    )


@cache
def text(noun: str, major: int) -> str:
    """The variant of a statement for a server's major version (10 and later)."""
    variants = {int(re.findall(r"before_(\d+)", path.name)[0]): path for path in SQL.glob(f"{noun}.before_*.sql")}
    newer = [before for before in variants if major < before]
    return (variants[min(newer)] if newer else SQL / f"{noun}.sql").read_text()


def read(login: Login) -> list[Row]:
    """Every row that the statements return from one server."""
    found: list[Row] = []
    with connect(login, "postgres") as connection:
        major = connection.info.server_version // 10_000
        for noun in ON_SERVER:
            found += (("", noun, row) for row in rows(connection, noun, major))
        databases = [row[1] for _, noun, row in found if noun == "databases" and row[4] and row[6]]
        found += _read_database(connection, "postgres", major)
    for database in databases:
        if database != "postgres":
            with connect(login, database) as connection:
                found += _read_database(connection, database, major)
    return found


def read_sizes(login: Login) -> list[Row]:
    """Every row that the statements about sizes return from one server."""
    with connect(login, "postgres") as connection:
        major = connection.info.server_version // 10_000
        return [("", noun, row) for noun in SIZES for row in rows(connection, noun, major)]


def _read_database(connection: psycopg.Connection[Any], database: str, major: int) -> list[Row]:
    return [(database, noun, row) for noun in IN_DATABASE for row in rows(connection, noun, major)]


def rows(connection: psycopg.Connection[Any], noun: str, major: int) -> list[tuple[Any, ...]]:
    """All that one statement returns."""
    statement = text(noun, major)
    wanted = {name: value for name, value in PARAMETERS.items() if f"%({name})s" in statement}
    return connection.execute(statement.encode(), wanted or None).fetchall()
