"""Shorthands to read a server and to look into what was read."""

from __future__ import annotations

import dbms
from dbms.snapshots import AccountSnapshot, AccountsSnapshot, document
from tests.dbms.mysql.conftest import target_of
from tests.dbms.mysql.show_grants import truth

ADAPTER = dbms.get("mysql")


def read(server, **changes) -> AccountsSnapshot:
    """Everything, as root unless said otherwise."""
    options = {name: changes.pop(name) for name in ("grant_row_cap",) if name in changes}
    with ADAPTER.connect(target_of(server, **changes)) as connection:
        return ADAPTER.read_accounts(connection, **options)


def account_of(snapshot: AccountsSnapshot, name: str, host: str = "%") -> AccountSnapshot:
    (found,) = [account for account in snapshot.accounts if account.key == (name, host, False)]
    return found


def role_of(snapshot: AccountsSnapshot, name: str) -> AccountSnapshot:
    (found,) = [account for account in snapshot.accounts if account.key == (name, "", True)]
    return found


def public_of(snapshot: AccountsSnapshot) -> AccountSnapshot:
    return role_of(snapshot, "PUBLIC")


def categories(account: AccountSnapshot) -> dict:
    """What the account was granted, without the categories that hold nothing."""
    found = document(account)["categories"]
    return {name: held for name, held in found.items() if held and held != {"direct": [], "default": []}}


def category(account: AccountSnapshot, name: str):
    """A category as the snapshot document shows it."""
    return document(account)["categories"].get(f"mysql_{name}", {})


def coverage_of(snapshot: AccountsSnapshot, scope: str):
    (found,) = [part for part in snapshot.coverage if part.scope == scope]
    return found


def facts_of(snapshot: AccountsSnapshot, account: AccountSnapshot) -> dict:
    """permission_facts, as the engine has them computed."""
    return ADAPTER.facts(
        categories=document(account)["categories"],
        type_specific=account.type_specific,
        reach=ADAPTER.reach(snapshot.accounts)[account.key],
    )


def as_shown(account: AccountSnapshot) -> dict:
    """The categories as far as SHOW GRANTS can tell: it writes names of routines in lower case (they have no case)
    and a proxied host that is stored as "" like one that is stored as "%"."""
    found = categories(account)
    if "mysql_routine_privileges" in found:
        found["mysql_routine_privileges"] = {
            _lower_routine(name): held for name, held in found["mysql_routine_privileges"].items()
        }
    if "mysql_proxy_privileges" in found:
        found["mysql_proxy_privileges"] = sorted(
            "@%" + name[1:] if name.split(" WITH ")[0] == "@" else name for name in found["mysql_proxy_privileges"]
        )
    return found


def _lower_routine(name: str) -> str:
    database, dot, routine = name.rpartition(".")
    return database + dot + routine.lower()


def agrees(scene, words) -> dict:
    """Everything that was read, once it is what SHOW GRANTS says of everybody."""
    snapshot = read(scene.server)
    expected = truth(scene, words)
    found = {account.key: as_shown(account) for account in snapshot.accounts}
    assert found.keys() == expected.keys()
    for who, held in expected.items():
        assert found[who] == held, who
    return found
