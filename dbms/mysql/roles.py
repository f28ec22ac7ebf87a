"""Which roles accounts hold, which of them are active from the login on, and which everybody has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from dbms.mysql.answers import Answers
from dbms.mysql.connection import MARIADB
from dbms.mysql.names import ANY_HOST, Identity, written, written_role
from dbms.mysql.principals import Principal
from dbms.mysql.privileges import Parts, ScopeRead

GRANTED, MEMBERS = "mysql_granted_roles", "mysql_role_members"
WITH_ADMIN_OPTION = " WITH ADMIN OPTION"
ALWAYS = ("direct", "default")  # lists that are written even when they are empty

# One account in a list like mandatory_roles: each part bare or in any of the three quotes.
PART = r"""(?:`(?:[^`]|``)*`|'(?:[^']|'')*'|"(?:[^"]|"")*"|[^\s,@`'"]+)"""
LISTED_ROLE = re.compile(rf"\s*({PART})(?:@({PART}))?\s*(?:,|\Z)")


def read_roles(answers: Answers, principals: Mapping[Identity, Principal]) -> ScopeRead:
    """Who was granted which role, and who has it from the login on. Raises RemoteError."""
    granted: dict[Identity, dict[Identity, bool]] = {}
    defaults: dict[Identity, list[Identity]] = {}
    mandatory: list[Identity] = []
    if answers.has("roles"):
        for kind, role, role_host, user, host, has_admin in answers.rows("roles"):
            if (role, role_host) not in principals:  # dropped without its grants
                continue
            if kind == "default":
                defaults.setdefault((user, host), []).append((role, role_host))
            else:
                granted.setdefault((user, host), {})[role, role_host] = bool(has_admin)
        if answers.server.fork == MARIADB:
            defaults = {identity: [(principal.default_role, "")] for identity, principal in principals.items()
                        if (principal.default_role, "") in principals}  # fmt: skip
        listed = listed_roles(answers.variables.get("mandatory_roles", ""))
        mandatory = [role for role in listed if role in principals]  # others count only once they exist
    parts: dict[Identity, dict[str, Any]] = {}
    for identity, principal in principals.items():
        lists = {
            "direct": [written_role(role) + WITH_ADMIN_OPTION * has_admin
                       for role, has_admin in granted.get(identity, {}).items()],
            "default": [written_role(role) for role in defaults.get(identity, ())],
            "mandatory": [written_role(role) for role in mandatory if principal.kind == "user"],
        }  # fmt: skip
        if any(lists.values()):
            parts[identity] = {GRANTED: {kind: sorted(lists[kind]) for kind in lists if lists[kind] or kind in ALWAYS}}
    for role, lists in _members(principals, granted, defaults).items():
        parts.setdefault(role, {})[MEMBERS] = {kind: sorted(names) for kind, names in lists.items()}
    return ScopeRead(categories=(GRANTED, MEMBERS), parts=parts)


def _members(
    principals: Mapping[Identity, Principal],
    granted: Mapping[Identity, Iterable[Identity]],
    defaults: Mapping[Identity, Iterable[Identity]],
) -> dict[Identity, dict[str, list[str]]]:
    """{role: {direct, default}}: the other side of the same grants."""
    found: dict[Identity, dict[str, list[str]]] = {}
    for kind, held in (("direct", granted), ("default", defaults)):
        for member, roles in held.items():
            if member not in principals:
                continue
            name = written_role(member) if principals[member].is_role else written(member)
            for role in roles:
                found.setdefault(role, {"direct": [], "default": []})[kind].append(name)
    return found


def active_roles(parts: Parts, identity: Identity) -> frozenset[str]:
    """The roles, as written, that an account has from the login on: its default roles and what they were granted."""
    granted = {written_role(holder): part[GRANTED] for holder, part in parts.items() if GRANTED in part}
    found: set[str] = set()
    own = parts.get(identity, {}).get(GRANTED, {})
    held = {name.removesuffix(WITH_ADMIN_OPTION) for name in (*own.get("direct", ()), *own.get("mandatory", ()))}
    waiting = list(held.intersection(own.get("default", ())))  # MariaDB keeps a default role that was revoked
    while waiting:
        role = waiting.pop()
        if role not in found:
            found.add(role)
            waiting += (name.removesuffix(WITH_ADMIN_OPTION) for name in granted.get(role, {}).get("direct", ()))
    return frozenset(found)


def listed_roles(text: str) -> list[Identity]:
    """The roles of a variable like mandatory_roles; a role without a host has the host %."""
    return [
        (_bare(match[1]), _bare(match[2]) if match[2] else ANY_HOST) for match in LISTED_ROLE.finditer(text) if match[1]
    ]


def _bare(part: str) -> str:
    quote = part[0]
    return part[1:-1].replace(quote * 2, quote) if quote in "`'\"" else part
