"""Grants on objects, as a permission document has them (permission_snapshot v4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from classification.dsl.subjects import are_texts

LEVELS = (
    "database", "schema", "table", "relation", "sequence", "object", "column", "routine", "function", "type",
    "language", "fdw", "server", "largeobject", "tablespace", "parameter",
)  # fmt: skip
NAMED = {"mysql_table_privileges": "table", "mysql_column_privileges": "column", "mysql_routine_privileges": "routine"}
DATABASES = ("mysql_database_privileges", "postgresql_database_privileges")
NONE: frozenset[str] = frozenset()
ORACLE = ("schema", "object", "column")


class Grant(NamedTuple):
    """Privileges on one object. `database` is empty where the server has one name space only."""

    level: str
    database: str
    name: str
    words: list[str]


def grants(document: Mapping[str, Any]) -> Iterator[Grant]:
    """Every grant on something smaller than the server. A malformed document raises TypeError or AttributeError."""
    categories = document["categories"]
    for category in DATABASES:
        for name, words in categories.get(category, {}).items():
            yield Grant("database", name, name, words)
    for category, level in NAMED.items():
        for name, words in categories.get(category, {}).items():
            yield Grant(level, _database(name), name, words)
    for database, held in categories.get("postgresql_object_privileges", {}).items():
        for key, words in held.items():
            level, _, name = key.partition(":")
            yield Grant(level, database, name, words)
    for database, levels in categories.get("sqlserver_database_permissions", {}).items():
        for level, held in levels.items():
            if isinstance(held, list):
                yield Grant(level, database, database, held)
            else:
                for name, words in held.items():
                    yield Grant(level, database, name, words)
    for level in ORACLE:
        for name, words in categories.get(f"oracle_{level}_privileges", {}).items():
            yield Grant(level, "", name, words)
        for database, held in categories.get(f"oracle_pdb_{level}_privileges", {}).items():
            for name, words in held.items():
                yield Grant(level, database, name, words)


def owned(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(database, object) of what an account owns; the server's own objects have no database."""
    for database, names in document["categories"].get("postgresql_owned", {}).items():
        if not are_texts(names):
            raise TypeError
        for name in names:
            yield database, name


def summaries(document: Mapping[str, Any], kind: str) -> frozenset[str]:
    """The keys that stand for many objects of a schema or owner, of `summarised` grants or `owned_counts`."""
    places = document.get("meta", {}).get(kind, {})
    return frozenset(key for counts in places.values() for key in counts) if places else NONE


def shared_beginning(key: str) -> str:
    """What the names of all objects begin with that a key stands for: "hr." of "hr.*" and of "hr.*.*"."""
    return key.removesuffix("*").removesuffix("*.")


def _database(name: str) -> str:
    """The database of MySQL's "db.table", "`a.b`.table" or "PROCEDURE db.p"."""
    for kind in ("PROCEDURE ", "FUNCTION ", "PACKAGE BODY ", "PACKAGE "):
        name = name.removeprefix(kind)
    if not name.startswith("`"):
        return name.partition(".")[0]
    end = 1
    while end < len(name) and (name[end] != "`" or name[end : end + 2] == "``"):
        end += 2 if name[end] == "`" else 1
    return name[1:end].replace("``", "`")
