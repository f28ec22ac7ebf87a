"""Shorthands to set a scene on a double of an Oracle server and to read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from dbms.base import Target
from dbms.oracle import adapter
from dbms.sizes import CapacitySnapshot, TableSize
from dbms.snapshots import AccountSnapshot, AccountsSnapshot, merge
from tests.twins.oracle.database import ROOT, Database
from tests.twins.oracle.server import OracleServer, serving

PASSWORD = "geheim"
ADMIN_WORDS = ("SYSDBA", "SYSOPER", "SYSASM", "SYSBACKUP", "SYSDG", "SYSKM")


class Scene:
    """A database of the double, a login that may read everything, and the server before them."""

    def __init__(self, server: OracleServer, reader: str) -> None:
        self.server, self.database, self.reader = server, server.database, reader

    def target(self, **changes: Any) -> Target:
        login = {"username": self.reader, "password": PASSWORD}
        values = {"port": self.server.port, "connect_timeout": 5, "statement_timeout": 5, **login}
        return Target(db_type="oracle", host="127.0.0.1", **{**values, **changes})

    def read(self, *, cap: int | None = None, **changes: Any) -> AccountsSnapshot:
        with adapter.connect(self.target(**changes)) as connection:
            return adapter.read_accounts(connection, **({} if cap is None else {"grant_row_cap": cap}))

    def capacity(self, **changes: Any) -> CapacitySnapshot:
        with adapter.connect(self.target(**changes)) as connection:
            return adapter.read_capacity(connection)

    def tables(self, database: str, most: int = 100, **changes: Any) -> Sequence[TableSize]:
        with adapter.connect(self.target(**changes)) as connection:
            return adapter.read_tables(connection, database, most)

    def hide(self, *views: str) -> None:
        """Take SELECT on views from the login that reads."""
        self.database.logins[self.reader, self.database.home].hidden.update(views)

    def grant_role(self, role: str, grantee: str, *, admin: bool = False, default: bool = True, **places: Any) -> None:
        self._granted("role_privs", granted_role=role, grantee=grantee, admin_option=_yes(admin),
                      default_role=_yes(default), **places)  # fmt: skip

    def grant(self, privilege: str, grantee: str, *, admin: bool = False, **places: Any) -> None:
        self._granted("sys_privs", grantee=grantee, privilege=privilege, admin_option=_yes(admin), **places)

    def grant_on(
        self, owner: str, name: str, privilege: str, grantee: str, *, kind: str = "TABLE", option: bool = False,
        **places: Any,
    ) -> None:  # fmt: skip
        self._granted("tab_privs", grantee=grantee, owner=owner, table_name=name, grantor=owner, privilege=privilege,
                      grantable=_yes(option), type=kind, **places)  # fmt: skip

    def role(self, name: str, **places: Any) -> None:
        self._granted("roles", role=name, authentication_type="NONE", oracle_maintained="N", **places)

    def in_password_file(self, name: str, *words: str, con_id: int = 0) -> None:
        """An account that may connect AS SYSDBA and the like."""
        flags = {word.lower(): "TRUE" if word in words else "FALSE" for word in ADMIN_WORDS}
        self.database.insert("v$pwfile_users", con_id, username=name, **flags)

    def _granted(self, view: str, *, con_id: int | None = None, common: bool = False, **values: Any) -> None:
        place = self.database.home if con_id is None else con_id
        self.database.insert(view, place, common=_yes(common), **values)


def _yes(holds: bool) -> str:
    return "YES" if holds else "NO"


def by_name(snapshot: AccountsSnapshot, name: str, host: str = "") -> AccountSnapshot:
    (found,) = [account for account in snapshot.accounts if (account.username, account.host) == (name, host)]
    return found


def held(snapshot: AccountsSnapshot, name: str, host: str = "") -> dict[str, Any]:
    """All categories of an account."""
    return merge(by_name(snapshot, name, host).parts.values())


def covered(snapshot: AccountsSnapshot | CapacitySnapshot) -> dict[str, tuple[str, str]]:
    return {part.scope: (part.status, part.reason) for part in snapshot.coverage}


def facts_of(snapshot: AccountsSnapshot, name: str, host: str = "") -> dict[str, Any]:
    account = by_name(snapshot, name, host)
    return adapter.facts(
        categories=merge(account.parts.values()),
        type_specific=account.type_specific,
        reach=adapter.reach(snapshot.accounts)[account.key],
    )


@contextmanager
def staged(database: Database, reader: str) -> Iterator[Scene]:
    database.add_login(reader, PASSWORD)
    with serving(database) as server:
        yield Scene(server, reader)


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A database without containers."""
    with staged(Database(), "MONITOR") as scene:
        yield scene


@pytest.fixture
def cdb() -> Iterator[Scene]:
    """The root of a CDB with two open pluggable databases, SALES and "Play ground"."""
    database = Database(is_cdb=True)
    for name in ("SALES", "Play ground"):
        database.add_pdb(name)
    with staged(database, "C##MONITOR") as scene:
        database.grant_all_containers("C##MONITOR")
        assert database.home == ROOT
        yield scene
