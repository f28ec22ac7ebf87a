"""The statements that a DBA is told to run are exactly what is needed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import dbms
from dbms import statements
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
