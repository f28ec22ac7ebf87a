"""What is read beside users and roles: a scope for each kind of grant, and one for each pluggable database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbms.oracle.answers import Answers
from dbms.oracle.containers import ALL, OWN
from dbms.oracle.privileges import (
    ADMIN,
    COLUMNS,
    GRANT_ROW_CAP,
    OBJECTS,
    QUOTAS,
    ROLES,
    SCHEMAS,
    SOURCES,
    SUMMARISED,
    SYSTEM,
    Collected,
    Source,
    in_pdb,
    summarised,
)
from dbms.snapshots import EACH_PDB, Coverage, category_scope
from whalefall.errors import RemoteError, SyncDataError

# The scope of each category; those that are not named belong to the server's.
CATEGORY_SCOPES = {
    category if place == category_scope(source.categories[0]) else in_pdb(category): place
    for source in SOURCES
    for category in source.categories
    for place in (category_scope(source.categories[0]), EACH_PDB)
}

# What of an account nobody knows while a scope was never read, see dbms.base.HiddenBy: any CREATE SESSION unlocks.
HIDDEN_BY = {
    category_scope(ROLES): frozenset(
        {"roles", "capabilities.SUPERUSER", "capabilities.GRANT_ADMIN", "capabilities.LOCKED"}
    ),
    category_scope(SYSTEM): frozenset(
        {"privileges.server", "escalation", "capabilities.GRANT_ADMIN", "capabilities.LOCKED"}
    ),
    category_scope(ADMIN): frozenset({"privileges.server", "capabilities.SUPERUSER", "capabilities.LOCKED"}),
    category_scope(SCHEMAS): frozenset({"objects.schema"}),
    category_scope(OBJECTS): frozenset({"objects.object"}),
    category_scope(COLUMNS): frozenset({"objects.column"}),
    category_scope(QUOTAS): frozenset({"privileges.tablespace"}),
    "pdb:": frozenset(
        {
            "roles", "privileges.database", "objects.schema", "objects.object", "objects.column",
            "capabilities.SUPERUSER", "capabilities.GRANT_ADMIN", "capabilities.LOCKED",
        }
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRead:
    """What a source yielded, by container. `categories` are those of the own container, `coverage` its coverage."""

    source: Source
    coverage: Coverage
    by_container: Mapping[int, Collected]
    suffix: str = ""

    @property
    def scope(self) -> str:
        """The scope in the own container."""
        return self.coverage.scope

    @property
    def pdb_categories(self) -> tuple[str, ...]:
        """What it adds to the coverage of a pluggable database."""
        return tuple(in_pdb(category) + self.suffix for category in self.source.categories)


def read_scopes(answers: Answers, *, grant_row_cap: int) -> list[ScopeRead]:
    """Every source that the server has, read or not. Raises RemoteError when the connection is of no more use."""
    return [_read_scope(source, answers, grant_row_cap=grant_row_cap) for source in SOURCES if answers.has(source.noun)]


def _read_scope(source: Source, answers: Answers, *, grant_row_cap: int) -> ScopeRead:
    scope = category_scope(source.categories[0])
    try:
        rows, is_grouped = _rows(source, answers, grant_row_cap)
    except RemoteError as error:
        status, reason = answers.reason(source.noun, error)
        return ScopeRead(
            source=source,
            coverage=Coverage(scope=scope, status=status, reason=reason),  # type: ignore[arg-type]
            by_container={},
        )
    suffix = SUMMARISED if is_grouped else ""
    return ScopeRead(
        source=source,
        coverage=Coverage(
            scope=scope,
            status="ok",
            reason="summarised" if is_grouped else "",
            categories=tuple(category + suffix for category in source.categories),
        ),
        by_container={
            container: summarised(source.categories[0], source.summary, held)
            if is_grouped and source.summary
            else Collected(held=source.collect(held))
            for container, held in _by_container(rows, is_grouped=is_grouped).items()
        },
        suffix=suffix,
    )


def _rows(source: Source, answers: Answers, cap: int) -> tuple[Sequence[Sequence[Any]], bool]:
    """The rows of a source, and whether they are grouped because there are too many. Raises RemoteError."""
    rows = answers.rows(source.noun)
    if len(rows) <= cap:
        return rows, False
    connection = answers.connection
    if source.summary is not None:
        rows = connection.rows(f"{source.noun}_summarised", most=GRANT_ROW_CAP + 1)
        if len(rows) <= GRANT_ROW_CAP:
            return rows, True
    detail = f"more than {GRANT_ROW_CAP} rows in {answers.needed(source.noun)}"
    raise SyncDataError(**connection.target.address, detail=detail)


def _by_container(rows: Iterable[Sequence[Any]], *, is_grouped: bool) -> dict[int, list[Sequence[Any]]]:
    """Rows by container, without what the root granted in all of them: that stands in the root once."""
    found: dict[int, list[Sequence[Any]]] = {}
    common: set[Sequence[Any]] = set()
    elsewhere = []
    for container, is_common, *rest in rows:
        row, key = tuple(rest), tuple(rest[:-1] if is_grouped else rest)
        if container in (ALL, OWN):
            found.setdefault(OWN, []).append(row)
            common |= {key} if is_common == "YES" else set()
        else:
            elsewhere.append((int(container), is_common, key, row))
    for container, is_common, key, row in elsewhere:
        if is_common != "YES" or key not in common:
            found.setdefault(container, []).append(row)
    return found
