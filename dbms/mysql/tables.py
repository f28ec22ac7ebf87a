"""Reads how much the largest tables of one MySQL or MariaDB database take."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dbms.mysql.capacity import directories_of, in_list, listed
from dbms.mysql.connection import Connection
from dbms.mysql.names import identifier
from dbms.sizes import TableSize
from whalefall.errors import DatabaseMissing, PrivilegeMissing

ROW_LIMIT = 10_000  # of the largest by the server's statistics
PARTITION = re.compile("#p#", re.IGNORECASE)  # between a table's name and its partition's; 8.0 writes it small


def read_tables(connection: Connection, database: str, most: int) -> Sequence[TableSize]:
    """The largest tables of a database, partitions summed up, by five statements.

    An InnoDB table takes what its files do, as far as the login has PROCESS and it has files of its own, else what
    the server's statistics say of data and indexes. Files of no table, like those of a full-text index, stand there
    by their own names. Raises DatabaseMissing for one that does not exist or is hidden, and RemoteError.
    """
    connection.expect_fresh_statistics()
    spellings = directories_of(connection.rows("directories"), connection.server).get(database)
    if spellings is None:
        missing = "the monitoring account sees no such database"
        raise DatabaseMissing(**connection.target.address, database=identifier(database), detail=missing)
    databases = listed([in_list(database)])
    elsewhere = listed(
        in_list(database, table) for _, _, table, _ in connection.rows("engines", databases=databases) if table
    )
    rows = connection.rows("tables", databases=databases, elsewhere=elsewhere, row_limit=ROW_LIMIT)
    names: dict[str, str] = {spelling: name for name, encoded, *_ in rows for spelling in (encoded, name)}
    files: dict[str, int] = {}
    for spelling, size in _read_files(connection, spellings):
        table = spelling if spelling in names else PARTITION.split(spelling, maxsplit=1)[0]
        whole = names.get(table, table)
        files[whole] = files.get(whole, 0) + size
    tables = [
        TableSize(
            schema=database,
            name=name,
            size_bytes=files.pop(name, data + indexes),
            data_size_bytes=data,
            index_size_bytes=indexes,
            row_estimate=number,
        )
        for name, _, _, data, indexes, number in rows
    ]
    tables += [TableSize(schema=database, name=name, size_bytes=size) for name, size in files.items()]
    return sorted(tables, key=lambda table: (-table.size_bytes, table.name))[:most]


def _read_files(connection: Connection, spellings: Sequence[str]) -> Sequence[tuple[str, int]]:
    """(name, bytes) of each file; nothing without PROCESS."""
    plain, encoded = spellings[0], spellings[-2]  # the last is the one of a reserved name
    try:
        return [(name, size) for name, size in connection.rows("innodb_tables", database=plain, directory=encoded)]
    except PrivilegeMissing:
        return ()
