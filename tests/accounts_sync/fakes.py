"""A DBMS that exists only as values: an adapter, and snapshots built from a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dbms.base import Adapter
from dbms.snapshots import (
    DATABASE_LIST,
    EACH_DATABASE,
    SERVER,
    AccountSnapshot,
    AccountsSnapshot,
    Coverage,
    Reach,
    account,
)

ATTRIBUTES, MEMBERSHIPS = "postgresql_role_attributes", "postgresql_memberships"
CONNECTS, OBJECTS = "postgresql_database_privileges", "postgresql_object_privileges"
DEFAULTS, OWNED = "postgresql_default_privileges", "postgresql_owned"

SERVER_CATEGORIES = (ATTRIBUTES, MEMBERSHIPS, CONNECTS, OBJECTS, DATABASE_LIST)
DATABASE_CATEGORIES = (OBJECTS, DEFAULTS)
BY_DATABASE = dict.fromkeys((OBJECTS, DEFAULTS, OWNED), EACH_DATABASE)


def reach(accounts: Sequence[AccountSnapshot]) -> Mapping[tuple[str, str, bool], Reach]:
    """Roles by walking memberships; SUPERUSER through any of them."""
    roles = {
        seen.username: [held["role"] for held in seen.parts.get(SERVER, {}).get(MEMBERSHIPS, ())] for seen in accounts
    }
    superusers = {seen.username for seen in accounts if seen.is_superuser}
    found = {}
    for seen in accounts:
        paths: dict[str, str] = {}
        queue = [(role, role) for role in roles[seen.username]]
        for role, path in queue:
            if role not in paths:
                paths[role] = path
                queue += [(next_role, f"{path} → {next_role}") for next_role in roles.get(role, ())]
        through = tuple(path for role, path in sorted(paths.items()) if role in superusers)
        found[seen.key] = Reach(
            roles=tuple(sorted(paths)), capability_reasons={"SUPERUSER": through} if through else {}
        )
    return found


def facts(*, categories: Mapping[str, Any], type_specific: Mapping[str, Any], reach: Reach) -> dict[str, Any]:
    """Permission facts v2 with the one capability that reconciliation looks at."""
    reasons = [*(["direct"] if categories.get(ATTRIBUTES, {}).get("can_super") else [])]
    reasons += reach.capability_reasons.get("SUPERUSER", ())
    return {
        "version": 2,
        "db_type": "postgresql",
        "capabilities": ["SUPERUSER"] if reasons else [],
        "capability_reasons": {"SUPERUSER": reasons} if reasons else {},
        "roles": list(reach.roles),
        "privileges": {
            "global": [],
            "server": [],
            "system": [],
            "database": categories.get(CONNECTS, {}),
            "tablespace": {},
        },
        "errors": [],
        "meta": {},
    }


def adapter(*, reader_version: int = 1, facts_version: int = 1) -> Adapter:
    """An adapter that takes PostgreSQL's place and never connects."""

    def refuse(*_: object) -> Any:
        raise AssertionError("nothing here may connect")

    return Adapter(
        key="postgresql",
        label="PostgreSQL",
        default_port=5432,
        default_database="postgres",
        minimum_version=(9, 6),
        connect=refuse,
        read_accounts=refuse,
        grants=refuse,
        read_capacity=refuse,
        read_tables=refuse,
        capacity_grants=refuse,
        reader_version=reader_version,
        category_scopes=BY_DATABASE,
        hidden_by={},
        reach=reach,
        written_role=lambda identity: identity[0],
        facts=facts,
        facts_version=facts_version,
        catalogue={},
    )


def role(
    name: str,
    *,
    superuser: bool = False,
    member_of: Sequence[str] = (),
    connect: Mapping[str, Sequence[str]] | None = None,
    objects: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    defaults: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    owned: Mapping[str, Sequence[str]] | None = None,
    limit: int = -1,
    specific: Mapping[str, Any] | None = None,
    **fields: Any,
) -> AccountSnapshot:
    """One account. `objects` and `defaults` are {database: {object: privileges}}; the database "" is the server."""
    server: dict[str, Any] = {
        ATTRIBUTES: {"can_super": superuser, "can_login": True, "connection_limit": limit},
        MEMBERSHIPS: [{"role": held, "admin": False, "inherit": True, "set": True} for held in member_of],
        CONNECTS: {database: list(held) for database, held in (connect or {}).items()},
    }
    parts: dict[str, dict[str, Any]] = {SERVER: server}
    for category, by_database in ((OBJECTS, objects), (DEFAULTS, defaults)):
        for database, held in (by_database or {}).items():
            part = parts.setdefault(f"database:{database}", {}) if database else server
            part[category] = {database: {name: list(privileges) for name, privileges in held.items()}}
    return account(
        username=name,
        kind=fields.pop("kind", "user"),
        is_superuser=superuser,
        parts=parts,
        type_specific=specific,
        owned={f"database:{database}": {OWNED: {database: list(names)}} for database, names in (owned or {}).items()},
        **fields,
    )


def snapshot(
    *accounts: AccountSnapshot,
    databases: Mapping[str, str] | Sequence[str] = (),
    server: Sequence[str] = SERVER_CATEGORIES,
    server_status: str = "ok",
    shapes: Mapping[str, Sequence[str]] | None = None,
    version: str = "PostgreSQL 15.18",
) -> AccountsSnapshot:
    """A read. `databases` is {name: status}, or names that were all read; `shapes` is {name: categories} of some."""
    statuses = databases if isinstance(databases, Mapping) else dict.fromkeys(databases, "ok")
    covered = tuple(server) if server_status == "ok" else ()
    ledger = [Coverage(scope=SERVER, status=server_status, categories=covered)]  # type: ignore[arg-type]
    for name, status in statuses.items():
        categories = tuple((shapes or {}).get(name, DATABASE_CATEGORIES)) if status == "ok" else ()
        reason = "" if status == "ok" else f"because {status}"
        ledger.append(Coverage(scope=f"database:{name}", status=status, reason=reason, categories=categories))  # type: ignore[arg-type]
    return AccountsSnapshot(
        db_type="postgresql",
        version=version,
        main_version=version.split()[-1],
        coverage=tuple(ledger),
        accounts=accounts,
    )
