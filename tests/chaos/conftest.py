"""Real worker processes: whole hosts on a database of their own, or single ones over the test's database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from instances.models import Credential, Instance
from tests.chaos.site import Site
from whalefall import processes
from whalefall.demo import servers
from whalefall.demo.servers import ThrowawayServer

TEMPLATE = "CREATE DATABASE %s TEMPLATE postgres"


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThrowawayServer]:
    """A PostgreSQL whose database `postgres` has WhaleFall's tables, to make others from."""
    binaries = servers.installed_postgresql()
    assert binaries, "install the package postgresql"
    with servers.postgresql(binaries) as database:
        Site(tmp_path_factory.mktemp("migrated"), database).migrate()
        yield database


@pytest.fixture
def make_site(tmp_path: Path, migrated: ThrowawayServer) -> Callable[..., Site]:
    """A WhaleFall with a `database` of its own, postgresql or sqlite; other keywords go into its environment."""

    def make(**environment: str) -> Site:
        if environment.pop("database", "postgresql") == "sqlite":
            return Site(tmp_path, None, **environment).migrate()
        name = f"site_{uuid.uuid4().hex}"
        with psycopg.connect(
            host=migrated.host, port=migrated.port, user=migrated.superuser, dbname="template1", autocommit=True
        ) as connection:
            connection.execute(TEMPLATE % name)
        return Site(tmp_path, migrated, name, **environment)

    return make


@pytest.fixture
def credentials(db) -> dict[str, Credential]:
    """The superuser of each kind of server, who has no password."""
    return {
        db_type: Credential.objects.create(name=username, username=username)
        for db_type, username in (("postgresql", "postgres"), ("mysql", "root"))
    }


@pytest.fixture
def make_instances(credentials) -> Callable[[str, Sequence[tuple[str, int]]], list[Instance]]:
    """Instances of one kind at addresses."""

    def make(db_type: str, addresses: Sequence[tuple[str, int]], **fields) -> list[Instance]:
        known = Instance.objects.count()
        return Instance.objects.bulk_create(
            Instance(
                name=f"instance {known + number}",
                db_type=db_type,
                host=host,
                port=port,
                credential=credentials[db_type],
                **fields,
            )
            for number, (host, port) in enumerate(addresses)
        )

    return make


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a process that works on every running session until there is none."""
    started: list[subprocess.Popen[bytes]] = []

    def start(category: str, **variables: str) -> subprocess.Popen[bytes]:
        own = connection.settings_dict
        environment = {
            **os.environ,
            **variables,
            "DATABASE_URL": f"postgres://{own['USER']}@{own['HOST']}:{own['PORT']}/{own['NAME']}",
        }
        command = [sys.executable, "-m", "tests.chaos.process", category]
        log = tmp_path / f"worker-{len(started)}"
        started.append(processes.start(command, log=log, ending=signal.SIGKILL, environment=environment))
        return started[-1]

    yield start
    for process in started:
        processes.end(process, signal.SIGKILL)
    for log in tmp_path.glob("worker-*"):
        print(log.read_text())  # pytest shows it when the test failed


@pytest.fixture
def targets(postgresql_installed: ThrowawayServer, mariadb: ThrowawayServer) -> dict[str, ThrowawayServer]:
    """A server of each kind."""
    return {"postgresql": postgresql_installed, "mysql": mariadb}
