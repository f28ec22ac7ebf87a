"""The documented scripts grant all that a read needs, and every statement that a read asks for stands in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dbms.oracle import adapter
from tests.dbms.oracle.conftest import PASSWORD, Scene
from tests.twins.oracle.database import Database
from tests.twins.oracle.server import serving
from tests.twins.oracle.views import DICTIONARY, SERVER
from whalefall.errors import PrivilegeMissing

DOCUMENT = Path(__file__).parents[3] / "docs" / "monitoring-accounts.md"
SALES = 3
EVERY_VIEW = {
    *(f"{prefix}_{view}" for prefix in ("dba", "cdb") for view in DICTIONARY),
    *("dba_pdbs", "dba_container_data", "v$containers"),
    *SERVER,
}


def script(account: str) -> list[str]:
    """The statements of the chapter that make this account."""
    chapter = DOCUMENT.read_text(encoding="utf-8").partition("\n## Oracle\n")[2].partition("\n## ")[0]
    (found,) = [block for block in re.findall(r"```sql\n(.*?)```", chapter, re.DOTALL) if f"USER {account} " in block]
    return re.findall(r"^(?!--)(.+?);", found, re.MULTILINE)


def views(statements: list[str]) -> set[str]:
    """What they let somebody select from, by the names that are used in queries."""
    granted = re.findall(r"GRANT SELECT ON SYS\.(\S+)", "\n".join(statements))
    return {view.lower().replace("v_$", "v$") for view in granted}


@pytest.fixture(params=[True, False], ids=["the root of a CDB", "without containers"])
def monitored(request):
    """A server of 23ai whose account was made without any grant, and the account's name in the script."""
    database = Database(is_cdb=request.param)
    if request.param:
        assert database.add_pdb("SALES") == SALES
    account = "c##whalefall" if request.param else "whalefall"
    database.add_login(account.upper(), PASSWORD).hidden = set(EVERY_VIEW)
    if request.param:
        database.logins[account.upper(), database.home].containers = set()
    with serving(database) as server:
        server.version_number = 0x17000000
        yield Scene(server, account.upper()), account


def test_the_script_lets_it_read_everything(monitored):
    scene, account = monitored
    login = scene.database.logins[scene.reader, scene.database.home]
    login.hidden -= views(script(account))
    if any("CONTAINER_DATA=ALL" in statement for statement in script(account)):
        login.containers = None
        scene.database.grant_all_containers(scene.reader)
    accounts, sizes = scene.read(), scene.capacity()
    assert {part.status for part in (*accounts.coverage, *sizes.coverage)} == {"ok"}
    assert adapter.grants(accounts, "") == adapter.capacity_grants(sizes, "") == ()
    assert None not in {database.size_bytes for database in sizes.databases}
    scene.tables(sizes.databases[0].name)


def test_whatever_a_read_says_is_missing_stands_in_the_script(monitored):
    scene, account = monitored
    said = list(adapter.capacity_grants(scene.capacity(), ""))
    for read in (scene.read, lambda: scene.tables(scene.capacity().databases[0].name)):
        with pytest.raises(PrivilegeMissing) as caught:
            read()
        said += caught.value.params["detail"].split("; ")
    scene.database.logins[scene.reader, scene.database.home].hidden -= {
        f"{prefix}_{view}" for prefix in ("dba", "cdb") for view in ("users", "roles")
    }
    said += adapter.grants(scene.read(), "")
    written = set(script(account))
    assert {statement.replace(f'"{scene.reader}"', account) for statement in said} <= written
    assert views(said) == views(script(account))
