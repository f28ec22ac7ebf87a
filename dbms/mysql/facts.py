"""What follows from an account's snapshot: the roles it reaches, and permission_facts v2."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dbms.mysql.names import written_role
from dbms.mysql.principals import WITH_GRANT_OPTION
from dbms.mysql.privileges import DATABASES
from dbms.mysql.roles import GRANTED, WITH_ADMIN_OPTION
from dbms.snapshots import SERVER, AccountSnapshot, Reach, category_scope

FACTS_VERSION = 2
GLOBALS, RESTRICTIONS = "mysql_global_privileges", "mysql_restrictions"
ROLES = category_scope(GRANTED)

# Who holds one of the first and all of the others may change every variable and every account, whoever owns it: what
# SUPER was before MySQL 8 split it ("Privileges Provided by MySQL").
ANY_OF, ALL_OF = frozenset({"CREATE USER", "ROLE_ADMIN"}), frozenset({"SYSTEM_USER", "SYSTEM_VARIABLES_ADMIN"})
GRANT_ADMIN = frozenset({"GRANT OPTION", "ROLE_ADMIN"})

# Global privileges that somebody can turn into more than they are: files of the server's machine, other people's
# passwords, code that runs as somebody else, the grant tables themselves.
ESCALATIONS = frozenset({"FILE", "CREATE USER", "SET USER", "SET_USER_ID", "SET_ANY_DEFINER", "INSERT", "UPDATE"})
GRANT_TABLES = "mysql"


def reach(accounts: Sequence[AccountSnapshot]) -> Mapping[tuple[str, str, bool], Reach]:
    """The roles that each account can make active, with what they and PUBLIC bring along."""
    # Where roles have a name space of their own, a user may be called like a role.
    ordered = sorted(accounts, key=lambda account: account.is_role)
    roles = {written_role((account.username, account.host)): _own(account) for account in ordered}
    everybody = [reason for account in accounts if account.kind == "public" for reason in _of_public(account, roles)]
    same: dict[tuple[str, ...], Reach] = {}  # most accounts hold the same few roles
    found = {}
    for account in accounts:
        held = tuple(_roles(_own(account)))
        if held not in same:
            same[held] = _reach(held, roles, everybody)
        found[account.key] = Reach() if account.kind == "public" and not held else same[held]
    return found


def _of_public(account: AccountSnapshot, roles: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """(capability, reason) of what everybody has through PUBLIC, itself or by the roles that it was granted."""
    own = _own(account)
    yield from ((capability, "PUBLIC") for capability, _ in _capabilities(own))
    for capability, reasons in _reach(tuple(_roles(own)), roles, ()).capability_reasons.items():
        yield from ((capability, reason.replace("member of ", "PUBLIC → ", 1)) for reason in reasons)


def _reach(held: Sequence[str], roles: Mapping[str, Mapping[str, Any]], everybody: Sequence[tuple[str, str]]) -> Reach:
    """Breadth first, so that each path is a shortest one."""
    paths: dict[str, tuple[str, ...]] = {role: (role,) for role in held}
    waiting = deque(held)
    while waiting:
        role = waiting.popleft()
        for further in _roles(roles.get(role, {})):
            if further not in paths:
                paths[further] = (*paths[role], further)
                waiting.append(further)
    reasons: dict[str, list[str]] = {}
    for role, path in paths.items():
        for capability, _ in _capabilities(roles.get(role, {})):
            reasons.setdefault(capability, []).append(f"member of {' → '.join(path)}")
    for capability, source in everybody:
        reasons.setdefault(capability, []).append(source)
    return Reach(
        roles=tuple(sorted(paths)),
        capability_reasons={capability: tuple(dict.fromkeys(found)) for capability, found in reasons.items()},
    )


def facts(*, categories: Mapping[str, Any], type_specific: Mapping[str, Any], reach: Reach) -> dict[str, Any]:
    """permission_facts v2 of one account. Nothing in it depends on the clock."""
    reasons: dict[str, list[str]] = {}
    for capability, reason in _capabilities(categories):
        reasons.setdefault(capability, []).append(reason)
    for capability, paths in reach.capability_reasons.items():
        reasons.setdefault(capability, []).extend(paths)
    if locked := list(_locks(type_specific)):
        reasons["LOCKED"] = locked
    escalation = sorted(_escalations(categories))
    return {
        "version": FACTS_VERSION,
        "db_type": "mysql",
        "capabilities": sorted(reasons),
        "capability_reasons": {capability: reasons[capability] for capability in sorted(reasons)},
        "roles": sorted(reach.roles),
        "privileges": {
            "global": list(categories.get(GLOBALS, ())),
            "server": [],
            "system": [],
            "database": dict(categories.get(DATABASES, {})),
            "tablespace": {},
        },
        "errors": [],
        "meta": {"escalation": escalation} if escalation else {},
    }


def _own(account: AccountSnapshot) -> dict[str, Any]:
    """The categories that say what an account is, without its grants on objects."""
    return {**account.parts[SERVER], **account.parts.get(ROLES, {})}


def _roles(categories: Mapping[str, Any]) -> Iterator[str]:
    lists = categories.get(GRANTED, {})
    for kind in ("direct", "mandatory"):
        for name in lists.get(kind, ()):
            yield name.removesuffix(WITH_ADMIN_OPTION)


def _global(categories: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(word.removesuffix(WITH_GRANT_OPTION) for word in categories.get(GLOBALS, ()))


def _capabilities(categories: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(capability, reason) of what an account or role holds itself."""
    held = _global(categories)
    if "SUPER" in held:
        yield "SUPERUSER", "SUPER"
    elif held >= ALL_OF and held & ANY_OF:
        yield "SUPERUSER", " + ".join(sorted(held & (ALL_OF | ANY_OF)))
    for privilege in sorted(held & GRANT_ADMIN):
        yield "GRANT_ADMIN", f"{privilege} ON *.*"


def _locks(type_specific: Mapping[str, Any]) -> Iterator[str]:
    """Why nobody can log in as this account, whatever the time is."""
    if type_specific.get("is_role"):
        yield "role"
    if type_specific.get("is_locked"):
        yield "ACCOUNT LOCK"


def _escalations(categories: Mapping[str, Any]) -> Iterator[str]:
    restricted = categories.get(RESTRICTIONS, {}).get(GRANT_TABLES, ())
    for word in _global(categories) & ESCALATIONS - set(restricted):
        yield word
    for word in {"INSERT", "UPDATE"}.intersection(categories.get(DATABASES, {}).get(GRANT_TABLES, ())):
        yield f"{word} ON {GRANT_TABLES}.*"
