"""Instances to read: many addresses of a few real servers, each with the roles and grants of a busy one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

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


@contextmanager
def filled(*, instances: int, real: int, accounts: int) -> Iterator[list[Login]]:
    """`instances` logins at addresses of their own, spread over `real` servers with `accounts` login roles each."""
    binaries = servers.installed_postgresql() or servers.embedded_postgresql()
    assert binaries, "install the package postgresql"
    addresses = [[f"127.0.0.{1 + number}" for number in range(first, instances, real)] for first in range(real)]
    password = secrets.token_urlsafe(24)
    with ExitStack() as stack:
        logins = []
        for own in addresses:
            settings = {"listen_addresses": ",".join(own)}
            server = stack.enter_context(servers.postgresql(binaries, hba=HBA, settings=settings))
            _fill(server, accounts, password)
            logins += [Login(host=host, port=server.port, username=MONITOR, password=password) for host in own]
        yield logins


def _fill(server: ThrowawayServer, accounts: int, password: str) -> None:
    sizes = {"accounts": accounts, "groups": GROUPS, "schemas": SCHEMAS, "tables": TABLES}
    create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(MONITOR), sql.Literal(password))
    _run(server, "postgres", [create, ROLES.format(**sizes).encode()])
    for database in DATABASES:
        _run(server, "postgres", [sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database))])
        _run(server, database, [GRANTS.format(**sizes).encode()])


def _run(server: ThrowawayServer, database: str, statements: Sequence[sql.Composed | bytes]) -> None:
    with psycopg.connect(
        host=str(server.directory), port=server.port, user=server.superuser, dbname=database, autocommit=True
    ) as connection:
        for statement in statements:
            connection.execute(statement)
