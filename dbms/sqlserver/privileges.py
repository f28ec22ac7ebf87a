"""Permissions, on the server and inside of databases, as the contract writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbms.sqlserver.connection import Rows
from dbms.sqlserver.names import identifier, qualified

WITH_GRANT_OPTION = " WITH GRANT OPTION"
DENY, REVOKE = "DENY ", "REVOKE "

# The state of a permission, as it is written. Revoked is only ever a column of an object on which it was granted.
STATES = {"G": "{}", "W": "{}" + WITH_GRANT_OPTION, "D": DENY + "{}", "R": REVOKE + "{}"}

# "sys.server_permissions" and "sys.database_permissions", class.
ON_SERVER, ON_LOGIN, ON_ENDPOINT = 100, 101, 105
ON_DATABASE, ON_OBJECT, ON_SCHEMA = 0, 1, 3

# How a statement names what a permission is on ("GRANT", securable classes).
SERVER_SECURABLES = {ON_LOGIN: "LOGIN", ON_ENDPOINT: "ENDPOINT", 108: "AVAILABILITY GROUP"}
SECURABLES = {
    4: "USER", 5: "ASSEMBLY", 6: "TYPE", 10: "XML SCHEMA COLLECTION", 15: "MESSAGE TYPE", 16: "CONTRACT",
    17: "SERVICE", 18: "REMOTE SERVICE BINDING", 19: "ROUTE", 23: "FULLTEXT CATALOG", 24: "SYMMETRIC KEY",
    25: "CERTIFICATE", 26: "ASYMMETRIC KEY",
}  # fmt: skip


Names = Mapping[tuple[int, int], str]  # by class and id


@dataclass(slots=True, kw_only=True)
class Holdings:
    """What one principal was granted in one database.

    `permissions` has the keys of the contract: "database" with a list, and "schema", "object", "column" and "other"
    with {securable: list}. `summarised` counts the objects behind a grouped key by permission.
    """

    permissions: dict[str, Any] = field(default_factory=dict)
    summarised: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, level: str, key: str, word: str) -> None:
        if level == "database":
            self.permissions.setdefault(level, []).append(word)
        else:
            self.permissions.setdefault(level, {}).setdefault(key, []).append(word)

    def sorted(self) -> dict[str, Any]:
        """The permissions, each once and in order."""
        return {
            level: sorted(set(held)) if level == "database" else {key: sorted(set(held[key])) for key in sorted(held)}
            for level, held in self.permissions.items()
        }


def worded(permission: str, state: str) -> str:
    """A permission with its state."""
    return STATES.get(state.strip(), "{}").format(permission)


def server_permissions(rows: Rows) -> dict[int, list[str]]:
    """The permissions of each principal on the server, its logins and endpoints."""
    found: dict[int, list[str]] = {}
    for grantee, level, description, permission, state, number, name in rows:
        word = worded(permission, state)
        if level != ON_SERVER:
            securable = _securable(SERVER_SECURABLES.get(level) or description, None, name, number)
            base, option, _ = word.partition(WITH_GRANT_OPTION)
            word = f"{base} ON {securable}{option}"
        found.setdefault(grantee, []).append(word)
    return {grantee: sorted(set(words)) for grantee, words in found.items()}


def database_permissions(rows: Rows, names: Names) -> dict[int, Holdings]:
    """The permissions of each principal in a database, every object by itself. `names` are those that rows lack."""
    found: dict[int, Holdings] = {}
    for grantee, level, description, permission, state, number, schema, name, column_id, column in rows:
        held = found.setdefault(grantee, Holdings())
        word = worded(permission, state)
        if level == ON_OBJECT and column_id:
            key = qualified(schema, name or str(number), column or str(column_id))
            held.add("column", key, word)
        elif level == ON_OBJECT:
            held.add("object", qualified(schema, name or str(number)), word)
        else:
            held.add(*_place(level, description, schema, name or names.get((level, number)), number), word)
    return found


def summarised_permissions(rows: Rows, names: Names) -> dict[int, Holdings]:
    """The same, with the objects of a schema taken together."""
    found: dict[int, Holdings] = {}
    for grantee, level, description, permission, state, number, schema, name, is_column, count in rows:
        held = found.setdefault(grantee, Holdings())
        word = worded(permission, state)
        if level != ON_OBJECT:
            held.add(*_place(level, description, schema, name or names.get((level, number)), number), word)
            continue
        place = f"{qualified(schema)}.*.*" if is_column else f"{qualified(schema)}.*"
        held.add("column" if is_column else "object", place, word)
        counted = held.summarised.setdefault(place, {})
        counted[word] = counted.get(word, 0) + count
    return found


def held_permissions(words: Iterable[str]) -> frozenset[str]:
    """What a list of permissions allows, without options and denials."""
    return frozenset(word.removesuffix(WITH_GRANT_OPTION) for word in words if not word.startswith((DENY, REVOKE)))


def _place(level: int, description: str, schema: str | None, name: str | None, number: int) -> tuple[str, str]:
    """Level and key of what is no object."""
    if level == ON_DATABASE:
        return "database", ""
    if level == ON_SCHEMA:
        return "schema", identifier(schema) if schema is not None else str(number)
    return "other", _securable(SECURABLES.get(level, description), schema, name, number)


def _securable(kind: str, schema: str | None, name: str | None, number: int) -> str:
    """TYPE::schema.name; what is hidden has its id instead of a name."""
    return f"{kind}::{qualified(schema, name) if name is not None else number}"
