"""A real database with more grants than are kept apart, read and stored session after session."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import dbms
from accounts_sync.models import AccountChangeLog, AccountPermission, InstanceAccount
from dbms.postgresql.accounts import read_accounts
from dbms.snapshots import AccountsSnapshot
from sessions_app.models import InstanceCoverage
from tests.dbms.conftest import Scene, target_of

pytestmark = pytest.mark.django_db

CAP = 60  # rows of grants; a database that nobody touched has a handful
OBJECTS = "postgresql_object_privileges"
READERS = ("ada", "bob")


@pytest.fixture(autouse=True)
def adapter() -> None:
    """PostgreSQL's own adapter stays in its place."""


@pytest.fixture
def crowd(postgresql) -> Iterator[Scene]:
    """A database `crowd` with ten tables in each of two schemas, which two roles may read: 40 grants."""
    scene = Scene(postgresql)
    scene.database("crowd")
    for reader in READERS:
        scene.role(reader)
    scene.run("CREATE SCHEMA s", "CREATE SCHEMA t", database="crowd")
    add_tables(scene, "s", "few", 10)
    add_tables(scene, "t", "few", 10)
    yield scene
    scene.clean()


def add_tables(scene: Scene, schema: str, name: str, number: int) -> None:
    tables = [f"{schema}.{name}_{position}" for position in range(number)]
    scene.run(*(f"CREATE TABLE {table} ()" for table in tables), database="crowd")
    scene.run(f"GRANT SELECT ON {', '.join(tables)} TO {', '.join(READERS)}", database="crowd")


def drop_tables(scene: Scene, schema: str, name: str, number: int) -> None:
    scene.run(*(f"DROP TABLE {schema}.{name}_{position}" for position in range(number)), database="crowd")


@pytest.fixture
def read(crowd) -> Callable[[], AccountsSnapshot]:
    def read() -> AccountsSnapshot:
        with dbms.get("postgresql").connect(target_of(crowd.server)) as connection:
            return read_accounts(connection, grant_row_cap=CAP)

    return read


def reason() -> str:
    return InstanceCoverage.objects.get(scope="database:crowd").reason


def held(sync, username: str) -> list[str]:
    """The relations of the database, as the stored document names them, in order: a server groups as it likes."""
    by_database = sync.account(username).permission.permission_snapshot["categories"].get(OBJECTS, {})
    return sorted(name for name in by_database.get("crowd", {}) if name.startswith("relation:"))


def stored() -> list[list[dict]]:
    """All rows that a session may write about accounts."""
    return [
        list(model.objects.order_by("pk").values()) for model in (InstanceAccount, AccountPermission, AccountChangeLog)
    ]


def test_crossing_the_cap_is_silent_in_both_directions(sync, crowd, read):
    sync(read())
    assert (reason(), len(held(sync, "ada"))) == ("", 20)

    add_tables(crowd, "s", "more", 20)
    sync(read())
    assert sync.said() == []
    assert (reason(), held(sync, "ada")) == ("summarised", ["relation:s.*", "relation:t.*"])

    drop_tables(crowd, "s", "more", 20)
    sync(read())
    assert sync.said() == []
    assert (reason(), len(held(sync, "ada"))) == ("", 20)


def test_what_changed_while_the_cap_was_crossed_is_taken_as_it_is(sync, crowd, read):
    sync(read())
    add_tables(crowd, "s", "more", 20)
    crowd.run("REVOKE SELECT ON ALL TABLES IN SCHEMA t FROM bob", database="crowd")
    sync(read())
    assert sync.said() == []
    assert held(sync, "bob") == ["relation:s.*"]
    drop_tables(crowd, "s", "more", 20)
    crowd.run("GRANT SELECT ON t.few_0 TO bob", database="crowd")
    sync(read())
    assert sync.said() == []
    assert len(held(sync, "bob")) == 11


def test_on_either_side_of_the_cap_real_changes_are_told(sync, crowd, read):
    sync(read())
    add_tables(crowd, "s", "more", 20)
    sync(read())
    crowd.run("REVOKE ALL ON ALL TABLES IN SCHEMA t FROM bob", database="crowd")
    sync(read())
    assert sync.said() == [("bob", "modify_privilege", "REVOKE SELECT crowd: relation:t.*")]

    drop_tables(crowd, "s", "more", 20)
    sync(read())
    crowd.run("GRANT SELECT ON t.few_3 TO bob", "DROP TABLE s.few_7", database="crowd")
    sync(read())
    assert sync.said() == [
        ("ada", "modify_privilege", "REVOKE SELECT crowd: relation:s.few_7"),
        ("bob", "modify_privilege", "REVOKE SELECT crowd: relation:s.few_7; GRANT SELECT crowd: relation:t.few_3"),
    ]


def test_beyond_the_cap_one_more_table_of_the_same_roles_is_no_change(sync, crowd, read):
    add_tables(crowd, "s", "more", 20)
    sync(read())
    before = list(InstanceAccount.objects.order_by("pk").values())
    add_tables(crowd, "s", "another", 1)
    counts = sync(read())
    assert (counts.created, counts.updated, counts.deleted, sync.log()) == (0, 0, 0, [])
    assert list(InstanceAccount.objects.order_by("pk").values()) == before


def test_a_role_that_is_new_while_the_cap_is_crossed_is_told_with_the_summary(sync, crowd, read):
    sync(read())
    add_tables(crowd, "s", "more", 20)
    crowd.role("eve", "NOLOGIN NOINHERIT")
    crowd.run("GRANT SELECT ON t.few_0 TO eve", database="crowd")
    sync(read())
    assert sync.said() == [("eve", "add", "GRANT SELECT crowd: relation:t.*")]
