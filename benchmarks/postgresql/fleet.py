"""Instances to read: many addresses of a few real servers, each with what a busy one has."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

import psycopg
from psycopg import sql

from benchmarks.floor import Login
from whalefall.demo import servers
from whalefall.demo.servers import ThrowawayServer

MONITOR = "monitor"
HBA = "local all postgres trust\nhost all all 127.0.0.0/8 scram-sha-256\n"
GROUPS, DATABASES, SCHEMAS, TABLES = 30, ("crm", "erp", "web"), 5, 20

ROLES = """
    DO $$
    BEGIN
        FOR i IN 1..{groups} LOOP
            EXECUTE format('CREATE ROLE %I NOLOGIN', 'team ' || i);
        END LOOP;
        FOR i IN 1..{accounts} LOOP
            EXECUTE format('CREATE ROLE %I LOGIN', 'person.' || i);
            EXECUTE format('GRANT %I, %I TO %I',
                           'team ' || 1 + i % {groups}, 'team ' || 1 + (i * 7 + 3) % {groups}, 'person.' || i);
        END LOOP;
    END $$
"""
GRANTS = """
    DO $$
    BEGIN
        FOR s IN 1..{schemas} LOOP
            EXECUTE format('CREATE SCHEMA %I', 'area_' || s);
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I, %I', 'area_' || s, 'team ' || s, 'team ' || s + 10);
            FOR t IN 1..{tables} LOOP
                EXECUTE format('CREATE TABLE %I.%I (id bigint, name text, value numeric)', 'area_' || s, 'table_' || t);
                EXECUTE format('GRANT SELECT ON %I.%I TO %I', 'area_' || s, 'table_' || t, 'team ' || s);
                EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I.%I TO %I',
                               'area_' || s, 'table_' || t, 'team ' || s + 10);
                EXECUTE format('GRANT UPDATE (value) ON %I.%I TO %I',
                               'area_' || s, 'table_' || t, 'person.' || 1 + (s * 31 + t * 17) % {accounts});
            END LOOP;
        END LOOP;
        FOR i IN 1..{accounts} BY 5 LOOP
            EXECUTE format('GRANT SELECT, DELETE ON area_1.%I TO %I', 'table_' || 1 + i % {tables}, 'person.' || i);
        END LOOP;
    END $$
"""


def filled(*, instances: int, real: int, accounts: int) -> AbstractContextManager[list[Login]]:
    """`instances` logins at addresses of their own, spread over `real` servers with `accounts` login roles each."""
    return _running(instances, real, partial(_add_accounts, accounts=accounts))


def with_databases(*, instances: int, real: int, databases: int) -> AbstractContextManager[list[Login]]:
    """The same with so many databases that lists show instead of accounts."""
    return _running(instances, real, partial(_add_databases, databases=databases))


@contextmanager
def _running(instances: int, real: int, fill: Callable[[ThrowawayServer], None]) -> Iterator[list[Login]]:
    binaries = servers.installed_postgresql() or servers.embedded_postgresql()
    assert binaries, "install the package postgresql"
    addresses = [[f"127.0.0.{1 + number}" for number in range(first, instances, real)] for first in range(real)]
    password = secrets.token_urlsafe(24)
    with ExitStack() as stack:
        logins = []
        for own in addresses:
            settings = {"listen_addresses": ",".join(own)}
            server = stack.enter_context(servers.postgresql(binaries, hba=HBA, settings=settings))
            create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(MONITOR), sql.Literal(password))
            _run(server, "postgres", [create])
            fill(server)
            logins += [Login(host=host, port=server.port, username=MONITOR, password=password) for host in own]
        yield logins


def _add_databases(server: ThrowawayServer, *, databases: int) -> None:
    names = [sql.Identifier(f"shop_{number}") for number in range(databases)]
    _run(server, "postgres", [sql.SQL("CREATE DATABASE {}").format(name) for name in names])


def _add_accounts(server: ThrowawayServer, *, accounts: int) -> None:
    sizes = {"accounts": accounts, "groups": GROUPS, "schemas": SCHEMAS, "tables": TABLES}
    _run(server, "postgres", [ROLES.format(**sizes).encode()])
    for database in DATABASES:
        _run(server, "postgres", [sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database))])
        _run(server, database, [GRANTS.format(**sizes).encode()])


def _run(server: ThrowawayServer, database: str, statements: Sequence[sql.Composed | bytes]) -> None:
    with psycopg.connect(
        host=str(server.directory), port=server.port, user=server.superuser, dbname=database, autocommit=True
    ) as connection:
        for statement in statements:
            connection.execute(statement)
