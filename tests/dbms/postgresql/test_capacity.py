"""Sizes of databases, tablespaces and tables; what is right is what the server says to its superuser."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from psycopg import sql

import dbms
from dbms.postgresql.capacity import NO_FILES, NO_TIME, _why_none
from dbms.postgresql.connection import Connection
from dbms.postgresql.grants import NO_SIZE, TABLESPACES_DENIED, capacity_grants
from dbms.sizes import CapacitySnapshot
from dbms.snapshots import Coverage
from tests.dbms.conftest import Scene, admin_of, target_of
from tests.dbms.contract import asking
from whalefall.errors import ConnectDenied, DatabaseMissing, RemoteError, RemoteTimeout

ADAPTER = dbms.get("postgresql")
NO_SUCH_DATABASE = 4_294_967_295  # an oid


@contextmanager
def connected(scene: Scene, **changes):
    with ADAPTER.connect(target_of(scene.server, **changes)) as connection:
        yield connection


def read(scene: Scene, **changes) -> CapacitySnapshot:
    with connected(scene, **changes) as connection:
        return ADAPTER.read_capacity(connection)


def truth(scene: Scene) -> dict[str, int]:
    with admin_of(scene.server) as admin:
        return dict(admin.execute("SELECT datname, pg_database_size(datname) FROM pg_database").fetchall())


def sizes(snapshot: CapacitySnapshot) -> dict[str, int | None]:
    return {database.name: database.size_bytes for database in snapshot.databases}


def problems(snapshot: CapacitySnapshot) -> dict[str, tuple[str, str]]:
    return {part.scope: (part.status, part.reason) for part in snapshot.coverage if part.scope != "server"}


def server_reason(snapshot: CapacitySnapshot) -> str:
    (found,) = [part for part in snapshot.coverage if part.scope == "server"]
    assert (found.status, found.categories) == ("ok", ("databases",))
    return found.reason


def filled(scene: Scene, name: str, rows: int = 20_000) -> str:
    scene.database(name)
    scene.run(f"CREATE TABLE t AS SELECT n, repeat('x', 100) FROM generate_series(1, {rows}) n", database=name)
    return name


def shut_out(scene: Scene, name: str) -> str:
    scene.run(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    return name


def agrees(scene: Scene, snapshot: CapacitySnapshot, before: dict[str, int]) -> None:
    """Every database has the size that the server said before or says now: those in use change by themselves."""
    after = truth(scene)
    assert sizes(snapshot).keys() == after.keys()
    for name, size in sizes(snapshot).items():
        assert min(before[name], after[name]) <= size <= max(before[name], after[name]), name


def test_every_database_has_the_size_that_the_server_says(scene):
    for name in ("empty", 'My "DB"', "new\nline", "имя"):
        scene.database(name)
    filled(scene, "big")
    before = truth(scene)
    with connected(scene) as connection:
        snapshot = ADAPTER.read_capacity(connection)
        assert connection.statements == 2
    agrees(scene, snapshot, before)
    assert sizes(snapshot)["big"] > sizes(snapshot)["empty"] + 2_000_000
    assert problems(snapshot) == {}
    assert server_reason(snapshot) == ""
    assert {database.method for database in snapshot.databases} == {"pg_database_size"}
    assert all(database.data_size_bytes == database.size_bytes for database in snapshot.databases)
    assert not any(database.is_estimate or database.log_size_bytes for database in snapshot.databases)
    assert capacity_grants(snapshot, "whalefall") == ()


def test_templates_and_databases_that_let_nobody_in_are_measured_too(scene):
    scene.database("closed", "ALLOW_CONNECTIONS false")
    scene.database("own template", "IS_TEMPLATE true")
    scene.database("invalid")
    scene.run("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'invalid'")
    try:
        before = truth(scene)
        snapshot = read(scene)
        agrees(scene, snapshot, before)
        assert {database.name for database in snapshot.databases if database.is_system} == {
            "postgres", "template0", "template1", "own template",
        }  # fmt: skip
        assert min(sizes(snapshot).values()) > 1_000_000
    finally:
        scene.run(
            "UPDATE pg_database SET datconnlimit = -1 WHERE datname = 'invalid'",
            'ALTER DATABASE "own template" IS_TEMPLATE false',
        )


class TestWithoutPrivilege:
    def test_a_database_has_no_size_and_costs_no_other_its_own(self, scene):
        shut_out(scene, scene.database("sec ret"))
        scene.database("open")
        scene.role("reader")
        before = truth(scene)
        snapshot = read(scene, username="reader")
        assert problems(snapshot) == {"database:sec ret": ("denied", NO_SIZE)}
        assert sizes(snapshot)["sec ret"] is None
        assert sizes(snapshot)["open"] == before["open"]
        assert server_reason(snapshot) == TABLESPACES_DENIED
        assert [part.name for part in snapshot.parts] == ["pg_default"]

    @pytest.mark.parametrize("username", ["reader", 'the "DBA"'])
    @pytest.mark.parametrize("options", ["LOGIN", "LOGIN NOINHERIT"])
    def test_the_statement_that_is_told_gives_all_of_it(self, scene, username, options):
        shut_out(scene, scene.database("secret"))
        scene.role(username, options)
        told = ADAPTER.capacity_grants(read(scene, username=username), username)
        assert len(told) == 1
        scene.run(*told)
        if "NOINHERIT" in options and scene.value("SHOW server_version_num") < "160000":
            scene.run(sql.SQL("ALTER ROLE {} INHERIT").format(sql.Identifier(username)))
        before = truth(scene)
        snapshot = read(scene, username=username)
        agrees(scene, snapshot, before)
        assert (problems(snapshot), server_reason(snapshot)) == ({}, "")
        assert capacity_grants(snapshot, username) == ()

    def test_connect_alone_is_enough_for_the_size_of_a_database(self, scene):
        shut_out(scene, scene.database("secret"))
        scene.run(f"GRANT CONNECT ON DATABASE secret TO {scene.role('reader')}")
        assert problems(read(scene, username="reader")) == {}

    def test_before_10_connect_is_what_is_granted(self):
        denied = [Coverage(scope=f"database:{name}", status="denied", reason=NO_SIZE) for name in ('a "b"', "rdsadmin")]
        snapshot = CapacitySnapshot(
            db_type="postgresql", version="", main_version="9.6.24", coverage=tuple(denied), databases=()
        )
        assert capacity_grants(snapshot, "w") == ('GRANT CONNECT ON DATABASE "a ""b""" TO "w"',)
        assert capacity_grants(replace(snapshot, main_version="10.23"), "w") == ('GRANT pg_read_all_stats TO "w"',)
        assert capacity_grants(replace(snapshot, main_version="17.2"), "w") == (
            'GRANT pg_read_all_stats TO "w" WITH INHERIT TRUE',
        )


class Disturbed:
    """A connection on which something happens around a statement: {noun: what to call instead of sending it}."""

    def __init__(self, connection: Connection, **events) -> None:
        self.connection, self.target, self.server = connection, connection.target, connection.server
        self._events = events

    def rows(self, noun: str, **params):
        return self._events.get(noun, self.connection.rows)(noun, **params)


class TestWhenTheListFails:
    @pytest.fixture
    def monitor(self, scene):
        """Who may read every size, but is no superuser, whom the server tells of no missing database."""
        scene.run("GRANT pg_read_all_stats TO " + scene.role("monitor"))
        return "monitor"

    def gone(self, connection):
        """As the server answers when a database is dropped while all are measured."""
        return lambda *_: connection.rows("database_size", database=NO_SUCH_DATABASE)

    def test_to_say_of_a_database_that_was_dropped_meanwhile_it_is_left_out(self, scene):
        for name in ("dropped", "stays"):
            scene.database(name)
        before = truth(scene)

        def sizes_of_all(noun, **params):
            scene.run("DROP DATABASE dropped")
            missing = connection.rows("database_size", database=NO_SUCH_DATABASE)[0][0]
            return [*connection.rows(noun, **params), (NO_SUCH_DATABASE, "dropped", False, True, missing)]

        with connected(scene) as connection:
            snapshot = ADAPTER.read_capacity(Disturbed(connection, database_sizes=sizes_of_all))
        agrees(scene, snapshot, before)
        assert "dropped" not in sizes(snapshot)
        assert problems(snapshot) == {}

    def test_because_a_database_was_dropped_meanwhile_the_others_are_measured(self, scene, monitor):
        for name in ("dropped", "stays"):
            scene.database(name)
        before = truth(scene)

        def names(noun, **params):
            found = connection.rows(noun, **params)
            scene.run("DROP DATABASE dropped")
            return found

        with connected(scene, username=monitor) as connection:
            events = {"database_sizes": self.gone(connection), "database_names": names}
            snapshot = ADAPTER.read_capacity(Disturbed(connection, **events))
        agrees(scene, snapshot, before)
        assert "dropped" not in sizes(snapshot)
        assert problems(snapshot) == {}

    def test_a_denied_database_is_told_apart(self, scene):
        shut_out(scene, scene.database("secret"))
        scene.database("open")
        scene.role("reader")
        before = truth(scene)
        with connected(scene, username="reader") as connection:
            snapshot = ADAPTER.read_capacity(Disturbed(connection, database_sizes=self.gone(connection)))
        assert problems(snapshot) == {"database:secret": ("denied", NO_SIZE)}
        assert (sizes(snapshot)["secret"], sizes(snapshot)["open"]) == (None, before["open"])

    def test_because_all_together_take_too_long_each_gets_its_own_time(self, scene, monkeypatch):
        for name in ("fast", "slow"):
            scene.database(name)
        slow = scene.value("SELECT oid FROM pg_database WHERE datname = 'slow'")
        before = truth(scene)
        with connected(scene, statement_timeout=1) as connection:

            def sleep(*_, **__):
                return asking(monkeypatch, connection, "SELECT pg_sleep(60)")

            def size(noun, database):
                return sleep() if database == slow else connection.rows(noun, database=database)

            began = time.monotonic()
            snapshot = ADAPTER.read_capacity(Disturbed(connection, database_sizes=sleep, database_size=size))
            assert time.monotonic() - began < 2 + 2
        ((scope, (status, reason)),) = problems(snapshot).items()
        assert (scope, status) == ("database:slow", "timeout")
        assert "statement timeout" in reason
        assert (sizes(snapshot)["slow"], sizes(snapshot)["fast"]) == (None, before["fast"])

    def test_and_the_fetch_has_no_time_left_the_rest_is_named_instead_of_losing_all(self, scene, monitor):
        target = target_of(scene.server, username=monitor, statement_timeout=20, fetch_timeout=6)
        with target.interrupt.after(2.5), ADAPTER.connect(target) as connection:
            events = {"database_sizes": self.gone(connection)}
            snapshot = ADAPTER.read_capacity(Disturbed(connection, **events))
        assert set(problems(snapshot).values()) == {NO_TIME}
        assert set(sizes(snapshot).values()) == {None}

    def test_because_the_backend_is_gone_the_read_fails(self, scene):
        with connected(scene) as connection:
            pid = connection._driver.info.backend_pid
            scene.run(f"SELECT pg_terminate_backend({pid})")
            with pytest.raises(RemoteError):
                ADAPTER.read_capacity(connection)


def test_a_database_without_files_is_a_gap_and_no_zero():
    assert _why_none(True, None) == NO_FILES
    assert _why_none(None, None) == _why_none(False, None) == ("denied", NO_SIZE)
    assert _why_none(True, 0) is None


class TestTablespaces:
    @pytest.fixture
    def tablespace(self, scene):
        directory = scene.server.directory / "spc é"
        directory.mkdir()
        os.chown(directory, *_owner(scene.server.directory / "data"))
        scene.run(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(sql.Identifier("my é"), str(directory)))
        yield "my é"
        scene.clean()
        scene.run(sql.SQL("DROP TABLESPACE {}").format(sql.Identifier("my é")))
        directory.rmdir()

    def test_have_the_size_that_the_server_says(self, scene, tablespace):
        scene.database("elsewhere", f'TABLESPACE "{tablespace}"')
        snapshot = read(scene)
        with admin_of(scene.server) as admin:
            rows = admin.execute("SELECT spcname, pg_tablespace_size(oid) FROM pg_tablespace ORDER BY 1").fetchall()
        assert [(part.kind, part.database, part.name) for part in snapshot.parts] == [
            ("tablespace", "", name) for name, _ in rows
        ]
        found = {part.name: part.size_bytes for part in snapshot.parts}
        assert found[tablespace] == dict(rows)[tablespace] > sizes(snapshot)["elsewhere"] - 1
        assert all(part.used_bytes is part.max_bytes is None for part in snapshot.parts)

    def test_that_cannot_be_measured_cost_no_database_its_size(self, scene, monkeypatch):
        def sleep(*_, **__):
            return asking(monkeypatch, connection, "SELECT pg_sleep(60)")

        with connected(scene, statement_timeout=1) as connection:
            snapshot = ADAPTER.read_capacity(Disturbed(connection, tablespace_sizes=sleep))
        assert None not in sizes(snapshot).values()
        assert snapshot.parts == ()
        assert server_reason(snapshot).startswith("the tablespaces could not be measured: ")


def _owner(path) -> tuple[int, int]:
    found = path.stat()
    return found.st_uid, found.st_gid


@contextmanager
def many_databases(scene: Scene, number: int):
    """{name: bytes}: databases as far as their size goes, a row and a directory; made in no time."""
    base = scene.server.directory / "data" / "base"
    owner = _owner(base)
    made = {900_000 + each: (f"d{each}", 1000 + each) for each in range(number)}
    row = (
        "INSERT INTO pg_database SELECT (jsonb_populate_record(d, jsonb_build_object('oid', %s::oid, "
        "'datname', %s::text))).* FROM pg_database d WHERE datname = 'template0'"
    )
    with admin_of(scene.server) as admin:
        admin.execute("SET allow_system_table_mods = on")
        try:
            with admin.transaction():
                for oid, (name, size) in made.items():
                    (base / str(oid)).mkdir()
                    (base / str(oid) / "1").write_bytes(b"x" * size)
                    for path in (base / str(oid), base / str(oid) / "1"):
                        os.chown(path, *owner)
                    admin.execute(row, [oid, name])
            yield dict(made.values())
        finally:
            admin.execute("DELETE FROM pg_database WHERE oid >= 900000 AND oid < %s", [900_000 + number])
            for oid in made:
                shutil.rmtree(base / str(oid))


def test_a_hundred_databases_are_read_by_the_same_two_statements_within_seconds(scene):
    with many_databases(scene, 100) as made, connected(scene) as connection:
        began = time.monotonic()
        snapshot = ADAPTER.read_capacity(connection)
        assert time.monotonic() - began < 3
        assert connection.statements == 2
    assert made.items() <= sizes(snapshot).items()


class TestTables:
    def tables(self, scene, database, most=20, **changes):
        with connected(scene, **changes) as connection:
            return ADAPTER.read_tables(connection, database, most)

    def test_have_the_sizes_that_the_server_says_partitions_under_their_root(self, scene):
        scene.database("app")
        scene.run(
            "CREATE SCHEMA s",
            'CREATE TABLE s."Big ""one""" AS SELECT n, repeat(md5(n::text), 3) AS v FROM generate_series(1, 9000) n',
            'CREATE INDEX ON s."Big ""one""" (n)',
            "CREATE TABLE toasted (v text)",
            "ALTER TABLE toasted ALTER v SET STORAGE EXTERNAL",
            "INSERT INTO toasted SELECT repeat('x', 100000) FROM generate_series(1, 30)",
            "CREATE TABLE root (n int, v text) PARTITION BY RANGE (n)",
            "CREATE TABLE low PARTITION OF root FOR VALUES FROM (0) TO (5000)",
            "CREATE TABLE high PARTITION OF root FOR VALUES FROM (5000) TO (10000) PARTITION BY RANGE (n)",
            "CREATE TABLE higher PARTITION OF high FOR VALUES FROM (5000) TO (10000)",
            "INSERT INTO root SELECT n, repeat('y', 300) FROM generate_series(0, 9999) n",
            "CREATE INDEX ON root (n)",
            'CREATE MATERIALIZED VIEW mv AS SELECT * FROM s."Big ""one""" LIMIT 5000',
            "CREATE VIEW v AS SELECT 1",
            "ANALYZE",
            database="app",
        )
        found = {(table.schema, table.name): table for table in self.tables(scene, "app", 200)}
        expected = {
            ("s", 'Big "one"'): ['s."Big ""one"""'],
            ("public", "toasted"): ["toasted"],
            ("public", "root"): ["low", "higher"],
            ("public", "mv"): ["mv"],
        }
        assert {key for key in found if key[0] not in {"pg_catalog", "information_schema"}} == set(expected)
        for key, relations in expected.items():
            sums = [
                sum(scene.value(f"SELECT {function}(%s::regclass)", name, database="app") for name in relations)
                for function in ("pg_total_relation_size", "pg_table_size", "pg_indexes_size")
            ]
            table = found[key]
            assert [table.size_bytes, table.data_size_bytes, table.index_size_bytes] == sums, key
        rows = {name: found[key].row_estimate for key, name in zip(expected, "btrm", strict=True)}
        assert rows == {"b": 9000, "t": 30, "r": 10000, "m": 5000}

    def test_come_the_largest_first_and_no_more_than_asked(self, scene):
        filled(scene, "app")
        scene.run("CREATE TABLE empty (n int)", database="app")
        everything = self.tables(scene, "app", 1000)
        ordered = [table.size_bytes for table in everything]
        assert ordered == sorted(ordered, reverse=True)
        assert everything[0].name == "t"
        assert self.tables(scene, "app", 3) == everything[:3]
        assert [table.row_estimate for table in everything if table.name == "empty"] in ([None], [0])

    def test_of_which_only_the_likely_ones_are_looked_at(self, scene, monkeypatch):
        filled(scene, "app")
        scene.run(
            *(f"CREATE TABLE small{number} AS SELECT 1" for number in range(20)), "VACUUM ANALYZE", database="app"
        )
        monkeypatch.setattr("dbms.postgresql.tables.CANDIDATES", 5)
        found = self.tables(scene, "app", 5)
        assert found[0].name == "t"
        assert not [table for table in found if table.name.startswith("small")]

    def test_of_a_database_that_does_not_exist_or_is_closed_to_us_are_an_error(self, scene):
        shut_out(scene, scene.database("secret"))
        scene.role("reader")
        with pytest.raises(DatabaseMissing):
            self.tables(scene, "nowhere")
        with pytest.raises(ConnectDenied):
            self.tables(scene, "secret", username="reader")

    def test_need_no_privilege_but_to_connect(self, scene):
        filled(scene, "app")
        scene.role("reader")
        assert self.tables(scene, "app", 5, username="reader") == self.tables(scene, "app", 5)

    def test_that_somebody_holds_locked_end_in_time(self, scene):
        filled(scene, "app")
        with admin_of(scene.server, "app") as owner, owner.transaction():
            owner.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(RemoteTimeout):
                self.tables(scene, "app")
