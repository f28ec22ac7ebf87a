"""What a monitoring account lacks, as statements: to see all definitions and databases, and to enter each database."""

from __future__ import annotations

from dbms.snapshots import AccountsSnapshot, database_scope
from dbms.sqlserver.databases import NO_ACCESS, NO_VIEW_DEFINITION
from dbms.sqlserver.names import bracketed

CONNECT_ANY_DATABASE_SINCE = 12  # SQL Server 2014

# Why the list of databases may be incomplete, so that none is taken for dropped.
NO_DATABASE_LIST = "without VIEW ANY DATABASE nobody can say which databases exist"
NO_FILES = "without VIEW ANY DEFINITION an offline database may be hidden"
HIDDEN_DATABASE = "a database is hidden, so none is taken for dropped"


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
            missing.append(f"USE {bracketed(_name(part.scope))} GRANT VIEW DEFINITION TO {login}")
    return tuple(missing)


def view_definitions(login: str) -> str:
    """What lets a login, in brackets, see who exists."""
    return f"GRANT VIEW ANY DEFINITION TO {login}"


def _name(scope: str) -> str:
    return scope.removeprefix(database_scope(""))
