"""What a read says of an instance's databases, compared with what is stored: no statements, only values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from capacity.filters import Filters
from capacity.models import NAME_LENGTH, InstanceDatabase
from dbms.sizes import CapacitySnapshot, DatabaseSize
from dbms.snapshots import DATABASE_LIST, SERVER, Coverage, database_scope, is_database_scope, pdb_scope, storable


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One day's size of a database, in bytes."""

    size_bytes: int
    method: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A database that a read named. `before` is its row, `previous` its last sample of an earlier day."""

    name: str
    size: DatabaseSize
    filtered_by: str
    before: InstanceDatabase | None
    previous: Sample | None

    @property
    def bytes(self) -> int | None:
        """What it weighs; None when it could not be measured."""
        return self.size.size_bytes

    @property
    def is_listed(self) -> bool:
        """Whether lists and totals show it by default."""
        return not (self.size.is_system or self.filtered_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The databases of one instance after a read: those that it named, and those that are no longer there."""

    found: Sequence[Found]
    vanished: Sequence[InstanceDatabase]
    is_list_complete: bool

    @classmethod
    def of(cls, snapshot: CapacitySnapshot, stored: Mapping[str, InstanceDatabase], filters: Filters) -> Inventory:
        """Concludes that a database vanished only from a complete list."""
        named = {storable(size.name)[:NAME_LENGTH]: size for size in snapshot.databases}
        is_complete = any(
            part.scope == SERVER and part.status == "ok" and DATABASE_LIST in part.categories
            for part in snapshot.coverage
        )
        return cls(
            found=[
                Found(
                    name=name,
                    size=size,
                    filtered_by=filters.matching(name),
                    before=stored.get(name),
                    previous=_previous(stored.get(name)),
                )
                for name, size in named.items()
            ],
            vanished=[row for name, row in stored.items() if is_complete and row.is_active and name not in named],
            is_list_complete=is_complete,
        )

    @property
    def listed(self) -> list[Found]:
        """The databases that count."""
        return [database for database in self.found if database.is_listed]

    @property
    def measured(self) -> list[Found]:
        """The databases whose size is known now, listed or not."""
        return [database for database in self.found if database.bytes is not None]

    def settled(self, ledger: Mapping[str, Any], coverage: Sequence[Coverage]) -> set[str]:
        """Scopes of the ledger that need no entry any more: they were read now, or their databases are gone."""
        named = {scope.scope for scope in coverage}
        known = {scope_of(database.name) for database in self.found for scope_of in (database_scope, pdb_scope)}
        return {
            scope
            for scope in ledger
            if scope not in named and (not is_database_scope(scope) or scope in known or self.is_list_complete)
        }


def _previous(row: InstanceDatabase | None) -> Sample | None:
    """The last sample of an earlier day, which the query annotated."""
    found = getattr(row, "previous_sample", None)
    if not found:
        return None
    return Sample(size_bytes=found["size_bytes"], method=found["method"], day=date.fromisoformat(found["day"]))
