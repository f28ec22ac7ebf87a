"""A grant on `foo_bar` is one on fooXbar too: what a pattern matches is what a real login can enter."""

from __future__ import annotations

from contextlib import suppress

import MySQLdb
import pytest

from tests.dbms.mysql.conftest import login
from tests.dbms.mysql.naming import backticked
from tests.dbms.mysql.reading import account_of, category, read

DATABASES = [
    "foo_bar", "fooXbar", "foo\\bar", "FooXbar", "foobar", "fo", "f", "名字", "名", "café", "cafe", "a%b", "a_b",
    "axxb",
]  # fmt: skip
PATTERNS = [
    "foo_bar", "foo\\_bar", "foo%", "fo_", "%bar", "%", "f", "a\\%b", "a%b", "a\\_b", "FOO%", "名%", "f%o%r",
    "foo\\\\bar", "foo\\bar", "%\\_%", "a_\\b", "\\f__",
]  # fmt: skip
OF_BYTES = ["caf_", "caf__", "名_", "名___", "_"]  # the server lets an underscore stand for one byte, not character


def is_open(text: str) -> bool:
    """Whether a pattern has a wildcard that no backslash takes away."""
    escaped = False
    for char in text:
        if not escaped and char in "%_":
            return True
        escaped = char == "\\" and not escaped
    return False


@pytest.fixture
def databases(scene) -> list[str]:
    for name in DATABASES:
        scene.database(name)
    return DATABASES


def entered(scene, user: str, databases: list[str]) -> list[str]:
    """The databases that a real login can make its own."""
    found = []
    with login(scene.server, user) as cursor:
        for name in databases:
            with suppress(MySQLdb.OperationalError):
                cursor.execute(f"USE {backticked(name)}")
                found.append(name)
    return sorted(found)


def test_an_underscore_opens_what_a_backslash_keeps_closed(scene, databases):
    scene.run(
        f"GRANT SELECT ON foo_bar.* TO {scene.user('wild')}", f"GRANT SELECT ON `foo\\_bar`.* TO {scene.user('exact')}"
    )
    assert entered(scene, "wild", databases) == ["fooXbar", "foo\\bar", "foo_bar"]
    assert entered(scene, "exact", databases) == ["foo_bar"]
    snapshot = read(scene.server)
    wild, exact = account_of(snapshot, "wild"), account_of(snapshot, "exact")
    assert category(wild, "database_privileges") == {"foo_bar": ["SELECT"]}
    assert category(exact, "database_privileges") == {"foo\\_bar": ["SELECT"]}
    assert wild.meta["matches"]["category:mysql_database_privileges"] == {
        "foo_bar": {"count": 3, "databases": ["fooXbar", "foo\\bar", "foo_bar"]}
    }
    assert not exact.meta.get("matches")


@pytest.mark.parametrize("pattern", PATTERNS + OF_BYTES)
def test_patterns_match_what_a_real_login_enters(scene, databases, pattern):
    scene.run(f"GRANT SELECT ON {backticked(pattern)}.* TO {scene.user('bob')}")
    bob = account_of(read(scene.server), "bob")
    assert category(bob, "database_privileges") == {pattern: ["SELECT"]}
    matches = bob.meta.get("matches", {}).get("category:mysql_database_privileges", {})
    assert set(matches) == ({pattern} if is_open(pattern) else set())
    if matches:
        named = sorted(set(matches[pattern]["databases"]) & set(databases))
        assert named == entered(scene, "bob", databases)


def test_at_most_twenty_matches_are_named_and_all_are_counted(scene):
    for number in range(25):
        scene.database(f"shard_{number:02}")
    scene.run(f"GRANT SELECT ON `shard%`.* TO {scene.user('bob')}")
    expected = [f"shard_{number:02}" for number in range(20)]
    assert account_of(read(scene.server), "bob").meta["matches"]["category:mysql_database_privileges"] == {
        "shard%": {"count": 25, "databases": expected}
    }


def test_a_new_database_is_no_change_of_privileges(scene):
    scene.database("shard_1")
    scene.run(f"GRANT SELECT ON `shard%`.* TO {scene.user('bob')}")
    before = account_of(read(scene.server), "bob")
    scene.database("shard_2")
    after = account_of(read(scene.server), "bob")
    assert after.digests == before.digests
    assert after.meta["matches"]["category:mysql_database_privileges"]["shard%"]["count"] == 2
