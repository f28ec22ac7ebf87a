"""Every role is read with all that it is, and every database says whether it was read."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql

from dbms.base import Interrupt
from tests.dbms.conftest import Scene, admin_of, target_of
from tests.dbms.postgresql.reading import ADAPTER, account_of, category, coverage_of, public_of, read
from whalefall.demo import servers
from whalefall.demo.servers import ThrowawayServer
from whalefall.errors import FetchCancelled, RemoteTimeout


@contextmanager
def locked(server: ThrowawayServer, database: str, table: str) -> Iterator[None]:
    """Nobody else can read this catalogue meanwhile."""
    with admin_of(server, database) as admin, admin.transaction():
        admin.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
        yield


class TestRoles:
    def test_are_all_there_with_their_attributes(self, scene):
        scene.role("plain")
        scene.role("mighty", "LOGIN SUPERUSER CREATEROLE CREATEDB REPLICATION BYPASSRLS NOINHERIT CONNECTION LIMIT 7")
        scene.role("team", "NOLOGIN")
        scene.role("shut_out", "LOGIN CONNECTION LIMIT 0")
        snapshot = read(scene.server)
        with admin_of(scene.server) as admin:
            truth = admin.execute(
                "SELECT rolname, oid::text, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,"
                " rolcanlogin, rolinherit, rolconnlimit FROM pg_authid"
            ).fetchall()
        found = [
            (account.username, account.principal_id, *(
                category(account, "role_attributes")[name] for name in (
                    "can_super", "can_create_role", "can_create_db", "can_replicate", "can_bypass_rls", "can_login",
                    "can_inherit", "connection_limit",
                )
            )) for account in snapshot.accounts if account.kind != "public"
        ]  # fmt: skip
        assert sorted(found) == sorted(truth)
        mighty = account_of(snapshot, "mighty")
        assert (mighty.kind, mighty.is_superuser, mighty.is_system, mighty.is_locked) == ("user", True, False, False)
        team = account_of(snapshot, "team")
        assert (team.kind, team.is_superuser, team.is_locked) == ("group", False, True)
        assert account_of(snapshot, "shut_out").is_locked
        with pytest.raises(psycopg.OperationalError), admin_of(scene.server, user="shut_out"):
            pass

    def test_of_the_system_are_tagged_and_nobody_hides_among_them(self, scene):
        scene.role("pgwatch")
        scene.role("rds_superuser", "LOGIN SUPERUSER")
        scene.role("cloudsqliamuser", "NOLOGIN")
        snapshot = read(scene.server)
        tagged = {account.username for account in snapshot.accounts if account.is_system}
        with admin_of(scene.server) as admin:
            made_by_initdb = {row[0] for row in admin.execute("SELECT rolname FROM pg_roles WHERE oid < 16384")}
            made_by_initdb.remove("postgres")  # a login like any other
        assert tagged == made_by_initdb | {"cloudsqliamuser"}
        assert not public_of(snapshot).is_system

    @pytest.mark.parametrize(
        ("until", "text", "moment"),
        [
            ("2031-05-06 07:08:09+00", "2031-05-06T07:08:09Z", datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)),
            ("1999-01-01 00:00:00+00", "1999-01-01T00:00:00Z", datetime(1999, 1, 1, tzinfo=UTC)),
            ("infinity", "infinity", None),
            ("-infinity", "-infinity", datetime(1970, 1, 1, tzinfo=UTC)),
            ("200000-01-01 00:00:00+00", "200000-01-01T00:00:00Z", None),
        ],
    )
    def test_whose_password_ends_are_not_locked(self, scene, until, text, moment):
        scene.role("guest", f"LOGIN VALID UNTIL '{until}'")
        guest = account_of(read(scene.server), "guest")
        assert guest.type_specific["valid_until"] == text
        assert (guest.valid_until, guest.password_expires_at) == (moment, moment)
        assert not guest.is_locked

    def test_keep_their_settings_without_what_may_be_secret(self, scene):
        scene.role("bob")
        database = scene.database("app")
        scene.run(
            "ALTER ROLE bob SET search_path = app, public",
            "ALTER ROLE bob SET my.token = 's3cr3t=x'",
            "ALTER ROLE bob IN DATABASE app SET statement_timeout = '5s'",
            "ALTER DATABASE app SET work_mem = '8MB'",
        )
        snapshot = read(scene.server)
        bob = account_of(snapshot, "bob")
        assert bob.type_specific["settings"] == {
            "": {"search_path": "app, public", "my.token": None},
            database: {"statement_timeout": "5s"},
        }
        assert public_of(snapshot).type_specific["settings"][database] == {"work_mem": "8MB"}
        assert "s3cr3t" not in repr(snapshot)

    def test_own_databases_tablespaces_and_objects(self, scene):
        scene.role("bob")
        database = scene.database("app", "OWNER bob")
        scene.run("CREATE SCHEMA mine", "CREATE TABLE mine.t (id serial, mood text)", database=database, user="bob")
        scene.run("CREATE TYPE mine.pair AS (a int)", "CREATE DOMAIN mine.d AS int", database=database, user="bob")
        owned = category(account_of(read(scene.server), "bob"), "owned")
        assert owned[""] == ["database:app"]
        assert owned[database] == [
            "relation:mine.t", "schema:mine", "sequence:mine.t_id_seq", "type:mine.d", "type:mine.pair",
        ]  # fmt: skip


class TestMemberships:
    def test_have_their_options(self, scene):
        version = int(scene.value("SHOW server_version_num"))
        for name in ("bob", "team", "boss"):
            scene.role(name)
        scene.role("shy", "LOGIN NOINHERIT")
        scene.run("GRANT team TO bob, shy", "GRANT boss TO bob WITH ADMIN OPTION", "GRANT pg_monitor TO bob")
        snapshot = read(scene.server)
        assert category(account_of(snapshot, "bob"), "memberships") == [
            {"role": "boss", "admin": True, "inherit": True, "set": True},
            {"role": "pg_monitor", "admin": False, "inherit": True, "set": True},
            {"role": "team", "admin": False, "inherit": True, "set": True},
        ]
        assert category(account_of(snapshot, "bob"), "predefined_roles") == ["pg_monitor"]
        assert category(account_of(snapshot, "shy"), "memberships") == [
            {"role": "team", "admin": False, "inherit": False, "set": True}
        ]
        if version >= 160000:
            scene.run("GRANT team TO shy WITH INHERIT TRUE, SET FALSE")
            assert category(account_of(read(scene.server), "shy"), "memberships") == [
                {"role": "team", "admin": False, "inherit": True, "set": False}
            ]

    def test_granted_by_several_people_are_one(self, postgresql_embedded):
        scene = Scene(postgresql_embedded)
        try:
            for name in ("bob", "team"):
                scene.role(name)
            scene.role("carol", "LOGIN")
            scene.run("GRANT team TO carol WITH ADMIN OPTION")
            scene.run("GRANT team TO bob WITH INHERIT FALSE, SET FALSE, ADMIN TRUE")
            scene.run("GRANT team TO bob WITH INHERIT TRUE, SET FALSE", user="carol")
            query = "SELECT count(*) FROM pg_auth_members WHERE member = 'bob'::regrole"
            assert scene.value(query) == 2
            assert category(account_of(read(scene.server), "bob"), "memberships") == [
                {"role": "team", "admin": True, "inherit": True, "set": False}
            ]
        finally:
            scene.run("REVOKE team FROM bob GRANTED BY carol")
            scene.clean()


class TestDatabases:
    def test_list_is_complete_and_each_says_what_was_read(self, scene):
        scene.database("one")
        snapshot = read(scene.server)
        with admin_of(scene.server) as admin:
            names = {row[0] for row in admin.execute("SELECT datname FROM pg_database")}
        assert {part.scope for part in snapshot.coverage} == {"server"} | {f"database:{name}" for name in names}
        assert "databases" in coverage_of(snapshot, "server").categories
        assert coverage_of(snapshot, "database:one").status == "ok"
        assert coverage_of(snapshot, "database:one").categories == (
            "postgresql_default_privileges", "postgresql_default_revoked", "postgresql_object_privileges",
        )  # fmt: skip
        assert coverage_of(snapshot, "database:template1").status == "ok"

    def test_that_let_nobody_in_are_offline(self, scene):
        scene.database("asleep")
        scene.run("ALTER DATABASE asleep ALLOW_CONNECTIONS false")
        covered = coverage_of(read(scene.server), "database:asleep")
        assert (covered.status, covered.reason) == ("offline", "not accepting connections")
        assert covered.categories == ()

    def test_left_behind_by_an_interrupted_drop_are_offline(self, scene):
        scene.database("half_gone")
        scene.run("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'half_gone'")
        assert coverage_of(read(scene.server), "database:half_gone").status == "offline"
        scene.run("UPDATE pg_database SET datconnlimit = -1 WHERE datname = 'half_gone'")

    def test_without_connect_are_denied_and_the_rest_is_read(self, scene):
        scene.database("private")
        scene.database("shared")
        scene.role("monitor")
        scene.run("REVOKE CONNECT ON DATABASE private FROM PUBLIC")
        snapshot = read(scene.server, username="monitor")
        assert coverage_of(snapshot, "database:private").status == "denied"
        assert coverage_of(snapshot, "database:shared").status == "ok"
        assert all("database:private" not in account.parts for account in snapshot.accounts)

    def test_that_take_too_long_only_cost_their_own_scope(self, scene):
        scene.database("busy")
        scene.database("idle")
        scene.role("bob")
        with locked(scene.server, "busy", "pg_foreign_server"):
            snapshot = read(scene.server)
        assert coverage_of(snapshot, "database:busy").status == "timeout"
        assert coverage_of(snapshot, "database:idle").status == "ok"
        assert account_of(snapshot, "bob")

    def test_turned_away_by_an_address_rule_are_denied(self, guarded):
        scene = Scene(guarded)
        try:
            scene.database("closed_database")
            scene.role("passwordless")
            covered = coverage_of(read(guarded, username="passwordless"), "database:closed_database")
            assert covered.status == "denied"
            assert "pg_hba.conf" in covered.reason
        finally:
            scene.run("DROP DATABASE closed_database")
            scene._databases.clear()
            scene.clean()

    def test_dropped_between_list_and_login_have_vanished(self, scene):
        """The list is read, then a lock holds the read in the first database until the other is gone."""
        scene.database("a_fleeting")
        outcome = []
        with locked(scene.server, "postgres", "pg_foreign_server"):
            reader = threading.Thread(target=lambda: outcome.append(read(scene.server)))
            reader.start()
            wait_for_lock(scene.server, "postgres")
            scene.run("DROP DATABASE a_fleeting")
        reader.join(20)
        covered = coverage_of(outcome[0], "database:a_fleeting")
        assert (covered.status, covered.reason) == ("error", "vanished")

    def test_in_sql_ascii_may_hold_any_bytes(self, scene):
        database = scene.database("bytes", "ENCODING 'SQL_ASCII' TEMPLATE template0")
        scene.role("bob")
        with admin_of(scene.server, database, client_encoding="SQL_ASCII") as admin:
            admin.execute(b'CREATE TABLE "t\xff\xfe" ()')
            admin.execute(b'GRANT SELECT ON "t\xff\xfe" TO bob')
            admin.execute(b'CREATE ROLE "r\xff"')
            admin.execute(b'GRANT SELECT ON "t\xff\xfe" TO "r\xff"')
        try:
            for changes in ({}, {"database": database}):
                snapshot = read(scene.server, **changes)
                held = category(account_of(snapshot, "bob"), "object_privileges", database)
                assert held == {'relation:public."t\\xff\\xfe"': ["SELECT"]}
                assert category(account_of(snapshot, "r\\xff"), "object_privileges", database) == held
        finally:
            with admin_of(scene.server, database, client_encoding="SQL_ASCII") as admin:
                admin.execute(b'DROP OWNED BY "r\xff"')
                admin.execute(b'DROP ROLE "r\xff"')

    def test_in_another_encoding_are_converted(self, scene):
        database = scene.database("western", "ENCODING 'LATIN1' TEMPLATE template0")
        scene.role("müller")
        scene.run('CREATE TABLE "größe" ()', 'GRANT SELECT ON "größe" TO PUBLIC', database=database)
        held = category(public_of(read(scene.server)), "object_privileges", database)
        assert held['relation:public."größe"'] == ["SELECT"]


def wait_for_lock(server: ThrowawayServer, database: str) -> None:
    """Until our reader waits for a lock in a database."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'whalefall' AND datname = %s"
        " AND wait_event_type = 'Lock'"
    )
    with admin_of(server) as admin:
        for _ in range(2000):
            if admin.execute(query, [database]).fetchone()[0]:
                return
            admin.execute("SELECT pg_sleep(0.002)")
    raise AssertionError("the reader never waited")


class TestFailure:
    def test_of_the_server_scope_raises(self, scene):
        with locked(scene.server, "postgres", "pg_tablespace"), pytest.raises(RemoteTimeout):
            read(scene.server)

    @pytest.mark.parametrize(("reason", "expected"), [("cancelled", FetchCancelled), ("timeout", RemoteTimeout)])
    def test_of_the_whole_read_is_not_one_databases_fault(self, scene, reason, expected):
        scene.database("busy")
        interrupt = Interrupt()
        caught = []

        def run() -> None:
            try:
                read(scene.server, interrupt=interrupt)
            except Exception as error:
                caught.append(error)

        with locked(scene.server, "busy", "pg_foreign_server"):
            reader = threading.Thread(target=run)
            reader.start()
            wait_for_lock(scene.server, "busy")
            interrupt.fire(reason)
            reader.join(5)
        assert [type(error) for error in caught] == [expected]


class TestMonitor:
    def test_without_any_right_reads_the_same_as_a_superuser(self, scene):
        for name in ("monitor", "bob", "team"):
            scene.role(name)
        scene.role("odd", "LOGIN")
        scene.run("ALTER ROLE monitor SET search_path = s, public", "ALTER ROLE monitor SET quote_all_identifiers = on")
        database = scene.database("app")
        scene.run("GRANT team TO bob WITH ADMIN OPTION", "ALTER ROLE bob SET search_path = s")
        scene.run("GRANT SET ON PARAMETER work_mem TO bob")
        scene.run(
            "CREATE SCHEMA s",
            "REVOKE ALL ON SCHEMA s FROM PUBLIC",
            "GRANT USAGE ON SCHEMA s TO monitor",  # puts s into its search path
            "CREATE TYPE s.mood AS ENUM ('sad')",
            "CREATE TABLE s.t (id int, mood s.mood)",
            "CREATE FUNCTION s.f(s.mood) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "GRANT SELECT (id) ON s.t TO bob",
            "GRANT EXECUTE ON FUNCTION s.f(s.mood) TO bob",
            "REVOKE EXECUTE ON FUNCTION s.f(s.mood) FROM PUBLIC",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO team",
            "SELECT lo_create(77)",
            "GRANT SELECT ON LARGE OBJECT 77 TO bob",
            database=database,
        )
        mighty, humble = read(scene.server), read(scene.server, username="monitor")
        assert {account.key: account for account in humble.accounts} == {
            account.key: account for account in mighty.accounts
        }
        assert humble.coverage == mighty.coverage
        held = category(account_of(humble, "bob"), "object_privileges", database)
        assert held["function:s.f(s.mood)"] == ["EXECUTE"]


class TestStatements:
    @pytest.fixture(params=["installed", "embedded"])
    def logging(self, request) -> Iterator[ThrowawayServer]:
        binaries = getattr(servers, f"{request.param}_postgresql")()
        settings = {"log_statement": "all", "log_line_prefix": "<%a> "}
        with servers.postgresql(binaries, settings=settings) as server:
            yield server

    def test_are_a_fixed_number_whatever_the_number_of_accounts(self, logging):
        with admin_of(logging) as admin:
            admin.execute(
                "DO $$ BEGIN FOR n IN 1..500 LOOP EXECUTE format('CREATE ROLE u%s LOGIN', n); END LOOP;"
                " FOR n IN 1..30 LOOP EXECUTE format('CREATE ROLE g%s', n);"
                " EXECUTE format('GRANT g%s TO u%s, u%s', n, n, n + 100); END LOOP; END $$"
            )
            for number in range(20):
                admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(f"db{number}")))
        snapshot = read(logging)
        assert len(snapshot.accounts) > 530
        reached = [part for part in snapshot.coverage if part.scope != "server" and part.status == "ok"]
        assert len(reached) == 22
        log = (logging.directory / "log").read_text()
        sent = re.findall(r"^<whalefall> LOG:  (?:statement|execute)", log, re.MULTILINE)
        assert sent, "the log must show what we send"
        assert len(sent) <= 8 + 3 * len(reached)
        assert len(sent) == 6 + 2 * len(reached)
        assert log.count("/* whalefall */") == len(sent)

    def test_of_an_adapter_leave_a_target_as_it_is(self, postgresql):
        target = target_of(postgresql)
        with ADAPTER.connect(target) as connection:
            ADAPTER.read_accounts(connection)
            assert connection.target is target
        assert target == replace(target)
