"""What follows from an account's snapshot: the roles it reaches, and permission_facts v2."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from dbms.snapshots import LOCKS, SERVER, AccountSnapshot, Reach
from dbms.sqlserver.databases import ESCALATIONS, PERMISSIONS, ROLES
from dbms.sqlserver.names import identifier, qualified
from dbms.sqlserver.privileges import held_permissions

FACTS_VERSION = 2
SERVER_ROLES, SERVER_PERMISSIONS = "sqlserver_server_roles", "sqlserver_server_permissions"

SYSADMIN, CONTROL_SERVER = "sysadmin", "CONTROL SERVER"
BY_ROLE = {SYSADMIN: "SUPERUSER", "securityadmin": "GRANT_ADMIN"}
BY_PERMISSION = {CONTROL_SERVER: "GRANT_ADMIN"}

# Permissions that somebody can turn into sysadmin: to act as one of its members, or to give oneself another's login.
AMOUNT_TO_SYSADMIN = frozenset({CONTROL_SERVER, "IMPERSONATE ANY LOGIN", "ALTER ANY LOGIN", "ALTER ANY SERVER ROLE"})

Node = TypeVar("Node")
Place = tuple[str, str]  # (name, database); the server's own have no database


def closure(start: Node, graph: Mapping[Node, Iterable[Node]]) -> dict[Node, tuple[Node, ...]]:
    """The roles that can be reached, each with a shortest path; nested roles may form diamonds and circles."""
    paths: dict[Node, tuple[Node, ...]] = {}
    waiting: deque[tuple[Node, tuple[Node, ...]]] = deque([(start, ())])
    while waiting:
        here, path = waiting.popleft()
        for role in graph.get(here, ()):
            if role not in paths and role != start:
                paths[role] = (*path, role)
                waiting.append((role, paths[role]))
    return paths


def reach(accounts: Sequence[AccountSnapshot]) -> Mapping[tuple[str, str, bool], Reach]:
    """The roles of the server and of databases that each account is a member of, directly or not."""
    held = {(account.username, account.host): account for account in accounts}
    graph = {place: tuple(_roles(account)) for place, account in held.items()}
    everybody = [
        reason
        for account in accounts
        if account.kind == "public" and not account.host
        for reason in _by_permissions(account)
    ]
    same: dict[tuple[Place, ...], Reach] = {}  # most logins are members of the same few roles
    found = {}
    for account in accounts:
        # A role may be part of a circle, so its own name matters.
        start = graph[account.username, account.host]
        if account.kind in ("role", "public"):
            found[account.key] = _reach((account.username, account.host), graph, held, ())
        else:
            if start not in same:
                same[start] = _reach((account.username, account.host), graph, held, everybody)
            found[account.key] = same[start]
    return found


def _reach(
    start: Place,
    graph: Mapping[Place, Iterable[Place]],
    accounts: Mapping[Place, AccountSnapshot],
    everybody: Iterable[tuple[str, str]],
) -> Reach:
    reasons: dict[str, list[str]] = {}
    paths = closure(start, graph)
    for (name, database), path in paths.items():
        if database:
            continue
        via = " → ".join(role for role, _ in path)
        if name in BY_ROLE and len(path) > 1:  # a direct membership is the account's own reason
            reasons.setdefault(BY_ROLE[name], []).append(f"member of {via}")
        if role := accounts.get((name, database)):
            for capability, permission in _by_permissions(role):
                reasons.setdefault(capability, []).append(f"member of {via}: {permission}")
    for capability, permission in everybody:
        reasons.setdefault(capability, []).append(f"public: {permission}")
    return Reach(
        roles=tuple(sorted(written_role(place) for place in paths)),
        capability_reasons={capability: tuple(found) for capability, found in reasons.items()},
    )


def written_role(place: Place) -> str:
    """A role of the server by its name, one of a database as database.role."""
    name, database = place
    return qualified(database, name) if database else name


def _roles(account: AccountSnapshot) -> Iterator[Place]:
    for name in account.parts[SERVER].get(SERVER_ROLES, ()):
        yield name, ""
    for part in account.parts.values():
        for database, names in part.get(ROLES, {}).items():
            yield from ((name, database) for name in names)


def _by_permissions(account: AccountSnapshot) -> Iterator[tuple[str, str]]:
    held = held_permissions(account.parts[SERVER].get(SERVER_PERMISSIONS, ()))
    yield from ((BY_PERMISSION[permission], permission) for permission in BY_PERMISSION if permission in held)


def facts(*, categories: Mapping[str, Any], type_specific: Mapping[str, Any], reach: Reach) -> dict[str, Any]:
    """permission_facts v2 of one account. Nothing in it depends on the clock."""
    reasons: dict[str, list[str]] = {}
    held = held_permissions(categories.get(SERVER_PERMISSIONS, ()))
    for role in categories.get(SERVER_ROLES, ()):
        if role in BY_ROLE:
            reasons.setdefault(BY_ROLE[role], []).append(role)
    for permission, capability in BY_PERMISSION.items():
        if permission in held:
            reasons.setdefault(capability, []).append(permission)
    for capability, paths in reach.capability_reasons.items():
        reasons.setdefault(capability, []).extend(paths)
    if type_specific.get(LOCKS):
        reasons["LOCKED"] = list(type_specific[LOCKS])
    # Whoever acts as dbo of a TRUSTWORTHY database acts as its owner on the whole server, here a sysadmin.
    escalation = sorted(held & AMOUNT_TO_SYSADMIN) + [
        f"TRUSTWORTHY {identifier(database)}: {way}"
        for database, ways in categories.get(ESCALATIONS, {}).items()
        for way in ways
    ]
    return {
        "version": FACTS_VERSION,
        "db_type": "sqlserver",
        "capabilities": sorted(reasons),
        "capability_reasons": {capability: reasons[capability] for capability in sorted(reasons)},
        "roles": sorted(reach.roles),
        "privileges": {
            "global": [],
            "server": list(categories.get(SERVER_PERMISSIONS, ())),
            "system": [],
            "database": {
                database: list(held["database"])
                for database, held in categories.get(PERMISSIONS, {}).items()
                if "database" in held
            },
            "tablespace": {},
        },
        "errors": [],
        "meta": {"escalation": escalation} if escalation else {},
    }
