"""Sizes of databases and tables on MariaDB; what is right is what lies in its data directory."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dbms.mysql.capacity import directories_of
from dbms.mysql.grants import NO_PROCESS, capacity_grants
from dbms.mysql.tables import read_tables
from dbms.sizes import CapacitySnapshot
from tests.dbms.mysql.conftest import MariaDbScene, target_of
from tests.dbms.mysql.reading import ADAPTER
from whalefall.errors import DatabaseMissing, RemoteError, RemoteTimeout

DATA = {".ibd", ".MYD", ".MYI", ".MAD", ".MAI", ".CSV"}


def read(scene: MariaDbScene, **changes) -> CapacitySnapshot:
    with ADAPTER.connect(target_of(scene.server, **changes)) as connection:
        return ADAPTER.read_capacity(connection)


def tables(scene: MariaDbScene, database: str, most: int = 100, **changes):
    with ADAPTER.connect(target_of(scene.server, **changes)) as connection:
        return ADAPTER.read_tables(connection, database, most)


def directory_of(scene: MariaDbScene, name: str) -> Path:
    encoded = scene.value("SELECT CAST(CONVERT(%s USING filename) AS BINARY)", name)
    return scene.server.directory / "data" / encoded.decode()


def lying(scene: MariaDbScene, name: str) -> int:
    """The bytes of a database's data and index files."""
    return sum(path.stat().st_size for path in directory_of(scene, name).iterdir() if path.suffix in DATA)


def by_name(snapshot: CapacitySnapshot):
    return {database.name: database for database in snapshot.databases}


def server_of(snapshot: CapacitySnapshot):
    (found,) = [part for part in snapshot.coverage if part.scope == "server"]
    return found


def problems(snapshot: CapacitySnapshot) -> dict[str, tuple[str, str]]:
    return {part.scope: (part.status, part.reason) for part in snapshot.coverage if part.scope != "server"}


def filled(scene: MariaDbScene, name: str) -> str:
    """A database with a table of every engine that keeps files."""
    quoted = scene.database(name)
    scene.run(
        f"CREATE TABLE {quoted}.i (n int PRIMARY KEY, v text, KEY (v(9))) ENGINE=InnoDB",
        f"CREATE TABLE {quoted}.p (n int PRIMARY KEY) ENGINE=InnoDB PARTITION BY RANGE (n) SUBPARTITION BY HASH (n)"
        " SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (10), PARTITION `P#1` VALUES LESS THAN MAXVALUE)",
        f"CREATE TABLE {quoted}.`a/b#P#x ü` (n int, v text, FULLTEXT (v)) ENGINE=InnoDB",
        f"CREATE TABLE {quoted}.aria (n int, KEY (n)) ENGINE=Aria",
        f"CREATE TABLE {quoted}.pa (n int, KEY (n)) ENGINE=Aria PARTITION BY HASH (n) PARTITIONS 3",
        f"CREATE TABLE {quoted}.my (n int, v char(200), KEY (n)) ENGINE=MyISAM",
        f"CREATE TABLE {quoted}.m (n int, v char(200)) ENGINE=MEMORY",
        f"CREATE TABLE {quoted}.both_of (n int, v char(200), KEY (n)) ENGINE=MRG_MyISAM UNION=({quoted}.my)",
        f"CREATE VIEW {quoted}.v AS SELECT 1",
        f"CREATE SEQUENCE {quoted}.s",
    )
    for table, values in (("aria", "(1)"), ("my", "(1, 'x')"), ("m", "(1, 'x')")):
        scene.run(f"INSERT INTO {quoted}.{table} VALUES " + ", ".join([values] * 4000))
    scene.run(f"DELETE FROM {quoted}.my LIMIT 1000")
    scene.run(
        f"INSERT INTO {quoted}.i VALUES " + ", ".join(f"({n}, REPEAT('x', 500))" for n in range(3000)),
        f"FLUSH TABLES {quoted}.aria, {quoted}.my",
    )
    return name


@pytest.mark.parametrize("name", ["shop", "my-db", "ünï 名 x", "MiXed", "a.b/c", "it's `q`"])
def test_a_database_takes_what_its_files_do_whatever_its_name(scene, name):
    filled(scene, name)
    scene.database("empty")
    with ADAPTER.connect(target_of(scene.server)) as connection:
        snapshot = ADAPTER.read_capacity(connection)
        assert connection.statements == 5 + 5  # five of the session's start
    found = by_name(snapshot)
    assert found[name].size_bytes == found[name].data_size_bytes == lying(scene, name) > 1_500_000
    assert (found["empty"].size_bytes, found["empty"].is_estimate) == (0, False)
    assert {(database.method, database.is_estimate) for database in snapshot.databases} == {("innodb_files", False)}
    assert {name for name, database in found.items() if database.is_system} == {
        "information_schema", "mysql", "performance_schema", "sys",
    }  # fmt: skip
    assert found.keys() == {row[0] for row in scene.rows("SHOW DATABASES")}
    assert (problems(snapshot), server_of(snapshot).reason) == ({}, "")
    assert server_of(snapshot).categories == ("databases",)
    assert capacity_grants(snapshot, "x") == ()


def test_names_that_differ_by_case_only_stay_apart(scene):
    filled(scene, "shop")
    scene.database("SHOP")
    scene.run("CREATE TABLE `SHOP`.t (n int) ENGINE=Aria", "CREATE TABLE `SHOP`.i (n int) ENGINE=InnoDB")
    found = by_name(read(scene))
    assert found["SHOP"].size_bytes == lying(scene, "SHOP") < found["shop"].size_bytes == lying(scene, "shop")


def test_what_several_databases_share_stands_in_none_of_them(scene):
    scene.database("shop")
    scene.run("SET GLOBAL innodb_file_per_table = 0")
    try:
        scene.run("CREATE TABLE shop.inside (n int) ENGINE=InnoDB")
    finally:
        scene.run("SET GLOBAL innodb_file_per_table = 1")
    snapshot = read(scene)
    assert by_name(snapshot)["shop"].size_bytes == 0
    data = scene.server.directory / "data"
    found = {part.name: part for part in snapshot.parts}
    assert {part.kind for part in snapshot.parts} == {"shared"}
    assert found["innodb_system"].size_bytes == (data / "ibdata1").stat().st_size
    assert found["innodb_temporary"].size_bytes == (data / "ibtmp1").stat().st_size
    assert [table.name for table in tables(scene, "shop")] == ["inside"]


class TestPrivileges:
    def login(self, scene: MariaDbScene, *privileges: str) -> str:
        user = scene.user("reader")
        for privilege in privileges:
            scene.run(f"GRANT {privilege} ON *.* TO {user}")
        return "reader"

    def test_without_any_a_size_is_a_gap_and_no_zero(self, scene):
        filled(scene, "shop")
        user = scene.user("reader")
        scene.run(f"GRANT SELECT ON shop.my TO {user}")
        snapshot = read(scene, username="reader")
        found = by_name(snapshot)
        assert found["shop"].size_bytes is None
        assert problems(snapshot) == {"database:shop": ("denied", NO_PROCESS)}
        assert server_of(snapshot).categories == ()
        assert "PROCESS, SHOW VIEW, SHOW DATABASES" in server_of(snapshot).reason
        assert capacity_grants(snapshot, "reader") == tuple(
            f"GRANT {word} ON *.* TO `reader`@`%`" for word in ("PROCESS", "SHOW VIEW", "SHOW DATABASES")
        )

    def test_that_the_statements_give_are_enough_and_open_no_data(self, scene):
        filled(scene, "shop")
        scene.user("reader")
        scene.run(*capacity_grants(read(scene, username="reader"), "reader"))
        snapshot = read(scene, username="reader")
        assert by_name(snapshot) == by_name(read(scene))
        assert (problems(snapshot), server_of(snapshot).reason, capacity_grants(snapshot, "reader")) == ({}, "", ())
        assert not scene.may("SELECT * FROM shop.i", "reader")

    def test_without_process_sizes_are_estimates_and_say_so(self, scene):
        filled(scene, "shop")
        scene.rows("ANALYZE TABLE shop.i")
        snapshot = read(scene, username=self.login(scene, "SHOW VIEW", "SHOW DATABASES"))
        shop = by_name(snapshot)["shop"]
        assert (shop.method, shop.is_estimate) == ("tables_estimate", True)
        others = sum(path.stat().st_size for path in directory_of(scene, "shop").glob("*.M??"))
        assert others + 1_000_000 < shop.size_bytes <= lying(scene, "shop")  # free space within files is not seen
        assert snapshot.parts == ()
        assert (problems(snapshot), server_of(snapshot).categories) == ({}, ("databases",))
        assert capacity_grants(snapshot, "reader") == ("GRANT PROCESS ON *.* TO `reader`@`%`",)

    def test_without_show_view_hidden_tables_of_other_engines_are_no_silent_undercount(self, scene):
        filled(scene, "shop")
        snapshot = read(scene, username=self.login(scene, "PROCESS", "SHOW DATABASES"))
        shop = by_name(snapshot)["shop"]
        files = sum(path.stat().st_size for path in directory_of(scene, "shop").glob("*.ibd"))
        assert (shop.size_bytes, shop.is_estimate, shop.method) == (files, True, "innodb_files")
        assert "SHOW VIEW" in server_of(snapshot).reason
        assert capacity_grants(snapshot, "reader") == ("GRANT SHOW VIEW ON *.* TO `reader`@`%`",)

    def test_without_show_databases_the_list_is_not_taken_for_complete(self, scene):
        filled(scene, "hidden")
        snapshot = read(scene, username=self.login(scene, "PROCESS"))
        assert "hidden" not in by_name(snapshot)
        assert server_of(snapshot).categories == ()
        assert {part.name for part in snapshot.parts} >= {"hidden", "innodb_system"}
        assert "GRANT SHOW DATABASES ON *.* TO `reader`@`%`" in capacity_grants(snapshot, "reader")

    @pytest.mark.parametrize("depth", [1, 2])
    def test_by_a_role_that_is_active_by_default_count_as_ones_own(self, scene, depth):
        filled(scene, "shop")
        user = scene.user("reader")
        scene.run(f"GRANT SELECT ON mysql.global_priv TO {user}")
        holder = user
        for name in ("outer", "inner")[:depth]:
            scene.run(f"GRANT {scene.role(name)} TO {holder}")
            holder = f"`{name}`"
        scene.run(f"GRANT PROCESS, SHOW VIEW, SHOW DATABASES ON *.* TO {holder}")
        assert len(capacity_grants(read(scene, username="reader"), "reader")) == 3  # granted, but not active
        scene.run(f"SET DEFAULT ROLE `outer` FOR {user}")
        with ADAPTER.connect(target_of(scene.server, username="reader")) as connection:
            snapshot = ADAPTER.read_capacity(connection)
            assert connection.statements == 10 + 1
        assert by_name(snapshot) == by_name(read(scene))
        assert (server_of(snapshot).reason, server_of(snapshot).categories) == ("", ("databases",))
        assert (problems(snapshot), capacity_grants(snapshot, "reader")) == ({}, ())

    def test_of_public_count_as_ones_own(self, scene):
        filled(scene, "shop")
        scene.run(f"GRANT SELECT ON mysql.global_priv TO {scene.user('reader')}")
        scene.run(f"GRANT PROCESS, SHOW VIEW, SHOW DATABASES ON *.* TO {scene.public()}")
        snapshot = read(scene, username="reader")
        assert by_name(snapshot) == by_name(read(scene))
        assert capacity_grants(snapshot, "reader") == ()

    def test_by_a_role_of_which_nothing_can_be_read_are_asked_for(self, scene):
        filled(scene, "shop")
        user, role = scene.user("reader"), scene.role("monitoring")
        scene.run(
            f"GRANT PROCESS, SHOW VIEW, SHOW DATABASES ON *.* TO {role}",
            f"GRANT {role} TO {user}",
            f"SET DEFAULT ROLE {role} FOR {user}",
        )
        snapshot = read(scene, username="reader")
        assert by_name(snapshot)["shop"].size_bytes == lying(scene, "shop")
        assert capacity_grants(snapshot, "reader") == tuple(
            f"GRANT {word} ON *.* TO `reader`@`%`" for word in ("SHOW VIEW", "SHOW DATABASES")
        )

    def test_of_another_account_that_differs_by_case_are_not_taken_for_ones_own(self, scene):
        scene.run(f"GRANT SHOW VIEW, SHOW DATABASES, PROCESS ON *.* TO {scene.user('Reader')}")
        user = scene.user("reader")
        scene.run(f"GRANT SELECT ON mysql.* TO {user}")
        assert len(capacity_grants(read(scene, username="reader"), "reader")) == 3


class Disturbed:
    """A connection on which something happens around a statement: {noun: what to call instead of sending it}."""

    def __init__(self, connection, **events) -> None:
        self.connection, self.target, self.server = connection, connection.target, connection.server
        self.expect_fresh_statistics = connection.expect_fresh_statistics
        self._events = events

    def rows(self, noun: str, **params):
        return self._events.get(noun, self.connection.rows)(noun, **params)


class TestMeanwhile:
    def test_a_dropped_database_is_left_out(self, scene):
        for name in ("dropped", "stays"):
            filled(scene, name)

        def files(noun, **params):
            found = connection.rows(noun, **params)
            scene.run("DROP DATABASE dropped")
            return found

        with ADAPTER.connect(target_of(scene.server)) as connection:
            snapshot = ADAPTER.read_capacity(Disturbed(connection, innodb_files=files))
        assert "dropped" not in by_name(snapshot)
        assert by_name(snapshot)["stays"].size_bytes == lying(scene, "stays")
        assert problems(snapshot) == {}

    @pytest.mark.parametrize("noun", ["engines", "table_sizes"])
    def test_tables_that_take_too_long_cost_no_database_without_such_tables_its_size(self, scene, noun):
        filled(scene, "mixed")
        scene.database("pure")
        scene.run("CREATE TABLE pure.i (n int) ENGINE=InnoDB")

        def late(_noun, **_params):
            raise RemoteTimeout(**connection.target.address, detail="max_statement_time exceeded")

        with ADAPTER.connect(target_of(scene.server)) as connection:
            snapshot = ADAPTER.read_capacity(Disturbed(connection, **{noun: late}))
        assert by_name(snapshot)["mixed"].size_bytes is None
        assert problems(snapshot)["database:mixed"] == ("timeout", "max_statement_time exceeded")
        pure = by_name(snapshot)["pure"].size_bytes
        assert pure == (None if noun == "engines" else lying(scene, "pure"))

    def test_a_lost_connection_ends_the_read(self, scene):
        with ADAPTER.connect(target_of(scene.server)) as connection:
            scene.run(f"KILL {connection._driver.thread_id()}")
            with pytest.raises(RemoteError):
                ADAPTER.read_capacity(connection)


def test_a_table_that_is_on_another_server_is_never_opened(scene):
    scene.database("shop")
    scene.run("CREATE TABLE shop.far (n int) ENGINE=MyISAM", "CREATE TABLE shop.near (n int) ENGINE=MyISAM")
    with ADAPTER.connect(target_of(scene.server)) as connection:

        def engines(noun, **params):
            found = connection.rows(noun, **params)
            scene.run("FLUSH TABLES")
            return [*found, ("shop", "FEDERATED", "far", 1)]

        ADAPTER.read_capacity(Disturbed(connection, engines=engines))
        assert opened(scene) == {"near"}
        read_tables(Disturbed(connection, engines=engines), "shop", 10)
        assert opened(scene) == {"near"}


def opened(scene: MariaDbScene) -> set[str]:
    return {row[1] for row in scene.rows("SHOW OPEN TABLES FROM shop")}


def test_a_hundred_databases_are_read_by_as_many_statements_within_seconds(scene):
    for number in range(100):
        scene.run(f"CREATE TABLE {scene.database(f'd-{number}')}.t (n int) ENGINE=MyISAM")
        scene.run(f"INSERT INTO `d-{number}`.t VALUES " + ", ".join(["(1)"] * (number + 1)))
    with ADAPTER.connect(target_of(scene.server)) as connection:
        began = time.monotonic()
        snapshot = ADAPTER.read_capacity(connection)
        assert time.monotonic() - began < 3
        assert connection.statements == 10
    found = by_name(snapshot)
    assert [found[f"d-{n}"].size_bytes for n in range(100)] == [lying(scene, f"d-{n}") for n in range(100)]


class TestTables:
    def files(self, scene, database: str, *patterns: str) -> int:
        return sum(path.stat().st_size for pattern in patterns for path in directory_of(scene, database).glob(pattern))

    def test_take_what_their_files_do_partitions_together(self, scene):
        filled(scene, "my-db")
        found = {table.name: table for table in tables(scene, "my-db")}
        expected = {
            "i": ["i.ibd"],
            "p": ["p#P#*.ibd"],
            "a/b#P#x ü": ["a@002fb*.ibd"],
            "aria": ["aria.MA?"],
            "pa": ["pa#P#*.MA?"],
            "my": ["my.MY?"],
            "s": ["s.ibd"],
        }
        for name, patterns in expected.items():
            assert found[name].size_bytes == self.files(scene, "my-db", *patterns) > 0, name
        others = {name for name in found if name not in expected}
        assert {name for name in others if not name.startswith("FTS_")} == set()  # neither in memory nor a union
        assert found["my"].row_estimate == 3000
        assert {table.schema for table in found.values()} == {"my-db"}

    def test_come_the_largest_first_and_no_more_than_asked(self, scene):
        filled(scene, "shop")
        everything = tables(scene, "shop")
        sizes = [table.size_bytes for table in everything]
        assert sizes == sorted(sizes, reverse=True)
        assert all(type(size) is int for size in sizes)
        assert tables(scene, "shop", 2) == everything[:2]

    def test_without_process_are_what_the_statistics_say(self, scene):
        filled(scene, "shop")
        scene.run(f"GRANT SHOW VIEW ON *.* TO {scene.user('reader')}")
        found = {table.name: table for table in tables(scene, "shop", username="reader")}
        assert found["my"].size_bytes == self.files(scene, "shop", "my.MY?")
        assert found["i"].size_bytes == found["i"].data_size_bytes + found["i"].index_size_bytes

    @pytest.mark.parametrize("name", ["nowhere", "SHOP", "shop`"])
    def test_of_an_unknown_database_are_an_error(self, scene, name):
        scene.database("shop")
        with pytest.raises(DatabaseMissing, match="no such database"):
            tables(scene, name)


def test_directories_are_spelled_as_each_server_does(scene):
    with ADAPTER.connect(target_of(scene.server)) as connection:
        server = connection.server
    rows = [("my-db", "my@002ddb"), ("#mysql50#lost+found", "@0023mysql50@0023lost@002bfound")]
    assert directories_of(rows, server) == {
        "my-db": ("my@002ddb", "my@002ddb@@@"),
        "#mysql50#lost+found": ("lost+found", "lost+found@@@"),
    }
