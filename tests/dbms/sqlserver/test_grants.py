"""The document's scripts are Transact-SQL, and give an account all that the connection test would print for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from tests.dbms.sqlserver.conftest import ADAPTER
from whalefall.errors import PrivilegeMissing

PAGE = Path(__file__).parents[3] / "docs" / "monitoring-accounts.md"
CHAPTER = PAGE.read_text(encoding="utf-8").partition("## SQL Server\n")[2].partition("\n## ")[0]
SCRIPTS = re.findall(r"^```sql\n(.+?)^```", CHAPTER, re.MULTILINE | re.DOTALL)
SINCE_2014, SINCE_2022, OF_2012, ONE_DATABASE, OF_AZURE, OF_AZURE_USER = SCRIPTS
LOGIN = "whalefall"
# What sqlglot has no tree for and takes as it comes; all else it must have parsed.
PLAIN = re.compile(
    r"CREATE (LOGIN whalefall WITH PASSWORD = N'…'(, CHECK_POLICY = ON)?|SERVER ROLE whalefall_reader"
    r"|USER whalefall (FOR LOGIN whalefall|WITH PASSWORD = N'…'))"
    r"|GRANT (VIEW (ANY )?DEFINITION|VIEW ANY DATABASE|CONNECT ANY DATABASE|VIEW (SERVER|DATABASE) STATE)"
    r" TO whalefall(_reader)?"
    r"|ALTER SERVER ROLE (whalefall_reader|##MS_\w+##) ADD MEMBER whalefall"
)


def statements(script: str) -> list[str]:
    """Each statement of a script, those in a database after `USE`, to whomever they grant."""
    found, place = [], ""
    for statement in filter(None, map(str.strip, script.split(";"))):
        if statement.startswith("USE "):
            place = f"{statement} "
        else:
            found.append(written(place + statement))
    return found


def written(statement: str) -> str:
    """In one spelling: a login without brackets, and the role that has its rights as the login itself."""
    return statement.replace(f"[{LOGIN}]", LOGIN).replace("whalefall_reader", LOGIN)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_statement_of_the_document_is_transact_sql(script):
    for statement in filter(None, map(str.strip, script.split(";"))):
        (tree,) = sqlglot.parse(statement, dialect="tsql", error_level=ErrorLevel.RAISE)
        assert not isinstance(tree, exp.Command) or PLAIN.fullmatch(statement), statement


@pytest.fixture
def bare(scene):
    """A login whalefall on a server that shows it nothing, and whose database shop is closed."""
    scene.catalogue.login(LOGIN, password="right")
    scene.catalogue.database("shop", has_access=0)
    catalogue = scene.catalogue
    catalogue.sees_definitions = catalogue.sees_security_definitions = catalogue.sees_databases = 0
    return scene


def printed(scene) -> list[str]:
    """All that is printed for the login, one thing after another being granted to it."""
    target = {"username": LOGIN, "password": "right"}
    found = []
    with pytest.raises(PrivilegeMissing) as caught:
        scene.read(**target)
    found.append(caught.value.params["detail"])
    with ADAPTER.connect(scene.target(**target)) as connection:
        found += ADAPTER.capacity_grants(ADAPTER.read_capacity(connection), LOGIN)
    scene.catalogue.sees_definitions = 1
    found += ADAPTER.grants(scene.read(**target), LOGIN)
    scene.catalogue.databases["shop"].has_access = 1
    scene.catalogue.databases["shop"].sees_definitions = 0
    found += ADAPTER.grants(scene.read(**target), LOGIN)
    return [written(statement) for statement in found]


def test_what_is_printed_for_an_account_without_anything_stands_in_the_script(bare):
    found = set(printed(bare))
    assert found == {
        "GRANT VIEW ANY DEFINITION TO whalefall", "GRANT VIEW ANY DATABASE TO whalefall",
        "GRANT CONNECT ANY DATABASE TO whalefall", "USE [shop] GRANT VIEW DEFINITION TO whalefall",
    }  # fmt: skip
    assert found <= {*statements(SINCE_2014), *statements(ONE_DATABASE)}


def test_what_is_printed_on_a_server_of_2012_stands_in_its_script(bare):
    bare.catalogue.version = (11, 0, 7507)
    found = set(printed(bare))
    assert "USE [shop] CREATE USER whalefall FOR LOGIN whalefall" in found
    assert found <= {*statements(OF_2012), *statements(ONE_DATABASE)}


def test_what_is_printed_on_azure_stands_in_its_scripts(bare):
    bare.catalogue.engine_edition = 5
    bare.catalogue.databases["shop"].sees_definitions = 0
    found = []
    for database in ("master", "shop"):
        with pytest.raises(PrivilegeMissing) as caught:
            bare.read(username=LOGIN, password="right", database=database)
        found.append(written(caught.value.params["detail"]))
    assert found[0] in statements(OF_AZURE)
    assert found[1] in statements(OF_AZURE_USER)


def test_the_scripts_let_nobody_write():
    for script in SCRIPTS:
        assert not re.search(r"sysadmin|db_owner|db_datawriter|CONTROL|ALTER ANY|INSERT|UPDATE|DELETE", script)
