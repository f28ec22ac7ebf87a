"""The statements of a MariaDB read, sent by hand."""

from __future__ import annotations

import re
from contextlib import closing
from functools import cache
from typing import Any

import MySQLdb

from benchmarks.floor import STATEMENTS, Login, Row

SQL = STATEMENTS / "mysql" / "sql"
NOUNS = (
    "variables",
    "users",
    "databases",
    "database_grants",
    "table_grants",
    "column_grants",
    "routine_grants",
    "proxies",
    "roles",
)
PARAMETERS = {"row_limit": 200_000}


@cache
def text(noun: str, version: tuple[int, ...]) -> str:
    """The variant of a statement for a version of MariaDB."""
    fork = ".mariadb" if list(SQL.glob(f"{noun}.mariadb*.sql")) else ""
    variants = {
        tuple(int(part) for part in re.findall(r"before_([0-9_]+)", path.name)[0].split("_")): path
        for path in SQL.glob(f"{noun}{fork}.before_*.sql")
    }
    newer = [before for before in variants if version < before]
    return (variants[min(newer)] if newer else SQL / f"{noun}{fork}.sql").read_text()


def read(login: Login) -> list[Row]:
    """Every row that the statements return from one server."""
    connection = MySQLdb.connect(
        host=login.host, port=login.port, user=login.username, password=login.password, charset="utf8mb4"
    )
    with closing(connection), closing(connection.cursor()) as cursor:
        version = tuple(int(part) for part in re.findall(r"\d+", connection.get_server_info())[:3])
        return [("", noun, row) for noun in NOUNS for row in rows(cursor, noun, version)]


def rows(cursor: Any, noun: str, version: tuple[int, ...]) -> list[tuple[Any, ...]]:
    """All that one statement returns."""
    statement = text(noun, version)
    wanted = {name: value for name, value in PARAMETERS.items() if f"%({name})s" in statement}
    cursor.execute(statement, wanted or None)
    return list(cursor.fetchall())
