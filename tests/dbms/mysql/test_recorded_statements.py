"""The statements for MySQL versions that cannot be started here: which one is chosen, and that it fits their tables.

MariaDB runs them on tables that have exactly the columns which a version of MySQL documents, so a column that it
does not have, or a value of another type than recorded, shows.
"""

from __future__ import annotations

import json
import re

import MySQLdb
import pytest

import dbms
from dbms import statements
from dbms.mysql.connection import MINIMUM_VERSIONS
from tests.dbms.mysql.conftest import MariaDbScene
from tests.dbms.mysql.naming import backticked
from tests.dbms.mysql.playback import FILES, TARGET, Playback, chosen, recorded

EVERYWHERE = {
    "databases": "databases.sql",
    "variables": "variables.sql",
    "database_grants": "database_grants.sql",
    "table_grants": "table_grants.sql",
    "column_grants": "column_grants.sql",
    "routine_grants": "routine_grants.sql",
    "proxies": "proxies.sql",
}
WITH_ROLES = EVERYWHERE | {"dynamic_privileges": "dynamic_privileges.sql", "roles": "roles.sql"}
EXPECTED = {
    "mysql_5_7": EVERYWHERE | {"users": "users.before_8.sql"},
    "mysql_8_0_11": WITH_ROLES | {"users": "users.before_8_0_14.sql"},
    "mysql_8_0": WITH_ROLES | {"users": "users.sql"},
    "mysql_8_4": WITH_ROLES | {"users": "users.sql"},
    "mysql_9": WITH_ROLES | {"users": "users.sql"},
}
ANSWERED = [(name, noun) for name in FILES for noun in recorded(name)["rows"]]

HASHES = "*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9", "$A$005$THISISACOMBINATIONOFSALTANDDIGEST"
ATTRIBUTES = {
    "Restrictions": [{"Database": "db2", "Privileges": ["UPDATE"]}],
    "Password_locking": {"failed_login_attempts": 3, "password_lock_time_days": 2},
    "additional_password": HASHES[1],
}
PARAMETERS = {
    "row_limit": "10", "database": "'shop'", "directory": "'shop'", "databases": "'/6D7973716C/'", "elsewhere": "''",
    "engine": "''",
}  # fmt: skip
NAMES = {"NAME": "shop/orders", "ROLE_NAME": "a User", "ROLE_HOST": "a Host"}  # of a file, and of an account
SAMPLES = {
    "enum('N'": "Y",
    "enum(''": "SPECIFIED",
    "enum('FUNCTION'": "PROCEDURE",
    "set('Execute'": "Execute,Grant",
    "set('Select'": "Select,Update",
    "blob": "/CN=ca",
    "text": HASHES[0],
    "json": json.dumps(ATTRIBUTES),
    "timestamp": "2024-01-02 03:04:05",
}


@pytest.mark.parametrize("name", FILES)
def test_each_version_is_asked_by_the_statements_that_it_understands(name):
    connection = Playback(name)
    dbms.get("mysql").read_accounts(connection)
    assert {noun: statement.filename for noun, statement in connection.sent.items()} == EXPECTED[name]


def test_every_statement_for_mysql_is_recorded():
    played = {chosen(noun, Playback(name).server.number).filename for name, noun in ANSWERED}
    assert played == {held.filename for held in statements.load("dbms.mysql") if not held.fork}


@pytest.mark.parametrize("noun", ["dynamic_privileges", "roles"])
def test_no_statement_is_played_to_a_server_that_is_too_old_for_it(noun):
    with pytest.raises(AssertionError, match=noun):
        chosen(noun, (5, 7, 44))


@pytest.mark.parametrize(
    ("version", "comment", "main_version", "users"),
    [
        ("8.0.36-28", "Percona Server (GPL), Release 28, Revision 47601f19", "8.0.36", "users.sql"),
        ("5.7.23-23", "Percona Server (GPL), Release 23, Revision 500fcf5", "5.7.23", "users.before_8.sql"),
        ("8.0.32", "Source distribution", "8.0.32", "users.sql"),  # Amazon Aurora 3
        ("5.7.12", "MySQL Community Server (GPL)", "5.7.12", "users.before_8.sql"),  # Amazon Aurora 2
        ("8.0.13", "MySQL Community Server - GPL", "8.0.13", "users.before_8_0_14.sql"),
        ("8.0.14-commercial", "MySQL Enterprise Server - Commercial", "8.0.14", "users.sql"),
        ("9.5.0", "MySQL Community Server - GPL", "9.5.0", "users.sql"),
    ],
)
def test_flavours_of_mysql_are_recognised_by_their_version(version, comment, main_version, users):
    connection = Playback("mysql_8_0", variables={"version": version, "version_comment": comment})
    assert connection.server.version == f"MySQL {version} ({comment})"
    assert (connection.server.main_version, connection.server.fork) == (main_version, "")
    assert chosen("users", connection.server.number).filename == users


def test_the_oldest_mysql_knows_every_setting_of_the_session():
    assert f"SET SESSION max_execution_time = {TARGET.statement_timeout * 1000}" in Playback("mysql_5_7").settings
    assert MINIMUM_VERSIONS[""] >= (5, 7, 8)


@pytest.mark.parametrize(("name", "noun"), ANSWERED)
def test_recorded_rows_are_as_wide_as_the_statement_says(name, noun):
    width = columns(chosen(noun, Playback(name).server.number).text)
    assert {len(row) for row in recorded(name)["rows"][noun]} <= {width}


def columns(text: str) -> int:
    """The number of columns in the first select list of a statement; SHOW VARIABLES has a name and a value."""
    text = re.sub(r"/\*.*?\*/|--[^\n]*|'[^']*'", " ", text, flags=re.DOTALL)
    if text.split()[0] == "SHOW":
        return 2
    depth, count = 0, 1
    for token in re.findall(r"\bFROM\b|[(),]", text):
        if token == "FROM":
            return count
        depth += {"(": 1, ")": -1}.get(token, 0)
        count += token == "," and depth == 0
    raise AssertionError("no FROM")


@pytest.fixture(scope="module")
def answers(mariadb):
    """What the driver returns for each statement, from tables like those of each version with a row in each."""
    scene = MariaDbScene(mariadb)
    found = {}
    try:
        for name in FILES:
            schema = scene.database(name)
            for table, types in recorded(name)["tables"].items():
                described = ", ".join(f"{backticked(column)} {kind}" for column, kind in types.items())
                scene.run(f"CREATE TABLE {schema}.{backticked(table)} ({described})")
                values = [sample(column, kind) for column, kind in types.items()]
                marks = ", ".join(["%s"] * len(values))
                scene.rows(f"INSERT INTO {schema}.{backticked(table)} VALUES ({marks})", *values)
            for noun in recorded(name)["rows"]:
                text = chosen(noun, Playback(name).server.number).text
                text = re.sub(
                    r"\b(?:mysql\.(?=\w+ [a-z]\n)|information_schema\.(?=INNODB_|ENABLED_))", f"{schema}.", text
                )
                text = re.sub(r"%\((\w+)\)s", lambda found: PARAMETERS[found[1]], text)
                found[name, noun] = tried(scene, text)
        yield found
    finally:
        scene.clean()


def sample(column: str, kind: str):
    """A value that a column may hold."""
    if column in NAMES:
        return NAMES[column]
    if kind.startswith(("char", "varchar")):
        return f"a {column}"[: int(re.search(r"\d+", kind)[0])]
    return next((value for prefix, value in SAMPLES.items() if kind.startswith(prefix)), 7)


def tried(scene: MariaDbScene, text: str) -> list[tuple] | str:
    """The rows, or the server's complaint."""
    try:
        return scene.rows(text)
    except MySQLdb.Error as error:
        return str(error)


@pytest.mark.parametrize(("name", "noun"), ANSWERED)
def test_statements_run_on_the_tables_that_a_version_documents(answers, name, noun):
    rows = answers[name, noun]
    assert isinstance(rows, list), rows
    assert {len(row) for row in rows} == {columns(chosen(noun, Playback(name).server.number).text)}
    assert not [value for value in HASHES if value in str(rows)]


@pytest.mark.parametrize(("name", "noun"), ANSWERED)
def test_recorded_values_have_the_types_that_the_driver_returns(answers, name, noun):
    """Of a BLOB, for one, it returns bytes, which no JSON can hold."""
    for row in answers[name, noun]:
        for position, value in enumerate(row):
            types = {type(held[position]) for held in recorded(name)["rows"][noun]} - {type(None)}
            assert value is None or not types or type(value) in types, (position, value)
