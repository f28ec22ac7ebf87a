"""Reads how much each database and each tablespace of a PostgreSQL server takes. WAL is counted nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from dbms.postgresql.connection import Connection
from dbms.postgresql.failures import DATABASE_MISSING
from dbms.postgresql.grants import NO_SIZE, PROVIDER_DATABASES, TABLESPACES_DENIED
from dbms.sizes import CapacitySnapshot, DatabaseSize, SizePart
from dbms.snapshots import DATABASE_LIST, SERVER, Coverage, CoverageStatus, database_scope
from whalefall.errors import PrivilegeMissing, ProtocolViolation, RemoteError, RemoteTimeout, ServerRestarting

METHOD = "pg_database_size"
SYSTEM_DATABASES = frozenset({"postgres", *PROVIDER_DATABASES})
ENDS_READING = (ProtocolViolation, ServerRestarting)  # the connection is of no more use
NO_FILES = "the database has no files"
NO_TIME = "the databases before it took the whole time"
TABLESPACES_UNREAD = "the tablespaces could not be measured: {detail}"

Problem = tuple[CoverageStatus, str]
Outcome = tuple[DatabaseSize, Coverage | None]


def read_capacity(connection: Connection) -> CapacitySnapshot:
    """Read the size of every database by one statement, and of every tablespace by another.

    Where the first fails, because a database was dropped meanwhile or all together take too long, it is one statement
    for each database instead, so that each has an outcome of its own. Templates and databases that accept no
    connections are measured like the others. Raises RemoteError when nothing can be read at all.
    """
    try:
        found = [
            _outcome(name, is_template, size, problem=_why_none(may_read, size))
            for _, name, is_template, may_read, size in connection.rows("database_sizes")
        ]
    except RemoteError as error:
        if _ends_reading(error, connection):
            raise
        found = list(_one_by_one(connection))
    parts, reason = _read_tablespaces(connection)
    return CapacitySnapshot(
        db_type=connection.server.db_type,
        version=connection.server.version,
        main_version=connection.server.main_version,
        coverage=(
            Coverage(scope=SERVER, status="ok", reason=reason, categories=(DATABASE_LIST,)),
            *(problem for _, problem in found if problem is not None),
        ),
        databases=tuple(size for size, _ in found),
        parts=parts,
    )


def _one_by_one(connection: Connection) -> Iterator[Outcome]:
    """The same, a statement for each database, as long as the fetch has time left for another one."""
    target = connection.target
    for oid, name, is_template in connection.rows("database_names"):
        left = target.interrupt.seconds_left
        if left < min(target.statement_timeout, target.fetch_timeout / 2):
            yield _outcome(name, is_template, None, problem=("timeout", NO_TIME))
            continue
        try:
            ((size,),) = connection.rows("database_size", database=oid)
        except RemoteError as error:
            if _ends_reading(error, connection):
                raise
            if error.extra.get("sqlstate") != DATABASE_MISSING:  # else it is one of the past
                yield _outcome(name, is_template, None, problem=_why_not(error))
        else:
            yield _outcome(name, is_template, size, problem=_why_none(True, size))


def _outcome(name: str, is_template: bool, size: int | None, *, problem: Problem | None) -> Outcome:
    measured = DatabaseSize(
        name=name,
        is_system=is_template or name in SYSTEM_DATABASES,
        size_bytes=size,
        data_size_bytes=size,  # the log is the server's
        method=METHOD,
    )
    if problem is None:
        return measured, None
    status, reason = problem
    return measured, Coverage(scope=database_scope(name), status=status, reason=reason)


def _why_none(may_read: bool | None, size: int | None) -> Problem | None:
    """Why the server gave no size; None when it gave one."""
    if size is not None:
        return None
    return ("error", NO_FILES) if may_read else ("denied", NO_SIZE)


def _why_not(error: RemoteError) -> Problem:
    if isinstance(error, PrivilegeMissing):
        return "denied", NO_SIZE
    return "timeout" if isinstance(error, RemoteTimeout) else "error", _detail(error)


def _read_tablespaces(connection: Connection) -> tuple[tuple[SizePart, ...], str]:
    """The tablespaces that we may measure, and what is to be said of the others."""
    try:
        rows = connection.rows("tablespace_sizes")
    except RemoteError as error:
        if _ends_reading(error, connection):
            raise
        return (), TABLESPACES_UNREAD.format(detail=_detail(error))
    parts = tuple(SizePart(kind="tablespace", name=name, size_bytes=size) for name, _, size in rows if size is not None)
    return parts, "" if all(may_read for _, may_read, _ in rows) else TABLESPACES_DENIED


def _detail(error: RemoteError) -> str:
    return str(error.params["detail"] or error)[:200]


def _ends_reading(error: RemoteError, connection: Connection) -> bool:
    return isinstance(error, ENDS_READING) or bool(connection.target.interrupt.reason)
