"""Shorthands to read a server and to look into what was read."""

from __future__ import annotations

import dbms
from dbms.snapshots import AccountSnapshot, AccountsSnapshot, document
from tests.dbms.conftest import target_of

ADAPTER = dbms.get("postgresql")


def read(server, **changes) -> AccountsSnapshot:
    """Everything, as the superuser unless said otherwise."""
    options = {name: changes.pop(name) for name in ("grant_row_cap",) if name in changes}
    with ADAPTER.connect(target_of(server, **changes)) as connection:
        return ADAPTER.read_accounts(connection, **options)


def account_of(snapshot: AccountsSnapshot, name: str, *, is_role: bool = False) -> AccountSnapshot:
    (found,) = [account for account in snapshot.accounts if account.key == (name, "", is_role)]
    return found


def public_of(snapshot: AccountsSnapshot) -> AccountSnapshot:
    return account_of(snapshot, "PUBLIC", is_role=True)


def category(account: AccountSnapshot, name: str, database: str | None = None):
    """A category as the snapshot document shows it, or its part of one database."""
    found = document(account)["categories"].get(f"postgresql_{name}", {})
    return found if database is None else found.get(database, {})


def coverage_of(snapshot: AccountsSnapshot, scope: str):
    (found,) = [part for part in snapshot.coverage if part.scope == scope]
    return found
