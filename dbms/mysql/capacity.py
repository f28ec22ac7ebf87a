"""Reads how much each database of a MySQL or MariaDB server takes: InnoDB's files, and what other engines say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dbms.base import Server
from dbms.mysql.connection import MARIADB, Connection
from dbms.mysql.failures import ends_reading
from dbms.mysql.grants import LACKS, NO_PROCESS
from dbms.mysql.names import quoted_account
from dbms.mysql.showing import SHOW_DATABASES, SHOW_VIEW, SHOWING_TABLES, showing_privileges
from dbms.sizes import CapacitySnapshot, DatabaseSize, SizePart
from dbms.snapshots import DATABASE_LIST, SERVER, Coverage, database_scope
from whalefall.errors import PrivilegeMissing, RemoteError, RemoteTimeout

FILES, ESTIMATE = "innodb_files", "tables_estimate"
INNODB = "InnoDB"
SYSTEM_DATABASES = frozenset({"information_schema", "mysql", "performance_schema", "sys", "ndbinfo"})
IN_MEMORY = frozenset({"information_schema", "performance_schema"})
PROCESS = "PROCESS"
UNDECODED = "#mysql50#"  # before the name of a directory that is no encoded name, as it is
RESERVED = "@@@"  # behind the directory of a database whose name is a device on Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The bytes of InnoDB's files: by directory, and by the name of each tablespace that belongs to no database."""

    by_directory: Mapping[str, int]
    shared: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """The bytes that engines state for tables, by database, as far as it was asked.

    `failure` is why nothing is known of the databases in `unknown`; of all of them when that is None.
    """

    data: Mapping[str, int]
    indexes: Mapping[str, int]
    failure: RemoteError | None = None
    unknown: frozenset[str] | None = frozenset()


def read_capacity(connection: Connection) -> CapacitySnapshot:
    """Read the size of every visible database by five statements; a sixth where roles may give what is missing.

    With PROCESS the files of InnoDB are counted and only other engines are asked for their tables; without it all
    are, which yields estimates. Databases are listed last, so that one that is dropped meanwhile is none. Raises
    RemoteError when there is no list of databases, or of the files although it may be read.
    """
    connection.expect_fresh_statistics()
    files = _read_files(connection)
    privileges = showing_privileges(connection)
    shows_tables = bool(privileges & SHOWING_TABLES)
    stated = _read_stated(connection, has_files=files is not None)
    rows = connection.rows("directories")
    directories = directories_of(rows, connection.server)
    lacking = [
        word
        for word, is_missing in (
            (PROCESS, files is None),
            (SHOW_VIEW, not shows_tables),
            (SHOW_DATABASES, SHOW_DATABASES not in privileges),
        )
        if is_missing
    ]
    databases: list[DatabaseSize] = []
    coverage = [
        Coverage(
            scope=SERVER,
            status="ok",
            reason=LACKS.format(privileges=", ".join(lacking)) if lacking else "",
            categories=() if SHOW_DATABASES in lacking else (DATABASE_LIST,),
        )
    ]
    for name, *_ in sorted(rows):
        problem = _why_unmeasured(name, files, stated, shows_tables=shows_tables)
        coverage += [problem] if problem else []
        databases.append(_size(name, directories[name], files, stated, is_known=not problem, is_whole=shows_tables))
    user, _, host = rows[0][2].rpartition("@")  # information_schema is always there; no host holds an @
    return CapacitySnapshot(
        db_type=connection.server.db_type,
        version=connection.server.version,
        main_version=connection.server.main_version,
        reader=quoted_account(user, host),
        coverage=tuple(coverage),
        databases=tuple(databases),
        parts=_shared(files, directories),
    )


def directories_of(rows: Iterable[Sequence[str]], server: Server) -> dict[str, tuple[str, ...]]:
    """{database: directories that InnoDB may write for it}.

    MySQL 8 keeps names as they are (WL#10436), everybody else as the file system has them; both are taken there.
    """
    is_plain = server.fork != MARIADB and server.number >= (8,)
    found: dict[str, tuple[str, ...]] = {}
    for name, encoded, *_ in rows:
        directory = name.removeprefix(UNDECODED) if name.startswith(UNDECODED) else encoded
        found[name] = (*((name,) if is_plain else ()), directory, directory + RESERVED)
    return {name: tuple(dict.fromkeys(spellings)) for name, spellings in found.items()}


def in_list(*names: str) -> str:
    """A name, dotted where it has parts, in the lists that statements take: in hexadecimal, so that no name can
    be a part of another."""
    return ".".join(name.encode("utf-8", "surrogatepass").hex().upper() for name in names)


def listed(items: Iterable[str]) -> str:
    """The whole list; empty without items."""
    text = "/".join(sorted(items))
    return f"/{text}/" if text else ""


def _read_files(connection: Connection) -> Files | None:
    """None without PROCESS."""
    try:
        rows = connection.rows("innodb_files")
    except PrivilegeMissing:
        return None
    return Files(
        by_directory={directory: size for directory, _, size in rows if directory},
        shared={name: size for directory, name, size in rows if not directory},
    )


def _read_stated(connection: Connection, *, has_files: bool) -> Stated:
    """What engines state: all of them, or where InnoDB's files are known the others, only where a database has some."""
    asked: set[str] | None = None
    try:
        engines = connection.rows("engines", databases="")
        asked = {database for database, engine, *_ in engines if not (has_files and engine == INNODB)} - IN_MEMORY
        if not asked:
            return Stated(data={}, indexes={})
        rows = connection.rows(
            "table_sizes",
            databases=listed(map(in_list, asked)) if has_files else "",
            elsewhere=listed(in_list(database, table) for database, _, table, _ in engines if table),
            engine=INNODB if has_files else "",
        )
    except RemoteError as error:
        if ends_reading(error, connection.target):
            raise
        return Stated(data={}, indexes={}, failure=error, unknown=None if asked is None else frozenset(asked))
    return Stated(
        data={database: data for database, data, _ in rows}, indexes={database: index for database, _, index in rows}
    )


def _why_unmeasured(name: str, files: Files | None, stated: Stated, *, shows_tables: bool) -> Coverage | None:
    """Why a database has no size; None when it has one."""
    if name in IN_MEMORY:
        return None
    if files is None and not shows_tables:
        return Coverage(scope=database_scope(name), status="denied", reason=NO_PROCESS)
    error = stated.failure
    if error is None or (stated.unknown is not None and name not in stated.unknown):
        return None
    detail = str(error.params["detail"] or error)[:200]
    is_late = isinstance(error, RemoteTimeout)
    return Coverage(scope=database_scope(name), status="timeout" if is_late else "error", reason=detail)


def _size(
    name: str, spellings: Iterable[str], files: Files | None, stated: Stated, *, is_known: bool, is_whole: bool
) -> DatabaseSize:
    size: int | None = None
    if is_known:
        of_files = sum(files.by_directory.get(spelling, 0) for spelling in spellings) if files else 0
        size = of_files + stated.data.get(name, 0) + stated.indexes.get(name, 0)
    return DatabaseSize(
        name=name,
        is_system=name in SYSTEM_DATABASES,
        size_bytes=size,
        data_size_bytes=size,  # nobody has a log of his own, and a file of InnoDB holds data and indexes
        method=FILES if files else ESTIMATE,
        is_estimate=name not in IN_MEMORY and not (files and is_whole),
    )


def _shared(files: Files | None, directories: Mapping[str, tuple[str, ...]]) -> tuple[SizePart, ...]:
    """Tablespaces of several databases, and directories of databases that are hidden from us or gone."""
    if files is None:
        return ()
    known = {spelling for spellings in directories.values() for spelling in spellings}
    others = {name: size for name, size in files.by_directory.items() if name not in known}
    return tuple(
        SizePart(kind="shared", name=name, size_bytes=size) for name, size in sorted({**files.shared, **others}.items())
    )
