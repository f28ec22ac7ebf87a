"""Grants on databases, tables, columns and routines: a category and a grant table each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from dbms.mysql.answers import Answers
from dbms.mysql.names import Identity, identifier, written
from dbms.mysql.principals import WITH_GRANT_OPTION
from whalefall.errors import SyncDataError

GRANT_ROW_CAP = 200_000  # rows of one grant table that are kept apart
SUMMARISED = ":summarised"

DATABASES = "mysql_database_privileges"
PROXIES = "mysql_proxy_privileges"

# Where a SET column of the grant tables has another word than GRANT.
WORDS = {"GRANT": "GRANT OPTION", "DELETE VERSIONING ROWS": "DELETE HISTORY"}

Held = dict[str, list[str]]  # {object: [privilege]}


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTable:
    """A category and where it stands. `key` names the object of a row's columns between account and privileges, and
    `summary` that of the row of many objects in a grouped statement."""

    category: str
    table: str
    noun: str
    key: Callable[..., str]
    summary: Callable[..., str] | None = None


GRANT_TABLES = (
    GrantTable(category=DATABASES, table="mysql.db", noun="database_grants", key=str),
    GrantTable(
        category="mysql_table_privileges",
        table="mysql.tables_priv",
        noun="table_grants",
        key=lambda database, table: f"{identifier(database)}.{identifier(table)}",
        summary=lambda database: f"{identifier(database)}.*",
    ),
    GrantTable(
        category="mysql_column_privileges",
        table="mysql.columns_priv",
        noun="column_grants",
        key=lambda database, table, column: f"{identifier(database)}.{identifier(table)}.{identifier(column)}",
        summary=lambda database: f"{identifier(database)}.*.*",
    ),
    GrantTable(
        category="mysql_routine_privileges",
        table="mysql.procs_priv",
        noun="routine_grants",
        key=lambda database, kind, routine: f"{kind} {identifier(database)}.{identifier(routine)}",
        summary=lambda database, kind: f"{kind} {identifier(database)}.*",
    ),
)


Parts = Mapping[Identity, Mapping[str, Any]]
Counts = Mapping[Identity, Mapping[str, Mapping[str, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRead:
    """What one scope yielded: the categories of each account.

    `summarised` counts the objects behind a grouped key by privilege, where they were too many to keep apart.
    """

    categories: tuple[str, ...]
    parts: Parts
    summarised: Counts = field(default_factory=dict)
    reason: str = ""


def read_grants(answers: Answers, table: GrantTable, *, grant_row_cap: int) -> ScopeRead:
    """Every grant of a table, grouped by database where they are too many to keep apart. Raises RemoteError."""
    rows = answers.rows(table.noun)
    if len(rows) <= grant_row_cap:
        return ScopeRead(categories=(table.category,), parts=_parts(table, _collect(rows, table.key)))
    connection = answers.connection
    groups: Sequence[Sequence[Any]] = ()
    if table.summary is not None:
        groups = connection.rows(f"{table.noun}_summarised", row_limit=GRANT_ROW_CAP + 1)
    if table.summary is None or len(groups) > GRANT_ROW_CAP:
        raise SyncDataError(**connection.target.address, detail=f"more than {GRANT_ROW_CAP} rows in {table.table}")
    counts = _count(groups, table.summary)
    return ScopeRead(
        categories=(table.category + SUMMARISED,),
        parts=_parts(table, {identity: {key: sorted(held) for key, held in by_key.items()}
                             for identity, by_key in counts.items()}),
        summarised=counts,
        reason="summarised",
    )  # fmt: skip


def read_proxies(answers: Answers) -> ScopeRead:
    """The accounts that each account may act as. Raises RemoteError."""
    found: dict[Identity, list[str]] = {}
    for user, host, proxied_user, proxied_host, is_grantable in answers.rows("proxies"):
        name = written((proxied_user, proxied_host))
        found.setdefault((user, host), []).append(name + WITH_GRANT_OPTION if is_grantable else name)
    parts = {identity: {PROXIES: sorted(names)} for identity, names in found.items()}
    return ScopeRead(categories=(PROXIES,), parts=parts)


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """The privileges of a SET column, as GRANT writes them."""
    return tuple(sorted(WORDS.get(word, word) for word in text.upper().split(",") if word))


def _collect(rows: Iterable[Sequence[Any]], key: Callable[..., str]) -> dict[Identity, Held]:
    """The grants of each account."""
    found: dict[Identity, Held] = {}
    for user, host, *place, text in rows:
        if privileges := words(text):
            found.setdefault((user, host), {})[key(*place)] = list(privileges)
    return found


def _count(rows: Iterable[Sequence[Any]], key: Callable[..., str]) -> Counts:
    """How many objects of each account share a key, by privilege."""
    counts: dict[Identity, dict[str, dict[str, int]]] = {}
    for user, host, *place, text, number in rows:
        counted = counts.setdefault((user, host), {}).setdefault(key(*place), {})
        for word in words(text):
            counted[word] = counted.get(word, 0) + number
    return counts


def _parts(table: GrantTable, held: Mapping[Identity, Held]) -> Parts:
    return {identity: {table.category: by_key} for identity, by_key in held.items()}
