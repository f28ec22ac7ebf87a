"""Reads Azure SQL Database, where a connection sees one database, and the logins from `master` only.

So each database is an instance of its own, and so is `master`. A login and the users that are made for it are accounts
of their own: who reads a database cannot tell whether the login of a user is there.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbms.snapshots import LOCKS, SERVER, AccountSnapshot, AccountsSnapshot, Coverage, account
from dbms.sqlserver.connection import Connection, Rows
from dbms.sqlserver.databases import covered, databases, read
from dbms.sqlserver.failures import DEFAULT_DATABASE
from dbms.sqlserver.grants import read_azure_definitions, view_database_definitions
from dbms.sqlserver.names import bracketed
from dbms.sqlserver.principals import SQL_USER, TYPES
from dbms.sqlserver.scopes import ONE_OF_AZURE
from dbms.sqlserver.users import users
from whalefall.errors import PrivilegeMissing


def read_accounts(connection: Connection, *, grant_row_cap: int) -> AccountsSnapshot:
    """Read the users, roles and grants of the connected database; in `master` the logins with a password too.

    No list of databases is complete, so none is ever taken for dropped. Raises RemoteError, and so also when
    the database or the logins cannot be seen as a whole.
    """
    about = connection.about
    reader = bracketed(about.reader or connection.target.username)
    (database,) = [each for each in databases(connection.rows("databases")) if each.name == about.database]
    if not database.surely_sees_definitions:
        raise PrivilegeMissing(**connection.target.address, detail=view_database_definitions(reader))
    logins: list[AccountSnapshot] = []
    if database.name == DEFAULT_DATABASE:
        if not (about.sees_definitions or about.sees_security_definitions):
            raise PrivilegeMissing(**connection.target.address, detail=read_azure_definitions(reader))
        logins += _logins(connection.rows("azure_logins"))
    reads = read(connection, [database.name], grant_row_cap=grant_row_cap)
    return AccountsSnapshot(
        db_type=connection.server.db_type,
        version=connection.server.version,
        main_version=connection.server.main_version,
        reader=about.reader,
        coverage=(
            Coverage(scope=SERVER, status="ok", reason=ONE_OF_AZURE),
            covered(database.name, reads[database.name]),
        ),
        accounts=(*logins, *users(reads, logins=None)),
    )


def _logins(rows: Rows) -> Iterator[AccountSnapshot]:
    for _, name, sid, is_disabled in rows:
        yield account(
            username=name,
            kind="user",
            is_locked=bool(is_disabled),
            principal_id=bytes(sid or b"").hex(),
            parts={SERVER: {}},
            type_specific={
                "type": TYPES[SQL_USER],
                LOCKS: ["DISABLED"] if is_disabled else [],
            },
        )
