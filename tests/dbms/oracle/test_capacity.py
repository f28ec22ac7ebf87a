"""What each container takes on disk, and its tablespaces, schemas and largest tables."""

from __future__ import annotations

import pytest

from dbms.oracle import adapter
from dbms.sizes import DatabaseSize, SizePart, TableSize
from dbms.snapshots import DATABASE_LIST, SERVER
from tests.dbms.oracle.conftest import covered
from tests.twins.oracle.database import SYSTEM_BYTES, TEMP_BYTES
from tests.twins.oracle.errors import LineDropped, OracleError
from whalefall.errors import DatabaseClosed, DatabaseMissing, PrivilegeMissing, ProtocolViolation

SEED, SALES, PLAYGROUND = 2, 3, 4
TB = 1024**4
EMPTY = SYSTEM_BYTES + TEMP_BYTES


def sizes(snapshot) -> dict[str, DatabaseSize]:
    return {database.name: database for database in snapshot.databases}


def parts(snapshot, kind: str) -> dict[tuple[str, str], SizePart]:
    return {(part.database, part.name): part for part in snapshot.parts if part.kind == kind}


class TestWithoutContainers:
    def test_the_database_itself_is_the_one_that_is_measured(self, scene):
        database = scene.database
        database.add_file(0, "USERS", 2 * TB, most=32 * TB)
        database.add_file(0, "USERS", 1 * TB)
        database.add_file(0, "UNDOTBS1", 5 * TB, contents="UNDO")
        snapshot = scene.capacity()
        assert snapshot.databases == (
            DatabaseSize(
                name="ORCL",
                size_bytes=8 * TB + EMPTY,
                data_size_bytes=3 * TB + SYSTEM_BYTES,
                log_size_bytes=None,
                method="dba_data_files",
            ),
        )
        (server,) = snapshot.coverage
        assert (server.scope, server.status, server.reason, server.categories) == (SERVER, "ok", "", (DATABASE_LIST,))

    def test_tablespaces_say_what_is_used_in_their_own_blocks_and_how_far_they_may_grow(self, scene):
        database = scene.database
        database.add_file(0, 'a"b', 2 * TB, most=32 * TB, block=16384)
        database.add_file(0, 'a"b', 1 * TB)
        database.add_file(0, "Small", 64, most=32)
        database.insert("tablespace_usage_metrics", 0, tablespace_name='a"b', used_space=10**8, tablespace_size=10**12)
        found = parts(scene.capacity(), "tablespace")
        assert found["ORCL", 'a"b'] == SizePart(
            kind="tablespace", database="ORCL", name='a"b', size_bytes=3 * TB, used_bytes=16384 * 10**8,
            max_bytes=33 * TB,
        )  # fmt: skip
        assert found["ORCL", "Small"].max_bytes == 64
        assert found["ORCL", "TEMP"] == SizePart(
            kind="tablespace", database="ORCL", name="TEMP", size_bytes=TEMP_BYTES, max_bytes=TEMP_BYTES
        )

    def test_schemas_are_the_sums_of_their_segments(self, scene):
        for owner, size in (("APP", 3 * TB), ("APP", 1), ("app", 2)):
            scene.database.insert("segments", 0, owner=owner, segment_name="T", segment_type="TABLE", bytes=size)
        found = parts(scene.capacity(), "schema")
        assert {place: part.size_bytes for place, part in found.items()} == {
            ("ORCL", "APP"): 3 * TB + 1,
            ("ORCL", "app"): 2,
        }

    def test_redo_logs_are_shared_and_count_every_member(self, scene):
        scene.database.insert("v$log", 0, bytes=200, members=2)
        scene.database.insert("v$log", 0, bytes=50, members=3)
        (part,) = [part for part in scene.capacity().parts if part.kind == "shared"]
        assert part == SizePart(kind="shared", name="redo logs", size_bytes=550)

    def test_an_offline_file_is_measured_by_the_control_file(self, scene):
        scene.database.add_file(0, "USERS", None)
        scene.database.run("UPDATE all_v$datafile SET bytes = ? WHERE bytes = 0", TB)
        database = sizes(scene.capacity())["ORCL"]
        assert (database.size_bytes, database.data_size_bytes, database.method) == (TB + EMPTY, None, "v$datafile")

    def test_a_file_that_nobody_can_access_is_a_gap_and_no_smaller_size(self, scene):
        scene.database.add_file(0, "USERS", 2 * TB)
        scene.database.add_file(0, "USERS", None)
        snapshot = scene.capacity()
        assert sizes(snapshot)["ORCL"].size_bytes is None
        assert set(parts(snapshot, "tablespace")) == {("ORCL", "SYSTEM"), ("ORCL", "TEMP")}
        assert covered(snapshot)["database:ORCL"] == ("error", "not all of its files can be accessed")


class TestContainers:
    def test_are_measured_each_with_the_root_and_the_template(self, cdb):
        cdb.database.add_file(SALES, "USERS", 3 * TB)
        cdb.database.run("INSERT INTO all_containers VALUES (2, 'PDB$SEED', 'READ ONLY', 'NO')")
        cdb.database.insert("v$datafile", SEED, bytes=700)
        snapshot = cdb.capacity()
        assert {name: (found.size_bytes, found.is_system, found.method) for name, found in sizes(snapshot).items()} == {
            "CDB$ROOT": (EMPTY, True, "cdb_data_files"),
            "PDB$SEED": (700, True, "v$datafile"),
            "SALES": (3 * TB + EMPTY, False, "cdb_data_files"),
            "Play ground": (EMPTY, False, "cdb_data_files"),
        }
        assert [part.scope for part in snapshot.coverage] == [SERVER]
        assert snapshot.coverage[0].categories == (DATABASE_LIST,)
        assert parts(snapshot, "tablespace")["SALES", "USERS"].size_bytes == 3 * TB

    @pytest.mark.parametrize(
        ("mode", "restricted"), [("MOUNTED", None), ("READ WRITE", "YES")], ids=["closed", "restricted"]
    )
    def test_that_show_no_dictionary_are_measured_by_the_control_file(self, cdb, mode, restricted):
        cdb.database.close_pdb(SALES, open_mode=mode, restricted=restricted)
        snapshot = cdb.capacity()
        assert sizes(snapshot)["SALES"] == DatabaseSize(name="SALES", size_bytes=EMPTY, method="v$datafile")
        assert [part.scope for part in snapshot.coverage] == [SERVER]

    @pytest.mark.parametrize(
        ("mode", "restricted", "expected"),
        [
            ("MOUNTED", None, ("offline", "mounted")),
            ("READ WRITE", "YES", ("offline", "open in restricted mode only")),
        ],
    )
    def test_whose_files_are_unknown_too_exist_without_a_size_for_a_reason(self, cdb, mode, restricted, expected):
        cdb.database.close_pdb(SALES, open_mode=mode, restricted=restricted)
        cdb.database.run("UPDATE all_v$datafile SET bytes = 0 WHERE con_id = ?", SALES)
        snapshot = cdb.capacity()
        assert sizes(snapshot)["SALES"] == DatabaseSize(name="SALES", size_bytes=None)
        assert covered(snapshot)["pdb:SALES"] == expected

    def test_outside_of_the_logins_container_data_are_denied_and_what_helps_is_told(self, cdb):
        cdb.database.logins["C##MONITOR", 1].containers = {SALES}
        cdb.database.run("DELETE FROM dba_container_data")
        cdb.database.run("INSERT INTO all_containers VALUES (2, 'PDB$SEED', 'READ ONLY', 'NO')")
        snapshot = cdb.capacity()
        assert covered(snapshot)["pdb:PDB$SEED"] == covered(snapshot)["pdb:Play ground"]
        assert sizes(snapshot)["Play ground"].size_bytes is None
        assert covered(snapshot)["pdb:Play ground"] == ("denied", "not in the CONTAINER_DATA of the monitoring account")
        assert sizes(snapshot)["SALES"].size_bytes == EMPTY
        assert snapshot.coverage[0].categories == ()
        assert adapter.capacity_grants(snapshot, "") == (
            'ALTER USER "C##MONITOR" SET CONTAINER_DATA=ALL CONTAINER=CURRENT',
        )

    def test_read_by_themselves_are_one_database_without_what_is_shared(self, cdb):
        cdb.database.add_login("APP", "geheim", con_id=SALES)
        cdb.database.insert("v$datafile", 0, bytes=10**9)  # the undo that all have in common
        cdb.database.add_file(SALES, "USERS", None)
        cdb.database.run("UPDATE all_v$datafile SET bytes = 7 WHERE bytes = 0")
        snapshot = cdb.capacity(username="APP", database="sales")
        assert snapshot.databases == (DatabaseSize(name="SALES", size_bytes=EMPTY + 7, method="v$datafile"),)

    def test_cost_no_statement_each(self, cdb):
        def sent() -> int:
            with adapter.connect(cdb.target()) as connection:
                adapter.read_capacity(connection)
                return connection.statements

        few = sent()
        for number in range(20):
            cdb.database.add_pdb(f"P{number}")
        assert sent() == few


class TestMissingGrants:
    @pytest.mark.parametrize(
        ("view", "noun", "needed"),
        [
            ("dba_tablespaces", "tablespaces", ["SYS.DBA_TABLESPACES"]),
            ("dba_tablespace_usage_metrics", "tablespace_usage", ["SYS.DBA_TABLESPACE_USAGE_METRICS"]),
            ("dba_segments", "schema_sizes", ["SYS.DBA_SEGMENTS"]),
            ("v$log", "redo_logs", ["SYS.V_$LOG"]),
            ("v$tempfile", "physical_files", ["SYS.V_$DATAFILE", "SYS.V_$TEMPFILE"]),
        ],
    )
    def test_on_parts_cost_these_alone_and_are_named(self, scene, view, noun, needed):
        scene.hide(view)
        snapshot = scene.capacity()
        assert covered(snapshot) == {
            SERVER: ("ok", ""),
            f"category:oracle_{noun}": ("denied", f"no SELECT on {', '.join(needed)}"),
        }
        assert sizes(snapshot)["ORCL"].size_bytes == EMPTY
        assert adapter.capacity_grants(snapshot, "") == tuple(f'GRANT SELECT ON {one} TO "MONITOR"' for one in needed)

    @pytest.mark.parametrize("view", ["data_files", "temp_files"])
    def test_on_files_are_made_up_for_by_the_control_file(self, scene, view):
        scene.hide(f"dba_{view}")
        snapshot = scene.capacity()
        assert sizes(snapshot)["ORCL"] == DatabaseSize(name="ORCL", size_bytes=EMPTY, method="v$datafile")
        assert covered(snapshot)[f"category:oracle_{view}"][0] == "denied"

    @pytest.mark.parametrize("view", ["data_files", "temp_files"])
    def test_on_files_and_the_control_file_leave_a_gap_with_its_reason(self, cdb, view):
        cdb.hide(f"cdb_{view}", "v$datafile")
        snapshot = cdb.capacity()
        reason = ("denied", f"no SELECT on SYS.CDB_{view.upper()}")
        assert {found.size_bytes for found in snapshot.databases} == {None}
        assert {covered(snapshot)[f"pdb:{name}"] for name in ("CDB$ROOT", "SALES", "Play ground")} == {reason}
        assert adapter.capacity_grants(snapshot, "") == tuple(
            f'GRANT SELECT ON SYS.{one} TO "C##MONITOR"'
            for one in (f"CDB_{view.upper()}", "V_$DATAFILE", "V_$TEMPFILE")
        )


class TestFailures:
    def test_of_a_slow_statement_about_segments_cost_the_schemas_alone(self, scene):
        scene.database.insert("segments", 0, owner="APP", segment_name="T", segment_type="TABLE", bytes=1)
        scene.server.fault("dba_segments", lambda session: session.wait(60))
        snapshot = scene.capacity(statement_timeout=1)
        assert covered(snapshot)["category:oracle_schema_sizes"][0] == "timeout"
        assert sizes(snapshot)["ORCL"].size_bytes == EMPTY
        assert parts(snapshot, "schema") == {}

    def test_of_one_statement_are_told_in_its_own_words(self, scene):
        scene.server.fault("dba_temp_files", OracleError(1157, "cannot identify/lock data file 201"))
        status, reason = covered(scene.capacity())["category:oracle_temp_files"]
        assert status == "error"
        assert "ORA-01157" in reason

    def test_of_a_closed_wallet_are_no_missing_grant(self, scene):
        scene.server.fault("dba_data_files", OracleError(28365, "wallet is not open"))
        snapshot = scene.capacity()
        status, reason = covered(snapshot)["category:oracle_data_files"]
        assert status == "error"
        assert "ORA-28365" in reason
        assert adapter.capacity_grants(snapshot, "") == ()

    def test_of_the_line_fail_the_read(self, scene):
        scene.server.fault("v\\$log", LineDropped())
        with pytest.raises(ProtocolViolation):
            scene.capacity()


class TestTables:
    def stored(self, database, con_id: int) -> None:
        for name, kind, size in (
            ("T", "TABLE", 3 * TB), ("T", "INDEX", 10), ("P", "TABLE PARTITION", 5), ("P", "TABLE PARTITION", 6),
            ("SYS_LOB1", "LOBSEGMENT", 100), ("SYS_IL1", "LOBINDEX", 1), ("PK_C", "INDEX", 70), ("U", "TYPE2 UNDO", 9),
        ):  # fmt: skip
            database.insert("segments", con_id, owner="App", segment_name=name, segment_type=kind, bytes=size)
        for name, kind, table in (("T", "NORMAL", "T"), ("SYS_IL1", "LOB", "P"), ("PK_C", "IOT - TOP", "C")):
            database.insert("indexes", con_id, owner="App", index_name=name, index_type=kind, table_owner="App",
                            table_name=table)  # fmt: skip
        database.insert("lobs", con_id, owner="App", table_name="P", segment_name="SYS_LOB1", index_name="SYS_IL1")
        database.insert("tables", con_id, owner="App", table_name="T", num_rows=10**12)

    def expected(self) -> list[TableSize]:
        return [
            TableSize(
                schema="App", name=name, size_bytes=data + index, data_size_bytes=data, index_size_bytes=index,
                row_estimate=rows,
            )
            for name, data, index, rows in (("T", 3 * TB, 10, 10**12), ("P", 111, 1, None), ("C", 70, 0, None))
        ]  # fmt: skip

    def test_come_with_their_partitions_indexes_and_large_objects_the_largest_first(self, scene):
        self.stored(scene.database, 0)
        assert scene.tables("ORCL") == self.expected()
        assert scene.tables("ORCL", most=2) == self.expected()[:2]

    def test_of_a_pluggable_database_are_read_from_the_root(self, cdb):
        self.stored(cdb.database, SALES)
        assert cdb.tables("SALES") == self.expected()
        assert cdb.tables("CDB$ROOT") == cdb.tables("Play ground") == []

    def test_of_a_pluggable_database_that_shows_nothing_are_not_said_to_be_none(self, cdb):
        cdb.database.close_pdb(SALES)
        with pytest.raises(DatabaseClosed) as caught:
            cdb.tables("SALES")
        assert caught.value.params["statement"] == "ALTER PLUGGABLE DATABASE SALES OPEN"
        cdb.database.logins["C##MONITOR", 1].containers = {SALES}
        for name in ("Play ground", "no such one"):
            with pytest.raises(DatabaseMissing):
                cdb.tables(name)

    def test_of_another_database_cannot_be_read_from_within_one(self, scene):
        with pytest.raises(DatabaseMissing):
            scene.tables("OTHER")

    def test_that_may_not_be_read_say_what_helps(self, scene):
        scene.hide("dba_lobs")
        with pytest.raises(PrivilegeMissing) as caught:
            scene.tables("ORCL")
        assert 'GRANT SELECT ON SYS.DBA_LOBS TO "MONITOR"' in caught.value.params["detail"]
