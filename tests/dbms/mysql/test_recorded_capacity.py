"""Sizes on MySQL 5.7 and 8, which cannot be started here: their rows are recorded, what they mean is written here."""

from __future__ import annotations

import dbms
from dbms.mysql.connection import FRESH_STATISTICS
from dbms.sizes import SizePart
from tests.dbms.mysql.playback import EIGHT, Playback, recorded

ADAPTER = dbms.get("mysql")
FIVE = "mysql_5_7"


class Noted(Playback):
    """Remembers the parameters too."""

    def rows(self, noun: str, **params):
        vars(self).setdefault("params", {})[noun] = params
        return super().rows(noun, **params)


def sizes(name: str) -> dict[str, int | None]:
    return {found.name: found.size_bytes for found in ADAPTER.read_capacity(Playback(name)).databases}


def shared(name: str) -> list[SizePart]:
    return list(ADAPTER.read_capacity(Playback(name)).parts)


def hexadecimal(*names: str) -> str:
    return ".".join(name.encode().hex().upper() for name in names)


def test_mysql_5_7_writes_directories_as_the_file_system_has_them():
    assert sizes(FIVE) == {
        "#mysql50#lost+found": 16384,
        "Shop": 98304,
        "aux": 131072,  # its directory is aux@@@
        "empty": 0,
        "information_schema": 0,
        "mysql": 2523136 + 221184 + 151552,
        "performance_schema": 0,
        "shop": 1048576 + 4096 + 2048,
        "shop-archive": 393216,
        "sys": 98304,
    }
    assert shared(FIVE) == [
        SizePart(kind="shared", name="gone", size_bytes=4096),  # of a database that is not in the list
        SizePart(kind="shared", name="innodb_temporary", size_bytes=12582912),
        SizePart(kind="shared", name="ts1", size_bytes=65536),
    ]


def test_mysql_8_writes_names_as_they_are():
    assert sizes(EIGHT) == {
        "empty": 0,
        "information_schema": 0,
        "mysql": 0,  # its tables are in the tablespace of that name
        "performance_schema": 0,
        "shop": 1048576 + 4096 + 2048,
        "shop-archive": 393216,
        "sys": 114688,
    }
    assert [(part.name, part.size_bytes) for part in shared(EIGHT)] == [
        ("innodb_temporary", 12582912),
        ("innodb_undo_001", 16777216),
        ("innodb_undo_002", 16777216),
        ("mysql", 25165824),
        ("ts1", 114688),
    ]


def test_only_databases_with_tables_of_other_engines_are_asked_and_no_table_of_another_server():
    connection = Noted(FIVE)
    ADAPTER.read_capacity(connection)
    asked = connection.params["table_sizes"]
    assert asked == {
        "databases": f"/{hexadecimal('mysql')}/{hexadecimal('shop')}/",
        "elsewhere": f"/{hexadecimal('shop', 'far')}/",
        "engine": "InnoDB",
    }


def test_mysql_8_is_not_asked_for_what_it_remembers_of_yesterday():
    for name, expected in ((FIVE, 0), (EIGHT, 1)):
        connection = Playback(name)
        assert FRESH_STATISTICS not in connection.settings
        ADAPTER.read_capacity(connection)
        assert connection.settings.count(FRESH_STATISTICS) == expected


def test_privileges_by_roles_of_the_session_count_on_mysql_8():
    rows = {**recorded(EIGHT)["rows"], "own_privileges": [["PROCESS"], ["SHOW DATABASES"]]}
    for roles, lacking in (
        ([["CREATE,SHOW VIEW"], [""]], ()),
        ([[""]], ("GRANT SHOW VIEW ON *.* TO `whalefall`@`%`",)),
    ):
        connection = Playback(EIGHT)
        connection._rows = {**rows, "role_privileges": roles}
        assert ADAPTER.capacity_grants(ADAPTER.read_capacity(connection), "whalefall") == lacking


def test_servers_without_a_list_of_enabled_roles_are_not_asked_for_it():
    for name, version in ((FIVE, "5.7.44"), (EIGHT, "8.0.18")):
        connection = Playback(name, variables={"version": version, "version_comment": "MySQL Community Server - GPL"})
        connection._rows = {**connection._rows, "own_privileges": []}
        ADAPTER.read_capacity(connection)
        assert "role_privileges" not in connection.sent


def test_tables_of_mysql_5_7_get_their_files():
    found = {table.name: table for table in ADAPTER.read_tables(Playback(FIVE), "shop", 10)}
    assert {name: table.size_bytes for name, table in found.items()} == {
        "orders": 524288,
        "log": 262144 + 131072,
        "year": 98304,
        "FTS_0000000000000021_CONFIG": 98304,
        "a/b#P#x": 32768,
        "general": 16384 + 16384,  # in a tablespace with others
        "old": 4096 + 2048,
    }
    assert (found["log"].data_size_bytes, found["log"].index_size_bytes, found["log"].row_estimate) == (294912, 0, 2001)


def test_tables_of_mysql_8_get_their_files():
    found = ADAPTER.read_tables(Playback(EIGHT), "shop", 4)
    assert [(table.name, table.size_bytes) for table in found] == [
        ("orders", 524288),
        ("log", 262144 + 131072),
        ("a/b#P#x", 32768),
        ("general", 32768),
    ]
