"""Whole capacity sessions over the doubles of a SQL Server and of a CDB, through the real drivers: stored is, to the
byte, what the doubles hold, and whatever befalls a read takes nothing away from what was stored before."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from capacity.models import DatabaseSizeStat, InstanceDatabase, InstanceSizeStat, SizePart
from instances.models import Instance
from sessions_app import engine, services
from sessions_app.models import InstanceCoverage, SyncInstanceRecord
from tests.dbms.conftest import oracle_certificate, trusted_ca  # noqa: F401 - fixtures
from tests.dbms.oracle.conftest import Scene
from tests.dbms.peers import Proxy
from tests.dbms.sqlserver.catalogue import Catalogue
from tests.dbms.sqlserver.subject import tls_context
from tests.instances.factories import CredentialFactory, InstanceFactory
from tests.twins.oracle.database import SYSTEM_BYTES, TEMP_BYTES, Database
from tests.twins.oracle.server import LineDropped as OracleLineDropped
from tests.twins.oracle.server import serving
from tests.twins.sqlserver.server import LineDropped, TdsError, TdsServer

pytestmark = pytest.mark.django_db

PASSWORD = "w4tch 'n\\ see;}"
PAGE = 8192
MANY = 300_000_000  # pages of 2.4 TB
ROWS, LOG = 0, 1
SALES, MILL = 3, 4
TB = 1024**4
EMPTY = SYSTEM_BYTES + TEMP_BYTES  # of a container of which nothing was said
LONG = 30  # seconds that nobody waits


@pytest.fixture(autouse=True)
def one_attempt(settings) -> None:
    settings.SYNC_ATTEMPTS = 1


def register(db_type: str, username: str, port: int, host: str = "127.0.0.1", **fields) -> None:
    InstanceFactory(
        db_type=db_type, host=host, port=port, credential=CredentialFactory(username=username, password=PASSWORD),
        **{"connect_timeout": 2, "statement_timeout": 1, **fields},
    )  # fmt: skip


def measure() -> SyncInstanceRecord:
    """The record of a session over the only instance, however it ended."""
    session = services.start_session(category="capacity", sync_type="manual_task", instances=Instance.objects.all())
    engine.run(session=session)
    return session.records.get()


def ended(record: SyncInstanceRecord) -> tuple[str, str, str]:
    return record.status, record.message_code, record.reason


def databases() -> dict[str, tuple]:
    """{name: (bytes, of them data, of them log, by which view)} of every database that is there."""
    rows = InstanceDatabase.objects.filter(is_active=True)
    return {row.database_name: (row.size_bytes, row.data_size_bytes, row.log_size_bytes, row.method) for row in rows}


def total() -> tuple[int, int, int, int, bool]:
    """(bytes, databases, hidden bytes, shared bytes, whether all were measured)."""
    names = ("total_size_bytes", "database_count", "hidden_size_bytes", "shared_size_bytes", "is_complete")
    return InstanceSizeStat.objects.values_list(*names).get()


def coverage() -> dict[str, tuple[str, str]]:
    rows = InstanceCoverage.objects.filter(sync_category="capacity")
    return {scope: (status, reason) for scope, status, reason in rows.values_list("scope", "status", "reason")}


def everything() -> list[tuple]:
    """All rows that a capacity session writes, but for what was unread."""
    models = (InstanceDatabase, DatabaseSizeStat, InstanceSizeStat, SizePart)
    return [tuple(row) for model in models for row in model.objects.order_by("pk").values_list()]


class TestSqlServer:
    @pytest.fixture
    def catalogue(self) -> Catalogue:
        """Large, small, of the server itself, grown since the start of the server, and offline."""
        catalogue = Catalogue()
        catalogue.login("watcher", password=PASSWORD)
        catalogue.databases["master"].files = {ROWS: 500, LOG: 250}
        catalogue.database("tempdb", id=2, files={ROWS: 8, LOG: 8}, own_files={ROWS: 1000, LOG: 200})
        catalogue.database("sho]p", files={ROWS: MANY, LOG: 50})
        catalogue.database("mill", files={ROWS: 40, LOG: 4})
        catalogue.database("attic", files={ROWS: 7, LOG: 3}, state=6, state_text="OFFLINE", has_access=0)
        return catalogue

    @pytest.fixture
    def town(self, catalogue) -> Iterator[Catalogue]:
        with TdsServer(catalogue) as server:
            register("sqlserver", "watcher", server.port)
            yield catalogue

    def test_what_the_server_holds_is_stored_to_the_byte(self, town):
        assert ended(measure()) == ("completed", "", "")
        assert databases() == {
            "master": (750 * PAGE, 500 * PAGE, 250 * PAGE, "master_files"),
            "tempdb": (1200 * PAGE, 1000 * PAGE, 200 * PAGE, "database_files"),
            "sho]p": ((MANY + 50) * PAGE, MANY * PAGE, 50 * PAGE, "master_files"),
            "mill": (44 * PAGE, 40 * PAGE, 4 * PAGE, "master_files"),
            "attic": (10 * PAGE, 7 * PAGE, 3 * PAGE, "master_files"),
        }
        assert total() == ((MANY + 50 + 44 + 10) * PAGE, 3, (750 + 1200) * PAGE, 0, True)
        assert coverage() == {"server": ("ok", "")}
        town.databases["mill"].files = {ROWS: 41, LOG: 5}
        del town.databases["attic"]
        measure()
        assert databases()["mill"] == (46 * PAGE, 41 * PAGE, 5 * PAGE, "master_files")
        assert "attic" not in databases()
        assert total()[:2] == ((MANY + 50 + 46) * PAGE, 2)

    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            ({"has_access": 0}, ("denied", "without VIEW ANY DEFINITION the files of a closed database are hidden")),
            ({"error": TdsError(916, "The principal is not able to access the database.")},
             ("denied", "The principal is not able to access the database.")),
            ({"error": lambda session: session.wait(LONG)}, ("timeout", "Query timeout expired")),
            ({"error": TdsError(823, "I/O error.")}, ("error", "I/O error.")),
        ],
        ids=["no access", "denied", "slow", "damaged"],
    )  # fmt: skip
    def test_a_database_that_cannot_be_measured_keeps_its_size(self, town, fault, expected):
        measure()
        before = databases()
        town.sees_definitions = 0  # so that each database has to tell of itself
        vars(town.databases["mill"]).update(fault)
        town.databases["sho]p"].files = {ROWS: MANY + 1, LOG: 50}
        assert ended(measure())[0] == "completed"
        assert coverage()["database:mill"] == expected
        assert databases()["sho]p"][0] == (MANY + 51) * PAGE
        assert {name: databases()[name] for name in ("mill", "attic")} == {
            name: before[name] for name in ("mill", "attic")
        }
        assert total()[:2] == ((MANY + 51 + 44 + 10) * PAGE, 3)
        assert not total()[-1]

    def test_a_line_that_drops_in_the_middle_changes_nothing(self, town):
        measure()
        before = everything()

        def drop(_session: object) -> None:
            raise LineDropped

        town.databases["tempdb"].error = drop
        town.databases["mill"].files = {ROWS: 1, LOG: 1}
        assert ended(measure()) == ("failed", "SYNC_DATA_ERROR", "protocol")
        assert everything() == before

    def test_a_session_over_verified_tls_shows_nothing_to_who_listens(self, catalogue, trusted_ca):  # noqa: F811
        with (
            TdsServer(catalogue, tls=tls_context(trusted_ca)) as server,
            Proxy((server.host, server.port)) as proxy,
        ):
            register("sqlserver", "watcher", proxy.port, proxy.host, tls_mode="verify", tls_ca=trusted_ca.pem)
            assert ended(measure())[0] == "completed"
            said = bytes(proxy.said)
        assert databases()["sho]p"][0] == (MANY + 50) * PAGE
        assert len(said) > 1000
        assert "whalefall".encode("utf-16-le") not in said


class TestOracle:
    def furnish(self, server) -> Scene:
        """A large pluggable database, one that is closed, and what belongs to both."""
        database = server.database
        for name in ("SALES", "mill house"):
            database.add_pdb(name)
        database.add_login("C##WATCHER", PASSWORD)
        database.grant_all_containers("C##WATCHER")
        database.add_file(SALES, "USERS", 2 * TB + 7, most=32 * TB)
        database.insert("segments", SALES, owner="app", segment_name="T", segment_type="TABLE", bytes=5 * TB)
        database.insert("v$log", 0, bytes=200, members=2)
        database.close_pdb(MILL)
        return Scene(server, "C##WATCHER")

    @pytest.fixture
    def town(self) -> Iterator[Scene]:
        with serving(Database(is_cdb=True)) as server:
            register("oracle", "C##WATCHER", server.port)
            yield self.furnish(server)

    def test_what_the_server_holds_is_stored_to_the_byte(self, town):
        assert ended(measure()) == ("completed", "", "")
        data = "cdb_data_files"
        assert databases() == {
            "CDB$ROOT": (EMPTY, SYSTEM_BYTES, None, data),
            "SALES": (2 * TB + 7 + EMPTY, 2 * TB + 7 + SYSTEM_BYTES, None, data),
            "mill house": (EMPTY, None, None, "v$datafile"),
        }
        assert total() == (2 * TB + 7 + 2 * EMPTY, 2, EMPTY, 400, True)
        assert coverage() == {"server": ("ok", "")}
        rows = SizePart.objects.exclude(name__in=("SYSTEM", "TEMP"))
        assert set(rows.values_list("kind", "database_name", "name", "size_bytes", "max_bytes")) == {
            ("tablespace", "SALES", "USERS", 2 * TB + 7, 32 * TB),
            ("schema", "SALES", "app", 5 * TB, None),
            ("shared", "", "redo logs", 400, None),
        }

    def test_a_closed_database_whose_files_nobody_can_tell_keeps_its_size(self, town):
        measure()
        before = databases()
        town.database.run("UPDATE all_v$datafile SET bytes = 0 WHERE con_id = ?", MILL)
        town.database.add_file(SALES, "USERS", 1000)
        assert ended(measure())[0] == "completed"
        assert coverage()["pdb:mill house"] == ("offline", "mounted")
        assert databases()["mill house"] == before["mill house"]
        assert databases()["SALES"][0] == before["SALES"][0] + 1000
        assert total() == (2 * TB + 1007 + 2 * EMPTY, 2, EMPTY, 400, True), "with what it was earlier on the day"

    @pytest.mark.parametrize(
        ("befall", "expected"),
        [
            (lambda town: town.hide("cdb_data_files"), ("denied", "no SELECT on SYS.CDB_DATA_FILES")),
            (lambda town: town.server.fault("cdb_data_files", lambda session: session.wait(LONG)), ("timeout", "")),
        ],
        ids=["denied", "slow"],
    )
    def test_a_view_that_cannot_be_read_is_told_and_the_control_file_measures(
        self, town, befall: Callable[[Scene], None], expected
    ):
        measure()
        befall(town)
        assert ended(measure())[0] == "completed"
        status, reason = coverage()["category:oracle_data_files"]
        assert status == expected[0]
        assert expected[1] in reason
        assert databases()["SALES"] == (2 * TB + 7 + EMPTY, None, None, "v$datafile")

    def test_a_login_that_sees_no_file_any_more_takes_nothing_away(self, town):
        measure()
        before, weighed = databases(), total()
        town.hide("cdb_data_files", "v$datafile")
        assert ended(measure())[0] == "completed"
        denied = ("denied", "no SELECT on SYS.CDB_DATA_FILES")
        assert (coverage()["category:oracle_data_files"], coverage()["pdb:SALES"]) == (denied, denied)
        assert (databases(), total()) == (before, weighed)

    def test_a_login_that_never_saw_a_file_is_told_what_it_lacks(self, town):
        town.hide("cdb_data_files", "v$datafile")
        record = measure()
        assert ended(record) == ("failed", "SYNC_DATA_ERROR", "unmeasured")
        assert "no SELECT on SYS.CDB_DATA_FILES" in record.error_message
        assert everything() == []

    def test_a_line_that_drops_in_the_middle_changes_nothing(self, town):
        measure()
        before = everything()
        town.server.fault("cdb_segments", OracleLineDropped())
        town.database.add_file(SALES, "USERS", 1000)
        assert ended(measure()) == ("failed", "SYNC_DATA_ERROR", "protocol")
        assert everything() == before

    def test_a_session_over_verified_tls_shows_nothing_to_who_listens(self, trusted_ca, oracle_certificate):  # noqa: F811
        with (
            serving(Database(is_cdb=True), tls=oracle_certificate) as server,
            Proxy(("127.0.0.1", server.port)) as proxy,
        ):
            self.furnish(server)
            register("oracle", "C##WATCHER", proxy.port, proxy.host, tls_mode="verify", tls_ca=trusted_ca.pem)
            assert ended(measure())[0] == "completed"
            said = bytes(proxy.said)
        assert databases()["SALES"][0] == 2 * TB + 7 + EMPTY
        assert len(said) > 1000
        assert b"whalefall" not in said
