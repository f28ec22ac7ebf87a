"""Every statement for Oracle, run on a CDB and on a database without containers, as three generations have them."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter

import pytest

from dbms import statements
from tests.twins import catalog
from tests.twins.catalog import TwinError, grammar
from tests.twins.catalog.oracle_sample import (
    DICTIONARY,
    INSTANCE,
    OBJECT_PRIVILEGES,
    OF_OUTLN_AND_DBA,
    SALES,
    SCHEMA_PRIVILEGES,
    VERSIONS,
    cdb,
    plain,
)
from tests.twins.catalog.oracle_storage import ALL_REDO_LOGS, PHYSICAL, SIZES, TABLE_SIZES

PACKAGE = "dbms.oracle"
OPEN_CONTAINERS = (1, 3)
PARAMETERS = {"database": "SALES"}
FIRST_WITH_SCHEMA_PRIVILEGES = (23,)
# Statements about the CDB itself, which are sent only there.
ABOUT_CONTAINERS = {"containers", "container_data", "pdbs"}


def of(rows, *columns):
    """Columns of the rows that a sample was filled with; None for what a row leaves out."""
    return [tuple(row.get(column) for column in columns) for row in rows]


def led_by(value, rows):
    return [(value, *row) for row in rows]


# What a dictionary holds without a condition: the view and the columns of it, without the number of the container.
WHOLE = {
    "users": (
        "DBA_USERS",
        *("USERNAME", "USER_ID", "ACCOUNT_STATUS", "LOCK_DATE", "EXPIRY_DATE", "PROFILE", "AUTHENTICATION_TYPE"),
        *("EXTERNAL_NAME", "PASSWORD_VERSIONS", "DEFAULT_TABLESPACE", "TEMPORARY_TABLESPACE", "PROXY_ONLY_CONNECT"),
        *("COMMON", "ORACLE_MAINTAINED"),
    ),
    "roles": ("DBA_ROLES", "ROLE", "AUTHENTICATION_TYPE", "COMMON", "ORACLE_MAINTAINED"),
    "role_grants": ("DBA_ROLE_PRIVS", "COMMON", "GRANTEE", "GRANTED_ROLE", "ADMIN_OPTION", "DEFAULT_ROLE"),
    "system_privileges": ("DBA_SYS_PRIVS", "COMMON", "GRANTEE", "PRIVILEGE", "ADMIN_OPTION"),
    "column_privileges": (
        *("DBA_COL_PRIVS", "COMMON", "GRANTEE", "OWNER", "TABLE_NAME", "COLUMN_NAME", "PRIVILEGE", "GRANTABLE"),
    ),
}
ON_OBJECT = ("COMMON", "GRANTEE", "OWNER", "TABLE_NAME", "TYPE", "PRIVILEGE", "GRANTABLE")
# What every container shows where the statement has a condition or counts.
SHOWN = {
    "schema_privileges": of(SCHEMA_PRIVILEGES, "COMMON", "GRANTEE", "SCHEMA", "PRIVILEGE", "ADMIN_OPTION"),
    "object_privileges": of(OBJECT_PRIVILEGES, *ON_OBJECT),
    "object_privileges_summarised": [
        ("NO", "APP_READ", "APP", "TABLE", "SELECT", "NO", 2),
        ("NO", "app", "APP", "PACKAGE", "EXECUTE", "YES", 1),
        ("NO", "PUBLIC", "app", "TABLE", "SELECT", "NO", 1),
        ("NO", "SYS", "ORDERS", "TABLE", "SELECT", "NO", 1),
        ("NO", "APP", "SYS", "VIEW", "SELECT", "NO", 1),
        ("YES", "ORDERS_ADMIN", "SYS", "DIRECTORY", "READ", "NO", 1),
        ("NO", "PUBLIC", "SYS", "PACKAGE", "EXECUTE", "NO", 1),
    ],
    "column_privileges_summarised": [
        ("NO", "app", "APP", "UPDATE", "YES", 2),
        ("NO", "APP_READ", "ORDERS", "INSERT", "NO", 1),
    ],
    "password_lock_times": [("DEFAULT", "1"), ("STRICT", "UNLIMITED")],
    "proxies": [
        ("YES", "APP", "ORDERS", None, "PROXY MAY ACTIVATE ALL CLIENT ROLES"),
        ("YES", "app", 'a"b', "APP_READ", "PROXY MAY ACTIVATE ROLE"),
    ],
    "quotas": [("NO", "APP", "USERS", -1), ("NO", "app", "USERS", 5_497_558_138_880)],
    **SIZES,
}
ONLY_IN_SALES = {
    "object_privileges": of(OF_OUTLN_AND_DBA, *ON_OBJECT),
    "object_privileges_summarised": [
        ("NO", "DBA", "SYS", "VIEW", "SELECT", "NO", 1),
        ("NO", "OUTLN", "SYS", "PACKAGE", "EXECUTE", "NO", 1),
        ("NO", "PUBLIC", "OUTLN", "TABLE", "SELECT", "NO", 1),
    ],
}
LOGINS = {"APP": dt.datetime(2024, 3, 1, 4, 30)}  # in UTC, when each last logged in
PASSWORD_FILE = of(INSTANCE["V$PWFILE_USERS"], "USERNAME", "SYSDBA", "SYSOPER", "SYSASM", "SYSBACKUP", "SYSDG", "SYSKM")


def expected(noun, version, *, is_cdb, now):
    """The rows of a statement; None where it is not sent."""
    if noun in ABOUT_CONTAINERS and not is_cdb:
        return None
    if noun == "schema_privileges" and version < FIRST_WITH_SCHEMA_PRIVILEGES:
        return None
    match noun:
        case "session":
            return [("C##MON", "1", "CDB$ROOT", now) if is_cdb else ("C##MON", "0", "ORCL", now)]
        case "containers":
            return of(INSTANCE["V$CONTAINERS"], "CON_ID", "OPEN_MODE", "RESTRICTED")
        case "container_data":
            return [("C##MON",)]
        case "physical_files":
            return PHYSICAL[is_cdb]
        case "redo_logs":
            return ALL_REDO_LOGS
        case "table_sizes":
            return largest_tables(is_cdb)
        case "pdbs":
            return [(3, "SALES"), (4, "CLOSED"), (5, "UPGRADING")]
        case "admin_privileges":
            containers = [row["CON_ID"] if is_cdb else 1 for row in INSTANCE["V$PWFILE_USERS"]]
            return [(number, "NO", *row) for number, row in zip(containers, PASSWORD_FILE, strict=True)]
    return [
        row for number in (OPEN_CONTAINERS if is_cdb else (1,)) for row in led_by(number, in_container(noun, number))
    ]


def largest_tables(is_cdb):
    """Those of SALES, in the root of a CDB."""
    return [row for row in TABLE_SIZES if is_cdb or row[1] != "ONLY HERE"]


def in_container(noun, number):
    if noun == "schema_sizes" and number == 3:
        return [(name, size + 93 * (name == "APP")) for name, size in SHOWN[noun]]
    if noun in WHOLE:
        view, *columns = WHOLE[noun]
        rows = of((SALES if number == 3 else DICTIONARY)[view], *columns)
        return [(*row, LOGINS.get(row[0])) for row in rows] if noun == "users" else rows
    return SHOWN[noun] + (ONLY_IN_SALES.get(noun, []) if number == 3 else [])


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: ".".join(map(str, version)))
def version(request):
    return request.param


@pytest.fixture(scope="module")
def instances(version):
    return {True: cdb(version), False: plain(version)}


@pytest.mark.parametrize("is_cdb", [True, False], ids=["cdb", "plain"])
@pytest.mark.parametrize("noun", sorted({statement.noun for statement in statements.load(PACKAGE)}))
def test_statement_returns_what_the_dictionary_holds(version, instances, noun, is_cdb):
    twin = instances[is_cdb]
    rows = expected(noun, version, is_cdb=is_cdb, now=twin.now)
    if rows is None:
        return
    text = statements.text(PACKAGE, noun, version, "cdb" if is_cdb else "")
    assert Counter(twin.rows(text, **PARAMETERS)) == Counter(rows)


@pytest.mark.parametrize("is_cdb", [True, False], ids=["cdb", "plain"])
def test_the_largest_tables_come_first(instances, is_cdb):
    text = statements.text(PACKAGE, "table_sizes", (19, 0), "cdb" if is_cdb else "")
    assert instances[is_cdb].rows(text, **PARAMETERS) == largest_tables(is_cdb)


def test_a_reader_in_a_pluggable_database_sees_that_one():
    twin = cdb((19, 0))
    twin.database("SALES", {"DBA_ROLES": [{"ROLE": "ONLY HERE"}]})
    twin.use("SALES")
    read = twin.rows(statements.text(PACKAGE, "roles", (19, 0)))
    assert Counter(read) == Counter([*led_by(1, in_container("roles", 3)), (1, "ONLY HERE", None, None, None)])


def test_a_view_that_is_not_granted_fails_only_the_statements_that_read_it():
    twin = cdb((19, 0))
    twin.withheld.add("CDB_TAB_PRIVS")
    failed = set()
    for statement in statements.load(PACKAGE):
        if statement.fork == "cdb" and statement.noun != "schema_privileges" and not statement.before:
            try:
                twin.rows(statement.text, **PARAMETERS)
            except TwinError:
                failed.add(statement.noun)
    assert failed == {"object_privileges", "object_privileges_summarised"}


@pytest.mark.parametrize("statement", statements.load(PACKAGE), ids=lambda statement: statement.filename)
class TestHeader:
    def test_statement_runs_on_the_first_version_that_it_names(self, statement):
        first = tuple(int(part) for part in statement.header["Since"].split("."))
        catalog.load("oracle", version=first).check(statement.text)

    def test_names_every_view_that_the_statement_reads(self, statement):
        twin = catalog.load("oracle")
        (query,) = grammar.parse(statement.text, twin.dialect, twin.computed.union(twin.functions))
        read = {table.name.upper().replace("V$", "V_$") for table in query.find_all(grammar.exp.Table)} - {"DUAL"}
        prefix = "CDB" if statement.fork == "cdb" else "DBA"
        users_and_roles = f"SYS.{prefix}_USERS SYS.{prefix}_ROLES"
        needs = statement.header["Needs"].replace("what users and roles need", users_and_roles)
        assert set(re.findall(r"SYS\.([\w$]+)", needs)) == read
