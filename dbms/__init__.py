"""Reads one database server. Pure Python: knows neither Django nor WhaleFall's apps."""

from __future__ import annotations

from dbms import mysql, oracle, postgresql, sqlserver
from dbms.base import Adapter
from whalefall.errors import ValidationFailed

ADAPTERS: dict[str, Adapter] = {
    adapter.key: adapter for adapter in (postgresql.adapter, mysql.adapter, sqlserver.adapter, oracle.adapter)
}

ALIASES = {
    "postgres": "postgresql",
    "pg": "postgresql",
    "mariadb": "mysql",
    "mssql": "sqlserver",
    "sql server": "sqlserver",
}


def choices() -> list[tuple[str, str]]:
    """(key, label) of every DBMS; a callable, so that a new one needs no migration."""
    return [(adapter.key, adapter.label) for adapter in ADAPTERS.values()]


def normalize(db_type: str) -> str:
    """The key of a DBMS from what a person wrote. Raises ValidationFailed when it is unknown."""
    key = db_type.strip().lower()
    key = ALIASES.get(key, key)
    if key not in ADAPTERS:
        raise ValidationFailed(detail=f"unknown db_type {db_type!r}; known are: {', '.join(ADAPTERS)}")
    return key


def get(db_type: str) -> Adapter:
    """The adapter of a DBMS. Raises ValidationFailed when it is unknown."""
    return ADAPTERS[normalize(db_type)]
