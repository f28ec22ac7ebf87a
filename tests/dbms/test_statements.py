"""Every statement that we send stands in a reviewed file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dbms
from dbms import statements

ADAPTERS = sorted(dbms.ADAPTERS)
POSTGRESQL, MYSQL = "dbms.postgresql", "dbms.mysql"


def all_statements():
    return [statement for key in ADAPTERS for statement in statements.load(f"dbms.{key}")]


@pytest.mark.parametrize("statement", all_statements(), ids=lambda statement: statement.filename)
class TestEveryStatement:
    def test_begins_with_the_marker_that_a_dba_finds_in_the_log(self, statement):
        assert statement.text.startswith("/* whalefall */\n")

    def test_says_what_it_returns_needs_and_since_when(self, statement):
        assert set(statement.header) == {"Returns", "Needs", "Since"}
        assert re.fullmatch(r"[0-9.]+", statement.header["Since"])

    def test_is_one_reading_statement(self, statement):
        code = re.sub(r"--.*|/\*.*?\*/", "", statement.text)
        assert ";" not in code
        assert code.split()[0] in {"SELECT", "WITH", "SHOW"}
        assert not re.search(r"\b(INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|SET|COPY)\s", re.sub(r"'[^']*'", "", code))

    def test_is_plain_ascii_and_binds_its_parameters(self, statement):
        assert statement.text.isascii()
        assert not re.sub(r"%\([a-z_]+\)s", "", statement.text).count("%")

    def test_asks_for_no_password(self, statement):
        assert not re.search(r"rolpassword|passwd|pg_authid|pg_shadow", statement.text)
        code = re.sub(r"--.*", "", statement.text)
        code = re.sub(r"COALESCE\((\S+|\S+ '\$\.(auth_or\[\d\]\.)?authentication_string'\)), ''\) = ''", "", code)
        assert "authentication_string" not in code  # only whether it is empty
        # JSON documents that hold hashes are never read whole, nor their hashes.
        taken = re.findall(r"JSON_(?:VALUE|EXTRACT)\((?:g\.Priv|u\.User_attributes), '\$(.*?)'\)", code)
        assert not re.search(r"g\.Priv|u\.User_attributes", re.sub(r"JSON_\w+\(.*?\)", "", code))
        assert not {"", ".additional_password", ".auth_or", ".auth_or[*]"}.intersection(taken)
        assert not re.search(r"\*\s", re.sub(r"COUNT\(\*\)|/\*.*?\*/", "", code))


def test_a_server_gets_the_variant_for_its_version():
    assert "inherit_option" in statements.text(POSTGRESQL, "memberships", (16, 0))
    assert "inherit_option" in statements.text(POSTGRESQL, "memberships", (18, 6))
    assert "inherit_option" not in statements.text(POSTGRESQL, "memberships", (15, 18))
    assert "pg_parameter_acl" in statements.text(POSTGRESQL, "server_grants", (15, 0))
    assert "pg_parameter_acl" not in statements.text(POSTGRESQL, "server_grants", (14, 20))
    assert "pg_parameter_acl" not in statements.text(POSTGRESQL, "server_grants", (9, 6, 24))


def test_a_fork_gets_its_own_variant_where_there_is_one():
    assert "global_priv" in statements.text(MYSQL, "users", (10, 11, 19), "mariadb")
    assert "u.User_attributes" in statements.text(MYSQL, "users", (8, 0, 36))
    assert "u.User_attributes" not in statements.text(MYSQL, "users", (8, 0, 11))
    assert "Create_role_priv" in statements.text(MYSQL, "users", (8, 0, 11))
    assert "Create_role_priv" not in statements.text(MYSQL, "users", (5, 7, 44))
    assert "Show_create_routine_priv" in statements.text(MYSQL, "database_grants", (11, 4, 2), "mariadb")
    assert "Show_create_routine_priv" not in statements.text(MYSQL, "database_grants", (10, 11, 19), "mariadb")
    assert "Delete_history_priv" not in statements.text(MYSQL, "database_grants", (9, 1, 0))
    shared = statements.text(MYSQL, "table_grants", (9, 1, 0))
    assert statements.text(MYSQL, "table_grants", (10, 11, 19), "mariadb") == shared


def test_every_noun_has_a_current_variant():
    for key in ADAPTERS:
        package = f"dbms.{key}"
        for noun, fork in {(statement.noun, statement.fork) for statement in statements.load(package)}:
            assert statements.text(package, noun, (999,), fork)


def test_an_unknown_noun_is_an_error():
    with pytest.raises(LookupError):
        statements.text(POSTGRESQL, "secrets", (15, 0))


def test_both_statements_about_object_grants_look_at_the_same_acls():
    def acls(noun: str) -> str:
        text = statements.text(POSTGRESQL, noun, (18, 0))
        return text[text.index("WITH acls") : text.index("FROM pg_default_acl d\n")]

    assert acls("object_grants") == acls("object_grants_summarised")


def test_no_statement_is_written_in_code():
    for path in Path(dbms.__file__).parent.rglob("*.py"):
        code = path.read_text(encoding="utf-8")
        assert not re.search(r"[\"']\s*(SELECT\s(?!ANY )|WITH\s+\w+\s+AS\b)", code), path
