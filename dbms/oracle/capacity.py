"""Reads what each container takes on disk, and its tablespaces and schemas, by a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dbms.oracle.answers import Answers
from dbms.oracle.connection import Connection
from dbms.oracle.containers import NOT_VISIBLE, OWN, ROOT_NOUNS, SEED, Containers, read_containers, server_coverage
from dbms.oracle.names import quoted
from dbms.oracle.storage import DATA, FILES, TEMP, Storage, read_storage
from dbms.sizes import CapacitySnapshot, DatabaseSize, SizePart
from dbms.snapshots import DATABASE_LIST, Coverage, category_scope, database_scope, pdb_scope, storable
from whalefall.errors import RemoteError

# In the order in which they are sent: what takes long comes last.
NOUNS = (DATA, TEMP, "tablespaces", FILES, "redo_logs", "tablespace_usage", "schema_sizes")
REDO_LOGS = "redo logs"
NO_FILES = "not all of its files can be accessed"


def read_capacity(connection: Connection) -> CapacitySnapshot:
    """Read the size of every container that the login may see, whether it is open or not.

    In the root of a CDB each pluggable database is one, and so are the root and the template of new ones; elsewhere
    there is the own one alone. Redo logs belong to all together. A view that cannot be read costs what only it tells.
    Raises RemoteError when the connection is lost.
    """
    nouns = (*ROOT_NOUNS, *NOUNS) if connection.is_root else NOUNS
    answers = Answers(connection, ((noun, None) for noun in nouns))
    storage = read_storage(answers)
    unread = dict(_unread(answers))
    failed = next((unread[noun] for noun in (DATA, TEMP, FILES) if noun in unread), None)
    containers = read_containers(answers, seen=storage.containers, failed=None if storage.containers else failed)
    names = {OWN: connection.container_name, **containers.names}
    is_complete = containers.is_list_complete or not connection.is_root
    server = connection.server
    return CapacitySnapshot(
        db_type=server.db_type,
        version=server.version,
        main_version=server.main_version,
        reader=quoted(connection.reader),
        coverage=(
            server_coverage(containers, (DATABASE_LIST,) if is_complete else ()),
            *unread.values(),
            *(
                _unmeasured(number, name, containers, failed, is_pdb=connection.is_root)
                for number, name in names.items()
                if number not in storage.allocations
            ),
        ),
        databases=tuple(_database(number, name, storage, containers) for number, name in names.items()),
        parts=(*_tablespaces(storage, names), *_schemas(answers, names), *_redo_logs(answers)),
    )


def _unread(answers: Answers) -> Iterator[tuple[str, Coverage]]:
    """A scope of its own for each statement that failed."""
    for noun in NOUNS:
        try:
            answers.rows(noun)
        except RemoteError as error:
            status, reason = answers.reason(noun, error)
            scope = category_scope(f"oracle_{noun}")
            yield noun, Coverage(scope=scope, status=status, reason=reason)  # type: ignore[arg-type]


def _unmeasured(number: int, name: str, containers: Containers, failed: Coverage | None, *, is_pdb: bool) -> Coverage:
    """Why a container has no size."""
    if number in containers.unread:
        return containers.unread[number]
    scope = pdb_scope(name) if is_pdb else database_scope(name)
    if failed is not None:
        return Coverage(scope=scope, status=failed.status, reason=failed.reason)
    if number == SEED and not containers.is_list_complete:
        return Coverage(scope=scope, status="denied", reason=NOT_VISIBLE)
    return Coverage(scope=scope, status="error", reason=NO_FILES)


def _database(number: int, name: str, storage: Storage, containers: Containers) -> DatabaseSize:
    found = storage.allocations.get(number)
    return DatabaseSize(
        name=storable(name),
        is_system=number == SEED or (number == OWN and bool(containers.names)),
        size_bytes=None if found is None else found.size,
        data_size_bytes=None if found is None else found.permanent,
        method="" if found is None else found.method,
    )


def _tablespaces(storage: Storage, names: Mapping[int, str]) -> Iterator[SizePart]:
    for (container, name), tablespace in storage.tablespaces.items():
        if container in names and tablespace.size is not None:
            yield SizePart(
                kind="tablespace",
                database=storable(names[container]),
                name=storable(name),
                size_bytes=tablespace.size,
                used_bytes=storage.used.get((container, name)),
                max_bytes=tablespace.most,
            )


def _schemas(answers: Answers, names: Mapping[int, str]) -> Iterator[SizePart]:
    for container, owner, size in answers.rows_if_any("schema_sizes"):
        if int(container) in names and size is not None:
            database = storable(names[int(container)])
            yield SizePart(kind="schema", database=database, name=storable(owner), size_bytes=int(size))


def _redo_logs(answers: Answers) -> Iterator[SizePart]:
    """All of them together; from within a pluggable database there are none to be seen."""
    if rows := answers.rows_if_any("redo_logs"):
        yield SizePart(
            kind="shared", name=REDO_LOGS, size_bytes=sum(int(size) * int(members) for size, members in rows)
        )
