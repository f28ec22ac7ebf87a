"""The demo's PostgreSQL servers.

Plain SQL, run by the superuser through the socket in the server's private directory. Some names are what an attacker
or a careless colleague would choose; they have to arrive unharmed.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
from psycopg import sql

from whalefall.demo import servers
from whalefall.demo.fleet.host import MONITOR, Change, Dbms, Host
from whalefall.demo.servers import ThrowawayServer

# The superuser without a password only through the private socket; over the network everybody needs one.
HBA = "local all postgres trust\nhost all all 127.0.0.0/8 scram-sha-256\n"

INJECTION = 'x"; DROP TABLE sync_sessions; --'
PERCENT = "100%s of {everything}"
NEWLINE = "two\nlines"
LONGEST = "数据库管理员数据库管理员数据库管理员组长一"  # 21 characters, 63 bytes: the longest name that there is


def find() -> Path | None:
    """The embedded server of the development requirements before the system's own."""
    return servers.embedded_postgresql() or servers.installed_postgresql()


def start(binaries: Path) -> AbstractContextManager[ThrowawayServer]:
    """A server that trusts nobody from the network."""
    return servers.postgresql(binaries, hba=HBA)


def prepare(server: ThrowawayServer, databases: tuple[str, ...], monitor_password: str) -> None:
    """Make the databases, and a monitoring account that may connect and read statistics, which sizes need."""
    create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(MONITOR), sql.Literal(monitor_password))
    _run(server, "postgres", create)
    _run(server, "postgres", sql.SQL("GRANT pg_read_all_stats TO {}").format(sql.Identifier(MONITOR)))
    for database in databases:
        _run(server, "postgres", sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


def execute(server: ThrowawayServer, database: str, script: str) -> None:
    """Run a script in a database."""
    _run(server, database, script.encode())


def _run(server: ThrowawayServer, database: str, statement: sql.Composed | bytes) -> None:
    with psycopg.connect(
        host=str(server.directory), port=server.port, user=server.superuser, dbname=database, autocommit=True
    ) as connection:
        connection.execute(statement)


POSTGRESQL = Dbms(
    name="PostgreSQL",
    db_type="postgresql",
    package="postgresql",
    find=find,
    start=start,
    prepare=prepare,
    execute=execute,
)

SHOP = Host(
    name="shop-primary",
    description="Web shop: orders, customers, payments",
    dbms=POSTGRESQL,
    databases=("shop", "shop_archive"),
    scripts=(
        (
            "postgres",
            f"""
            -- People who run the servers: superuser only through a role that they have to switch to.
            CREATE ROLE dba SUPERUSER NOLOGIN;
            CREATE ROLE "anna.dba" LOGIN IN ROLE dba;
            CREATE ROLE bob LOGIN CREATEDB;
            CREATE ROLE helpdesk LOGIN CREATEROLE;
            -- The application: the owner cannot log in, the service becomes it.
            CREATE ROLE shop_owner NOLOGIN;
            CREATE ROLE shop_app LOGIN CONNECTION LIMIT 50 IN ROLE shop_owner;
            -- Readers, nested: analysts are readers, people are analysts.
            CREATE ROLE readers NOLOGIN;
            CREATE ROLE analysts NOLOGIN IN ROLE readers;
            CREATE ROLE "Zoë Müller" LOGIN IN ROLE analysts;
            CREATE ROLE "王芳" LOGIN IN ROLE analysts;
            CREATE ROLE support LOGIN;
            CREATE ROLE backup LOGIN REPLICATION IN ROLE pg_read_all_data;
            -- People who left, in the usual ways.
            CREATE ROLE former_admin NOLOGIN CREATEROLE CREATEDB;
            CREATE ROLE contractor LOGIN VALID UNTIL '2024-12-31';
            CREATE ROLE left_last_month LOGIN;
            -- Names.
            CREATE ROLE {'"' + INJECTION.replace('"', '""') + '"'} LOGIN;
            CREATE ROLE "{PERCENT}" LOGIN IN ROLE readers;
            CREATE ROLE "{NEWLINE}" NOLOGIN;
            CREATE ROLE "{LONGEST}" LOGIN IN ROLE dba;
            -- The monitoring account keeps its way into each database when PUBLIC loses it.
            GRANT CONNECT ON DATABASE shop, shop_archive TO {MONITOR}, readers, shop_owner;
            REVOKE CONNECT, TEMPORARY ON DATABASE shop_archive FROM PUBLIC;
            ALTER DATABASE shop OWNER TO shop_owner;
            """,
        ),
        (
            "shop",
            """
            SET ROLE shop_owner;
            CREATE SCHEMA sales;
            CREATE TABLE sales.customers (id bigint PRIMARY KEY, name text, email text, birthday date);
            CREATE TABLE sales.orders (id bigserial PRIMARY KEY, customer bigint, placed_at timestamptz, total numeric);
            CREATE TABLE sales.payments (id bigserial PRIMARY KEY, order_id bigint, card_token text, amount numeric);
            CREATE TABLE sales.catalogue (article text PRIMARY KEY, price numeric);
            CREATE VIEW sales.revenue AS SELECT placed_at::date AS day, sum(total) FROM sales.orders GROUP BY 1;
            CREATE FUNCTION sales.refund(payment bigint, reason text) RETURNS void LANGUAGE sql AS 'SELECT';
            REVOKE EXECUTE ON FUNCTION sales.refund(bigint, text) FROM PUBLIC;
            INSERT INTO sales.customers SELECT n, 'Customer ' || n, n || '@example.com'
                FROM generate_series(1, 20000) n;
            INSERT INTO sales.orders (customer, placed_at, total) SELECT n, now(), n FROM generate_series(1, 60000) n;
            GRANT USAGE ON SCHEMA sales TO readers, support;
            GRANT SELECT ON sales.orders, sales.revenue TO readers;
            GRANT SELECT ON sales.catalogue TO PUBLIC;
            GRANT SELECT (id, name, email) ON sales.customers TO support;
            GRANT UPDATE (email) ON sales.customers TO support WITH GRANT OPTION;
            GRANT EXECUTE ON FUNCTION sales.refund(bigint, text) TO support;
            GRANT SELECT, INSERT ON sales.payments TO bob WITH GRANT OPTION;
            ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT SELECT ON TABLES TO readers;
            """,
        ),
        (
            "shop_archive",
            """
            CREATE TABLE orders_2023 (id bigint PRIMARY KEY, total numeric);
            CREATE TABLE orders_2024 (id bigint PRIMARY KEY, total numeric);
            INSERT INTO orders_2023 SELECT n, n FROM generate_series(1, 150000) n;
            INSERT INTO orders_2024 SELECT n, n FROM generate_series(1, 250000) n;
            GRANT SELECT ON ALL TABLES IN SCHEMA public TO analysts;
            """,
        ),
    ),
    changes=(
        Change(
            database="shop",
            statement='GRANT UPDATE, DELETE ON sales.orders TO "Zoë Müller"',
            account="Zoë Müller",
            change_type="modify_privilege",
        ),
        Change(
            database="shop",
            statement="REVOKE SELECT (email) ON sales.customers FROM support",
            account="support",
            change_type="modify_privilege",
        ),
        Change(
            database="postgres",
            statement="CREATE ROLE trainee LOGIN",
            account="trainee",
            change_type="add",
        ),
        Change(
            database="postgres",
            statement="DROP ROLE left_last_month",
            account="left_last_month",
            change_type="delete",
        ),
    ),
)

LEDGER = Host(
    name="ledger-primary",
    description="General ledger and its reports",
    dbms=POSTGRESQL,
    databases=("ledger", "reporting"),
    scripts=(
        (
            "postgres",
            f"""
            CREATE ROLE ledger_admin LOGIN SUPERUSER;
            CREATE ROLE ledger_owner NOLOGIN;
            CREATE ROLE booking_service LOGIN IN ROLE ledger_owner;
            CREATE ROLE auditors NOLOGIN;
            CREATE ROLE audit_lead LOGIN;
            GRANT auditors TO audit_lead WITH ADMIN OPTION;
            CREATE ROLE "li.wei" LOGIN IN ROLE auditors;
            CREATE ROLE "O'Brien" LOGIN;
            CREATE ROLE report_runner LOGIN NOINHERIT;
            CREATE ROLE server_files NOLOGIN IN ROLE pg_read_server_files, pg_write_server_files;
            CREATE ROLE etl LOGIN BYPASSRLS IN ROLE server_files;
            CREATE ROLE emergency LOGIN SUPERUSER VALID UNTIL '2025-01-01';
            CREATE ROLE intern_2023 NOLOGIN;
            GRANT CONNECT ON DATABASE ledger, reporting TO {MONITOR};
            GRANT CONNECT, CREATE ON DATABASE reporting TO etl;
            ALTER ROLE report_runner SET statement_timeout = '5min';
            """,
        ),
        (
            "ledger",
            """
            CREATE SCHEMA book AUTHORIZATION ledger_owner;
            SET ROLE ledger_owner;
            CREATE TABLE book.accounts (number text PRIMARY KEY, title text);
            CREATE TABLE book.entries (id bigserial PRIMARY KEY, account text, amount numeric, booked_at timestamptz);
            CREATE TABLE book.salaries (person text PRIMARY KEY, amount numeric);
            INSERT INTO book.entries (account, amount, booked_at)
                SELECT n % 90, n, now() FROM generate_series(1, 100000) n;
            GRANT USAGE ON SCHEMA book TO auditors, report_runner, "O'Brien";
            GRANT SELECT ON book.accounts, book.entries TO auditors, report_runner;
            GRANT SELECT ON book.salaries TO audit_lead WITH GRANT OPTION;
            GRANT INSERT ON book.entries TO "O'Brien";
            GRANT USAGE, SELECT ON SEQUENCE book.entries_id_seq TO "O'Brien";
            ALTER DEFAULT PRIVILEGES FOR ROLE ledger_owner GRANT SELECT ON TABLES TO auditors;
            """,
        ),
        (
            "reporting",
            """
            CREATE TABLE monthly (month date PRIMARY KEY, total numeric);
            GRANT SELECT ON monthly TO report_runner, auditors;
            GRANT INSERT, TRUNCATE ON monthly TO etl;
            """,
        ),
    ),
    changes=(
        Change(
            database="postgres",
            statement='GRANT ledger_admin TO "li.wei"',
            account="li.wei",
            change_type="modify_privilege",
        ),
        Change(
            database="ledger",
            statement="REVOKE SELECT ON book.salaries FROM audit_lead",
            account="audit_lead",
            change_type="modify_privilege",
        ),
        Change(
            database="postgres",
            statement="REVOKE CONNECT ON DATABASE ledger FROM PUBLIC",
            account="PUBLIC",
            change_type="modify_privilege",
        ),
    ),
)

HOSTS = (SHOP, LEDGER)
