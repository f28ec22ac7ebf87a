"""Who may log in and what can be granted: users, roles and PUBLIC, of each container that was read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dbms.oracle.answers import Answers
from dbms.oracle.containers import OWN
from dbms.snapshots import AccountKind

PUBLIC = "PUBLIC"
NEVER_SHUT = "NONE"  # of AUTHENTICATION_TYPE: nobody can log in as the account
EPOCH = datetime.fromtimestamp(0, UTC)  # of a password that is expired without a date
# ACCOUNT_STATUS joins several by " & " and is cut after 32 characters: "EXPIRED(GRACE) & LOCKED(TIMED) &". What stands
# in brackets softens a word, so its beginning is enough.
LOCKED = re.compile(r"\bLOCKED\b(?! ?\()")
LOCKED_FOR_A_TIME = re.compile(r"\bLOCKED ?\(")
EXPIRED = re.compile(r"\bEXPIRED\b(?! ?\()")

Place = tuple[str, int]  # (name, container)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """One user, role or PUBLIC of one container. `attributes` are what a DBA sets besides privileges."""

    name: str
    container: int
    kind: AccountKind = "user"
    is_common: bool = False
    is_system: bool = False
    is_locked: bool = False
    locked_until: datetime | None = None
    password_expires_at: datetime | None = None
    user_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    observed: Mapping[str, Any] = field(default_factory=dict)


def read_principals(answers: Answers) -> dict[Place, Principal]:
    """Everybody, by name and container. Raises RemoteError."""
    offset = answers.connection.clock_offset
    days = _lock_days(answers)
    found = {(PUBLIC, OWN): Principal(name=PUBLIC, container=OWN, kind="public")}
    for row in answers.rows("users"):
        user = _user(row, offset, days)
        found[user.name, user.container] = user
    for container, name, authentication, common, maintained in answers.rows("roles"):
        attributes = {"is_role": True}
        if authentication != "NONE":
            attributes["authentication_type"] = authentication
        found[name, container] = Principal(
            name=name, container=container, kind="role", is_common=common == "YES", is_system=maintained == "Y",
            is_locked=True, attributes=attributes,
        )  # fmt: skip
    return found


def _user(row: tuple[Any, ...], offset: timedelta, days: Mapping[tuple[int, str], float]) -> Principal:
    (
        container, name, user_id, status, locked_at, expires_at, profile, authentication, external_name,
        verifiers, tablespace, temporary, proxy_only, common, maintained, last_login,
    ) = row  # fmt: skip
    attributes = {
        "is_locked": bool(LOCKED.search(status)),
        "authentication_type": authentication,
        "external_name": external_name,
        "profile": profile,
        "password_versions": " ".join((verifiers or "").split()),
        "default_tablespace": tablespace,
        "temporary_tablespace": temporary,
        "proxy_only_connect": proxy_only == "Y" or None,
        "is_common": common == "YES" or None,
    }
    lasts = days.get((container, profile)) if LOCKED_FOR_A_TIME.search(status) else None
    if lasts == math.inf:
        attributes["is_locked"] = True
    locked_until = None
    if lasts not in (None, math.inf) and locked_at is not None:
        locked_until = _utc(locked_at, offset) + timedelta(days=lasts)
    expired = EPOCH if EXPIRED.search(status) else None
    return Principal(
        name=name,
        container=container,
        is_common=common == "YES",
        is_system=maintained == "Y",
        is_locked=attributes["is_locked"] or authentication == NEVER_SHUT,
        locked_until=locked_until,
        password_expires_at=_utc(expires_at, offset) if expires_at is not None else expired,
        user_id=str(int(user_id)),
        attributes={key: value for key, value in attributes.items() if value not in (None, "")},
        observed={
            "account_status": status,
            **({} if last_login is None else {"last_login": last_login.isoformat()}),
        },
    )


def _lock_days(answers: Answers) -> dict[tuple[int, str], float]:
    """{(container, profile): days} that an account stays locked after too many failed logins."""
    limits = {(container, profile): limit for container, profile, limit in answers.rows_if_any("password_lock_times")}
    found = {}
    for (container, profile), limit in limits.items():
        meant = limits.get((container, "DEFAULT"), "UNLIMITED") if limit == "DEFAULT" else limit
        try:
            found[container, profile] = float(meant)
        except ValueError:  # UNLIMITED
            found[container, profile] = math.inf
    return found


def _utc(moment: datetime, offset: timedelta) -> datetime:
    return (moment - offset).replace(tzinfo=UTC)
