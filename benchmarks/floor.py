"""What reading accounts costs at least: the same statements with as many threads, and one COPY of the same rows.

Uses nothing of the product but the texts of its `.sql` files, so that it cannot get slower or faster with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

STATEMENTS = Path(__file__).resolve().parent.parent / "dbms" / "postgresql" / "sql"
ON_SERVER = ("roles", "memberships", "settings", "databases", "tablespaces", "server_grants")
IN_DATABASE = ("object_grants", "owned_objects")
PARAMETERS = {"row_limit": 200_000, "exact_limit": 2_000}

Row = tuple[int, str, str, tuple[Any, ...]]  # target, database, statement, what the server returned


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Where to read, and as whom."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)

    def connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection as short-lived as the product's."""
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.username,
            password=self.password,
            dbname=database,
            autocommit=True,
            prepare_threshold=None,
        )


@cache
def text(noun: str, major: int) -> str:
    """The variant of a statement for a server's major version (10 and later)."""
    variants = {
        int(re.findall(r"before_(\d+)", path.name)[0]): path for path in STATEMENTS.glob(f"{noun}.before_*.sql")
    }
    newer = [before for before in variants if major < before]
    return (variants[min(newer)] if newer else STATEMENTS / f"{noun}.sql").read_text()


def read(logins: Sequence[Login], threads: int) -> list[Row]:
    """Every row that the statements return from every server: one thread reads one server."""
    with ThreadPoolExecutor(threads) as pool:
        parts = pool.map(_read_one, range(len(logins)), logins)
        return [row for part in parts for row in part]


def _read_one(number: int, login: Login) -> list[Row]:
    found: list[Row] = []
    with login.connect("postgres") as connection:
        major = connection.info.server_version // 10_000
        for noun in ON_SERVER:
            found += ((number, "", noun, row) for row in rows(connection, noun, major))
        databases = [row[3][1] for row in found if row[2] == "databases" and row[3][4] and row[3][6]]
        found += _read_database(connection, number, "postgres", major)
    for database in databases:
        if database != "postgres":
            with login.connect(database) as connection:
                found += _read_database(connection, number, database, major)
    return found


def _read_database(connection: psycopg.Connection[Any], number: int, database: str, major: int) -> list[Row]:
    return [(number, database, noun, row) for noun in IN_DATABASE for row in rows(connection, noun, major)]


def rows(connection: psycopg.Connection[Any], noun: str, major: int) -> list[tuple[Any, ...]]:
    """All that one statement returns."""
    statement = text(noun, major)
    wanted = {name: value for name, value in PARAMETERS.items() if f"%({name})s" in statement}
    return connection.execute(statement.encode(), wanted or None).fetchall()


def store(database_url: str, found: Sequence[Row]) -> None:
    """One COPY of the rows into a table of our own database."""
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP TABLE IF EXISTS floor_rows")
        connection.execute("CREATE TABLE floor_rows (target int, database text, statement text, content jsonb)")
        with connection.cursor().copy("COPY floor_rows FROM STDIN") as copy:
            for target, database, statement, row in found:
                copy.write_row((target, database, statement, json.dumps(row, default=str)))
