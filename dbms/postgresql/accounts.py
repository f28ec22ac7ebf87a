"""Reads every role of a PostgreSQL server and what it was granted: the server first, then database by database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dbms.postgresql import privileges
from dbms.postgresql.connection import Connection, connect
from dbms.postgresql.failures import DATABASE_MISSING, DEFAULT_DATABASE, NOT_CONNECTABLE
from dbms.postgresql.grants import NO_CONNECT
from dbms.postgresql.privileges import DatabaseRead, Grants, worded
from dbms.postgresql.roles import PUBLIC, Role, read_memberships, read_roles, read_settings
from dbms.snapshots import (
    DATABASE_LIST,
    EACH_DATABASE,
    SERVER,
    AccountSnapshot,
    AccountsSnapshot,
    Coverage,
    CoverageStatus,
    account,
    database_scope,
)
from whalefall.errors import ConnectDenied, LoginRejected, PrivilegeMissing, RemoteError, RemoteTimeout, TlsFailed

ATTRIBUTES = "postgresql_role_attributes"
MEMBERSHIPS = "postgresql_memberships"
PREDEFINED = "postgresql_predefined_roles"
DATABASES = "postgresql_database_privileges"
OWNED = "postgresql_owned"

CATEGORY_SCOPES = dict.fromkeys((privileges.OBJECTS, privileges.DEFAULTS, OWNED, privileges.REVOKED), EACH_DATABASE)
# What of an account nobody knows while a database was never read, see dbms.base.HiddenBy. The privileges on the
# database itself are the server's. Nobody connects to template0, in which nothing is but what initdb put there.
HIDDEN_BY = {
    "database:": frozenset(
        {
            "objects.schema", "objects.relation", "objects.sequence", "objects.column", "objects.function",
            "objects.type", "objects.language", "objects.fdw", "objects.server", "objects.largeobject", "owned",
        }
    ),
    database_scope("template0"): frozenset(),
}  # fmt: skip
SERVER_CATEGORIES = (DATABASE_LIST, ATTRIBUTES, MEMBERSHIPS, PREDEFINED, DATABASES, privileges.OBJECTS)
INVALID_DATABASE = -2  # as pg_database.datconnlimit
PUBLIC_NAME = "PUBLIC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One row of pg_database."""

    name: str
    quoted: str
    owner: int
    accepts_connections: bool
    is_invalid: bool
    may_connect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRead:
    """What the shared catalogues yielded, by the oid of the role."""

    roles: Mapping[int, Role]
    memberships: Mapping[int, list[dict[str, Any]]]
    settings: Mapping[int, Mapping[str, Any]]
    databases: tuple[Database, ...]
    database_grants: Mapping[int, Grants]
    object_grants: Mapping[int, Grants]
    owned: Mapping[int, list[str]]


def read_accounts(connection: Connection, *, grant_row_cap: int = privileges.GRANT_ROW_CAP) -> AccountsSnapshot:
    """Read all roles, PUBLIC, and the grants of every database that lets us in.

    Six statements for the server and two for each database, three where the grants are too many to keep apart. The
    connection is closed before another database is read: one at a time is all that a server has to spare for us.
    Raises RemoteError when the server itself cannot be read; a database that cannot only costs its own scope.
    """
    server = _read_server(connection)
    reads: dict[str, DatabaseRead] = {}
    coverage = [Coverage(scope=SERVER, status="ok", categories=SERVER_CATEGORIES)]
    here = connection.target.database or DEFAULT_DATABASE
    for database in sorted(server.databases, key=lambda database: database.name != here):
        found = _read_database(connection, database, server.roles, grant_row_cap=grant_row_cap)
        if isinstance(found, Coverage):
            coverage.append(found)
            continue
        reads[database.name] = found
        coverage.append(
            Coverage(
                scope=database_scope(database.name),
                status="ok",
                reason="summarised" if found.is_summarised else "",
                categories=found.categories,
            )
        )
    accounts = [_role_account(role, server, reads) for role in server.roles.values()]
    return AccountsSnapshot(
        db_type=connection.server.db_type,
        version=connection.server.version,
        main_version=connection.server.main_version,
        coverage=tuple(coverage),
        accounts=(*accounts, _public_account(server, reads)),
    )


def _read_server(connection: Connection) -> ServerRead:
    roles = read_roles(connection)
    databases = tuple(
        Database(
            name=name,
            quoted=quoted,
            owner=owner,
            accepts_connections=accepts,
            is_invalid=limit == INVALID_DATABASE,
            may_connect=may_connect is not False,  # NULL: dropped in this moment
        )
        for _, name, quoted, owner, accepts, limit, may_connect in connection.rows("databases")
    )
    owned: dict[int, list[str]] = {}
    for database in databases:
        owned.setdefault(database.owner, []).append(f"database:{database.quoted}")
    for owner, quoted in connection.rows("tablespaces"):
        owned.setdefault(owner, []).append(f"tablespace:{quoted}")
    database_grants, object_grants = privileges.read_server_grants(connection)
    return ServerRead(
        roles=roles,
        memberships=read_memberships(connection, roles),
        settings=read_settings(connection),
        databases=databases,
        database_grants=database_grants,
        object_grants=object_grants,
        owned=owned,
    )


def _read_database(
    connection: Connection, database: Database, roles: Mapping[int, Role], *, grant_row_cap: int
) -> DatabaseRead | Coverage:
    """What a database yields, or why it yields nothing."""
    target = connection.target
    scope = database_scope(database.name)
    if database.is_invalid:
        return Coverage(scope=scope, status="offline", reason="invalid since an interrupted DROP DATABASE")
    if not database.accepts_connections:
        return Coverage(scope=scope, status="offline", reason="not accepting connections")
    try:
        if database.name == (target.database or DEFAULT_DATABASE):
            return privileges.read_database(connection, roles, grant_row_cap=grant_row_cap)
        if not database.may_connect:
            return Coverage(scope=scope, status="denied", reason=NO_CONNECT)
        connection.close()  # its own database came first
        with connect(replace(target, database=database.name)) as further:
            return privileges.read_database(further, roles, grant_row_cap=grant_row_cap)
    except RemoteError as error:
        aborted = target.interrupt.error(target)
        if aborted is not None:
            raise aborted from error
        status, reason = _why_not(error)
        return Coverage(scope=scope, status=status, reason=reason)


def _why_not(error: RemoteError) -> tuple[CoverageStatus, str]:
    detail = str(error.params["detail"] or error)[:200]
    sqlstate = error.extra.get("sqlstate")
    if sqlstate == DATABASE_MISSING:
        return "error", "vanished"
    if sqlstate == NOT_CONNECTABLE:
        return "offline", "not accepting connections"
    if isinstance(error, RemoteTimeout):
        return "timeout", detail
    if isinstance(error, ConnectDenied):
        return "denied", NO_CONNECT
    if isinstance(error, (PrivilegeMissing, LoginRejected, TlsFailed)):  # TLS and login were good enough elsewhere
        return "denied", detail
    return "error", detail


def _role_account(role: Role, server: ServerRead, reads: Mapping[str, DatabaseRead]) -> AccountSnapshot:
    memberships = server.memberships.get(role.oid, [])
    part: dict[str, Any] = {
        ATTRIBUTES: dict(role.attributes),
        MEMBERSHIPS: memberships,
        PREDEFINED: [edge["role"] for edge in memberships if edge["role"].startswith("pg_")],
    }
    # A superuser may always connect: its connection limit does not count.
    is_shut_out = role.attributes["connection_limit"] == 0 and not role.is_superuser
    return account(
        username=role.name,
        kind="user" if role.can_login else "group",
        is_system=role.is_system,
        is_superuser=role.is_superuser,
        is_locked=not role.can_login or is_shut_out,
        principal_id=str(role.oid),
        valid_until=role.valid_until,
        password_expires_at=role.valid_until,
        type_specific={"valid_until": role.valid_until_text, "settings": server.settings.get(role.oid, {})},
        **_holdings(role.oid, part, server, reads),
    )


def _public_account(server: ServerRead, reads: Mapping[str, DatabaseRead]) -> AccountSnapshot:
    """PUBLIC is no role; `is_role` keeps it apart from a role that somebody named "PUBLIC"."""
    return account(
        username=PUBLIC_NAME,
        is_role=True,
        kind="public",
        type_specific={"settings": server.settings.get(PUBLIC, {})},
        **_holdings(PUBLIC, {}, server, reads),
    )


def _holdings(
    oid: int, part: dict[str, Any], server: ServerRead, reads: Mapping[str, DatabaseRead]
) -> dict[str, Mapping[str, Any]]:
    """Parts, ownership and counts of one grantee over all scopes."""
    part = {**part, DATABASES: worded(server.database_grants.get(oid, {}))}
    if oid in server.object_grants:
        part[privileges.OBJECTS] = {"": worded(server.object_grants[oid])}
    parts: dict[str, dict[str, Any]] = {SERVER: part}
    owned: dict[str, dict[str, Any]] = {}
    if oid in server.owned:
        owned[SERVER] = {OWNED: {"": sorted(server.owned[oid])}}
    meta: dict[str, dict[str, Any]] = {}
    for name, read in reads.items():
        held = read.holdings.get(oid)
        if held is None:
            continue
        found: dict[str, Any] = {category: worded(grants) for category, grants in held.grants.items()}
        if held.revoked:
            found[privileges.REVOKED] = sorted(held.revoked)
        if found:
            parts[database_scope(name)] = {category: {name: value} for category, value in found.items()}
        if held.owned:
            owned[database_scope(name)] = {OWNED: {name: sorted(held.owned)}}
        if held.summarised:
            meta.setdefault("summarised", {})[name] = held.summarised
        if held.owned_counts:
            meta.setdefault("owned_counts", {})[name] = held.owned_counts
    return {"parts": parts, "owned": owned, "meta": meta}
