"""A read that says the same as the last one is not taken apart; one that says anything else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbms.mysql.answers import Answers
from tests.dbms.mysql.conftest import target_of
from tests.dbms.mysql.playback import EIGHT, Playback, recorded
from tests.dbms.mysql.reading import ADAPTER, account_of, coverage_of, read
from whalefall.errors import SyncDataError


def again(server, digest: str, **changes):
    options = {name: changes.pop(name) for name in ("grant_row_cap",) if name in changes}
    with ADAPTER.connect(replace(target_of(server, **changes), known_digest=digest)) as connection:
        return ADAPTER.read_accounts(connection, **options)


def test_an_equal_read_is_known(scene):
    scene.user("bob")
    first = read(scene.server)
    second = again(scene.server, first.digest)
    assert (second.is_known, second.accounts) == (True, ())
    assert (second.digest, second.version) == (first.digest, first.version)
    assert not again(scene.server, "").is_known
    assert not again(scene.server, "another").is_known


@pytest.mark.parametrize(
    "change",
    [
        "GRANT PROCESS ON *.* TO bob",
        "GRANT SELECT ON shop.* TO bob",
        "GRANT SELECT ON shop.t TO bob",
        "GRANT SELECT (a) ON shop.t TO bob",
        "GRANT EXECUTE ON PROCEDURE shop.p TO bob",
        "GRANT PROXY ON ada TO bob",
        "GRANT team TO bob",
        "ALTER USER bob ACCOUNT LOCK",
        "CREATE DATABASE further",
    ],
)
def test_whatever_is_stored_of_a_server_makes_a_read_unknown(scene, change):
    scene.database("shop")
    scene.run("CREATE TABLE shop.t (a int)", "CREATE PROCEDURE shop.p() SELECT 1")
    scene.role("team")
    for name in ("ada", "bob"):
        scene.user(name)
    before = read(scene.server).digest
    try:
        scene.run(change)
        assert not again(scene.server, before).is_known
    finally:
        scene.run("DROP DATABASE IF EXISTS further")


def test_variables_that_say_what_rows_mean_make_a_read_unknown():
    variables = dict(recorded(EIGHT)["rows"]["variables"])
    digests = {
        Answers(Playback(EIGHT, variables={**variables, **changed}), row_limit=1000).digest
        for changed in ({}, {"mandatory_roles": ""}, {"partial_revokes": "OFF"}, {"default_password_lifetime": "7"})
    }
    assert len(digests) == 4


def test_a_revoked_default_role_shows_the_reader_nothing(scene):
    scene.user("monitor")
    scene.role("seer")
    scene.run("GRANT SELECT ON mysql.* TO monitor", "GRANT SHOW DATABASES ON *.* TO seer", "GRANT seer TO monitor")
    scene.run("SET DEFAULT ROLE seer FOR monitor")
    assert "databases" in coverage_of(read(scene.server, username="monitor"), "server").categories
    scene.run("REVOKE seer FROM monitor")
    assert "databases" not in coverage_of(read(scene.server, username="monitor"), "server").categories


@pytest.mark.parametrize(
    ("options", "is_empty"),
    [
        ("IDENTIFIED VIA mysql_native_password USING PASSWORD('x')", False),
        ("IDENTIFIED VIA mysql_native_password USING '' OR unix_socket", True),
        ("IDENTIFIED VIA unix_socket OR mysql_native_password USING ''", True),
        ("IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('x')", False),
        ("IDENTIFIED VIA unix_socket", False),
    ],
)
def test_an_empty_password_is_one_that_lets_somebody_in(scene, options, is_empty):
    scene.user("bob", options=options)
    assert scene.may("SELECT 1", "bob") is is_empty
    assert account_of(read(scene.server), "bob").type_specific["password_empty"] is is_empty


def test_a_table_that_is_denied_makes_a_read_unknown_and_then_known(scene):
    scene.user("monitor")
    scene.run("GRANT SELECT ON mysql.* TO monitor")
    whole = read(scene.server, username="monitor")
    scene.run("REVOKE SELECT ON mysql.* FROM monitor")
    tables = ("global_priv", "db", "columns_priv", "procs_priv", "roles_mapping", "proxies_priv")
    scene.run(*(f"GRANT SELECT ON mysql.{table} TO monitor" for table in tables))
    partial = again(scene.server, whole.digest, username="monitor")
    assert coverage_of(partial, "category:mysql_table_privileges").status == "denied"
    assert again(scene.server, partial.digest, username="monitor").is_known


def test_what_stands_behind_a_limit_is_never_known(scene):
    scene.database("shop")
    who = scene.user("bob")
    for number in range(12):
        scene.run(f"CREATE TABLE shop.t{number} (a int)", f"GRANT SELECT ON shop.t{number} TO {who}")
    first = read(scene.server, grant_row_cap=5)
    assert first.digest == ""
    scene.run("GRANT DELETE ON shop.t11 TO bob")
    second = again(scene.server, first.digest, grant_row_cap=5)
    assert account_of(second, "bob").digests != account_of(first, "bob").digests


def test_a_row_that_somebody_wrote_by_hand_is_named(scene):
    scene.user("bob")
    scene.run("UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.access', 'zz') WHERE User = 'bob'")
    with pytest.raises(SyncDataError) as raised:
        read(scene.server)
    assert "bob@%" in str(raised.value)
