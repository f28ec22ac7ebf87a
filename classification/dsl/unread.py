"""What was not read of an instance, and so may hold what the facts of its accounts do not name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import dbms
from dbms.snapshots import DATABASE_LIST

Matches = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a function looks: a part as dbms.base.HiddenBy names it, and in which databases; None in all of them."""

    part: str
    in_database: Matches | None = None


class Hidden(NamedTuple):
    """A scope that hides something. `database` is None for one of the whole server, "" for databases of which not even
    the names are known; `read_at` is when it was read last: what was there then is known, and nobody who came since."""

    scope: str
    database: str | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """By part the scopes that hide it."""

    hidden: Mapping[str, tuple[Hidden, ...]] = field(default_factory=dict)

    def hiding(self, places: Iterable[Place], home: str, first_seen_at: datetime) -> Iterator[str]:
        """The scopes that may hold what was not found in these places. `home` is the one database of an account that
        lives in no other."""
        for place in places:
            for scope, database, read_at in self.hidden.get(place.part, ()):
                if (read_at is None or read_at < first_seen_at) and (
                    database is None or (home in ("", database) and _may_be(database, place))
                ):
                    yield scope


def _may_be(database: str, place: Place) -> bool:
    return not database or place.in_database is None or place.in_database(database)


ALL_READ = Unread()


def unread(db_type: str, scopes: Mapping[str, datetime | None]) -> Unread:
    """What these scopes hide, each with when it was read last; "objects" is what any level of them is."""
    table = dbms.get(db_type).hidden_by
    hidden: dict[str, dict[str, Hidden]] = {}
    for scope, read_at in sorted(scopes.items()):
        prefix, _, name = scope.partition(":")
        is_whole = scope in table
        database = "" if scope == DATABASE_LIST else None if is_whole else name
        for part in table.get(scope, ()) if is_whole else table.get(f"{prefix}:", ()):
            for known in (part, "objects") if part.startswith("objects.") else (part,):
                hidden.setdefault(known, {})[scope] = Hidden(scope, database, read_at)
    return Unread(hidden={part: tuple(found.values()) for part, found in hidden.items()}) if hidden else ALL_READ
