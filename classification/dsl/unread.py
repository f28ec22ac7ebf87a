"""What was never read of an instance, and so may hold what the facts of its accounts do not name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import dbms
from dbms.snapshots import DATABASE_LIST

Matches = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a function looks: a part as dbms.base.HiddenBy names it, and in which databases; None in all of them."""

    part: str
    in_database: Matches | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """By part the scopes that hide it, each with its database: None for a scope of the whole server, "" for databases
    of which not even the names are known."""

    hidden: Mapping[str, tuple[tuple[str, str | None], ...]] = field(default_factory=dict)

    def hiding(self, places: Iterable[Place], home: str) -> Iterator[str]:
        """The scopes that may hold what was not found in these places. `home` is the one database of an account that
        lives in no other."""
        for place in places:
            for scope, database in self.hidden.get(place.part, ()):
                if database is None or (home in ("", database) and _may_be(database, place)):
                    yield scope


def _may_be(database: str, place: Place) -> bool:
    return not database or place.in_database is None or place.in_database(database)


ALL_READ = Unread()


def unread(db_type: str, scopes: Iterable[str]) -> Unread:
    """What these scopes hide; "objects" is what any level of them is."""
    table = dbms.get(db_type).hidden_by
    hidden: dict[str, dict[str, str | None]] = {}
    for scope in sorted(scopes):
        prefix, _, name = scope.partition(":")
        is_whole = scope in table
        database = "" if scope == DATABASE_LIST else None if is_whole else name
        for part in table.get(scope, ()) if is_whole else table.get(f"{prefix}:", ()):
            for known in (part, "objects") if part.startswith("objects.") else (part,):
                hidden.setdefault(known, {})[scope] = database
    return Unread(hidden={part: tuple(found.items()) for part, found in hidden.items()}) if hidden else ALL_READ
