"""Reads every login of a SQL Server and every user of its databases, with what they were granted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dbms.snapshots import (
    DATABASE_LIST,
    EACH_DATABASE,
    SERVER,
    AccountSnapshot,
    AccountsSnapshot,
    Coverage,
    account,
    database_scope,
)
from dbms.sqlserver.connection import Connection, Rows
from dbms.sqlserver.databases import (
    GRANT_ROW_CAP,
    NOBODY,
    PERMISSIONS,
    PUBLIC,
    ROLES,
    USERS,
    DatabaseRead,
    User,
    databases,
    read_databases,
)
from dbms.sqlserver.facts import SERVER_PERMISSIONS, SERVER_ROLES, SYSADMIN, closure
from dbms.sqlserver.grants import HIDDEN_DATABASE, NO_DATABASE_LIST, NO_FILES, view_definitions
from dbms.sqlserver.names import bracketed
from dbms.sqlserver.principals import (
    ASYMMETRIC_KEY,
    CERTIFICATE,
    ROLE,
    SERVER_PUBLIC,
    SQL_USER,
    TYPES,
    Principal,
    kind_of,
    principals,
)
from dbms.sqlserver.privileges import held_permissions, server_permissions
from whalefall.errors import PrivilegeMissing

EPOCH = datetime.fromtimestamp(0, UTC)  # the end of a password that has expired
CATEGORY_SCOPES = dict.fromkeys((USERS, ROLES, PERMISSIONS), EACH_DATABASE)
SERVER_CATEGORIES = (SERVER_ROLES, SERVER_PERMISSIONS)
CONNECT_SQL, DENY_CONNECT_SQL = "CONNECT SQL", "DENY CONNECT SQL"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRead:
    """What the server's own views yielded, by the id of the principal."""

    principals: Mapping[int, Principal]
    roles: Mapping[int, list[str]]
    permissions: Mapping[int, list[str]]


def read_accounts(connection: Connection, *, grant_row_cap: int = GRANT_ROW_CAP) -> AccountsSnapshot:
    """Read all logins and server roles, and the users, roles and grants of every database that lets us in.

    Seven statements for the server; three for each database, those of many databases in one round trip. A database
    that cannot be read only costs its own scope. Raises RemoteError when the logins cannot be read: views show fewer
    rows to whom they do not trust, so nobody would know who exists.
    """
    _, _, _, sees_definitions, sees_security_definitions, sees_databases, reader = connection.about
    if not (sees_definitions or sees_security_definitions):
        raise PrivilegeMissing(**connection.target.address, detail=view_definitions(bracketed(reader)))
    server = _read_server(connection)
    found = databases(connection.rows("databases"))
    coverage = [_server_coverage(connection.rows("database_files"), sees_databases=bool(sees_databases))]
    reads: dict[str, DatabaseRead] = {}
    for covered, name, read in read_databases(connection, found, grant_row_cap=grant_row_cap):
        coverage.append(covered)
        if read is not None:
            reads[name] = read
    return AccountsSnapshot(
        db_type=connection.server.db_type,
        version=connection.server.version,
        main_version=connection.server.main_version,
        reader=reader,
        coverage=tuple(coverage),
        accounts=(*_logins(server, reads), *_users(server, reads)),
    )


def _read_server(connection: Connection) -> ServerRead:
    known = principals(connection.rows("principals"))
    roles: dict[int, list[str]] = {}
    for role, member in connection.rows("server_roles"):
        if role in known:
            roles.setdefault(member, []).append(known[role].name)
    return ServerRead(
        principals=known,
        roles={member: sorted(names) for member, names in roles.items()},
        permissions=server_permissions(connection.rows("server_permissions")),
    )


def _server_coverage(files: Rows, *, sees_databases: bool) -> Coverage:
    """An offline database may be missing in the list that we get. It has its files all the same."""
    reason = ""
    if not sees_databases:
        reason = NO_DATABASE_LIST
    elif not files:
        reason = NO_FILES
    elif any(name is None for _, name in files):
        reason = HIDDEN_DATABASE
    categories = SERVER_CATEGORIES if reason else (DATABASE_LIST, *SERVER_CATEGORIES)
    return Coverage(scope=SERVER, status="ok", reason=reason, categories=categories)


# Logins and server roles --------------------------------------------------------------------------------------------


def _logins(server: ServerRead, reads: Mapping[str, DatabaseRead]) -> Iterator[AccountSnapshot]:
    users: dict[bytes, list[tuple[str, User]]] = {}
    for name, read in reads.items():
        for user in read.users.values():
            if user.sid and not user.is_role:
                users.setdefault(user.sid, []).append((name, user))
    graph = {principal.name: server.roles.get(principal.id, ()) for principal in server.principals.values()}
    granted = {principal.name: server.permissions.get(principal.id, ()) for principal in server.principals.values()}
    for principal in server.principals.values():
        everywhere = (principal.name, *closure(principal.name, graph), server.principals[SERVER_PUBLIC].name)
        locks = list(_locks(principal, [word for role in everywhere for word in granted.get(role, ())]))
        parts: dict[str, dict[str, Any]] = {
            SERVER: {
                SERVER_ROLES: server.roles.get(principal.id, []),
                SERVER_PERMISSIONS: server.permissions.get(principal.id, []),
            }
        }
        meta: dict[str, Any] = {}
        for database, user in users.get(principal.sid, ()) if principal.type != ROLE else ():
            _add(parts, meta, database, user, reads[database])
        yield account(
            username=principal.name,
            kind=principal.kind,
            is_system=principal.is_system,
            is_superuser=SYSADMIN in server.roles.get(principal.id, ()),
            is_locked=bool(locks),
            principal_id=principal.sid.hex(),
            password_expires_at=EPOCH if principal.is_expired else None,
            parts=parts,
            type_specific={**principal.attributes, "locks": locks},
            observed=principal.observed,
            meta=meta,
        )


def _locks(principal: Principal, permissions: list[str]) -> Iterator[str]:
    """Why nobody can log in with it, whatever the time is. `permissions` are all that it has, through roles too."""
    if principal.id == SERVER_PUBLIC:
        return
    if principal.type == ROLE:
        yield "role"
    elif principal.type in (CERTIFICATE, ASYMMETRIC_KEY):
        yield TYPES[principal.type]
    elif principal.is_disabled:
        yield "DISABLED"
    elif DENY_CONNECT_SQL in permissions:
        yield DENY_CONNECT_SQL
    elif principal.type == SQL_USER and not held_permissions(permissions) & {CONNECT_SQL, "CONTROL SERVER"}:
        yield "no CONNECT SQL"  # a Windows login may have it through one of its groups


# Users and roles of databases ---------------------------------------------------------------------------------------


def _users(server: ServerRead, reads: Mapping[str, DatabaseRead]) -> Iterator[AccountSnapshot]:
    """What no login stands for: users without one, roles, guest and public of each database."""
    logins = {principal.sid for principal in server.principals.values() if principal.type != ROLE}
    for database, read in reads.items():
        for user in read.users.values():
            if user.id in NOBODY or user.is_fixed_role or (user.sid in logins and not user.is_role):
                continue
            parts: dict[str, dict[str, Any]] = {SERVER: {}}
            meta: dict[str, Any] = {}
            _add(parts, meta, database, user, read)
            yield account(
                username=user.name,
                host=database,
                kind="public" if user.id == PUBLIC else kind_of(user.type),
                is_system=user.is_system,
                is_locked=bool(user.lock),
                principal_id=user.sid.hex(),
                parts=parts,
                type_specific={
                    "type": TYPES.get(user.type, user.type),
                    "default_schema": user.default_schema,
                    "locks": [user.lock] if user.lock else [],
                },
                meta=meta,
            )


def _add(parts: dict[str, dict[str, Any]], meta: dict[str, Any], database: str, user: User, read: DatabaseRead) -> None:
    """What a user holds in a database."""
    part: dict[str, Any] = {} if user.is_role else {USERS: {database: [user.name]}}
    if roles := read.roles.get(user.id):
        part[ROLES] = {database: roles}
    if holdings := read.holdings.get(user.id):
        part[PERMISSIONS] = {database: holdings.sorted()}
        if holdings.summarised:
            meta.setdefault("summarised", {})[database] = holdings.summarised
    parts[database_scope(database)] = part
