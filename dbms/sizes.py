"""What a capacity read returns: how many bytes each database of a server takes, as far as could be measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dbms.snapshots import Coverage

PartKind = Literal["tablespace", "schema", "shared"]

STORED_BYTES = 128  # about what a row of ours takes


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSize:
    """One database, all sizes in bytes. `size_bytes` is None where it exists but could not be measured: a gap, no zero.

    `size_bytes` is everything that the database takes on disk; data and log are the shares of it that the server tells
    apart, else None. `method` names the source, `is_estimate` says that it is statistics and not the size of files.
    """

    name: str
    is_system: bool = False
    size_bytes: int | None
    data_size_bytes: int | None = None
    log_size_bytes: int | None = None
    method: str = ""
    is_estimate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SizePart:
    """A part of a server's or a database's storage, in bytes, with a name of its own.

    A tablespace, an Oracle schema, or what several databases share (`shared`: counted in no database). `database` is
    empty for a part of the whole server. `used_bytes` of the allocated `size_bytes`, `max_bytes` as far as it may grow;
    None where the server does not say.
    """

    kind: PartKind
    database: str = ""
    name: str
    size_bytes: int
    used_bytes: int | None = None
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacitySnapshot:
    """Every database of a server with its size, and the parts that a DBA asks for.

    `coverage` has the server, with DATABASE_LIST among its categories when `databases` names every database there is,
    and each database that could not be measured, with the reason; one that was measured needs no entry.
    """

    db_type: str
    version: str
    main_version: str
    reader: str = ""  # as in AccountsSnapshot
    coverage: tuple[Coverage, ...]
    databases: tuple[DatabaseSize, ...]
    parts: tuple[SizePart, ...] = ()

    @property
    def is_known(self) -> bool:
        """Never: sizes are stored for every day."""
        return False

    @property
    def size_bytes(self) -> int:
        """About what storing it takes."""
        return STORED_BYTES * (len(self.databases) + len(self.parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSize:
    """One table with its indexes and large values, in bytes; `row_estimate` is the server's own statistic."""

    schema: str
    name: str
    size_bytes: int
    data_size_bytes: int | None = None
    index_size_bytes: int | None = None
    row_estimate: int | None = None
