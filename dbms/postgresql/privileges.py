"""Grants: the server's own and those inside one database. Only what was granted, not what an owner may anyway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbms.postgresql.connection import Connection
from dbms.postgresql.roles import PUBLIC, Role
from whalefall.errors import SyncDataError

GRANT_ROW_CAP = 200_000  # rows of grants that are kept apart per database
OWNED_EXACT_CAP = 2_000  # objects per database that are named one by one

OBJECTS = "postgresql_object_privileges"
DEFAULTS = "postgresql_default_privileges"
REVOKED = "postgresql_default_revoked"
SUMMARISED = ":summarised"

# What PUBLIC may do with every object that nobody touched.
HARD_WIRED = {"function:*": ["EXECUTE"], "language:*": ["USAGE"], "type:*": ["USAGE"]}

# {key: {privilege: whether grantable}}
Grants = dict[str, dict[str, bool]]


@dataclass(slots=True, kw_only=True)
class Holdings:
    """What one role holds and owns in one database, or on the server."""

    grants: dict[str, Grants] = field(default_factory=dict)  # by category
    revoked: set[str] = field(default_factory=set)
    owned: list[str] = field(default_factory=list)
    owned_counts: dict[str, int] = field(default_factory=dict)
    summarised: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, category: str, key: str, privilege: str, is_grantable: bool) -> None:
        """Add a grant; of several grantors' the one with grant option counts."""
        held = self.grants.setdefault(category, {}).setdefault(key, {})
        held[privilege] = held.get(privilege, False) or is_grantable


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseRead:
    """What one database yielded, by the oid of the role."""

    holdings: Mapping[int, Holdings]
    is_summarised: bool

    @property
    def categories(self) -> tuple[str, ...]:
        """Names for the coverage: what was read in another shape has another name."""
        suffix = SUMMARISED if self.is_summarised else ""
        return (DEFAULTS, REVOKED + suffix, OBJECTS + suffix)


def words(held: Mapping[str, bool]) -> list[str]:
    """Privileges as the contract writes them."""
    if len(held) == 1:  # by far the most
        ((name, is_grantable),) = held.items()
        return [f"{name} WITH GRANT OPTION" if is_grantable else name]
    return sorted(f"{name} WITH GRANT OPTION" if is_grantable else name for name, is_grantable in held.items())


def worded(grants: Grants) -> dict[str, list[str]]:
    """{key: [privilege]}."""
    return {key: words(held) for key, held in grants.items()}


def read_server_grants(connection: Connection) -> tuple[dict[int, Grants], dict[int, Grants]]:
    """Grants on databases, by database, and on the other shared objects, by object; both by the oid of the role."""
    databases: dict[int, Grants] = {}
    objects: dict[int, Grants] = {}
    for kind, name, grantee, privilege, is_grantable in connection.rows("server_grants"):
        found, key = (databases, name) if kind == "database" else (objects, f"{kind}:{name}")
        held = found.setdefault(grantee, {}).setdefault(key, {})
        held[privilege] = held.get(privilege, False) or is_grantable
    return databases, objects


def read_database(connection: Connection, roles: Mapping[int, Role], *, grant_row_cap: int) -> DatabaseRead:
    """Everything granted and owned in the connection's database. Raises RemoteError."""
    holdings = _collect(connection.stream("object_grants", row_limit=grant_row_cap + 1), roles, limit=grant_row_cap)
    is_summarised = holdings is None
    if holdings is None:
        rows = connection.stream("object_grants_summarised", row_limit=GRANT_ROW_CAP + 1)
        holdings = _collect(rows, roles, limit=GRANT_ROW_CAP)
    if holdings is None:
        detail = f"more than {GRANT_ROW_CAP} grants even when objects are summarised by schema"
        raise SyncDataError(**connection.target.address, detail=detail)
    _collect_owned(connection, holdings)
    public = holdings.setdefault(PUBLIC, Holdings())
    for key, privileges in HARD_WIRED.items():
        for privilege in privileges:
            public.add(OBJECTS, key, privilege, False)
    return DatabaseRead(holdings=holdings, is_summarised=is_summarised)


def _collect(rows: Iterable[tuple[Any, ...]], roles: Mapping[int, Role], *, limit: int) -> dict[int, Holdings] | None:
    """The holdings of each role; None when there are more than `limit` rows."""
    holdings: dict[int, Holdings] = {}
    for position, row in enumerate(rows):
        if position >= limit:
            return None
        kind, schema, name, owner, revoked, grantee, privilege, is_grantable, number = row
        held = holdings.get(grantee)
        if held is None:
            held = holdings[grantee] = Holdings()
        if kind == "default":
            key = f"{'*' if schema is None else f'schema {schema}'}: {name} by {_quoted(roles, owner)}"
        else:
            key = object_key(kind, schema, name)
        if revoked:
            held.revoked.add(key)
            continue
        if name == "*":  # of different objects: each wording is true of some of them
            privilege, is_grantable = next(iter(words({privilege: is_grantable}))), False
            counts = held.summarised.setdefault(key, {})
            counts[privilege] = counts.get(privilege, 0) + number
        held.add(DEFAULTS if kind == "default" else OBJECTS, key, privilege, is_grantable)
    return holdings


def _collect_owned(connection: Connection, holdings: dict[int, Holdings]) -> None:
    for owner, kind, schema, name, number in connection.rows("owned_objects", exact_limit=OWNED_EXACT_CAP):
        held = holdings.setdefault(owner, Holdings())
        key = object_key(kind, schema, name)
        held.owned.append(key)
        if name == "*":
            held.owned_counts[key] = number


def object_key(kind: str, schema: str | None, name: str) -> str:
    """An object as the contract writes it: "relation:s.t"."""
    return f"{kind}:{name}" if schema is None else f"{kind}:{schema}.{name}"


def _quoted(roles: Mapping[int, Role], oid: int) -> str:
    role = roles.get(oid)
    return role.quoted if role is not None else str(oid)
