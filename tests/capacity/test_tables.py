"""Table sizes on demand: what is asked, what is kept, and what is said when it cannot be done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User

import dbms
from capacity.models import InstanceDatabase, TableSizeSnapshot
from capacity.tables import latest, measure_tables
from dbms.base import Server, Target
from dbms.sizes import TableSize
from instances.models import Credential, Instance
from tests.capacity.conftest import DAY, make_instance
from whalefall.errors import (
    CredentialMissing,
    InstanceDisabled,
    InternalError,
    LoginRejected,
    NotFound,
    RemoteTimeout,
    ValidationFailed,
    WhaleFallError,
)

pytestmark = pytest.mark.django_db
Read = Callable[[Target, str, int], Any]

TABLES = [
    TableSize(
        schema="public", name="orders", size_bytes=300, data_size_bytes=200, index_size_bytes=100, row_estimate=9
    ),
    TableSize(schema="public", name="nul\0", size_bytes=20),
]
STORED = [
    {
        "schema": "public", "name": "orders", "size_bytes": 300, "data_size_bytes": 200, "index_size_bytes": 100,
        "row_estimate": 9,
    },
    {
        "schema": "public", "name": "nul\\x00", "size_bytes": 20, "data_size_bytes": None, "index_size_bytes": None,
        "row_estimate": None,
    },
]  # fmt: skip


@pytest.fixture
def shop(instance: Instance) -> InstanceDatabase:
    """A database of an instance that has a login."""
    credential = Credential(name="watcher", username="watcher")
    credential.set_password("s3cret")
    credential.save()
    Instance.objects.filter(pk=instance.pk).update(credential=credential)
    instance.refresh_from_db()
    return InstanceDatabase.objects.create(
        instance=instance, database_name="shop", first_seen_date=DAY.date(), last_seen_date=DAY.date()
    )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Callable[[Read], None]:
    """Let every PostgreSQL server answer by a function of the target, the database and the number of tables."""

    def answer(read: Read) -> None:
        @contextmanager
        def connect(target: Target) -> Iterator[Any]:
            yield SimpleNamespace(
                target=target,
                server=Server(db_type="postgresql", version="PostgreSQL 15.18", main_version="15.18", number=(15, 18)),
            )

        adapter = replace(
            dbms.ADAPTERS["postgresql"],
            connect=connect,
            read_tables=lambda connection, database, most: read(connection.target, database, most),
        )
        monkeypatch.setitem(dbms.ADAPTERS, "postgresql", adapter)

    return answer


def failing(error: Exception) -> Read:
    def read(target: Target, database: str, most: int) -> Any:
        raise error

    return read


def test_what_the_server_says_is_kept_with_who_asked(shop, server):
    asked: list[tuple[str, str, int]] = []

    def read(target: Target, database: str, most: int) -> list[TableSize]:
        asked.append((target.username, database, most))
        return TABLES

    server(read)
    user = User.objects.create_user("ada")
    snapshot = measure_tables(instance=shop.instance, database_name="shop", user=user, most=2)
    assert asked == [("watcher", "shop", 2)]
    stored = TableSizeSnapshot.objects.get()
    assert stored.pk == snapshot.pk
    assert stored.tables == STORED
    assert (stored.asked_for, stored.created_by, stored.has_more) == (2, user, True)
    shop.instance.refresh_from_db()
    assert (shop.instance.main_version, shop.instance.last_connected_at is None) == ("15.18", False)


def test_no_more_tables_are_kept_than_were_asked_for(shop, server):
    server(lambda target, database, most: TABLES)
    assert measure_tables(instance=shop.instance, database_name="shop", most=1).tables == STORED[:1]


def test_the_last_five_snapshots_of_each_database_are_kept(shop, server):
    other = InstanceDatabase.objects.create(
        instance=shop.instance, database_name="Shop", first_seen_date=DAY.date(), last_seen_date=DAY.date()
    )
    server(lambda target, database, most: [])
    measure_tables(instance=shop.instance, database_name="Shop")
    made = [measure_tables(instance=shop.instance, database_name="shop").pk for _ in range(7)]
    assert [snapshot.pk for snapshot in latest(shop)] == made[:1:-1]
    assert TableSizeSnapshot.objects.filter(database_name="shop").count() == 5
    assert len(latest(other)) == 1


def test_a_rejected_login_is_suspended_and_nothing_is_kept(shop, server):
    server(failing(LoginRejected(host="h", port=1, username="watcher")))
    with pytest.raises(LoginRejected):
        measure_tables(instance=shop.instance, database_name="shop")
    shop.instance.refresh_from_db()
    assert shop.instance.is_suspended(shop.instance.target())
    assert not TableSizeSnapshot.objects.exists()


def test_a_read_that_takes_too_long_is_ended(shop, server, settings):
    settings.SYNC_INLINE_SECONDS = 0.05
    ended = threading.Event()

    def read(target: Target, database: str, most: int) -> Any:
        with target.interrupt.guard(cancel=ended.set, disconnect=ended.set):
            assert ended.wait(timeout=10)
            raise ConnectionResetError

    server(read)
    with pytest.raises(RemoteTimeout):
        measure_tables(instance=shop.instance, database_name="shop")


def test_a_surprise_of_a_driver_is_an_error_without_its_words(shop, server, caplog):
    server(failing(RuntimeError("password s3cret")))
    with pytest.raises(InternalError) as error:
        measure_tables(instance=shop.instance, database_name="shop")
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("database_name", "most", "changes", "expected"),
    [
        ("nowhere", 10, {}, NotFound),
        ("SHOP", 10, {}, NotFound),
        ("shop", 0, {}, ValidationFailed),
        ("shop", 1001, {}, ValidationFailed),
        ("shop", 10, {"is_active": False}, InstanceDisabled),
        ("shop", 10, {"deleted_at": DAY}, InstanceDisabled),
        ("shop", 10, {"credential": None}, CredentialMissing),
    ],
)
def test_what_cannot_be_asked_is_refused_before_the_server_is(
    shop, server, database_name, most, changes, expected: type[WhaleFallError]
):
    Instance.objects.filter(pk=shop.instance.pk).update(**changes)
    server(failing(AssertionError("the server was asked")))
    with pytest.raises(expected):
        measure_tables(instance=Instance.objects.get(), database_name=database_name, most=most)


def test_a_database_that_vanished_is_not_asked_for(shop, server):
    InstanceDatabase.objects.update(is_active=False)
    with pytest.raises(NotFound):
        measure_tables(instance=shop.instance, database_name="shop")


def test_a_kind_of_server_without_tables_says_so(shop, monkeypatch):
    adapter = replace(dbms.ADAPTERS["postgresql"], read_tables=None)
    monkeypatch.setitem(dbms.ADAPTERS, "postgresql", adapter)
    with pytest.raises(ValidationFailed, match="PostgreSQL"):
        measure_tables(instance=shop.instance, database_name="shop")


def test_databases_of_other_instances_are_not_theirs(shop, server):
    stranger = make_instance("db2")
    with pytest.raises(NotFound):
        measure_tables(instance=stranger, database_name="shop")
