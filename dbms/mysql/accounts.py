"""Reads every account of a MySQL or MariaDB server and what it was granted: one statement per grant table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dbms.mysql.answers import Answers
from dbms.mysql.connection import MARIADB, Connection
from dbms.mysql.databases import DatabaseNames
from dbms.mysql.facts import GLOBALS, RESTRICTIONS, ROLES
from dbms.mysql.grants import select_on
from dbms.mysql.names import Identity, quoted_account, written_role
from dbms.mysql.principals import Principal, read_principals
from dbms.mysql.privileges import DATABASES, GRANT_ROW_CAP, ScopeRead
from dbms.mysql.roles import MEMBERS, active_roles
from dbms.mysql.scopes import SCOPES, read_scope
from dbms.snapshots import DATABASE_LIST, SERVER, AccountSnapshot, AccountsSnapshot, Coverage, account, category_scope
from whalefall.errors import PrivilegeMissing

SERVER_CATEGORIES = (GLOBALS, RESTRICTIONS)
USER_TABLES = {"": ("mysql.user", "mysql.global_grants"), MARIADB: ("mysql.global_priv",)}
NO_DATABASE_LIST = "without SHOW DATABASES nobody can say which databases a pattern matches"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that was read, by scope; what could not be read is missing."""

    principals: Mapping[Identity, Principal]
    scopes: Mapping[str, ScopeRead]
    databases: DatabaseNames | None  # None where the monitoring account does not see them all


def read_accounts(connection: Connection, *, grant_row_cap: int = GRANT_ROW_CAP) -> AccountsSnapshot:
    """Read all accounts, their roles, and their grants on every level, by a fixed number of statements.

    A grant table that cannot be read only costs its own scope. Raises RemoteError when the user table cannot: then
    nobody knows who exists.
    """
    answers = Answers(connection, row_limit=grant_row_cap + 1)
    server = connection.server
    snapshot = AccountsSnapshot(
        db_type=server.db_type, version=server.version, main_version=server.main_version, digest=answers.digest
    )
    if answers.digest and answers.digest == connection.target.known_digest:
        return replace(snapshot, is_known=True)
    databases, reader = _read_databases(answers)
    try:
        principals = read_principals(answers)
    except PrivilegeMissing as error:
        needed = "; ".join(select_on(USER_TABLES[server.fork], quoted_account(*reader)))
        raise PrivilegeMissing(**connection.target.address, detail=needed, extra=error.extra) from error
    coverage: list[Coverage] = []
    scopes: dict[str, ScopeRead] = {}
    for scope in SCOPES:
        covered, read = read_scope(scope, answers, principals, grant_row_cap=grant_row_cap)
        coverage.append(covered)
        if read is not None:
            scopes[scope.name] = read
    reading = Reading(
        principals=_with_kinds(principals, scopes),
        scopes=scopes,
        databases=databases if _sees_every_database(reader, principals, scopes) else None,
    )
    accounts = tuple(_account(principal, reading) for principal in reading.principals.values())
    return replace(
        snapshot,
        reader=quoted_account(*reader),
        coverage=(_server_coverage(reading.databases), *coverage),
        accounts=accounts,
    )


def _read_databases(answers: Answers) -> tuple[DatabaseNames, Identity]:
    """The visible databases, and who sees them."""
    rows = answers.rows("databases")
    user, _, host = rows[0][1].rpartition("@")  # information_schema is always there; no host holds an @
    return DatabaseNames(
        [name for name, _ in rows],
        has_patterns=answers.variables.get("partial_revokes", "OFF") != "ON",
        is_case_sensitive=answers.variables.get("lower_case_table_names") == "0",
    ), (user, host)


def _server_coverage(databases: DatabaseNames | None) -> Coverage:
    if databases is None:
        return Coverage(scope=SERVER, status="ok", reason=NO_DATABASE_LIST, categories=SERVER_CATEGORIES)
    return Coverage(scope=SERVER, status="ok", categories=(*SERVER_CATEGORIES, DATABASE_LIST))


def _sees_every_database(
    reader: Identity, principals: Mapping[Identity, Principal], scopes: Mapping[str, ScopeRead]
) -> bool:
    """Whether the account that reads has SHOW DATABASES, itself or by a role that is active from the login on."""
    active = active_roles(scopes[ROLES].parts, reader) if ROLES in scopes else frozenset()
    return any(
        "SHOW DATABASES" in principal.privileges
        for identity, principal in principals.items()
        if identity == reader or written_role(identity) in active
    )


def _with_kinds(principals: Mapping[Identity, Principal], scopes: Mapping[str, ScopeRead]) -> dict[Identity, Principal]:
    """MySQL has no word for it: whoever cannot log in and has members is a role."""
    parts = scopes[ROLES].parts if ROLES in scopes else {}
    return {
        identity: replace(principal, kind="role")
        if principal.kind == "user" and principal.is_locked and MEMBERS in parts.get(identity, {})
        else principal
        for identity, principal in principals.items()
    }


def _account(principal: Principal, reading: Reading) -> AccountSnapshot:
    parts: dict[str, dict[str, Any]] = {SERVER: {GLOBALS: sorted(principal.privileges)}}
    if principal.restrictions:
        parts[SERVER][RESTRICTIONS] = dict(principal.restrictions)
    owned: dict[str, dict[str, Any]] = {}
    meta: dict[str, Any] = {}
    counts: dict[str, Any] = {}
    for name, read in reading.scopes.items():
        held = read.parts.get(principal.identity)
        if held:
            parts[name] = {category: value for category, value in held.items() if category != MEMBERS}
            owned.update({name: {MEMBERS: held[MEMBERS]}} if MEMBERS in held else {})
            if principal.identity in read.summarised:
                counts[name] = read.summarised[principal.identity]
    if counts:
        meta["summarised"] = counts
    patterns = parts.get(category_scope(DATABASES), {}).get(DATABASES, ())
    if reading.databases is not None and (matches := reading.databases.matches(patterns)):
        meta["matches"] = {category_scope(DATABASES): matches}
    return account(
        username=principal.user,
        host=principal.host,
        is_role=principal.is_role,
        kind=principal.kind,
        is_system=principal.is_system,
        is_superuser="SUPER" in principal.privileges,
        is_locked=principal.is_locked,
        password_expires_at=principal.password_expires_at,
        parts=parts,
        type_specific=principal.attributes,
        owned=owned,
        meta=meta,
    )
