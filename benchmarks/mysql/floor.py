"""The statements of a MariaDB read, sent by hand."""

from __future__ import annotations

from benchmarks.floor import STATEMENTS, Login, Row

SQL = STATEMENTS / "mysql" / "sql"


def read(login: Login) -> list[Row]:
    """Every row that the statements return from one server."""
    return []
