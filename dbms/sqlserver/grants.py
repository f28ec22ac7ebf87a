"""What a monitoring account lacks, as statements: to see all definitions and databases, and to enter each database."""

from __future__ import annotations

from dbms.sizes import CapacitySnapshot
from dbms.snapshots import AccountsSnapshot, database_scope
from dbms.sqlserver.databases import NO_ACCESS, NO_VIEW_DEFINITION
from dbms.sqlserver.names import bracketed
from dbms.sqlserver.scopes import NO_DATABASE_LIST, NO_FILES, NO_SIZE, NO_STATE

CONNECT_ANY_DATABASE_SINCE = 12  # SQL Server 2014


def grants(snapshot: AccountsSnapshot, username: str) -> tuple[str, ...]:
    """The statements, without semicolon, after which the login that read can read everything."""
    login = bracketed(snapshot.reader or username)
    reasons = {part.reason for part in snapshot.coverage}
    missing = []
    if NO_DATABASE_LIST in reasons:
        missing.append(f"GRANT VIEW ANY DATABASE TO {login}")
    if NO_FILES in reasons:
        missing.append(view_definitions(login))
    closed = [_name(part.scope) for part in snapshot.coverage if part.status == "denied" and part.reason == NO_ACCESS]
    if closed and int(snapshot.main_version.partition(".")[0]) >= CONNECT_ANY_DATABASE_SINCE:
        missing.append(f"GRANT CONNECT ANY DATABASE TO {login}")
    else:
        missing += [f"USE {bracketed(name)} CREATE USER {login} FOR LOGIN {login}" for name in closed]
    for part in snapshot.coverage:
        if part.status == "denied" and part.reason == NO_VIEW_DEFINITION:
            missing.append(view_definitions_in(_name(part.scope), login))
    return tuple(missing)


def capacity_grants(snapshot: CapacitySnapshot, username: str) -> tuple[str, ...]:
    """The statements, without semicolon, after which the login that read can measure everything."""
    login = bracketed(snapshot.reader or username)
    reasons = {part.reason for part in snapshot.coverage}
    missing = []
    if NO_DATABASE_LIST in reasons:
        missing.append(f"GRANT VIEW ANY DATABASE TO {login}")
    if reasons & {NO_FILES, NO_SIZE}:
        missing.append(view_definitions(login))
    if NO_STATE in reasons:
        missing.append(f"GRANT VIEW SERVER STATE TO {login}")
    return tuple(missing)


def view_definitions(login: str) -> str:
    """What lets a login, in brackets, see who exists."""
    return f"GRANT VIEW ANY DEFINITION TO {login}"


def view_definitions_in(database: str, login: str) -> str:
    """The same for one database that denies it."""
    return f"USE {bracketed(database)} GRANT VIEW DEFINITION TO {login}"


def view_database_definitions(user: str) -> str:
    """What lets a user of the connected Azure SQL Database, in brackets, see who exists there."""
    return f"GRANT VIEW DEFINITION TO {user}"


def read_azure_definitions(login: str) -> str:
    """What lets a login, in brackets, see the logins of an Azure SQL server from its database master."""
    return f"ALTER SERVER ROLE ##MS_DefinitionReader## ADD MEMBER {login}"


def _name(scope: str) -> str:
    return scope.removeprefix(database_scope(""))
