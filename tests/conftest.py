"""Fixtures that every test may use: throw-away servers and an unprivileged monitoring account on them."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models.signals import post_migrate

from tests.shell import Shell
from whalefall.demo import servers
from whalefall.demo.servers import ThrowawayServer

MEMORY = Path("/dev/shm")
ROOM = 2 * 2**30  # bytes


def has_room(directory: Path) -> bool:
    """Whether servers can live in a directory, which some need to run their programs from too."""
    is_there = directory.is_dir() and os.access(directory, os.W_OK)
    return is_there and not os.statvfs(directory).f_flag & os.ST_NOEXEC and shutil.disk_usage(directory).free > ROOM


# To make and drop a database is to make and drop hundreds of files, which a disk does several times as slowly.
if has_room(MEMORY):
    servers.HOMES = MEMORY


SEEDS = {  # what migrations put into a new database: app → (model, migration)
    "capacity": ("DatabaseFilter", "capacity.migrations.0002_default_filters"),
    "classification": ("AccountClassification", "classification.migrations.0002_system_classifications"),
}


def seed(sender: Any, **_: Any) -> None:
    """Bring back what the end of a test that commits has emptied; Django announces that like a migration."""
    if sender.label in SEEDS:
        model, migration = SEEDS[sender.label]
        if not apps.get_model(sender.label, model).objects.exists():
            import_module(migration).add(apps, None)


post_migrate.connect(seed, dispatch_uid="tests.seed")


@pytest.fixture(autouse=True)
def no_follow_ups(settings: Any) -> None:
    """A session starts no other one, unless a test of that says so."""
    settings.SYNC_FOLLOW_UPS = {}


@pytest.fixture(scope="session")
def postgresql_installed() -> Iterator[ThrowawayServer]:
    """A private server of the installed PostgreSQL (Debian 12: version 15, with TLS)."""
    binaries = servers.installed_postgresql()
    assert binaries, "install the package postgresql"
    with servers.postgresql(binaries) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_embedded() -> Iterator[ThrowawayServer]:
    """A private server of the embedded PostgreSQL (version 18)."""
    binaries = servers.embedded_postgresql()
    assert binaries, "install requirements-dev.txt"
    with servers.postgresql(binaries) as server:
        yield server


@pytest.fixture(params=["installed", "embedded"])
def postgresql(request: pytest.FixtureRequest) -> ThrowawayServer:
    """Each supported generation of PostgreSQL in turn."""
    return request.getfixturevalue(f"postgresql_{request.param}")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[ThrowawayServer]:
    """A private MariaDB server (Debian 12: version 10.11) that knows root only."""
    binary = servers.installed_mariadb()
    assert binary, "install the package mariadb-server-core"
    with servers.mariadb(binary) as server:
        yield server


@pytest.fixture
def manage(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """`manage.py` with nothing on standard input and no password in its environment."""
    # Ending a command closes the connections, and with them this test's transaction.
    monkeypatch.setattr("django.core.management.base.connections.close_all", lambda: None)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    monkeypatch.delenv("WHALEFALL_PASSWORD", raising=False)
    return Shell(capsys)
