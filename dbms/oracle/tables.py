"""The largest tables of one container."""

from __future__ import annotations

from collections.abc import Sequence

from dbms.oracle.answers import needed_by
from dbms.oracle.connection import Connection
from dbms.oracle.containers import OPEN_MODES
from dbms.oracle.grants import select_on
from dbms.oracle.names import identifier, quoted
from dbms.sizes import TableSize
from dbms.snapshots import storable
from whalefall.errors import DatabaseClosed, DatabaseMissing, PrivilegeMissing


def read_tables(connection: Connection, database: str, most: int) -> Sequence[TableSize]:
    """The `most` largest tables of a container, the largest first, each with its partitions, indexes and large objects.

    Tables in a cluster are not told apart there, so they are left out. Elsewhere than in the root of a CDB there is the
    own container alone. Raises RemoteError.
    """
    is_own = database == connection.container_name
    if not connection.is_root and not is_own:
        raise DatabaseMissing(**connection.target.address, database=database, detail="the login is in another one")
    parameters = {"database": database} if connection.is_root else {}
    try:
        rows = connection.rows("table_sizes", most=most, **parameters)
    except PrivilegeMissing as error:
        needed = "; ".join(select_on(needed_by(connection, "table_sizes"), quoted(connection.reader)))
        raise PrivilegeMissing(**connection.target.address, detail=needed, extra=error.extra) from error
    if not rows and not is_own:
        _check_open(connection, database)
    return [
        TableSize(
            schema=storable(owner),
            name=storable(name),
            size_bytes=int(data) + int(index),
            data_size_bytes=int(data),
            index_size_bytes=int(index),
            row_estimate=None if count is None else int(count),
        )
        for owner, name, data, index, count in rows
    ]


def _check_open(connection: Connection, database: str) -> None:
    """Raises DatabaseMissing or DatabaseClosed where a pluggable database shows no table because it shows nothing."""
    modes = {number: mode for number, mode, _ in connection.rows("containers")}
    mode = next((modes.get(number) for number, name in connection.rows("pdbs") if name == database), None)
    address = connection.target.address
    if mode is None:
        raise DatabaseMissing(**address, database=database, detail="the monitoring account sees no such database")
    if mode not in OPEN_MODES:
        statement = f"ALTER PLUGGABLE DATABASE {identifier(database)} OPEN"
        raise DatabaseClosed(**address, database=database, statement=statement)
