"""The statements that a DBA is told to run are exactly what is needed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import dbms
from dbms import statements
from tests.dbms.mysql.conftest import target_of
from tests.dbms.mysql.reading import read

DOCUMENT = Path(dbms.__file__).parent.parent / "docs" / "monitoring-accounts.md"


def script_for(title: str) -> list[str]:
    """The statements of a chapter."""
    (script,) = re.findall(rf"## {title}\n.*?```sql\n(.+?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return [statement.strip() for statement in script.split(";") if statement.strip()]


def test_the_documented_script_lets_its_account_read_all_that_root_reads(scene):
    scene.database("shop")
    scene.run(f"GRANT SELECT ON `sh%`.* TO {scene.user('bob')}")
    scene.adopt("whalefall")
    for statement in script_for("MariaDB"):
        scene.run(statement.replace("10.0.0.%", "%").replace("'…'", "'secret'").replace("REQUIRE SSL", "REQUIRE NONE"))
    seen = read(scene.server, username="whalefall", password="secret")
    assert {part.status for part in seen.coverage} == {"ok"}
    as_root = read(scene.server)
    assert replace(seen, reader="", digest="") == replace(as_root, reader="", digest="")
    assert dbms.get("mysql").grants(seen, "whalefall") == ()


def test_what_mysql_is_told_to_grant_are_the_tables_that_its_statements_read():
    granted = {table for line in script_for("MySQL") for table in re.findall(r"GRANT SELECT ON (mysql\.\w+)", line)}
    needed = {
        table
        for statement in statements.load("dbms.mysql")
        if not statement.fork
        for table in re.findall(r"FROM (mysql\.\w+)", statement.text)
    }
    assert granted == needed


def test_the_documented_script_is_enough_for_sizes_and_opens_no_data(scene):
    scene.database("shop")
    scene.run("CREATE TABLE shop.i (n int) ENGINE=InnoDB", "CREATE TABLE shop.my (n int) ENGINE=MyISAM")
    scene.adopt("whalefall")
    for statement in script_for("MariaDB"):
        scene.run(statement.replace("10.0.0.%", "%").replace("'…'", "'secret'").replace("REQUIRE SSL", "REQUIRE NONE"))
    found = []
    for changes in ({"username": "whalefall", "password": "secret"}, {}):
        with dbms.get("mysql").connect(target_of(scene.server, **changes)) as connection:
            found.append(dbms.get("mysql").read_capacity(connection))
    assert replace(found[0], reader="") == replace(found[1], reader="")
    assert dbms.get("mysql").capacity_grants(found[0], "whalefall") == ()
    assert not scene.may("SELECT * FROM shop.i", "whalefall", password="secret")


def test_both_scripts_grant_the_same_on_the_whole_server():
    def on_everything(title: str) -> list[str]:
        return [line for line in script_for(title) if "ON *.*" in line]

    assert on_everything("MariaDB") == on_everything("MySQL")
