"""Reads how much each database and each tablespace of a PostgreSQL server takes. WAL is counted nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dbms.postgresql.connection import Connection
from dbms.postgresql.failures import DATABASE_MISSING
from dbms.postgresql.grants import NO_SIZE, PROVIDER_DATABASES, TABLESPACES_DENIED
from dbms.sizes import CapacitySnapshot, DatabaseSize, SizePart
from dbms.snapshots import DATABASE_LIST, SERVER, Coverage, CoverageStatus, database_scope
from whalefall.errors import PrivilegeMissing, ProtocolViolation, RemoteError, RemoteTimeout, ServerRestarting

METHOD = "pg_database_size"
SYSTEM_DATABASES = frozenset({"postgres", *PROVIDER_DATABASES})
ENDS_READING = (ProtocolViolation, ServerRestarting)  # the connection is of no more use
GONE = (DATABASE_MISSING, "42704")  # the second since 16
TABLESPACES_UNREAD = "the tablespaces could not be measured: {detail}"

Problem = tuple[CoverageStatus, str]
NO_FILES: Problem = ("error", "the database has no files")
NO_TIME: Problem = ("timeout", "the databases before it took the whole time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One database with its size, or why it has none."""

    oid: int
    name: str
    is_template: bool
    size: int | None
    problem: Problem | None


def read_capacity(connection: Connection) -> CapacitySnapshot:
    """Read the size of every database by one statement, and of every tablespace by another.

    Where the first fails, because a database was dropped meanwhile or all together take too long, it is one statement
    for each database instead, so that each has an outcome of its own. Templates and databases that accept no
    connections are measured like the others. Raises RemoteError when nothing can be read at all.
    """
    found = _measure(connection)
    parts, reason = _read_tablespaces(connection)
    return CapacitySnapshot(
        db_type=connection.server.db_type,
        version=connection.server.version,
        main_version=connection.server.main_version,
        coverage=(
            Coverage(scope=SERVER, status="ok", reason=reason, categories=(DATABASE_LIST,)),
            *(
                Coverage(scope=database_scope(one.name), status=one.problem[0], reason=one.problem[1])
                for one in found
                if one.problem is not None
            ),
        ),
        databases=tuple(
            DatabaseSize(
                name=one.name,
                is_system=one.is_template or one.name in SYSTEM_DATABASES,
                size_bytes=one.size,
                data_size_bytes=one.size,  # the log is the server's
                method=METHOD,
            )
            for one in found
        ),
        parts=parts,
    )


def _measure(connection: Connection) -> list[Measured]:
    """Every database that is still there."""
    try:
        found = [
            Measured(oid=oid, name=name, is_template=is_template, size=size, problem=_why_none(may_read, size))
            for oid, name, is_template, may_read, size in connection.rows("database_sizes")
        ]
    except RemoteError as error:
        if _ends_reading(error, connection):
            raise
        found = list(_one_by_one(connection))
    if any(one.problem == NO_FILES for one in found):  # what a superuser learns of one that is gone
        there = {oid for oid, *_ in connection.rows("database_names")}
        return [one for one in found if one.oid in there]
    return found


def _one_by_one(connection: Connection) -> Iterator[Measured]:
    """A statement for each database, as long as the fetch has time left for another one."""
    target = connection.target
    for oid, name, is_template in connection.rows("database_names"):
        size: int | None = None
        if target.interrupt.seconds_left < min(target.statement_timeout, target.fetch_timeout / 2):
            problem: Problem | None = NO_TIME
        else:
            try:
                ((size,),) = connection.rows("database_size", database=oid)
                problem = _why_none(True, size)
            except RemoteError as error:
                if _ends_reading(error, connection):
                    raise
                if error.extra.get("sqlstate") in GONE:
                    continue
                problem = _why_not(error)
        yield Measured(oid=oid, name=name, is_template=is_template, size=size, problem=problem)


def _why_none(may_read: bool | None, size: int | None) -> Problem | None:
    """Why the server gave no size; None when it gave one."""
    if size is not None:
        return None
    return NO_FILES if may_read else ("denied", NO_SIZE)


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
