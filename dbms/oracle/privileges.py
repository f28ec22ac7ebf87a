"""What was granted: a statement for each kind of grant, and the categories that its rows become."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbms.oracle.names import identifier

GRANT_ROW_CAP = 200_000  # rows of one statement that are kept apart
SUMMARISED = ":summarised"
WITH_GRANT_OPTION, WITH_ADMIN_OPTION = " WITH GRANT OPTION", " WITH ADMIN OPTION"

ROLES, DISABLED_ROLES = "oracle_roles", "oracle_non_default_roles"
SYSTEM, ADMIN, QUOTAS = "oracle_system_privileges", "oracle_admin_privileges", "oracle_quotas"
SCHEMAS, OBJECTS, COLUMNS = "oracle_schema_privileges", "oracle_object_privileges", "oracle_column_privileges"
PROXIES = "oracle_proxies"
ADMIN_WORDS = ("SYSDBA", "SYSOPER", "SYSASM", "SYSBACKUP", "SYSDG", "SYSKM")
UNLIMITED = -1

# Objects that GRANT names by their type; all of them stand in one name space of their own, as SYS's.
NAMED_BY_TYPE = frozenset({"DIRECTORY", "EDITION", "USER", "MINING MODEL", "SQL TRANSLATION PROFILE"})

Rows = Iterable[Sequence[Any]]  # without container and COMMON
Held = dict[str, Any]  # {grantee: value of the category}
Counts = Mapping[str, Mapping[str, Mapping[str, int]]]  # {grantee: {key: {privilege: objects}}}


def in_pdb(category: str) -> str:
    """The category that holds the same by pluggable database."""
    return category.replace("oracle_", "oracle_pdb_", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A statement about grants. `keys` name the object of a row and of a row of the grouped statement."""

    noun: str
    categories: tuple[str, ...]
    collect: Callable[[Rows], dict[str, Held]]
    summary: Callable[..., str] | None = None
    since: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What the rows of one container became; `summarised` counts objects where they were too many to keep apart."""

    held: Mapping[str, Held]
    summarised: Counts = field(default_factory=dict)


def roles(rows: Rows) -> dict[str, Held]:
    """Granted roles, and those of them that are not enabled from the login on."""
    rows = list(rows)
    disabled: Held = {}
    enabled = {(grantee, role) for grantee, role, _, is_default in rows if is_default == "YES"}
    for grantee, role, _, _ in rows:
        if (grantee, role) not in enabled:
            disabled.setdefault(grantee, set()).add(identifier(role))
    granted = _words((grantee, identifier(role), option) for grantee, role, option, _ in rows)
    return {ROLES: granted, DISABLED_ROLES: {grantee: sorted(held) for grantee, held in disabled.items()}}


def system_privileges(rows: Rows) -> dict[str, Held]:
    return {SYSTEM: _words(rows)}


def admin_privileges(rows: Rows) -> dict[str, Held]:
    """The password file's words."""
    return {
        ADMIN: {
            name: held
            for name, *flags in rows
            if (held := [word for word, flag in zip(ADMIN_WORDS, flags, strict=True) if flag == "TRUE"])
        }
    }


def schema_privileges(rows: Rows) -> dict[str, Held]:
    keyed = ((grantee, identifier(schema), privilege, option) for grantee, schema, privilege, option in rows)
    return {SCHEMAS: _by_key(keyed, WITH_ADMIN_OPTION)}


def object_privileges(rows: Rows) -> dict[str, Held]:
    keyed = ((grantee, object_key(*place), privilege, option) for grantee, *place, privilege, option in rows)
    return {OBJECTS: _by_key(keyed, WITH_GRANT_OPTION)}


def column_privileges(rows: Rows) -> dict[str, Held]:
    keyed = (
        (grantee, ".".join(map(identifier, place)), privilege, option) for grantee, *place, privilege, option in rows
    )
    return {COLUMNS: _by_key(keyed, WITH_GRANT_OPTION)}


def proxies(rows: Rows) -> dict[str, Held]:
    """The accounts that each account may connect as: ALTER USER … GRANT CONNECT THROUGH."""
    found: dict[str, set[str]] = {}
    for proxy, client, role, constraint in rows:
        limit = f" WITH ROLE {identifier(role)}" if role else " WITH NO ROLES" if _is_bare(constraint) else ""
        found.setdefault(proxy, set()).add(identifier(client) + limit)
    return {PROXIES: {proxy: sorted(clients) for proxy, clients in found.items()}}


def quotas(rows: Rows) -> dict[str, Held]:
    """What may be stored in each tablespace: `QUOTA UNLIMITED`, or in bytes."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, tablespace, limit in rows:
        words = "UNLIMITED" if limit == UNLIMITED else str(int(limit))
        found.setdefault(name, {})[tablespace] = [f"QUOTA {words}"]
    return {QUOTAS: found}


def object_key(owner: str, name: str, kind: str | None) -> str:
    """An object as GRANT names it."""
    return f"{kind} {identifier(name)}" if kind in NAMED_BY_TYPE else f"{identifier(owner)}.{identifier(name)}"


SOURCES = (
    Source(noun="role_grants", categories=(ROLES, DISABLED_ROLES), collect=roles),
    Source(noun="system_privileges", categories=(SYSTEM,), collect=system_privileges),
    Source(noun="admin_privileges", categories=(ADMIN,), collect=admin_privileges),
    Source(noun="schema_privileges", categories=(SCHEMAS,), collect=schema_privileges, since=(23,)),
    Source(
        noun="object_privileges",
        categories=(OBJECTS,),
        collect=object_privileges,
        summary=lambda owner, kind: f"{kind} *" if kind in NAMED_BY_TYPE else f"{identifier(owner)}.*",
    ),
    Source(
        noun="column_privileges",
        categories=(COLUMNS,),
        collect=column_privileges,
        summary=lambda owner: f"{identifier(owner)}.*.*",
    ),
    Source(noun="proxies", categories=(PROXIES,), collect=proxies),
    Source(noun="quotas", categories=(QUOTAS,), collect=quotas),
)


def summarised(category: str, summary: Callable[..., str], rows: Rows) -> Collected:
    """What the rows of a grouped statement become."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for grantee, *place, privilege, option, number in rows:
        word = privilege + WITH_GRANT_OPTION * (option == "YES")
        counted = counts.setdefault(grantee, {}).setdefault(summary(*place), {})
        counted[word] = counted.get(word, 0) + number
    held = {grantee: {key: sorted(words) for key, words in by_key.items()} for grantee, by_key in counts.items()}
    return Collected(held={category: held}, summarised=counts)


def _words(rows: Rows) -> Held:
    """{grantee: [privilege]}; what was granted twice, in all containers and in one, stands once with its option."""
    options: dict[str, dict[str, bool]] = {}
    for grantee, word, option in rows:
        held = options.setdefault(grantee, {})
        held[word] = held.get(word, False) or option == "YES"
    return {grantee: _written(held, WITH_ADMIN_OPTION) for grantee, held in options.items()}


def _by_key(rows: Rows, suffix: str) -> Held:
    """{grantee: {object: [privilege]}}."""
    options: dict[str, dict[str, dict[str, bool]]] = {}
    for grantee, key, word, option in rows:
        held = options.setdefault(grantee, {}).setdefault(key, {})
        held[word] = held.get(word, False) or option == "YES"
    return {
        grantee: {key: _written(held, suffix) for key, held in by_key.items()} for grantee, by_key in options.items()
    }


def _written(held: Mapping[str, bool], suffix: str) -> list[str]:
    return sorted(word + suffix * has_option for word, has_option in held.items())


def _is_bare(constraint: str | None) -> bool:
    return (constraint or "").startswith("NO CLIENT ROLES")
