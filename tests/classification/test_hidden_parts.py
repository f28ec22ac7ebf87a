"""What each kind says that an unread scope hides is what the kind's own code derives from that scope.

For every scope: an account's facts and document with the grants of that scope, and as if it had been read and had held
nothing. Whatever differs is hidden by the scope; nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import dbms
from classification.dsl import objects
from classification.dsl.unread import unread
from dbms import snapshots
from dbms.mysql.names import written_role
from dbms.mysql.roles import GRANTED, MEMBERS
from dbms.oracle import privileges as oracle
from dbms.oracle.accounts import _shut_out
from dbms.postgresql import accounts as postgresql
from dbms.postgresql.privileges import DEFAULTS, OBJECTS, REVOKED
from dbms.snapshots import SERVER, AccountSnapshot, category_scope
from dbms.sqlserver import databases as sqlserver
from dbms.sqlserver.facts import SERVER_PERMISSIONS, SERVER_ROLES

GRANT = ["SELECT"]


def mysql() -> list[AccountSnapshot]:
    keyed = {"database": "mysql", "table": "db.t", "column": "db.t.c", "routine": "PROCEDURE db.p"}
    grants = {f"mysql_{level}_privileges": {key: ["INSERT"]} for level, key in keyed.items()}
    parts = {category_scope(category): {category: held} for category, held in grants.items()}
    parts[category_scope("mysql_proxy_privileges")] = {"mysql_proxy_privileges": ["'root'@'%'"]}
    parts[category_scope(GRANTED)] = {
        GRANTED: {"direct": [written_role(("boss", "%"))], "default": []}, MEMBERS: {"direct": ["x"], "default": []}
    }  # fmt: skip
    globals_ = {"mysql_global_privileges": ["GRANT OPTION", "SUPER"]}
    return [
        snapshots.account(username="ada", host="%", kind="user", parts={SERVER: {}, **parts}),
        snapshots.account(username="boss", host="%", kind="role", parts={SERVER: globals_}),
    ]


def postgresql_accounts() -> list[AccountSnapshot]:
    levels = (
        "schema",
        "relation",
        "sequence",
        "column",
        "function",
        "type",
        "language",
        "fdw",
        "server",
        "largeobject",
    )
    part = {OBJECTS: {"app": {f"{level}:x": GRANT for level in levels}}, DEFAULTS: {"app": {"*: relation by a": GRANT}}}
    return [
        snapshots.account(
            username="ada",
            kind="user",
            parts={
                SERVER: {
                    "postgresql_role_attributes": {"can_login": True, "can_super": True},
                    "postgresql_database_privileges": {"app": ["CONNECT"]},
                    OBJECTS: {"": {"tablespace:fast": ["CREATE"]}},
                },
                "database:app": {**part, REVOKED: {"app": ["function:f()"]}},
            },
            owned={"database:app": {postgresql.OWNED: {"app": ["relation:public.t"]}}},
        )
    ]


def sqlserver_accounts() -> list[AccountSnapshot]:
    levels = {"database": GRANT} | {level: {"x": GRANT} for level in ("schema", "object", "column", "other")}
    part = {
        sqlserver.USERS: {"shop": ["ada"]},
        sqlserver.ROLES: {"shop": ["db_owner", "sysadmin"]},
        sqlserver.PERMISSIONS: {"shop": levels},
        sqlserver.ESCALATIONS: {"shop": ["db_owner"]},
    }
    server = {SERVER_ROLES: ["processadmin"], SERVER_PERMISSIONS: ["CONNECT SQL"]}
    powers = {SERVER_ROLES: [], SERVER_PERMISSIONS: ["CONTROL SERVER"]}
    return [
        snapshots.account(username="ada", kind="user", parts={SERVER: server, "database:shop": part}),
        snapshots.account(username="sysadmin", kind="role", parts={SERVER: powers}),
        snapshots.account(username="db_owner", host="shop", kind="role", parts={SERVER: {}}),
    ]


def oracle_accounts() -> list[AccountSnapshot]:
    """One account that holds something of every kind, and one more for each way to log in by one scope alone."""
    rows = {
        oracle.ROLES: ["DBA", "CLERK"],
        oracle.DISABLED_ROLES: ["DBA"],
        oracle.SYSTEM: ["ALTER USER", "GRANT ANY ROLE"],
        oracle.ADMIN: ["SYSDBA"],
        oracle.SCHEMAS: {"HR": GRANT},
        oracle.OBJECTS: {"HR.EMP": GRANT},
        oracle.COLUMNS: {"HR.EMP.PAY": GRANT},
        oracle.PROXIES: ["BOB"],
        oracle.QUOTAS: {"USERS": ["QUOTA UNLIMITED"]},
    }
    scopes = {
        category: category_scope(source.categories[0]) for source in oracle.SOURCES for category in source.categories
    }
    everything: dict[str, dict[str, Any]] = {SERVER: {}}
    for category, held in rows.items():
        everything.setdefault(scopes[category], {})[category] = held
        everything.setdefault("pdb:SALES", {})[oracle.in_pdb(category)] = {"SALES": held}
    ways = {
        "BY_ROLE": {scopes[oracle.ROLES]: {oracle.ROLES: ["OPENER"]}},
        "BY_PRIVILEGE": {scopes[oracle.SYSTEM]: {oracle.SYSTEM: ["CREATE SESSION"]}},
        "BY_PASSWORD_FILE": {scopes[oracle.ADMIN]: {oracle.ADMIN: ["SYSOPER"]}},
        "IN_PDB": {"pdb:SALES": {oracle.in_pdb(oracle.SYSTEM): {"SALES": ["CREATE SESSION"]}}},
    }
    opener = {SERVER: {oracle.SYSTEM: ["CREATE SESSION"]}}
    return [
        snapshots.account(username="ADA", kind="user", parts=everything),
        snapshots.account(username="OPENER", kind="role", parts=opener, type_specific={"is_role": True}),
        *(snapshots.account(username=name, kind="user", parts={SERVER: {}, **held}) for name, held in ways.items()),
    ]


SAMPLES = {
    "mysql": mysql,
    "postgresql": postgresql_accounts,
    "sqlserver": sqlserver_accounts,
    "oracle": oracle_accounts,
}
NAMED = {"database:*": {"postgresql": "database:app", "sqlserver": "database:shop"}, "pdb:*": {"oracle": "pdb:SALES"}}


def scopes_of(kind: str) -> set[str]:
    """Every scope that a category of the kind is read from, by the name that it has in the sample."""
    scopes = set(dbms.get(kind).category_scopes.values())
    return {NAMED[scope][kind] if scope in NAMED else scope for scope in scopes}


def alone(account: AccountSnapshot, scope: str) -> AccountSnapshot:
    """Another account that holds nothing but what this one holds in a scope."""
    return replace(
        account,
        username=f"{account.username} in {scope}",
        parts={SERVER: {}, scope: account.parts.get(scope, {})},
        owned={name: part for name, part in account.owned.items() if name == scope},
    )


def without(account: AccountSnapshot, scope: str) -> AccountSnapshot:
    """The account if the scope had been read and had held nothing."""
    return replace(
        account,
        parts={name: part for name, part in account.parts.items() if name != scope},
        owned={name: part for name, part in account.owned.items() if name != scope},
    )


def found(kind: str, accounts: list[AccountSnapshot]) -> dict[tuple[Any, ...], set[tuple[str, str]]]:
    """{account: {(part, what is there)}}, by the adapter's own facts and document."""
    if kind == "oracle":
        accounts = list(_shut_out(accounts))
    adapter = dbms.get(kind)
    reach = adapter.reach(accounts)
    return {
        account.key: set(
            parts(
                adapter.facts(
                    categories=snapshots.merge(account.parts.values()),
                    type_specific=account.type_specific,
                    reach=reach[account.key],
                ),
                snapshots.document(account),
            )
        )
        for account in accounts
    }


def parts(facts: dict[str, Any], document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for capability in facts["capabilities"]:
        yield f"capabilities.{capability}", capability
    for role in facts["roles"]:
        yield "database_roles" if facts["db_type"] == "sqlserver" and "." in role else "roles", role
    privileges = facts["privileges"]
    for scope, keys in {"global": ["global"], "server": ["server", "system"], "database": ["database"],
                        "tablespace": ["tablespace"]}.items():  # fmt: skip
        for key in keys:
            yield from ((f"privileges.{scope}", str(word)) for word in sorted(privileges[key]))
    yield from (("escalation", word) for word in facts["meta"].get("escalation", ()))
    for grant in objects.grants(document):
        yield f"objects.{grant.level}", str(grant)
    yield from (("owned", str(name)) for name in objects.owned(document))


@pytest.mark.parametrize(("kind", "scope"), [(kind, scope) for kind in SAMPLES for scope in sorted(scopes_of(kind))])
def test_an_unread_scope_hides_exactly_what_is_derived_from_it(kind, scope):
    sample = SAMPLES[kind]()
    accounts = [*sample, alone(sample[0], scope)]
    read, empty = found(kind, accounts), found(kind, [without(account, scope) for account in accounts])
    differing = {part for key in read for part, _ in read[key] ^ empty[key]}
    hidden = set(unread(kind, {scope: None}).hidden) - {"objects"}
    assert hidden == differing


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_sample_of_a_kind_has_every_category_that_is_read_by_scope(kind):
    sample = {
        category
        for account in SAMPLES[kind]()
        for held in (account.parts, account.owned)
        for scope, part in held.items()
        if scope != SERVER
        for category in part
    }
    assert sample == dbms.get(kind).category_scopes.keys()


@pytest.mark.parametrize("kind", dbms.ADAPTERS)
def test_every_kind_has_a_sample(kind):
    assert kind in SAMPLES


def test_in_template0_nobody_can_have_hidden_anything():
    assert not unread("postgresql", {"database:template0": None}).hidden
    assert unread("postgresql", {"database:template1": None}).hidden
