"""A twin refuses what a server would refuse, and what it could not show; the rest means what the server means."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.twins import catalog
from tests.twins.catalog import Conflict, Refused, TwinError, Undocumented, UnknownColumn, UnknownObject

NOON = dt.datetime(2024, 1, 2, 12, 0, 0)


def sql_server(**options):
    twin = catalog.load("sqlserver", **options)
    twin.server(
        {
            "sys.server_principals": [
                {"principal_id": 1, "name": "sa", "sid": b"\x01", "type": "S", "is_disabled": True},
                {"principal_id": 260, "name": "o'brien]x", "sid": b"\x06", "type": "S", "is_disabled": False},
            ],
            "sys.server_permissions": [
                {"class": 100, "major_id": 0, "grantee_principal_id": 260, "type": "CL", "state": "D"}
            ],
        }
    )
    twin.database("sales", {"sys.schemas": [{"name": "dbo", "schema_id": 1}]})
    twin.database("we]ird", {"sys.schemas": [{"name": "odd", "schema_id": 1}]})
    return twin


@pytest.fixture(scope="module")
def server():
    return sql_server()


@pytest.fixture(scope="module")
def oracle():
    return catalog.load("oracle", version=(19, 0))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("SELECT name FROM", TwinError),
        ("DROP LOGIN sa", Refused),
        ("SELECT p.loginname FROM sys.server_principals AS p", UnknownColumn),
        ("SELECT name FROM sys.server_principals p JOIN sys.databases d ON d.owner_sid = p.sid", UnknownColumn),
        ("SELECT name FROM sys.server_princpals", UnknownObject),
        ("SELECT name FROM server_principals", UnknownObject),
        ("SELECT name FROM [nowhere].sys.schemas", UnknownObject),
        ("SELECT * FROM sys.databases", Refused),
        ("SELECT DISTINCT d.name FROM sys.databases d", Refused),
        ("SELECT f.size / 128 FROM sys.master_files f", Refused),
        ("SELECT CONCAT(d.name, 'x') FROM sys.databases d", Refused),
        ("SELECT OBJECT_NAME(f.file_id) FROM sys.master_files f", Refused),
        ("SELECT d.name FROM sys.databases d WHERE d.name LIKE '[ms]%'", Refused),
        ("SELECT CAST(d.name AS nvarchar) FROM sys.databases d", Refused),
        ("SELECT d.name FROM sys.databases d UNION SELECT d.name FROM sys.databases d", Refused),
        ("SELECT SERVERPROPERTY('Edition') AS edition", Refused),
        ("SELECT MAX(d.is_read_only) FROM sys.databases d", Refused),
        ("SELECT p.name FROM sys.server_principals p WHERE p.type = 'SQL'", Undocumented),
        ("SELECT p.name FROM sys.server_principals p WHERE p.type IN ('S', 'V')", Undocumented),
        ("SELECT TOP (@row_limit) d.name FROM sys.databases d", TwinError),
    ],
)
def test_sql_server_text_that_is_wrong_is_refused(server, text, error):
    with pytest.raises(error):
        server.run(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT d.name FROM sys.databases d UNION ALL SELECT p.name FROM sys.server_principals p",
        "SELECT 'x' AS a UNION ALL SELECT COALESCE(p.type_desc, p.type) FROM sys.server_principals p",
        "SELECT a.name FROM [sales].sys.schemas a JOIN [we]]ird].sys.schemas b ON a.name = b.name",
        "SELECT a.name FROM sales.sys.schemas a JOIN sys.server_principals b ON a.name = b.name",
        "SELECT p.name FROM sys.server_principals p WHERE p.name = p.type_desc",
        "SELECT COALESCE(p.name, p.type_desc) AS x FROM sys.server_principals p",
        "SELECT CASE WHEN p.is_disabled = 1 THEN p.name ELSE p.type_desc END AS x FROM sys.server_principals p",
        "SELECT x.n FROM (SELECT a.name AS n FROM sales.sys.schemas a) x JOIN sys.databases d ON d.name = x.n",
    ],
)
def test_texts_of_several_collations_meet_only_under_collate(server, text):
    with pytest.raises(Conflict):
        server.run(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT d.name COLLATE DATABASE_DEFAULT AS n FROM sys.databases d"
        " UNION ALL SELECT p.name COLLATE DATABASE_DEFAULT FROM sys.server_principals p",
        "SELECT COALESCE(d.name, p.name) AS n FROM sys.databases d JOIN sys.server_principals p ON p.sid = d.owner_sid",
        "SELECT CASE WHEN p.type_desc = 'X' THEN p.name END AS n FROM sys.server_principals p",
        "SELECT s.name FROM sales.sys.schemas s"
        " WHERE EXISTS (SELECT 1 FROM sys.server_principals p WHERE p.principal_id = s.principal_id)",
    ],
)
def test_texts_of_one_collation_may_meet(server, text):
    server.check(text)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("SELECT u.usename FROM dba_users u", UnknownColumn),
        ("SELECT u.username FROM dba_user u", UnknownObject),
        ("SELECT u.username FROM scott.dba_users u", UnknownObject),
        ("SELECT u.password FROM dba_users u", UnknownColumn),
        ("SELECT u.username || 'x' FROM dba_users u", Refused),
        ("SELECT u.username FROM dba_users u WHERE u.profile <> ''", Refused),
        ("SELECT u.username FROM dba_users u, dba_roles r WHERE u.username = r.role (+)", Refused),
        ("SELECT r.grantee FROM dba_role_privs r CONNECT BY r.granted_role = PRIOR r.grantee", Refused),
        ("SELECT LISTAGG(r.grantee, ',') WITHIN GROUP (ORDER BY r.grantee) FROM dba_role_privs r", Refused),
        ("SELECT u.username FROM dba_users u WHERE u.oracle_maintained = 'YES'", Undocumented),
        ("SELECT u.username FROM dba_users u WHERE u.account_status = 'locked'", Undocumented),
    ],
)
def test_oracle_text_that_is_wrong_is_refused(oracle, text, error):
    with pytest.raises(error):
        oracle.run(text)


@pytest.mark.parametrize(
    ("db_type", "text", "too_old", "first"),
    [
        ("sqlserver", "SELECT d.is_query_store_on FROM sys.databases d", (2014,), (2016,)),
        ("sqlserver", "SELECT d.is_ledger_on FROM sys.databases d", (15, 0, 4153), (16, 0)),
        ("oracle", "SELECT p.delegate_option FROM dba_role_privs p", (12, 1, 0, 1), (12, 1, 0, 2)),
        ("oracle", "SELECT u.inherited FROM dba_users u", (12, 1, 0, 2), (12, 2)),
        ("oracle", "SELECT i.version_full FROM v$instance i", (12, 2), (18,)),
        ("oracle", "SELECT p.con_id FROM cdb_schema_privs p", (21,), (23,)),
    ],
)
def test_a_column_is_known_from_its_first_version_on(db_type, text, too_old, first):
    catalog.load(db_type, version=first).check(text)
    with pytest.raises((UnknownColumn, UnknownObject)):
        catalog.load(db_type, version=too_old).check(text)


def test_a_view_that_is_kept_from_the_reader_is_unknown():
    twin = catalog.load("oracle")
    twin.check("SELECT p.grantee FROM dba_tab_privs p")
    twin.withheld.add("DBA_TAB_PRIVS")
    with pytest.raises(UnknownObject, match="ORA-00942"):
        twin.check("SELECT p.grantee FROM dba_tab_privs p")


def test_a_row_that_no_server_could_hold_is_refused():
    twin = catalog.load("sqlserver", version=(2012,))
    with pytest.raises(Undocumented):
        twin.server({"sys.server_principals": [{"name": "x", "type": "Z"}]})
    with pytest.raises(UnknownColumn):
        twin.server({"sys.databases": [{"name": "x", "is_query_store_on": True}]})


def test_rows_come_back_as_stored_with_codes_padded_and_described(server):
    assert server.rows("SELECT p.name, p.type_desc, p.is_disabled, p.sid FROM sys.server_principals p ORDER BY 1") == [
        ("o'brien]x", "SQL_LOGIN", False, b"\x06"),
        ("sa", "SQL_LOGIN", True, b"\x01"),
    ]
    permissions = "SELECT p.type, p.class_desc, p.state_desc FROM sys.server_permissions p WHERE p.type = 'CL'"
    assert server.rows(permissions) == [("CL  ", "SERVER", "DENY")]
    assert server.rows(permissions.replace("= 'CL'", "IN (N'CL', 'IM')")) == [("CL  ", "SERVER", "DENY")]


def test_names_are_read_in_the_database_that_they_are_asked_of(server):
    assert server.rows("SELECT s.name FROM [we]]ird].sys.schemas AS s") == [("odd",)]
    assert server.rows("SELECT s.name FROM sys.schemas AS s") == []
    server.use("SALES")
    assert server.rows("SELECT s.name FROM sys.schemas AS s") == [("dbo",)]
    assert len(server.rows("SELECT p.name FROM sys.server_principals AS p")) == 2
    server.use("master")


def test_a_batch_has_a_result_for_each_statement(server):
    results = server.run("SELECT s.name FROM sales.sys.schemas s;\nSELECT s.name FROM [we]]ird].sys.schemas s;")
    assert [result.rows for result in results] == [[("dbo",)], [("odd",)]]
    assert results[0].columns == (("name", "VARCHAR"),)


def test_letter_case_counts_only_under_a_case_sensitive_collation():
    query = "SELECT p.name FROM sys.server_principals p WHERE p.name = 'SA'"
    assert sql_server().rows(query) == [("sa",)]
    strict = sql_server(case_sensitive=True)
    assert strict.rows(query) == []
    strict.database("Sales", {"sys.schemas": [{"name": "DBO", "schema_id": 1}]})
    assert strict.rows("SELECT s.name FROM Sales.sys.schemas s") == [("DBO",)]
    assert strict.rows("SELECT s.name FROM sales.sys.schemas s") == [("dbo",)]


def test_functions_answer_what_the_test_set_and_null_otherwise():
    twin = sql_server()
    twin.answer("HAS_PERMS_BY_NAME", None, None, "VIEW ANY DEFINITION", value=1)
    twin.answer("LOGINPROPERTY", "sa", "PasswordLastSetTime", value=NOON)
    asked = "SELECT HAS_PERMS_BY_NAME(NULL, NULL, '{}') AS x"
    assert twin.rows(asked.format("VIEW ANY DEFINITION")) == [(1,)]
    assert twin.rows(asked.format("CONTROL SERVER")) == [(None,)]
    set_at = "CAST(LOGINPROPERTY(p.name, 'PasswordLastSetTime') AS datetime)"
    logins = f"SELECT p.name, {set_at} AS x FROM sys.server_principals p ORDER BY p.principal_id"
    assert twin.rows(logins) == [("sa", NOON), ("o'brien]x", None)]
    assert twin.rows("SELECT QUOTENAME('we]ird') AS x") == [("[we]]ird]",)]
    with pytest.raises(Undocumented):
        twin.answer("LOGINPROPERTY", "sa", value=1)


@pytest.mark.parametrize("mark", ["?", "@row_limit", "%(row_limit)s"])
def test_parameters_are_bound_however_they_are_written(server, mark):
    text = f"SELECT TOP ({mark}) p.name FROM sys.server_principals p WHERE p.name <> '?' ORDER BY p.principal_id"
    values, named = ([1], {}) if mark == "?" else ([], {"row_limit": 1})
    assert server.rows(text, *values, **named) == [("sa",)]


def test_question_marks_are_counted_in_the_order_of_the_text(server):
    text = "SELECT p.name FROM sys.server_principals p WHERE p.principal_id > ? AND p.principal_id < ?"
    assert server.rows(text, 1, 300) == [("o'brien]x",)]


def test_a_sum_of_pages_keeps_all_its_digits(server):
    server.server({"sys.master_files": [{"database_id": 5, "file_id": 1, "type": 0, "size": 300_000_000}]})
    assert server.rows("SELECT SUM(CAST(f.size AS bigint)) * 8192 AS bytes FROM sys.master_files f") == [
        (2_457_600_000_000,)
    ]


class TestContainers:
    @pytest.fixture(scope="class")
    def cdb(self):
        twin = catalog.load("oracle", version=(19, 0))
        twin.server({"DBA_ROLES": [{"ROLE": "C##AUDIT", "COMMON": "YES"}]})
        twin.database("PDB1", {"DBA_ROLES": [{"ROLE": "Reader", "COMMON": "NO"}]}, con_id=3)
        twin.database("PDB2", {"DBA_ROLES": [{"ROLE": "READER", "COMMON": "NO"}]}, con_id=4)
        return twin

    QUERY = "SELECT r.con_id, r.role FROM cdb_roles r ORDER BY r.con_id"

    def test_the_root_shows_those_that_its_reader_may_see(self, cdb):
        assert cdb.rows(self.QUERY) == [(1, "C##AUDIT"), (3, "Reader"), (4, "READER")]
        cdb.visible.discard("PDB2")
        assert cdb.rows(self.QUERY) == [(1, "C##AUDIT"), (3, "Reader")]

    def test_a_container_shows_itself_alone(self, cdb):
        cdb.use("PDB1")
        assert cdb.rows(self.QUERY) == [(3, "Reader")]
        assert cdb.rows("SELECT r.role FROM sys.dba_roles r") == [("Reader",)]
        cdb.use("CDB$ROOT")

    def test_rows_are_limited_by_fetch_first(self, cdb):
        assert cdb.rows(f"{self.QUERY} FETCH FIRST :row_limit ROWS ONLY", row_limit=1) == [(1, "C##AUDIT")]


def test_oracle_dates_keep_their_time_and_numbers_their_digits():
    twin = catalog.load("oracle")
    twin.server({"DBA_USERS": [{"USERNAME": 'a"b', "USER_ID": 10**30, "CREATED": NOON}]})
    assert twin.rows("SELECT u.username, u.user_id, u.created FROM dba_users u") == [('a"b', 10**30, NOON)]
