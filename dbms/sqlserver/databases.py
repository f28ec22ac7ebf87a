"""What stands in the databases: users, roles and permissions, read by several databases in one round trip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from dbms.snapshots import Coverage, database_scope
from dbms.sqlserver import batches
from dbms.sqlserver.connection import Connection, Rows
from dbms.sqlserver.principals import (
    APPLICATION_ROLE,
    ASYMMETRIC_KEY,
    CERTIFICATE,
    ROLE,
    SQL_USER,
)
from dbms.sqlserver.privileges import Holdings, database_permissions, summarised_permissions
from dbms.sqlserver.scopes import failed
from whalefall.errors import RemoteError, SyncDataError

GRANT_ROW_CAP = 200_000  # permissions of one database that are kept apart
NOUNS = ("database_users", "database_roles", "database_permissions", "database_broker")
AZURE_NOUNS = NOUNS[:3]  # it has no Service Broker

USERS, ROLES, PERMISSIONS = "sqlserver_database_users", "sqlserver_database_roles", "sqlserver_database_permissions"
ESCALATIONS = "sqlserver_escalations"  # by what a user of a TRUSTWORTHY database can make itself sysadmin
SUMMARISED = ":summarised"
ORPHANED = "orphaned"  # its login is gone
NO_ACCESS = "no access to the database"
NO_VIEW_DEFINITION = "no VIEW DEFINITION in the database"

ONLINE = 0  # as sys.databases.state
TEMPDB, LAST_OF_SYSTEM = 2, 4  # as sys.databases.database_id
PUBLIC, DBO, GUEST, INFORMATION_SCHEMA, SYS = range(5)  # ids of principals in every database
NOBODY = frozenset({INFORMATION_SCHEMA, SYS})  # owners of the system's own objects, to whom nothing can be granted
WITHOUT_LOGIN, BY_LOGIN, BY_OWN_PASSWORD = 0, 1, 2  # as authentication_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One row of sys.databases."""

    id: int
    name: str
    state: int
    state_text: str
    owner: bytes
    is_snapshot: bool
    is_distributor: bool
    is_trustworthy: bool
    is_accessible: bool
    sees_definitions: bool  # unless that was denied here
    surely_sees_definitions: bool
    sees_objects: bool  # every table among them

    @property
    def is_online(self) -> bool:
        return self.state == ONLINE

    @property
    def is_tempdb(self) -> bool:
        return self.id == TEMPDB

    @property
    def is_system(self) -> bool:
        return self.id <= LAST_OF_SYSTEM or self.is_distributor


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One row of a database's sys.database_principals."""

    id: int
    name: str
    sid: bytes
    type: str
    is_fixed_role: bool
    default_schema: str | None
    authentication: int

    @property
    def is_role(self) -> bool:
        return self.type in (ROLE, APPLICATION_ROLE)

    @property
    def is_system(self) -> bool:
        return self.id in (PUBLIC, DBO, GUEST) or self.is_fixed_role

    @property
    def lock(self) -> str:
        """Why nobody can log in as a user that no login of the server stands for; empty when somebody can."""
        if self.id in (PUBLIC, GUEST):  # everybody, and whoever comes without a user of his own
            return ""
        if self.is_role:
            return "role"
        if self.type in (CERTIFICATE, ASYMMETRIC_KEY):
            return "certificate" if self.type == CERTIFICATE else "asymmetric key"
        if self.authentication == WITHOUT_LOGIN:
            return "WITHOUT LOGIN"
        if self.type == SQL_USER and self.authentication == BY_LOGIN:
            return ORPHANED
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseRead:
    """What a database yielded: its users, and by their ids the roles that they were given and what they hold."""

    users: Mapping[int, User]
    roles: Mapping[int, list[str]]
    holdings: Mapping[int, Holdings]
    ids: Mapping[str, int]  # by name
    graph: Mapping[str, list[str]]  # the same roles, by the names of their members
    is_summarised: bool = False

    @property
    def categories(self) -> tuple[str, ...]:
        """Names for the coverage: what was read in another shape has another name."""
        return (USERS, ROLES, PERMISSIONS + (SUMMARISED if self.is_summarised else ""), ESCALATIONS)


def databases(rows: Rows) -> list[Database]:
    """The databases that the reading login can see. The last two columns are NULL where the server does not know."""
    return [
        Database(
            id=number,
            name=name,
            state=state,
            state_text=state_text,
            owner=bytes(owner or b""),
            is_snapshot=source is not None,
            is_distributor=bool(is_distributor),
            is_trustworthy=bool(is_trustworthy),
            is_accessible=bool(has_access),
            # Only an explicit denial takes away what the server as a whole allows.
            sees_definitions=definitions != 0 or bool(security_definitions),
            surely_sees_definitions=bool(definitions or security_definitions),
            sees_objects=bool(definitions),
        )
        for (
            number, name, state, state_text, source, is_distributor, owner, is_trustworthy, has_access, definitions,
            security_definitions,
        ) in rows
    ]  # fmt: skip


def read_databases(
    connection: Connection, found: Sequence[Database], *, grant_row_cap: int
) -> Iterator[tuple[Coverage, str, DatabaseRead | None]]:
    """Coverage, name and content of each database. Raises RemoteError when the connection is of no more use."""
    readable = []
    for database in found:
        unread = _unreadable(database)
        if unread is None:
            readable.append(database.name)
        else:
            yield unread, database.name, None
    for name, answer in batches.each(connection, readable, partial(read, connection, grant_row_cap=grant_row_cap)):
        if isinstance(answer, RemoteError):
            yield failed(name, answer), name, None
        else:
            yield covered(name, answer), name, answer


def _unreadable(database: Database) -> Coverage | None:
    scope = database_scope(database.name)
    if not database.is_online:
        return Coverage(scope=scope, status="offline", reason=database.state_text)
    if not database.is_accessible:
        return Coverage(scope=scope, status="denied", reason=NO_ACCESS)
    if not database.sees_definitions:
        return Coverage(scope=scope, status="denied", reason=NO_VIEW_DEFINITION)
    return None


def covered(name: str, read: DatabaseRead) -> Coverage:
    """The scope of a database that was read."""
    reason = "summarised" if read.is_summarised else ""
    return Coverage(scope=database_scope(name), status="ok", reason=reason, categories=read.categories)


def read(connection: Connection, names: Sequence[str], *, grant_row_cap: int) -> dict[str, DatabaseRead]:
    """What several databases yield, in one round trip. Raises RemoteError."""
    nouns = AZURE_NOUNS if connection.is_azure else NOUNS
    sets = connection.row_sets(nouns, names, row_limit=grant_row_cap + 1)
    return {
        name: _database(connection, name, *sets[at : at + len(nouns)], grant_row_cap=grant_row_cap)
        for name, at in zip(names, range(0, len(sets), len(nouns)), strict=True)
    }


def _database(
    connection: Connection,
    name: str,
    users: Rows,
    roles: Rows,
    permissions: Rows,
    broker: Sequence[tuple[int, int, str]] = (),
    *,
    grant_row_cap: int,
) -> DatabaseRead:
    target = connection.target
    if len(users) > grant_row_cap or len(roles) > grant_row_cap:
        raise SyncDataError(**target.address, detail=f"more than {grant_row_cap} rows in sys.database_principals")
    is_summarised = len(permissions) > grant_row_cap
    if is_summarised:
        noun = "database_permissions_summarised"
        (permissions,) = connection.row_sets([noun], [name], row_limit=GRANT_ROW_CAP + 1)
        if len(permissions) > GRANT_ROW_CAP:
            detail = f"more than {GRANT_ROW_CAP} grants even when objects are summarised by schema"
            raise SyncDataError(**target.address, detail=detail)
    known = {
        number: User(
            id=number,
            name=user,
            sid=bytes(sid or b""),
            type=kind.strip(),
            is_fixed_role=bool(is_fixed_role),
            default_schema=schema,
            authentication=authentication or 0,
        )
        for number, user, sid, kind, is_fixed_role, schema, authentication in users
    }
    held: dict[int, list[str]] = {}
    for role, member in roles:
        if role in known:
            held.setdefault(member, []).append(known[role].name)
    worded_by = summarised_permissions if is_summarised else database_permissions
    return DatabaseRead(
        users=known,
        roles={member: sorted(names) for member, names in held.items()},
        holdings=worded_by(permissions, {(level, number): name for level, number, name in broker}),
        ids={user.name: number for number, user in known.items()},
        graph={known[member].name: names for member, names in held.items() if member in known},
        is_summarised=is_summarised,
    )
