"""Rows that an older server, a dump or a hand has written are read as the server takes them."""

from __future__ import annotations

import json

import pytest

from tests.dbms.mysql.reading import account_of, agrees, facts_of, read


def bits_written(scene, version: int | None, patterns: list[int]) -> None:
    """Accounts as a version of the server stored them, each with some bits of `access`."""
    for bits in patterns:
        row = {"access": bits, "plugin": "mysql_native_password", "authentication_string": ""}
        row |= {} if version is None else {"version_id": version}
        scene.run(f"INSERT INTO mysql.global_priv VALUES ('%', 'bits {bits}', '{json.dumps(row)}')")
    scene.adopt(*(f"bits {bits}" for bits in patterns))


@pytest.mark.parametrize(
    ("version", "known"),
    [(None, 30), (100400, 30), (100501, 30), (100502, 38), (100507, 38), (100508, 39), (101105, 39), (110400, 39)],
)
def test_access_bits_mean_what_they_meant_to_the_version_that_wrote_them(scene, words, version, known):
    """An upgraded server keeps the rows of older ones: SUPER became many privileges in 10.5."""
    everything = (1 << known) - 1
    super_and_replication = 1 << 15 | 1 << 19
    bits_written(
        scene, version, [*(1 << bit for bit in range(known)), everything, super_and_replication, (1 << 64) - 1]
    )
    found = agrees(scene, words)
    assert "SUPER" in found[f"bits {1 << 15}", "%", False]["mysql_global_privileges"]


@pytest.mark.parametrize(("version", "known"), [(100400, 30), (100507, 38)])
def test_access_bits_unknown_to_the_version_that_wrote_them_mean_nothing(scene, words, version, known):
    bits_written(scene, version, [1 << bit for bit in range(known, 45)])
    agrees(scene, words)


def test_rows_that_nobody_made_by_a_statement_are_read_as_the_server_takes_them(scene, words):
    """Restored dumps leave grants behind whose accounts are gone, and rows with little in them."""
    scene.user("bob")
    scene.role("team")
    scene.adopt("empty", "newer")
    scene.run(
        "INSERT INTO mysql.db (Host, Db, User, Select_priv)"
        " VALUES ('%', 'shop', 'ghost', 'Y'), ('', 'shop', 'team', 'Y'), ('%', 'shop', 'bob', 'N')",
        "INSERT INTO mysql.tables_priv (Host, Db, User, Table_name, Table_priv, Column_priv)"
        " VALUES ('%', 'shop', 'ghost', 't', 'Select', ''), ('%', 'shop', 'bob', 't', '', '')",
        "INSERT INTO mysql.global_priv VALUES ('%', 'empty', '{}'),"
        """ ('%', 'newer', '{"access": 1, "new": [1, {}], "auth_or": [{}, {"plugin": "unix_socket"}]}')""",
    )
    try:
        found = agrees(scene, words)
        assert found["newer", "%", False] == {"mysql_global_privileges": ["SELECT"]}
        assert found["empty", "%", False] == found["bob", "%", False] == {}
        assert found["team", "", True]["mysql_database_privileges"] == {"shop": ["SELECT"]}
    finally:
        for table in ("db", "tables_priv"):
            scene.run(f"DELETE FROM mysql.{table} WHERE User IN ('ghost', 'bob', 'team')")
        scene.run("FLUSH PRIVILEGES")


@pytest.mark.parametrize(("member", "role"), [("bob", "gone"), ("ghost", "team")])
def test_roles_and_members_that_are_gone_are_nobodys(scene, words, member, role):
    """The server ignores them; so nobody is a superuser because a user is called like a role that is gone."""
    scene.run(f"GRANT SUPER ON *.* TO {scene.user('gone')}")
    scene.role("team")
    scene.user("bob")
    scene.run(f"INSERT INTO mysql.roles_mapping VALUES ('%', '{member}', '{role}', 'N')")
    try:
        snapshot = read(scene.server)
        assert "SUPERUSER" not in facts_of(snapshot, account_of(snapshot, "bob"))["capabilities"]
        agrees(scene, words)
    finally:
        scene.run(f"DELETE FROM mysql.roles_mapping WHERE User = '{member}'", "FLUSH PRIVILEGES")
