"""Users, roles, guest and public of databases as accounts, or as a part of the login that stands for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from dbms.snapshots import LOCKS, SERVER, AccountSnapshot, account, database_scope
from dbms.sqlserver.databases import (
    DBO,
    ESCALATIONS,
    NOBODY,
    ORPHANED,
    PERMISSIONS,
    PUBLIC,
    ROLES,
    USERS,
    DatabaseRead,
    User,
)
from dbms.sqlserver.facts import closure
from dbms.sqlserver.principals import TYPES, kind_of
from dbms.sqlserver.privileges import Holdings, held_permissions

# What lets a user act as dbo of its database, and so, where that is TRUSTWORTHY, as the owner on the whole server.
OWNER_ROLE = "db_owner"
CONTROL, IMPERSONATE, ON_DBO = "CONTROL", "IMPERSONATE", "USER::dbo"


def users(
    reads: Mapping[str, DatabaseRead], *, logins: Set[bytes] | None, trusted: Set[str] = frozenset()
) -> Iterator[AccountSnapshot]:
    """What no login stands for. `logins` are the sids of all of them; None when nobody can say.

    `trusted` are the databases that are TRUSTWORTHY and belong to a sysadmin.
    """
    for database, read in reads.items():
        for user in read.users.values():
            if user.id in NOBODY or user.is_fixed_role or (user.sid in (logins or ()) and not user.is_role):
                continue
            lock = "" if logins is None and user.lock == ORPHANED else user.lock
            parts: dict[str, dict[str, Any]] = {SERVER: {}}
            meta: dict[str, Any] = {}
            add(parts, meta, database, user, read, is_trusted=database in trusted)
            yield account(
                username=user.name,
                host=database,
                kind="public" if user.id == PUBLIC else kind_of(user.type),
                is_system=user.is_system,
                is_locked=bool(lock),
                principal_id=user.sid.hex(),
                parts=parts,
                type_specific={
                    "type": TYPES.get(user.type, user.type),
                    "default_schema": user.default_schema,
                    LOCKS: [lock] if lock else [],
                },
                meta=meta,
            )


def add(
    parts: dict[str, dict[str, Any]],
    meta: dict[str, Any],
    database: str,
    user: User,
    read: DatabaseRead,
    *,
    is_trusted: bool,
) -> None:
    """Put what a user holds in a database among the parts of an account, and what stands beside it into `meta`."""
    part: dict[str, Any] = {} if user.is_role else {USERS: {database: [user.name]}}
    if roles := read.roles.get(user.id):
        part[ROLES] = {database: roles}
    if holdings := read.holdings.get(user.id):
        part[PERMISSIONS] = {database: holdings.sorted()}
        if holdings.summarised:
            meta.setdefault("summarised", {})[database] = holdings.summarised
    if is_trusted and (ways := sorted(_ways_to_dbo(user, read))):
        part[ESCALATIONS] = {database: ways}
    parts[database_scope(database)] = part


def _ways_to_dbo(user: User, read: DatabaseRead) -> Iterator[str]:
    """By what a user can act as dbo, through roles too: "db_owner", "clerks → db_owner", "clerks: CONTROL"."""
    if user.id == DBO:
        return
    paths = closure(user.name, read.graph)
    everybody = read.users[PUBLIC].name if PUBLIC in read.users else ""
    for name, path in {user.name: (), everybody: (everybody,), **paths}.items():
        via = " → ".join(path)
        if name == OWNER_ROLE:
            yield via
        for permission in _as_dbo(read.holdings.get(read.ids.get(name, -1))):
            yield f"{via}: {permission}" if via else permission


def _as_dbo(holdings: Holdings | None) -> Iterator[str]:
    if holdings is None:
        return
    yield from held_permissions(holdings.permissions.get("database", ())) & {CONTROL}
    on_dbo = held_permissions(holdings.permissions.get("other", {}).get(ON_DBO, ()))
    yield from (f"{permission} ON {ON_DBO}" for permission in on_dbo & {CONTROL, IMPERSONATE})
