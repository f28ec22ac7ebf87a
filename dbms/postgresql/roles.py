"""What the shared catalogues say of roles: identity, attributes, memberships, settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dbms.postgresql.connection import Connection

PUBLIC = 0  # the grantee of what everybody holds
FIRST_NORMAL_OID = 16384  # what has a smaller one was made by initdb
BOOTSTRAP_SUPERUSER = 10

# Roles that cloud providers keep for themselves.
CLOUD_ROLES = frozenset(
    {
        # Amazon RDS and Aurora
        "rdsadmin", "rdsrepladmin", "rdstopmgr", "rdswriteforwarduser", "rds_superuser", "rds_ad", "rds_extension",
        "rds_iam", "rds_password", "rds_replication", "rds_reserved",
        # Google Cloud SQL and AlloyDB
        "cloudsqladmin", "cloudsqlagent", "cloudsqlconnpooladmin", "cloudsqliamgroup", "cloudsqliamgroupserviceaccount",
        "cloudsqliamgroupuser", "cloudsqliamserviceaccount", "cloudsqliamuser", "cloudsqlimportexport",
        "cloudsqlinactiveuser", "cloudsqllogical", "cloudsqlobservability", "cloudsqlreplica", "cloudsqlsuperuser",
        "alloydbadmin", "alloydbagent", "alloydbsuperuser",
        # Azure Database for PostgreSQL
        "azuresu", "azure_pg_admin", "azure_superuser",
        # Alibaba Cloud RDS
        "alicloud_rds_admin", "pg_rds_superuser",
    }
)  # fmt: skip

# Settings whose values tell something about access and cannot hold a secret; of all others only the name is kept.
PLAIN_SETTINGS = frozenset(
    {
        "default_transaction_isolation", "default_transaction_read_only", "idle_in_transaction_session_timeout",
        "idle_session_timeout", "local_preload_libraries", "lock_timeout", "log_min_duration_statement",
        "log_statement", "role", "row_security", "search_path", "session_preload_libraries",
        "session_replication_role", "statement_timeout", "temp_file_limit", "transaction_timeout", "work_mem",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One row of pg_roles. `quoted` is the name as the server writes it."""

    oid: int
    name: str
    quoted: str
    attributes: Mapping[str, Any]
    valid_until: datetime | None
    valid_until_text: str | None
    is_system: bool

    @property
    def is_superuser(self) -> bool:
        return bool(self.attributes["can_super"])

    @property
    def can_login(self) -> bool:
        return bool(self.attributes["can_login"])


ATTRIBUTES = (
    "can_super", "can_create_role", "can_create_db", "can_replicate", "can_bypass_rls", "can_login", "can_inherit",
    "connection_limit",
)  # fmt: skip


def read_roles(connection: Connection) -> dict[int, Role]:
    """Every role by its oid."""
    rows = connection.rows("roles")
    names = Counter(row[1] for row in rows)
    is_cloud = any(row[0] == BOOTSTRAP_SUPERUSER and row[1] in CLOUD_ROLES for row in rows)
    roles = {}
    for oid, name, quoted, *attributes, seconds, until in rows:
        named = dict(zip(ATTRIBUTES, attributes, strict=True))
        roles[oid] = Role(
            oid=oid,
            # Two names that are no UTF-8 may read alike; an identity must not.
            name=name if names[name] == 1 else f"{name} (oid {oid})",
            quoted=quoted,
            attributes=named,
            valid_until=_moment(seconds, until),
            valid_until_text=until,
            # The superuser that initdb made is somebody's login, and the most dangerous one: it is not hidden.
            # A superuser that somebody named like a provider's role must not hide behind that name.
            is_system=(oid < FIRST_NORMAL_OID and not named["can_login"])
            or name.startswith("pg_")
            or (name in CLOUD_ROLES and (is_cloud or not named["can_super"])),
        )
    return roles


def read_memberships(connection: Connection, roles: Mapping[int, Role]) -> dict[int, list[dict[str, Any]]]:
    """What each role is a member of: {oid: [{role, admin, inherit, set}]}, by the role's name."""
    found: dict[int, list[dict[str, Any]]] = {}
    for member, group, admin, inherit, can_set in connection.rows("memberships"):
        if member in roles and group in roles:
            edge = {"role": roles[group].name, "admin": admin, "inherit": inherit, "set": can_set}
            found.setdefault(member, []).append(edge)
    for edges in found.values():
        edges.sort(key=lambda edge: str(edge["role"]))
    return found


def read_settings(connection: Connection) -> dict[int, dict[str, dict[str, str | None]]]:
    """What roles get when they log in: {oid: {database or "": {setting: value or None}}}; 0 is everybody."""
    found: dict[int, dict[str, dict[str, str | None]]] = {}
    for role, database, name, value in connection.rows("settings"):
        kept = value if name.lower() in PLAIN_SETTINGS else None
        found.setdefault(role, {}).setdefault(database, {})[name] = kept
    return found


def _moment(seconds: float | None, text: str | None) -> datetime | None:
    """The end of a password. None when there is none that a calendar can tell."""
    if seconds is None:
        return datetime.fromtimestamp(0, UTC) if text == "-infinity" else None
    if seconds < 0:
        return datetime.fromtimestamp(0, UTC)  # over for so long that the date does not matter
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
