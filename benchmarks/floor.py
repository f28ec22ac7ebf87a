"""What reading accounts costs at least: the same statements with as many threads, and one COPY of the same rows.

Uses nothing of the product but the texts of its `.sql` files, so that it cannot get slower or faster with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

STATEMENTS = Path(__file__).resolve().parent.parent / "dbms"

Row = tuple[str, str, tuple[Any, ...]]  # database, statement, what the server returned


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Where to read, and as whom."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)


def read(logins: Sequence[Login], threads: int, reader: Callable[[Login], list[Row]]) -> list[list[Row]]:
    """Every row that the statements return, by server: one thread reads one server."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(reader, logins))


def store(database_url: str, found: Sequence[Sequence[Row]]) -> None:
    """One COPY of the rows into a table of our own database."""
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP TABLE IF EXISTS floor_rows")
        connection.execute("CREATE TABLE floor_rows (target int, database text, statement text, content jsonb)")
        with connection.cursor().copy("COPY floor_rows FROM STDIN") as copy:
            for target, rows in enumerate(found):
                for database, statement, row in rows:
                    copy.write_row((target, database, statement, json.dumps(row, default=str)))
