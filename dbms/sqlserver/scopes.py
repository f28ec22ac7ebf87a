"""What a read covered: the server with its list of databases, and each database by itself."""

from __future__ import annotations

from collections.abc import Collection

from dbms.snapshots import DATABASE_LIST, SERVER, Coverage, CoverageStatus, database_scope
from whalefall.errors import PrivilegeMissing, RemoteError, RemoteTimeout

# Why the list of databases may be incomplete, so that none is taken for dropped.
NO_DATABASE_LIST = "without VIEW ANY DATABASE nobody can say which databases exist"
NO_FILES = "without VIEW ANY DEFINITION an offline database may be hidden"
NO_SIZE = "without VIEW ANY DEFINITION the files of a closed database are hidden"
NO_STATE = "without VIEW SERVER STATE a database snapshot cannot be measured"
HIDDEN_DATABASE = "a database is hidden, so none is taken for dropped"
ONE_OF_AZURE = "Azure SQL Database: a connection sees one database only"

REASON_LENGTH = 200


def server_coverage(
    owners: Collection[str | None], *, sees_databases: bool, categories: tuple[str, ...] = ()
) -> Coverage:
    """The server's scope, with DATABASE_LIST when the list of databases is complete.

    `owners` are the names of the databases that files belong to: an offline database may be missing in the list that
    we get, but it has its files all the same, of a database without a name.
    """
    reason = ""
    if not sees_databases:
        reason = NO_DATABASE_LIST
    elif not owners:
        reason = NO_FILES
    elif None in owners:
        reason = HIDDEN_DATABASE
    return Coverage(
        scope=SERVER, status="ok", reason=reason, categories=categories if reason else (DATABASE_LIST, *categories)
    )


def failed(name: str, error: RemoteError) -> Coverage:
    """The scope of a database that could not be read."""
    detail = str(error.params["detail"] or error)[:REASON_LENGTH]
    return Coverage(scope=database_scope(name), status=_status(error), reason=detail)


def _status(error: RemoteError) -> CoverageStatus:
    if isinstance(error, RemoteTimeout):
        return "timeout"
    return "denied" if isinstance(error, PrivilegeMissing) else "error"
