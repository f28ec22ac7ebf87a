"""A server whose catalogue the test states, and shorthands to read it through the real driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import dbms
from dbms.base import Target
from dbms.snapshots import AccountSnapshot, AccountsSnapshot, document
from tests.dbms.conftest import other_ca, trusted_ca  # noqa: F401 - fixtures
from tests.dbms.sqlserver.catalogue import Catalogue
from tests.twins.sqlserver.server import TdsServer

ADAPTER = dbms.get("sqlserver")


class Scene:
    """A catalogue and a server that answers from it."""

    def __init__(self, server: TdsServer, catalogue: Catalogue) -> None:
        self.server, self.catalogue = server, catalogue

    def target(self, **changes) -> Target:
        values = {"host": self.server.host, "port": self.server.port, "username": "sa", "password": "Secret-1"}
        return Target(db_type="sqlserver", **{**values, "connect_timeout": 5, "statement_timeout": 20, **changes})

    def read(self, *, grant_row_cap: int = 200_000, **changes) -> AccountsSnapshot:
        with ADAPTER.connect(self.target(**changes)) as connection:
            return ADAPTER.read_accounts(connection, grant_row_cap=grant_row_cap)


def account_of(snapshot: AccountsSnapshot, name: str, host: str = "") -> AccountSnapshot:
    (found,) = [account for account in snapshot.accounts if account.key == (name, host, False)]
    return found


def category(account: AccountSnapshot, name: str):
    """A category as the snapshot document shows it."""
    return document(account)["categories"].get(f"sqlserver_{name}")


def facts_of(snapshot: AccountsSnapshot, name: str, host: str = "") -> dict:
    account = account_of(snapshot, name, host)
    return ADAPTER.facts(
        categories=document(account)["categories"],
        type_specific=account.type_specific,
        reach=ADAPTER.reach(snapshot.accounts)[account.key],
    )


def coverage_of(snapshot: AccountsSnapshot) -> dict[str, tuple[str, str]]:
    return {part.scope: (part.status, part.reason) for part in snapshot.coverage}


@pytest.fixture
def scene() -> Iterator[Scene]:
    catalogue = Catalogue()
    with TdsServer(catalogue) as server:
        yield Scene(server, catalogue)


@pytest.fixture
def scenes() -> Iterator[Callable[..., Scene]]:
    """Servers with options: TLS, a routing."""
    opened = []

    def open_scene(catalogue: Catalogue | None = None, **options) -> Scene:
        scene = Scene(TdsServer(catalogue or Catalogue(), **options), catalogue or Catalogue())
        scene.catalogue = scene.server.responder
        scene.server.__enter__()
        opened.append(scene.server)
        return scene

    yield open_scene
    for server in opened:
        server.__exit__()
