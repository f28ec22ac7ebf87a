"""Reads how many bytes the files of every database take, and those of the largest tables of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from dbms.sizes import CapacitySnapshot, DatabaseSize, TableSize
from dbms.snapshots import SERVER, Coverage, database_scope
from dbms.sqlserver import batches
from dbms.sqlserver.connection import Connection
from dbms.sqlserver.databases import Database, databases
from dbms.sqlserver.grants import view_database_definitions, view_definitions, view_definitions_in
from dbms.sqlserver.names import bracketed
from dbms.sqlserver.scopes import NO_SIZE, NO_STATE, ONE_OF_AZURE, failed, server_coverage
from whalefall.errors import PrivilegeMissing, RemoteError

LOG, FILESTREAM = 1, 2  # as sys.master_files.type
PAGE = 8192
MASTER_FILES, DATABASE_FILES, SPARSE_FILES = "master_files", "database_files", "sparse_files"

NOT_OPEN = "the files of the database snapshot are not open"

Sizes = Mapping[int, int]  # bytes by type of file


def read_capacity(connection: Connection) -> CapacitySnapshot:
    """Measure every database by the files that the server knows of, whether it is open or not.

    Two statements, and one more for all that only they themselves can measure: tempdb, of which the server keeps the
    size at its start, what has FILESTREAM, and, where the server's list is hidden, every database that lets us in. One
    for all database snapshots, where there are any. Of Azure SQL Database, which has no such list, the connected
    database. Raises RemoteError.
    """
    found = databases(connection.rows("databases"))
    if connection.is_azure:
        found = [database for database in found if database.name == connection.about.database]
        listed: dict[str | None, dict[int, int]] = {}
        server = Coverage(scope=SERVER, status="ok", reason=ONE_OF_AZURE)
    else:
        listed = _listed(connection)
        server = server_coverage(listed, sees_databases=bool(connection.about.sees_databases))
    coverage, sizes = [server], []
    asked = [database.name for database in found if _must_be_asked(database, listed.get(database.name, {}))]
    answers = dict(batches.each(connection, asked, partial(_inside, connection)))
    sparse = _sparse(connection) if any(database.is_snapshot for database in found) else {}
    for database in found:
        if database.is_snapshot:
            size, unread = _snapshot(database, sparse)
        else:
            size, unread = _measured(database, listed.get(database.name), answers.get(database.name))
        sizes.append(size)
        coverage += [unread] if unread else []
    return CapacitySnapshot(
        db_type=connection.server.db_type,
        version=connection.server.version,
        main_version=connection.server.main_version,
        reader=connection.about.reader,
        coverage=tuple(coverage),
        databases=tuple(sizes),
    )


def _listed(connection: Connection) -> dict[str | None, dict[int, int]]:
    """The server's own list of files, by the name of the database; None is one that we do not see."""
    found: dict[str | None, dict[int, int]] = {}
    for _, name, kind, pages in connection.rows("file_sizes"):
        found.setdefault(name, {})[kind] = pages * PAGE
    return found


def _inside(connection: Connection, names: Sequence[str]) -> dict[str, dict[int, int]]:
    """What the databases say of their own files."""
    sets = connection.row_sets(["database_sizes"], names)
    return {name: {kind: pages * PAGE for kind, pages in rows} for name, rows in zip(names, sets, strict=True)}


def _sparse(connection: Connection) -> Mapping[int, int] | RemoteError:
    """What the open files of databases take on disk, by the id of the database."""
    try:
        return dict(connection.rows("sizes_on_disk"))
    except RemoteError as error:
        if connection.is_lost:
            raise
        return error


def _snapshot(database: Database, sparse: Mapping[int, int] | RemoteError) -> tuple[DatabaseSize, Coverage | None]:
    """The size of a database snapshot, of which both views of files have the most that it can ever take."""
    scope = database_scope(database.name)
    if isinstance(sparse, PrivilegeMissing):
        return _size(database), Coverage(scope=scope, status="denied", reason=NO_STATE)
    if isinstance(sparse, RemoteError):
        return _size(database), failed(database.name, sparse)
    if database.id not in sparse:
        return _size(database), Coverage(scope=scope, status="error", reason=NOT_OPEN)
    size = sparse[database.id]
    found = DatabaseSize(name=database.name, size_bytes=size, data_size_bytes=size, method=SPARSE_FILES)
    return found, None


def _must_be_asked(database: Database, listed: Sizes) -> bool:
    return (
        database.is_online
        and database.is_accessible
        and not database.is_snapshot
        and (not listed or _is_inexact(database, listed))
    )


def _is_inexact(database: Database, listed: Sizes) -> bool:
    """Whether the server's list says something else than how large the files are now."""
    return database.is_tempdb or FILESTREAM in listed


def _measured(
    database: Database, listed: Sizes | None, answer: Sizes | RemoteError | None
) -> tuple[DatabaseSize, Coverage | None]:
    """The size of a database, and why there is none."""
    if answer and not isinstance(answer, RemoteError):
        return _size(database, answer, method=DATABASE_FILES), None
    if listed:
        return _size(database, listed, method=MASTER_FILES, is_estimate=_is_inexact(database, listed)), None
    if isinstance(answer, RemoteError):
        return _size(database), failed(database.name, answer)
    return _size(database), Coverage(scope=database_scope(database.name), status="denied", reason=NO_SIZE)


def _size(
    database: Database, files: Sizes | None = None, *, method: str = "", is_estimate: bool = False
) -> DatabaseSize:
    log = files.get(LOG, 0) if files else None
    total = sum(files.values()) if files else None
    return DatabaseSize(
        name=database.name,
        is_system=database.is_system,
        size_bytes=total,
        data_size_bytes=None if total is None or log is None else total - log,
        log_size_bytes=log,
        method=method,
        is_estimate=is_estimate,
    )


def read_tables(connection: Connection, database: str, most: int) -> list[TableSize]:
    """The largest tables and indexed views of a database. Raises RemoteError, and so where a table may be hidden.

    `size_bytes` is what is reserved for the table; data and indexes are what of it is in use.
    """
    (rows,) = connection.row_sets(["database_tables"], [database], row_limit=most)
    _check_visible(connection, database)
    return [
        TableSize(
            schema=schema,
            name=name,
            size_bytes=reserved * PAGE,
            data_size_bytes=data * PAGE,
            index_size_bytes=(used - data) * PAGE,
            row_estimate=number,
        )
        for schema, name, reserved, data, used, number in rows
    ]


def _check_visible(connection: Connection, database: str) -> None:
    """Raises PrivilegeMissing unless every definition is to be seen: the views leave the other tables out silently."""
    about = connection.about
    listed = [
        each.sees_objects
        for each in databases(connection.rows("databases"))
        if each.name.casefold() == database.casefold()
    ]
    if all(listed or [about.sees_definitions]):
        return
    reader = bracketed(about.reader or connection.target.username)
    if connection.is_azure:
        needed = view_database_definitions(reader)
    else:
        needed = view_definitions_in(database, reader) if about.sees_definitions else view_definitions(reader)
    raise PrivilegeMissing(**connection.target.address, detail=needed)
