"""How large databases and tables are, through the real driver: what was put into the double comes out, or a reason."""

from __future__ import annotations

import pytest

from dbms.sizes import CapacitySnapshot, DatabaseSize, TableSize
from dbms.snapshots import DATABASE_LIST, SERVER
from tests.dbms.sqlserver.conftest import ADAPTER
from tests.twins.sqlserver.server import LineDropped, TdsError
from whalefall.errors import PrivilegeMissing, ProtocolViolation

PAGE = 8192
MANY = 300_000_000  # pages of 2.4 TB, whose bytes are too many for an int
ROWS, LOG, FILESTREAM, FULL_TEXT = 0, 1, 2, 4


def measure(scene, **changes) -> CapacitySnapshot:
    with ADAPTER.connect(scene.target(**changes)) as connection:
        return ADAPTER.read_capacity(connection)


def sizes(snapshot: CapacitySnapshot) -> dict[str, tuple]:
    """All, data and log of each database, in pages as the tests state them."""
    return {
        each.name: tuple(
            size if size is None else size / PAGE
            for size in (each.size_bytes, each.data_size_bytes, each.log_size_bytes)
        )
        for each in snapshot.databases
    }


def sources(snapshot: CapacitySnapshot) -> dict[str, tuple[str, bool]]:
    return {each.name: (each.method, each.is_estimate) for each in snapshot.databases}


def coverage(snapshot: CapacitySnapshot) -> dict[str, tuple[str, str]]:
    return {part.scope: (part.status, part.reason) for part in snapshot.coverage}


def test_every_database_has_its_data_its_log_and_both_in_two_statements(scene):
    scene.catalogue.databases["master"].files = {ROWS: 8192, LOG: 4096}
    scene.catalogue.database("we]ird'; db", files={ROWS: 2 * MANY, LOG: MANY, FULL_TEXT: 5})
    scene.catalogue.database("App", files={ROWS: 1, LOG: 2})
    scene.catalogue.database("app", files={ROWS: 3, LOG: 4}, state=6, state_text="OFFLINE", has_access=0)
    scene.catalogue.database("restoring", files={ROWS: 7, LOG: 0}, state=1, state_text="RESTORING", has_access=0)
    snapshot = measure(scene)
    assert sizes(snapshot) == {
        "master": (12288, 8192, 4096),
        "we]ird'; db": (3 * MANY + 5, 2 * MANY + 5, MANY),
        "App": (3, 1, 2),
        "app": (7, 3, 4),
        "restoring": (7, 7, 0),
    }
    assert set(sources(snapshot).values()) == {("master_files", False)}
    assert coverage(snapshot) == {SERVER: ("ok", "")}
    assert snapshot.coverage[0].categories == (DATABASE_LIST,)
    assert ADAPTER.capacity_grants(snapshot, "sa") == ()
    assert len(scene.server.received) == 2 + 2  # the settings, the server itself


def test_what_only_the_database_itself_knows_is_asked_there_in_one_round_trip(scene):
    scene.catalogue.database("tempdb", id=2, files={ROWS: 8, LOG: 8}, own_files={ROWS: 800, LOG: 80})
    scene.catalogue.database("docs", files={ROWS: 10, LOG: 1, FILESTREAM: 0},
                             own_files={ROWS: 10, LOG: 1, FILESTREAM: 5})  # fmt: skip
    scene.catalogue.database("closed", files={ROWS: 20, LOG: 2, FILESTREAM: 0}, has_access=0)
    snapshot = measure(scene)
    found = {name: size for name, size in sizes(snapshot).items() if name != "master"}
    assert found == {"tempdb": (880, 800, 80), "docs": (16, 15, 1), "closed": (22, 20, 2)}
    assert sources(snapshot) == {
        "master": ("master_files", False), "tempdb": ("database_files", False), "docs": ("database_files", False),
        "closed": ("master_files", True),
    }  # fmt: skip
    assert coverage(snapshot) == {SERVER: ("ok", "")}
    assert len(scene.server.received) == 2 + 2 + 1


def test_a_tempdb_that_does_not_answer_has_the_size_of_its_start_as_an_estimate(scene):
    scene.catalogue.database("tempdb", id=2, files={ROWS: 8, LOG: 8}, error=TdsError(1205, "deadlocked"))
    snapshot = measure(scene)
    assert (sizes(snapshot)["tempdb"], sources(snapshot)["tempdb"]) == ((16, 8, 8), ("master_files", True))


def test_a_database_snapshot_weighs_what_its_sparse_files_take_and_not_the_most_that_they_could(scene):
    scene.catalogue.database("before", snapshot_of=5, files={ROWS: MANY, LOG: 1}, on_disk=24 * PAGE)
    scene.catalogue.database("new", snapshot_of=5, files={ROWS: MANY}, on_disk=0)
    snapshot = measure(scene)
    assert (sizes(snapshot)["before"], sizes(snapshot)["new"]) == ((24, 24, None), (0, 0, None))
    assert sources(snapshot)["before"] == ("sparse_files", False)
    assert coverage(snapshot) == {SERVER: ("ok", "")}
    assert DATABASE_LIST in snapshot.coverage[0].categories
    assert len(scene.server.received) == 2 + 3  # for all snapshots together


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (300, "VIEW SERVER STATE permission was denied on object 'server', database 'master'."),
        (300, "VIEW SERVER PERFORMANCE STATE permission was denied on object 'server', database 'master'."),
    ],
)
def test_a_database_snapshot_that_we_may_not_measure_is_a_gap_and_says_which_grant_is_missing(scene, number, text):
    scene.catalogue.database("before", snapshot_of=5, files={ROWS: MANY, LOG: 1})
    scene.catalogue.state_error = TdsError(number, text, 14)
    snapshot = measure(scene)
    assert sizes(snapshot)["before"] == (None, None, None)
    hidden = "without VIEW SERVER STATE a database snapshot cannot be measured"
    assert coverage(snapshot) == {SERVER: ("ok", ""), "database:before": ("denied", hidden)}
    assert sizes(snapshot)["master"] == (16384, 8192, 8192)
    assert ADAPTER.capacity_grants(snapshot, "sa") == ("GRANT VIEW SERVER STATE TO [sa]",)


def test_a_database_snapshot_that_is_not_open_or_does_not_answer_is_a_gap(scene):
    scene.catalogue.database("before", snapshot_of=5, files={ROWS: MANY}, state=4, state_text="SUSPECT", on_disk=None)
    snapshot = measure(scene)
    assert sizes(snapshot)["before"] == (None, None, None)
    assert coverage(snapshot)["database:before"] == ("error", "the files of the database snapshot are not open")
    scene.catalogue.state_error = TdsError(1205, "deadlocked")
    snapshot = measure(scene)
    assert coverage(snapshot)["database:before"] == ("error", "deadlocked")
    assert ADAPTER.capacity_grants(snapshot, "sa") == ()


def test_without_database_snapshots_their_files_are_not_asked_for(scene):
    measure(scene)
    assert not any("virtual_file_stats" in batch for batch in scene.server.received)


def test_databases_of_the_server_itself_are_tagged_by_id_and_not_by_name(scene):
    scene.catalogue.database("msdb", id=4)
    scene.catalogue.database("my distribution", id=7, is_distributor=True)
    scene.catalogue.database("Master", id=8)
    found = {each.name for each in measure(scene).databases if each.is_system}
    assert found == {"master", "msdb", "my distribution"}


def test_without_the_servers_list_of_files_each_database_that_lets_us_in_is_asked(scene):
    scene.catalogue.sees_definitions = 0
    scene.catalogue.databases["master"].files = {ROWS: 8192, LOG: 4096}
    for number in range(25):
        scene.catalogue.database(f"db {number}", files={ROWS: number, LOG: 1})
    scene.catalogue.database("clo]sed", files={ROWS: 5, LOG: 5}, has_access=0)
    scene.catalogue.database("off", files={ROWS: 5, LOG: 5}, state=6, state_text="OFFLINE", has_access=0)
    snapshot = measure(scene)
    found = sizes(snapshot)
    assert found["master"] == (12288, 8192, 4096)
    assert {found[f"db {number}"] for number in range(25)} == {(number + 1, number, 1) for number in range(25)}
    assert found["clo]sed"] == found["off"] == (None, None, None)
    hidden = "without VIEW ANY DEFINITION the files of a closed database are hidden"
    assert coverage(snapshot) == {
        SERVER: ("ok", "without VIEW ANY DEFINITION an offline database may be hidden"),
        "database:clo]sed": ("denied", hidden),
        "database:off": ("denied", hidden),
    }
    assert DATABASE_LIST not in snapshot.coverage[0].categories
    assert ADAPTER.capacity_grants(snapshot, "sa") == ("GRANT VIEW ANY DEFINITION TO [sa]",)
    assert len(scene.server.received) == 2 + 2 + 2  # 26 databases, 20 at once


def test_a_database_that_fails_costs_only_itself(scene):
    scene.catalogue.sees_definitions = 0
    scene.catalogue.database("bad", error=TdsError(976, "The target database, 'bad', is a secondary."))
    scene.catalogue.database("denied", error=TdsError(916, 'The principal "sa" is not able to access the database.'))
    scene.catalogue.database("slow", error=lambda session: session.wait(30))
    scene.catalogue.database("good", files={ROWS: 3, LOG: 1})
    snapshot = measure(scene, statement_timeout=1)
    assert sizes(snapshot)["good"] == (4, 3, 1)
    assert {scope: status for scope, (status, _) in coverage(snapshot).items()} == {
        SERVER: "ok", "database:bad": "error", "database:denied": "denied", "database:slow": "timeout",
    }  # fmt: skip


def test_a_list_that_may_be_incomplete_is_no_complete_one(scene):
    scene.catalogue.database("shop", is_listed=False)
    snapshot = measure(scene)
    assert sizes(snapshot).keys() == {"master"}
    assert DATABASE_LIST not in snapshot.coverage[0].categories
    scene.catalogue.sees_databases = 0
    snapshot = measure(scene)
    assert DATABASE_LIST not in snapshot.coverage[0].categories
    assert ADAPTER.capacity_grants(snapshot, "sa") == ("GRANT VIEW ANY DATABASE TO [sa]",)


def test_a_line_that_drops_in_the_middle_yields_nothing(scene):
    def drop(_session):
        raise LineDropped

    scene.catalogue.database("tempdb", id=2, error=drop)
    with pytest.raises(ProtocolViolation):
        measure(scene)


def test_azure_sql_database_measures_the_database_that_it_is_connected_to(scene):
    scene.catalogue.engine_edition = 5
    scene.catalogue.database("sho]p", files={}, own_files={ROWS: 50, LOG: 5}, id=6)
    scene.catalogue.database("other", files={}, own_files={ROWS: 1, LOG: 1}, id=7)
    snapshot = measure(scene, database="sho]p")
    assert snapshot.databases == (
        DatabaseSize(
            name="sho]p",
            size_bytes=55 * PAGE,
            data_size_bytes=50 * PAGE,
            log_size_bytes=5 * PAGE,
            method="database_files",
        ),
    )
    assert coverage(snapshot) == {SERVER: ("ok", "Azure SQL Database: a connection sees one database only")}
    assert DATABASE_LIST not in snapshot.coverage[0].categories
    assert ADAPTER.capacity_grants(snapshot, "sa") == ()
    assert not any("master_files" in batch for batch in scene.server.received)


class TestTables:
    def test_are_the_largest_with_data_and_indexes_apart(self, scene):
        scene.catalogue.database("sho]p", tables=[
            ("sales", "or]ders", 3 * MANY, MANY, 2 * MANY, 5_000_000_000),
            ("dbo", "small", 2, 1, 1, 0),
            ("dbo", "smaller", 1, 0, 0, 0),
        ])  # fmt: skip
        with ADAPTER.connect(scene.target()) as connection:
            assert list(ADAPTER.read_tables(connection, "sho]p", 2)) == [
                TableSize(schema="sales", name="or]ders", size_bytes=3 * MANY * PAGE, data_size_bytes=MANY * PAGE,
                          index_size_bytes=MANY * PAGE, row_estimate=5_000_000_000),
                TableSize(schema="dbo", name="small", size_bytes=2 * PAGE, data_size_bytes=PAGE, index_size_bytes=0,
                          row_estimate=0),
            ]  # fmt: skip
            assert len(ADAPTER.read_tables(connection, "sho]p", 100)) == 3

    @pytest.mark.parametrize(
        "error",
        [
            TdsError(262, "VIEW DATABASE STATE permission denied in database 'shop'.", 14),
            TdsError(297, "The user does not have permission to perform this action."),
        ],
    )
    def test_that_we_may_not_measure_are_told_in_the_words_of_the_server(self, scene, error):
        scene.catalogue.database("shop", error=error)
        with ADAPTER.connect(scene.target()) as connection:
            with pytest.raises(PrivilegeMissing) as caught:
                ADAPTER.read_tables(connection, "shop", 10)
            assert caught.value.params["detail"] == error.text
            assert connection.rows("databases")

    def test_that_may_be_hidden_are_not_said_to_be_all(self, scene):
        scene.catalogue.database("sho]p", sees_definitions=0)
        for sees_definitions, expected in (
            (1, "USE [sho]]p] GRANT VIEW DEFINITION TO [sa]"),
            (0, "GRANT VIEW ANY DEFINITION TO [sa]"),
        ):
            scene.catalogue.sees_definitions = sees_definitions
            with ADAPTER.connect(scene.target()) as connection, pytest.raises(PrivilegeMissing) as caught:
                ADAPTER.read_tables(connection, "sho]p", 10)
            assert caught.value.params["detail"] == expected
        scene.catalogue.engine_edition = 5
        with (
            ADAPTER.connect(scene.target(database="sho]p")) as connection,
            pytest.raises(PrivilegeMissing, match=r"GRANT VIEW DEFINITION TO \[sa\]"),
        ):
            ADAPTER.read_tables(connection, "sho]p", 10)
