"""One instance with more grants than anybody can list: a database of very many tables that some roles may all read."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from benchmarks.floor import Login
from whalefall.demo import servers
from whalefall.demo.servers import ThrowawayServer

DATABASE, MONITOR = "crowded", "monitor"
SCHEMAS, BATCH = 10, 5_000
HBA = "local all postgres trust\nhost all all 127.0.0.0/8 scram-sha-256\n"
SETTINGS = {
    "max_locks_per_transaction": "512",  # a batch holds a lock on each of its tables
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "shared_buffers": "512MB",
    "synchronous_commit": "off",
    "wal_level": "minimal",
}
CREATE_TABLES = """
    DO $$
    BEGIN
        FOR t IN {first}..{last} LOOP
            EXECUTE format('CREATE TABLE %I.%I (id bigint)', '{schema}', 'table_' || t);
        END LOOP;
    END $$
"""
CATALOGUES = ("pg_class", "pg_attribute", "pg_type", "pg_shdepend")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """The running server, and what its people do to it."""

    server: ThrowawayServer
    login: Login
    readers: tuple[str, ...]

    @property
    def schemas(self) -> tuple[str, ...]:
        """Where the tables are."""
        return tuple(f"area_{number}" for number in range(1, SCHEMAS + 1))

    def add_table(self) -> None:
        """One more table, which the same roles may read."""
        table = sql.Identifier(self.schemas[0], "another")
        self.execute(
            sql.SQL("CREATE TABLE {} (id bigint)").format(table),
            sql.SQL("GRANT SELECT ON {} TO {}").format(table, _names(self.readers)),
        )

    def shut_out(self, reader: str, schema: str) -> None:
        """One role may not read any table of a schema any more."""
        revoke = sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}")
        self.execute(revoke.format(sql.Identifier(schema), sql.Identifier(reader)))

    def execute(self, *statements: sql.Composed, database: str = DATABASE) -> None:
        """As the superuser, through the socket."""
        with psycopg.connect(
            host=str(self.server.directory),
            port=self.server.port,
            user=self.server.superuser,
            dbname=database,
            autocommit=True,
        ) as connection:
            for statement in statements:
                connection.execute(statement)


@contextmanager
def crowded(*, tables: int, roles: int) -> Iterator[Crowd]:
    """A server whose database has `tables` tables that each of `roles` roles may read; the login may nothing."""
    binaries = servers.installed_postgresql() or servers.embedded_postgresql()
    assert binaries, "install the package postgresql"
    password = secrets.token_urlsafe(24)
    with servers.postgresql(binaries, hba=HBA, settings=SETTINGS) as server:
        crowd = Crowd(
            server=server,
            login=Login(host=server.host, port=server.port, username=MONITOR, password=password),
            readers=tuple(f"reader {number:02}" for number in range(1, roles + 1)),
        )
        crowd.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(MONITOR), sql.Literal(password)),
            *(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(reader)) for reader in crowd.readers),
            sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)),
            database="postgres",
        )
        for number, schema in enumerate(crowd.schemas):
            _fill(crowd, schema, tables // SCHEMAS + (number < tables % SCHEMAS))
        # As autovacuum leaves them a minute later.
        crowd.execute(*(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(name)) for name in CATALOGUES))
        yield crowd


def _fill(crowd: Crowd, schema: str, tables: int) -> None:
    crowd.execute(
        sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)),
        *(
            sql.SQL(CREATE_TABLES.format(schema=schema, first=first, last=min(first + BATCH - 1, tables))).format()
            for first in range(1, tables + 1, BATCH)
        ),
        sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(sql.Identifier(schema), _names(crowd.readers)),
    )


def _names(roles: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, roles))
