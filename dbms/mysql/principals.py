"""Who may log in: the user table of either fork, as one kind of value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from dbms.mysql import access
from dbms.mysql.answers import Answers
from dbms.mysql.connection import MARIADB
from dbms.mysql.names import Identity, written
from dbms.snapshots import AccountKind, canonical_text
from whalefall.errors import SyncDataError

PUBLIC = ("PUBLIC", "")  # MariaDB's, since 10.11
EPOCH = datetime.fromtimestamp(0, UTC)  # the end of a password that somebody expired by hand
WITH_GRANT_OPTION = " WITH GRANT OPTION"

# Accounts that servers and cloud providers make for themselves. Somebody's own superuser must not hide behind a
# provider's name, so these count only where they may log in from the server's own machine alone, or as roles.
SERVER_ACCOUNTS = frozenset({"mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys"})
CLOUD_ACCOUNTS = frozenset(
    {
        # Amazon RDS and Aurora
        "rdsadmin", "rdsrepladmin", "rds_superuser_role", "rdstopmgr",
        # Google Cloud SQL
        "cloudsqlimport", "cloudsqlexport", "cloudsqlreplica", "cloudsqloneshot", "cloudsqlapplier",
        "cloudsqlinactiveuser", "cloudsqlsuperuser", "cloudiamgroup",
        # Azure Database for MySQL and MariaDB
        "azure_superuser", "azure_replication",
        # Alibaba Cloud RDS
        "aliyun_root", "aurora", "replicator",
    }
)  # fmt: skip
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", ""})

# Plugins that ask for a password, so that an empty one lets everybody in.
PASSWORD_PLUGINS = frozenset(
    {
        "", "mysql_native_password", "mysql_old_password", "sha256_password", "caching_sha2_password", "ed25519",
        "parsec",
    }
)  # fmt: skip
SSL_TYPES = {"0": "", "1": "ANY", "2": "X509", "3": "SPECIFIED"}  # MariaDB writes numbers
LIMITS = ("max_questions", "max_updates", "max_connections", "max_user_connections", "max_statement_time")


Logins = tuple[tuple[str, bool], ...]  # ways to log in: (plugin, whether its password is empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """One row of the user table. `attributes` are what a DBA sets besides privileges; no hash is among them."""

    user: str
    host: str
    kind: AccountKind = "user"
    is_role: bool = False  # in MariaDB's name space of roles
    privileges: tuple[str, ...]
    restrictions: Mapping[str, list[str]] = field(default_factory=dict)
    default_role: str = ""  # MariaDB keeps it here
    is_locked: bool
    password_expires_at: datetime | None
    attributes: Mapping[str, Any]

    @property
    def identity(self) -> Identity:
        return (self.user, self.host)

    @property
    def is_system(self) -> bool:
        names = SERVER_ACCOUNTS | CLOUD_ACCOUNTS
        return self.user in names and self.host in LOCAL_HOSTS and (self.is_locked or self.user in CLOUD_ACCOUNTS)


def read_principals(answers: Answers) -> dict[Identity, Principal]:
    """Every account, role and PUBLIC. Raises RemoteError."""
    server, lifetime = answers.server.number, _whole(answers.variables.get("default_password_lifetime"))
    dynamic = _dynamic_privileges(answers)
    found = {}
    for row in answers.rows("users"):
        try:
            if answers.server.fork == MARIADB:
                principal = _mariadb(row, server, lifetime)
            else:
                principal = _mysql(row, dynamic, server, lifetime)
        except (ValueError, TypeError, KeyError, OverflowError) as error:  # somebody wrote it by hand
            detail = f"the row of {written((row[0], row[1]))} in the user table cannot be understood"
            raise SyncDataError(**answers.connection.target.address, detail=detail) from error
        found[principal.identity] = principal
    return found


def _mysql(
    row: Sequence[Any], dynamic: Mapping[Identity, list[str]], server: tuple[int, ...], default_lifetime: int | None
) -> Principal:
    (
        user, host, words, plugin, is_locked, is_empty, is_expired, changed, lifetime, ssl_type, ssl_cipher, issuer,
        subject, questions, updates, connections, user_connections, restrictions, locking, has_second_password,
    ) = row  # fmt: skip
    logins = ((plugin, bool(is_empty)),)
    return Principal(
        user=user,
        host=host,
        # As CREATE ROLE leaves an account.
        kind="role" if server >= (8,) and is_locked and is_expired and is_empty else "user",
        privileges=(*_words(words), *dynamic.get((user, host), ())),
        restrictions=_restrictions(restrictions),
        is_locked=bool(is_locked),
        password_expires_at=_expiry(logins, bool(is_expired), changed, lifetime, default_lifetime),
        attributes=_attributes(
            logins=logins,
            is_locked=bool(is_locked),
            is_expired=bool(is_expired),
            changed=changed,
            lifetime=lifetime,
            tls=(ssl_type, ssl_cipher, issuer, subject),
            limits=(questions, updates, connections, user_connections),
            locking=locking,
            has_second_password=bool(has_second_password),
        ),
    )


def _mariadb(row: Sequence[Any], server: tuple[int, ...], default_lifetime: int | None) -> Principal:
    (
        user, host, bits, written_by, is_role, plugin, number, further_plugins, further_empty, locked, is_empty,
        changed, lifetime, default_role, ssl_type, ssl_cipher, issuer, subject, *limits, denials,
    ) = row  # fmt: skip
    logins: Logins = ((plugin or "", bool(is_empty)),)
    if number:  # of several ways to log in, the one without a name of its own stands outside of the list
        further = zip(json.loads(further_plugins)[:number], json.loads(further_empty), strict=False)
        logins = tuple((name, bool(empty)) if name else logins[0] for name, empty in further)
    changed, lifetime = _whole(changed), _whole(lifetime)
    role, public = _is_true(is_role), (user, host) == PUBLIC
    is_expired, is_locked = changed == 0 and not role, _is_true(locked)
    return Principal(
        user=user,
        host=host,
        kind="public" if public else "role" if role else "user",
        is_role=role,
        privileges=access.words(int(bits or 0) % 2**64, version_of(written_by), server),
        restrictions={"*.*": [canonical_text(denial) for denial in json.loads(denials)]} if denials else {},
        default_role=default_role or "",
        is_locked=is_locked or (role and not public),
        password_expires_at=_expiry(
            logins, is_expired, changed, None if lifetime == -1 else lifetime, default_lifetime
        ),
        attributes={"is_role": not public}
        if role
        else _attributes(
            logins=logins,
            is_locked=is_locked,
            is_expired=is_expired,
            changed=changed,
            lifetime=None if lifetime == -1 else lifetime,
            tls=(SSL_TYPES.get(ssl_type or "0", ssl_type), ssl_cipher, issuer, subject),
            limits=tuple(float(limit) if "." in (limit or "") else _whole(limit) for limit in limits),
        ),
    )


@lru_cache(maxsize=1024)
def _attributes(
    *,
    logins: Logins,
    is_locked: bool,
    is_expired: bool,
    changed: int | None,
    lifetime: int | None,
    tls: tuple[str | None, ...],
    limits: tuple[float | None, ...],
    locking: str | None = None,
    has_second_password: bool = False,
) -> Mapping[str, Any]:
    """What is set; limits and requirements that say nothing are left out. Cached: most accounts are set up alike."""
    found = {
        "plugins": [plugin for plugin, _ in logins if plugin],
        "password_empty": any(is_empty and plugin in PASSWORD_PLUGINS for plugin, is_empty in logins),
        "is_locked": is_locked,
        "password_expired": is_expired,
        "password_last_changed": _moment(changed).isoformat() if changed else None,
        "password_lifetime": lifetime,
        "password_locking": json.loads(locking) if locking else None,
        "has_second_password": has_second_password or None,
        **dict(zip(("ssl_type", "ssl_cipher", "x509_issuer", "x509_subject"), tls, strict=True)),
        **{name: limit for name, limit in zip(LIMITS, limits, strict=False) if limit},
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def _dynamic_privileges(answers: Answers) -> dict[Identity, list[str]]:
    found: dict[Identity, list[str]] = {}
    if not answers.has("dynamic_privileges"):
        return found
    for user, host, privilege, is_grantable in answers.rows("dynamic_privileges"):
        found.setdefault((user, host), []).append(privilege + WITH_GRANT_OPTION if is_grantable else privilege)
    return found


def _restrictions(text: str | None) -> dict[str, list[str]]:
    """Partial revokes: [{"Database": …, "Privileges": […]}] in mysql.user.User_attributes."""
    return {entry["Database"]: sorted(entry["Privileges"]) for entry in json.loads(text or "[]")}


def _expiry(
    logins: Logins, is_expired: bool, changed: Any, lifetime: int | None, default_lifetime: int | None
) -> datetime | None:
    """When the password stops being enough. Days of 0 mean never; passwords that others keep have no days."""
    if is_expired:
        return EPOCH
    days = default_lifetime if lifetime is None else lifetime
    is_kept_here = any(plugin in PASSWORD_PLUGINS for plugin, _ in logins)
    return _moment(changed) + timedelta(days=days) if days and changed and is_kept_here else None


def _moment(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _words(text: str | None) -> list[str]:
    return text.split(",") if text else []


def _whole(text: Any) -> int | None:
    return int(text) if text not in (None, "") else None


def _is_true(value: Any) -> bool:
    """Of JSON_VALUE: true is 1, absent is NULL."""
    return value in ("1", "true", 1)


def version_of(number: str | None) -> tuple[int, ...]:
    """The version that wrote a row: (10, 11, 19) of "101119", empty where it does not say."""
    whole = _whole(number)
    return (whole // 10000, whole // 100 % 100, whole % 100) if whole else ()
