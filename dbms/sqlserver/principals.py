"""Who may log in to the server, and its roles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dbms.snapshots import AccountKind
from dbms.sqlserver.connection import Rows

# "sys.server_principals" and "sys.database_principals", type.
SQL_USER, WINDOWS_USER, WINDOWS_GROUP, ROLE, APPLICATION_ROLE = "S", "U", "G", "R", "A"
CERTIFICATE, ASYMMETRIC_KEY, EXTERNAL_USER, EXTERNAL_GROUP = "C", "K", "E", "X"
TYPES = {
    SQL_USER: "SQL", WINDOWS_USER: "Windows user", WINDOWS_GROUP: "Windows group", ROLE: "role",
    APPLICATION_ROLE: "application role", CERTIFICATE: "certificate", ASYMMETRIC_KEY: "asymmetric key",
    EXTERNAL_USER: "Microsoft Entra user", EXTERNAL_GROUP: "Microsoft Entra group",
}  # fmt: skip
GROUPS = frozenset({WINDOWS_GROUP, EXTERNAL_GROUP})
NEVER_LOG_IN = frozenset({ROLE, CERTIFICATE, ASYMMETRIC_KEY})

SERVER_PUBLIC = 2  # the id of the role public

# What the server's installation makes for itself. Somebody's own login must not hide behind such a name, so of logins
# with a password only those count that are disabled.
OWN_NAME = re.compile(r"##MS_.+##")
SERVICES = re.compile(
    r"NT SERVICE\\(SQLWriter|Winmgmt|MSSQLSERVER|SQLSERVERAGENT|SQLTELEMETRY|(MSSQL|SQLAgent|SQLTELEMETRY)\$\w+)"
    r"|NT AUTHORITY\\SYSTEM",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """One row of sys.server_principals. `attributes` are what a DBA sets; `observed` changes by use or by the clock."""

    id: int
    name: str
    sid: bytes
    type: str
    is_disabled: bool
    is_fixed_role: bool
    is_expired: bool
    attributes: Mapping[str, Any]
    observed: Mapping[str, Any]

    @property
    def kind(self) -> AccountKind:
        if self.id == SERVER_PUBLIC:
            return "public"
        return kind_of(self.type)

    @property
    def is_system(self) -> bool:
        if self.type == ROLE:
            return self.is_fixed_role or self.id == SERVER_PUBLIC or bool(OWN_NAME.fullmatch(self.name))
        if OWN_NAME.fullmatch(self.name):
            return self.is_disabled or self.type in NEVER_LOG_IN
        return self.type == WINDOWS_USER and bool(SERVICES.fullmatch(self.name))


def kind_of(kind: str) -> AccountKind:
    """The kind of account that a principal's type makes."""
    if kind in (ROLE, APPLICATION_ROLE):
        return "role"
    return "group" if kind in GROUPS else "user"


def principals(rows: Rows) -> dict[int, Principal]:
    """Every login, group and server role by its id."""
    found = {}
    for (
        number, name, sid, kind, is_disabled, is_fixed_role, database, checks_policy, checks_expiration, is_locked_out,
        is_expired, must_change, days,
    ) in rows:  # fmt: skip
        kind = kind.strip()
        attributes = {"type": TYPES.get(kind, kind), "default_database": database}
        if kind == SQL_USER:
            attributes["checks_policy"] = bool(checks_policy)
            attributes["checks_expiration"] = bool(checks_expiration)
        observed = {"is_locked_out": is_locked_out, "must_change": must_change, "days_until_expiration": days}
        found[number] = Principal(
            id=number,
            name=name,
            sid=bytes(sid or b""),
            type=kind,
            is_disabled=bool(is_disabled),
            is_fixed_role=bool(is_fixed_role),
            is_expired=bool(is_expired),
            attributes=attributes,
            observed={key: value for key, value in observed.items() if value is not None},
        )
    return found
