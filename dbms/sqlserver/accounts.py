"""Reads every login of a SQL Server and every user of its databases, with what they were granted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dbms.snapshots import (
    DATABASE_LIST,
    EACH_DATABASE,
    LOCKS,
    SERVER,
    AccountSnapshot,
    AccountsSnapshot,
    account,
)
from dbms.sqlserver import azure
from dbms.sqlserver.connection import Connection
from dbms.sqlserver.databases import (
    ESCALATIONS,
    GRANT_ROW_CAP,
    PERMISSIONS,
    ROLES,
    USERS,
    DatabaseRead,
    User,
    databases,
    read_databases,
)
from dbms.sqlserver.facts import SERVER_PERMISSIONS, SERVER_ROLES, SYSADMIN, closure
from dbms.sqlserver.grants import view_definitions
from dbms.sqlserver.names import bracketed
from dbms.sqlserver.principals import (
    NEVER_LOG_IN,
    ROLE,
    SERVER_PUBLIC,
    SQL_USER,
    TYPES,
    Principal,
    principals,
)
from dbms.sqlserver.privileges import held_permissions, server_permissions
from dbms.sqlserver.scopes import server_coverage
from dbms.sqlserver.users import add, users
from whalefall.errors import PrivilegeMissing

EPOCH = datetime.fromtimestamp(0, UTC)  # the end of a password that has expired
CATEGORY_SCOPES = dict.fromkeys((USERS, ROLES, PERMISSIONS, ESCALATIONS), EACH_DATABASE)
IN_A_DATABASE = frozenset(
    {
        "database_roles", "privileges.database", "escalation", "objects.database", "objects.schema",
        "objects.object", "objects.column", "objects.other",
    }
)  # fmt: skip
# What of an account nobody knows while a database was never read, or may not be listed, see dbms.base.HiddenBy.
HIDDEN_BY = {"database:": IN_A_DATABASE, DATABASE_LIST: IN_A_DATABASE}
SERVER_CATEGORIES = (SERVER_ROLES, SERVER_PERMISSIONS)
CONNECT_SQL, DENY_CONNECT_SQL = "CONNECT SQL", "DENY CONNECT SQL"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRead:
    """What the server's own views yielded, by the id of the principal."""

    principals: Mapping[int, Principal]
    roles: Mapping[int, list[str]]
    permissions: Mapping[int, list[str]]

    @property
    def sids(self) -> frozenset[bytes]:
        """Of everything that is no role; what has none stands for nobody."""
        return frozenset(each.sid for each in self.principals.values() if each.sid and each.type != ROLE)

    @property
    def graph(self) -> dict[str, list[str]]:
        """The roles that each principal is a member of, by name."""
        return {principal.name: self.roles.get(principal.id, []) for principal in self.principals.values()}

    @property
    def sysadmins(self) -> frozenset[bytes]:
        """The sids of those who are sysadmin, through nested roles too."""
        graph = self.graph
        return frozenset(each.sid for each in self.principals.values() if SYSADMIN in closure(each.name, graph))


def read_accounts(connection: Connection, *, grant_row_cap: int = GRANT_ROW_CAP) -> AccountsSnapshot:
    """Read all logins and server roles, and the users, roles and grants of every database that lets us in.

    Seven statements for the server; three for each database, those of many databases in one round trip. A database
    that cannot be read only costs its own scope. Raises RemoteError when the logins cannot be read: views show fewer
    rows to whom they do not trust, so nobody would know who exists.
    """
    if connection.is_azure:
        return azure.read_accounts(connection, grant_row_cap=grant_row_cap)
    about = connection.about
    if not (about.sees_definitions or about.sees_security_definitions):
        raise PrivilegeMissing(**connection.target.address, detail=view_definitions(bracketed(about.reader)))
    server = _read_server(connection)
    found = databases(connection.rows("databases"))
    trusted = {each.name for each in found if each.is_trustworthy and each.owner in server.sysadmins}
    owners = [name for _, name in connection.rows("database_files")]
    coverage = [
        server_coverage(owners, sees_databases=bool(about.sees_databases), categories=SERVER_CATEGORIES),
    ]
    reads: dict[str, DatabaseRead] = {}
    for covered, name, read in read_databases(connection, found, grant_row_cap=grant_row_cap):
        coverage.append(covered)
        if read is not None:
            reads[name] = read
    return AccountsSnapshot(
        db_type=connection.server.db_type,
        version=connection.server.version,
        main_version=connection.server.main_version,
        reader=about.reader,
        coverage=tuple(coverage),
        accounts=(*_logins(server, reads, trusted), *users(reads, logins=server.sids, trusted=trusted)),
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


# Logins and server roles --------------------------------------------------------------------------------------------


def _logins(server: ServerRead, reads: Mapping[str, DatabaseRead], trusted: Set[str]) -> Iterator[AccountSnapshot]:
    mapped: dict[bytes, list[tuple[str, User]]] = {}
    for name, read in reads.items():
        for user in read.users.values():
            if user.sid and not user.is_role:
                mapped.setdefault(user.sid, []).append((name, user))
    graph = server.graph
    granted = {principal.name: server.permissions.get(principal.id, ()) for principal in server.principals.values()}
    for principal in server.principals.values():
        everywhere = (principal.name, *closure(principal.name, graph), server.principals[SERVER_PUBLIC].name)
        held = [word for role in everywhere for word in granted.get(role, ())]
        locks = list(_locks(principal, held, is_sysadmin=SYSADMIN in everywhere))
        parts: dict[str, dict[str, Any]] = {
            SERVER: {
                SERVER_ROLES: server.roles.get(principal.id, []),
                SERVER_PERMISSIONS: server.permissions.get(principal.id, []),
            }
        }
        meta: dict[str, Any] = {}
        for database, user in mapped.get(principal.sid, ()) if principal.type != ROLE else ():
            add(parts, meta, database, user, reads[database], is_trusted=database in trusted)
        yield account(
            username=principal.name,
            kind=principal.kind,
            is_system=principal.is_system,
            is_superuser=SYSADMIN in server.roles.get(principal.id, ()),
            is_locked=bool(locks),
            principal_id=principal.sid.hex(),
            password_expires_at=EPOCH if principal.is_expired else None,
            parts=parts,
            type_specific={**principal.attributes, LOCKS: locks},
            observed=principal.observed,
            meta=meta,
        )


def _locks(principal: Principal, permissions: list[str], *, is_sysadmin: bool) -> Iterator[str]:
    """Why nobody can log in with it, whatever the time is.

    `permissions` are all that it has, through roles too; for a sysadmin the server asks for none and minds no denial.
    """
    if principal.id == SERVER_PUBLIC:
        return
    if principal.type in NEVER_LOG_IN:
        yield "role" if principal.type == ROLE else TYPES[principal.type]
    if principal.is_disabled:
        yield "DISABLED"
    if principal.is_disabled or principal.type in NEVER_LOG_IN or is_sysadmin:
        return
    if DENY_CONNECT_SQL in permissions:
        yield DENY_CONNECT_SQL
    elif principal.type == SQL_USER and not held_permissions(permissions) & {CONNECT_SQL, "CONTROL SERVER"}:
        yield "no CONNECT SQL"  # a Windows login may have it through one of its groups
