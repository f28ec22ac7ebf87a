"""Instances to read: many addresses of a few real MariaDB servers, each with the accounts and grants of a busy one."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager

import MySQLdb

from benchmarks.floor import Login
from whalefall.demo import servers
from whalefall.demo.servers import ThrowawayServer

MONITOR = "monitor"
GRANT_TABLES = ("global_priv", "db", "tables_priv", "columns_priv", "procs_priv", "roles_mapping", "proxies_priv")
NO_ROOT_FROM_THE_NETWORK = "DROP USER root@'127.0.0.1';\n"
HOSTS = ("10.%", "%.example.com")  # from none of them anybody connects here
GROUPS, DATABASES, SCHEMAS, TABLES = 30, ("crm", "erp", "web"), 5, 20


@contextmanager
def filled(*, instances: int, real: int, accounts: int) -> Iterator[list[Login]]:
    """`instances` logins at addresses of their own, spread over `real` servers with `accounts` users each."""
    binary = servers.installed_mariadb()
    assert binary, "install the package mariadb-server-core"
    addresses = [[f"127.0.0.{1 + number}" for number in range(first, instances, real)] for first in range(real)]
    password = secrets.token_urlsafe(24)
    with ExitStack() as stack:
        logins = []
        for own in addresses:
            settings = {"bind-address": ",".join(own)}
            server = stack.enter_context(servers.mariadb(binary, settings=settings, script=NO_ROOT_FROM_THE_NETWORK))
            _run(server, [*_monitor(password), *_roles(accounts), *_grants(accounts)])
            logins += [Login(host=host, port=server.port, username=MONITOR, password=password) for host in own]
        yield logins


def _monitor(password: str) -> Iterator[str]:
    yield f"CREATE USER {MONITOR}@'127.0.0.%' IDENTIFIED BY '{password}'"
    yield f"GRANT SHOW DATABASES ON *.* TO {MONITOR}@'127.0.0.%'"
    for table in GRANT_TABLES:
        yield f"GRANT SELECT ON mysql.{table} TO {MONITOR}@'127.0.0.%'"


def _roles(accounts: int) -> Iterator[str]:
    for i in range(1, GROUPS + 1):
        yield f"CREATE ROLE {_team(i)}"
    for i in range(1, accounts + 1):
        yield f"CREATE USER {_person(i)}"
        for team in {_team(1 + i % GROUPS), _team(1 + (i * 7 + 3) % GROUPS)}:
            yield f"GRANT {team} TO {_person(i)}"
        if i % 2:
            yield f"SET DEFAULT ROLE {_team(1 + i % GROUPS)} FOR {_person(i)}"


def _grants(accounts: int) -> Iterator[str]:
    """Of each database and schema of the PostgreSQL fleet, one database here."""
    for name in DATABASES:
        for s in range(1, SCHEMAS + 1):
            database = f"{name}_area_{s}"
            yield f"CREATE DATABASE {database}"
            yield f"GRANT SHOW VIEW ON {_pattern(database)}.* TO {_team(s)}"
            yield f"GRANT SHOW VIEW, EXECUTE ON {_pattern(database)}.* TO {_team(s + 10)}"
            for t in range(1, TABLES + 1):
                table = f"{database}.table_{t}"
                yield f"CREATE TABLE {table} (id bigint, name text, value numeric)"
                yield f"GRANT SELECT ON {table} TO {_team(s)}"
                yield f"GRANT SELECT, INSERT, UPDATE ON {table} TO {_team(s + 10)}"
                yield f"GRANT UPDATE (value) ON {table} TO {_person(1 + (s * 31 + t * 17) % accounts)}"
        for i in range(1, accounts + 1, 5):
            yield f"GRANT SELECT, DELETE ON {name}_area_1.table_{1 + i % TABLES} TO {_person(i)}"


def _team(number: int) -> str:
    return f"`team {number}`"


def _person(number: int) -> str:
    return f"`person.{number}`@`{HOSTS[number % len(HOSTS)]}`"


def _pattern(database: str) -> str:
    escaped = database.replace("_", "\\_")
    return f"`{escaped}`"


def _run(server: ThrowawayServer, statements: Iterable[str]) -> None:
    socket = str(server.directory / servers.MARIADB_SOCKET)
    connection = MySQLdb.connect(unix_socket=socket, user=server.superuser)
    with closing(connection), closing(connection.cursor()) as cursor:
        for statement in statements:
            cursor.execute(statement)
