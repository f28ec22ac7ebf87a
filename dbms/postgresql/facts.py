"""What follows from a role's snapshot: the roles it reaches, and permission_facts v2."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dbms.snapshots import SERVER, AccountSnapshot, Reach

FACTS_VERSION = 2

# Predefined roles that act on the server's machine and so can be made into superuser rights.
ESCALATIONS = frozenset({"pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"})

# Attribute of the snapshot → (capability, the attribute as a DBA writes it).
CAPABILITIES = {"can_super": ("SUPERUSER", "SUPERUSER"), "can_create_role": ("GRANT_ADMIN", "CREATEROLE")}


def reach(accounts: Sequence[AccountSnapshot]) -> Mapping[tuple[str, str, bool], Reach]:
    """The roles that each account can become or inherits from, directly or not."""
    roles = {account.username: account.parts[SERVER] for account in accounts if account.kind != "public"}
    held = {edge["role"] for part in roles.values() for edge in part.get("postgresql_memberships", ())}
    same: dict[tuple[tuple[Any, ...], ...], Reach] = {}  # most logins are members of the same few groups
    found = {}
    for account in accounts:
        if account.kind == "public":
            found[account.key] = Reach()
            continue
        edges = roles[account.username].get("postgresql_memberships", ())
        alike = tuple((edge["role"], edge["admin"], edge["inherit"], edge["set"]) for edge in edges)
        if account.username in held:  # it may be part of a circle, so its own name matters
            found[account.key] = _reach(account.username, roles)
        else:
            if alike not in same:
                same[alike] = _reach(account.username, roles)
            found[account.key] = same[alike]
    return found


def _reach(username: str, roles: Mapping[str, Mapping[str, Any]]) -> Reach:
    """Breadth first, so that each path is a shortest one.

    A role is reached as itself (SET ROLE, or the right to grant it to oneself) or by inheritance only. Attributes such
    as CREATEROLE are never inherited, and SET ROLE looks at the memberships of the login, not at inherited ones.
    """
    start = (username, True)
    origins = {start: start}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for there in _steps(here, roles):
            if there not in origins and there[0] != username:
                origins[there] = here
                waiting.append(there)
    del origins[start]
    reasons: dict[str, list[str]] = {}
    for role, is_self in origins:
        attributes = _attributes(roles.get(role, {}))
        if is_self:
            for attribute, (capability, _) in CAPABILITIES.items():
                if attributes.get(attribute):
                    reasons.setdefault(capability, []).append(f"member of {_path((role, is_self), origins)}")
        elif attributes.get("can_super") and (role, True) not in origins:
            # Whoever inherits from a superuser may change what it owns, its functions among them.
            reasons.setdefault("SUPERUSER", []).append(f"inherits from {_path((role, is_self), origins)}")
    return Reach(
        roles=tuple(sorted({role for role, _ in origins})),
        capability_reasons={capability: tuple(found) for capability, found in reasons.items()},
    )


def written_role(identity: tuple[str, str]) -> str:
    """A role by its name: a role of PostgreSQL has no host."""
    return identity[0]


def _path(place: tuple[str, bool], origins: Mapping[tuple[str, bool], tuple[str, bool]]) -> str:
    names = []
    while place in origins:
        names.append(place[0])
        place = origins[place]
    return " → ".join(reversed(names))


def _steps(here: tuple[str, bool], roles: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, bool]]:
    role, is_self = here
    for edge in roles.get(role, {}).get("postgresql_memberships", ()):
        if edge["admin"] or (edge["set"] and is_self):
            yield edge["role"], True
        if edge["inherit"]:
            yield edge["role"], False


def facts(*, categories: Mapping[str, Any], type_specific: Mapping[str, Any], reach: Reach) -> dict[str, Any]:
    """permission_facts v2 of one account. Nothing in it depends on the clock."""
    attributes = _attributes(categories)
    reasons: dict[str, list[str]] = {
        capability: [written] for attribute, (capability, written) in CAPABILITIES.items() if attributes.get(attribute)
    }
    for capability, paths in reach.capability_reasons.items():
        reasons.setdefault(capability, []).extend(paths)
    locked = list(_locks(attributes))
    if locked:
        reasons["LOCKED"] = locked
    raw = {name for name, value in attributes.items() if value is True}
    escalation = sorted(ESCALATIONS.intersection(reach.roles))
    return {
        "version": FACTS_VERSION,
        "db_type": "postgresql",
        "capabilities": sorted(raw | reasons.keys()),
        "capability_reasons": {capability: reasons[capability] for capability in sorted(reasons)},
        "roles": sorted(reach.roles),
        "privileges": {
            "global": [],
            "server": _shared(categories, "parameter:", "{privilege} ON PARAMETER {name}"),
            "system": [],
            "database": dict(categories.get("postgresql_database_privileges", {})),
            "tablespace": {
                key.removeprefix("tablespace:"): held
                for key, held in _shared_objects(categories).items()
                if key.startswith("tablespace:")
            },
        },
        "errors": [],
        "meta": {"escalation": escalation} if escalation else {},
    }


def _attributes(categories: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = categories.get("postgresql_role_attributes", {})
    return found


def _locks(attributes: Mapping[str, Any]) -> Iterator[str]:
    """Why a role cannot log in, whatever the time is."""
    if attributes.get("can_login") is False:
        yield "NOLOGIN"
    if attributes.get("connection_limit") == 0 and not attributes.get("can_super"):
        yield "connection limit 0"


def _shared_objects(categories: Mapping[str, Any]) -> Mapping[str, list[str]]:
    found: Mapping[str, list[str]] = categories.get("postgresql_object_privileges", {}).get("", {})
    return found


def _shared(categories: Mapping[str, Any], prefix: str, template: str) -> list[str]:
    return sorted(
        template.format(privilege=privilege, name=key.removeprefix(prefix))
        for key, held in _shared_objects(categories).items()
        if key.startswith(prefix)
        for privilege in held
    )
