"""Every statement for SQL Server, run on a catalogue full of traps, as servers of three generations have it."""

from __future__ import annotations

from collections import Counter

import pytest

from dbms import statements
from tests.twins import catalog
from tests.twins.catalog.sqlserver_sample import APP, DATABASE, GONE, NUMBERS, ODD, QUOTED, SA, SALES, UPPER, sample

PACKAGE = "dbms.sqlserver"
YEARS = sorted(NUMBERS)
EDITION = "Enterprise Edition: Core-based Licensing (64-bit)"


def permission(grantee, class_, word, name, state, major, schema=None, securable=None, column_id=0, column=None):
    return (grantee, class_, word, name, state, major, schema, securable, column_id, column)


def on_object(grantee, name, state, major, schema, securable, column_id=0, column=None):
    return permission(grantee, 1, "OBJECT_OR_COLUMN", name, state, major, schema, securable, column_id, column)


def summarised(grantee, class_, word, name, state, major, schema=None, securable=None, *, columns=0, number=1):
    return (grantee, class_, word, name, state, major, schema, securable, columns, number)


def objects(grantee, name, state, schema, *, columns=0, number=1):
    return summarised(grantee, 1, "OBJECT_OR_COLUMN", name, state, None, schema, columns=columns, number=number)


def server(year):
    security = 1 if year >= 2022 else None
    return [(NUMBERS[year], EDITION, 3, 1, security, 0, "DOM\\monitor", "master")]


def databases(year):
    security = 1 if year >= 2022 else None
    return [
        (1, "master", 0, "ONLINE", None, False, SA, False, 1, 1, security),
        (5, SALES, 0, "ONLINE", None, False, APP, True, 1, 0, security),
        (6, ODD, 0, "ONLINE", None, False, None, False, 0, 1, security),
        (7, "Sales", 6, "OFFLINE", None, False, GONE, False, None, None, None),
        (8, "distribution", 0, "ONLINE", None, True, SA, False, None, None, None),
        (10, "sales before", 0, "ONLINE", 5, False, APP, False, None, None, None),
    ]


OTHERS = [
    permission(5, 0, "DATABASE", "CONNECT", "G", 0),
    permission(6, 0, "DATABASE", "CONNECT", "D", 0),
    permission(0, 0, "DATABASE", "VIEW ANY COLUMN ENCRYPTION KEY DEFINITION", "G", 0),
    permission(6, 3, "SCHEMA", "SELECT", "G", 5, "shop"),
    permission(7, 4, "DATABASE_PRINCIPAL", "IMPERSONATE", "G", 5, None, "rep_user"),
    permission(7, 5, "ASSEMBLY", "CONTROL", "G", 5, None, "clr lib"),
    permission(7, 6, "TYPE", "REFERENCES", "G", 5, "dbo", "money type"),
    permission(7, 24, "SYMMETRIC_KEYS", "CONTROL", "G", 5, None, "sym key"),
    permission(7, 25, "CERTIFICATE", "CONTROL", "D", 5, None, "cert"),
    permission(7, 26, "ASYMMETRIC_KEY", "CONTROL", "W", 5, None, "asym key"),
    permission(7, 10, "XML_SCHEMA_COLLECTION", "EXECUTE", "G", 5, "dbo", "xml] set"),
    permission(7, 15, "MESSAGE_TYPE", "VIEW DEFINITION", "G", 5),
    permission(7, 16, "SERVICE_CONTRACT", "VIEW DEFINITION", "G", 5),
    permission(7, 17, "SERVICE", "VIEW DEFINITION", "G", 5),
    permission(7, 18, "REMOTE_SERVICE_BINDING", "VIEW DEFINITION", "G", 5),
    permission(7, 19, "ROUTE", "VIEW DEFINITION", "G", 5),
    permission(7, 23, "FULLTEXT_CATALOG", "VIEW DEFINITION", "G", 5, None, "ft catalog"),
    permission(7, 17, "SERVICE", "SEND", "G", 6),
]
BROKER = {15: "//msg/Type", 16: "//msg/Contract", 17: "//msg/Service", 18: "binding", 19: "route"}
# What each statement returns from the sample; what depends on the version is a function of it.
EXPECTED = {
    "server": server,
    "databases": databases,
    "database_files": [(1, "master"), (5, SALES), (7, "Sales"), (9, None)],
    "file_sizes": [
        (1, "master", 0, 512),
        (1, "master", 1, 128),
        (5, SALES, 0, 300_000_008),
        (5, SALES, 1, 1000),
        (5, SALES, 2, 0),
        (7, "Sales", 0, 64),
        (9, None, 0, 64),
    ],
    "database_sizes": [(0, 600_000_000), (1, 64), (2, 128)],
    "sizes_on_disk": [(5, 300_000_000 * 8192), (9, 64 * 8192), (10, 3 * 65536 + 2**40)],
    # Counts of a partition in the order of the view are 1, 2, 4 … 256 pages and 1000 rows, times what stands here.
    "database_tables": [
        (
            "Shop",
            "or]ders",
            300_000_004 * 256,
            300_000_003 * 41,
            300_000_004 * 128,
            300_000_003_000,
        ),
        ("shop", "o'brien", (5 + 7 + 11) * 256, 5 * 41, (5 + 7 + 11) * 128, 5000),
        ("shop", "O'Brien", 13 * 256, 13 * 41, 13 * 128, 13_000),
    ],
    "azure_logins": [
        (1, "sa", SA, True),
        (257, "app", APP, False),
        (258, "APP", UPPER, False),
        (259, "o'brien]x", QUOTED, False),
    ],
    "principals": [
        (1, "sa", SA, "S", True, False, "master", False, False, None, None, None, None),
        (2, "public", b"\x00R2", "R", False, False, "master", None, None, None, None, None, None),
        (3, "sysadmin", b"\x00R3", "R", False, True, "master", None, None, None, None, None, None),
        (4, "securityadmin", b"\x00R4", "R", False, True, "master", None, None, None, None, None, None),
        (257, "app", APP, "S", False, False, SALES, True, False, 1, 0, 0, None),
        (258, "APP", UPPER, "S", False, False, "master", True, True, 0, 1, 1, 30),
        (259, "o'brien]x", QUOTED, "S", False, False, ODD, False, True, 0, None, None, None),
        (260, "DOM\\dba", b"\x05G", "G", False, False, "master", None, None, None, None, None, None),
        (261, "audit role", b"\x00R261", "R", False, False, "master", None, None, None, None, None, None),
        (262, "##MS_AgentSigningCertificate##", None, "C", False, False, "master", *[None] * 6),
    ],
    "server_roles": [(3, 1), (3, 260), (261, 257), (4, 261)],
    "server_permissions": [
        (257, 100, "SERVER", "CONNECT SQL", "G", 0, None),
        (260, 100, "SERVER", "CONNECT SQL", "D", 0, None),
        (258, 100, "SERVER", "CONTROL SERVER", "W", 0, None),
        (259, 101, "SERVER_PRINCIPAL", "IMPERSONATE", "W", 257, "app"),
        (2, 105, "ENDPOINT", "CONNECT", "G", 4, "TSQL Default TCP"),
        (261, 101, "SERVER_PRINCIPAL", "VIEW DEFINITION", "G", 4, "securityadmin"),
        (258, 105, "ENDPOINT", "CONNECT", "D", 262, None),
        (258, 108, "AVAILABILITY_GROUP", "ALTER", "G", 4, "ag]1"),
        (258, 108, "AVAILABILITY_GROUP", "CONTROL", "G", 257, None),
    ],
    "database_users": [
        (0, "public", b"\x01\x05P", "R", False, None, 0),
        (1, "dbo", APP, "S", False, "dbo", 1),
        (2, "guest", b"\x00", "S", False, "guest", 0),
        (5, "rep_user", QUOTED, "S", False, "shop", 1),
        (6, "Rep_User", GONE, "S", False, "dbo", 1),
        (7, "readers", b"\x01\x05R", "R", False, None, 0),
        (8, "contained", b"\x01\x05C", "S", False, "dbo", 2),
        (9, "no login", b"\x01\x05N", "S", False, "dbo", 0),
        (10, "app role", b"\x01\x05A", "A", False, "dbo", 0),
        (11, "signer", None, "C", False, None, 0),
        (16384, "db_owner", b"\x01\x05\x40", "R", True, None, 0),
    ],
    "database_roles": [(16384, 1), (7, 5), (16384, 7)],
    "database_permissions": [
        *OTHERS,
        on_object(7, "SELECT", "G", 5, "Shop", "or]ders"),
        on_object(5, "SELECT", "G", 5, "Shop", "or]ders"),
        on_object(5, "SELECT", "R", 5, "Shop", "or]ders", 2, "am'ount"),
        on_object(5, "UPDATE", "D", 5, "Shop", "or]ders", 1, "id"),
        on_object(7, "UPDATE", "G", 5, "Shop", "or]ders", 1, "id"),
        on_object(5, "UPDATE", "D", 5, "Shop", "or]ders", 2, "am'ount"),
        on_object(5, "EXECUTE", "W", 101, "dbo", "p_pay"),
        on_object(5, "EXECUTE", "W", 102, "dbo", "P_Pay"),
        on_object(8, "SELECT", "D", -10, "dbo", "all_views"),
        on_object(0, "SELECT", "G", 5, "Shop", "or]ders"),
    ],
    "database_broker": [
        *((class_, 5, name) for class_, name in BROKER.items()),
        *((class_, 257, f"unused {name}") for class_, name in BROKER.items()),
    ],
    "database_permissions_summarised": [
        *(summarised(*row[:8]) for row in OTHERS),
        objects(7, "SELECT", "G", "Shop"),
        objects(5, "SELECT", "G", "Shop"),
        objects(5, "SELECT", "R", "Shop", columns=1),
        objects(5, "UPDATE", "D", "Shop", columns=1, number=2),
        objects(7, "UPDATE", "G", "Shop", columns=1),
        objects(5, "EXECUTE", "W", "dbo", number=2),
        objects(8, "SELECT", "D", "dbo"),
        objects(0, "SELECT", "G", "Shop"),
    ],
}
PARAMETERS = {}


@pytest.fixture(scope="module", params=YEARS)
def instance(request):
    return request.param, sample(request.param)


def on(database, noun, year):
    """The text of a statement for a server of a year, about a database where it is about one."""
    version = tuple(int(part) for part in NUMBERS[year].split("."))
    return statements.text(PACKAGE, noun, version).replace("{database}", f"[{database.replace(']', ']]')}]")


@pytest.mark.parametrize("noun", sorted({statement.noun for statement in statements.load(PACKAGE)}))
def test_statement_returns_what_the_catalogue_holds(instance, noun):
    year, twin = instance
    expected = EXPECTED[noun](year) if callable(EXPECTED[noun]) else EXPECTED[noun]
    for database in (SALES, ODD):
        assert Counter(twin.rows(on(database, noun, year), **PARAMETERS.get(noun, {}))) == Counter(expected)


@pytest.mark.parametrize("noun", sorted(noun for noun in EXPECTED if noun.startswith("database_")))
def test_statement_about_a_database_reads_no_other(noun):
    twin = sample(2022)
    twin.database("empty")
    about_databases = noun == "database_files"  # of all of them
    assert bool(twin.rows(on("empty", noun, 2022))) == about_databases


def test_tables_come_with_the_largest_first():
    assert sample(2022).rows(on(SALES, "database_tables", 2022)) == EXPECTED["database_tables"]


def test_a_reader_who_sees_nothing_gets_no_rows_and_no_error():
    twin = sample(2012)
    twin.database("hidden", {name: [] for name in DATABASE})
    assert twin.rows(on("hidden", "database_users", 2012)) == []


@pytest.mark.parametrize("statement", statements.load(PACKAGE), ids=lambda statement: statement.filename)
def test_statement_runs_on_the_first_version_that_its_header_names(statement):
    twin = catalog.load("sqlserver", version=tuple(int(part) for part in statement.header["Since"].split(".")))
    twin.database(SALES)
    twin.check(statement.text.replace("{database}", f"[{SALES}]"))
