"""Whole capacity sessions over real servers: what is stored is what the server's own functions and files say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg import sql

from capacity.models import DatabaseSizeStat, InstanceDatabase, InstanceSizeStat
from sessions_app.models import SyncSession
from sessions_app.timetable import SyncSchedule
from tests.capacity.conftest import GIB
from tests.dbms.conftest import Scene
from tests.dbms.mysql.conftest import MariaDbScene
from tests.instances.factories import CredentialFactory, InstanceFactory

pytestmark = pytest.mark.django_db

PEOPLE = 'o\'neil "%s" 名前'


@pytest.fixture
def harbour(postgresql_installed, mariadb) -> Iterator[tuple[Scene, MariaDbScene]]:
    """A PostgreSQL and a MariaDB server, each with two databases that hold something, both registered."""
    pg, my = Scene(postgresql_installed), MariaDbScene(mariadb)
    for name in ("shop", PEOPLE):
        pg.database(name)
        pg.run("CREATE TABLE t AS SELECT g, repeat('x', 500) AS x FROM generate_series(1, 4000) AS g", database=name)
    for name in ("shop", "news"):
        my.database(name)
        my.run(f"CREATE TABLE {name}.t (a int primary key, b varchar(500))")
        my.run(f"INSERT INTO {name}.t SELECT seq, repeat('x', 500) FROM {name}.seq_1_to_4000")
    for db_type, server in (("postgresql", postgresql_installed), ("mysql", mariadb)):
        credential = CredentialFactory(username=server.superuser, password="")
        InstanceFactory(
            name=db_type, db_type=db_type, host=server.host, port=server.port, credential=credential, database_name=""
        )
    yield pg, my
    pg.clean()
    my.clean()


def sizes(db_type: str) -> dict[str, int]:
    rows = DatabaseSizeStat.objects.filter(instance__name=db_type)
    return dict(rows.values_list("database_name", "size_bytes"))


def test_the_command_measures_every_kind_of_server_and_says_how_much(harbour, manage):
    pg, my = harbour
    for name in ("shop", PEOPLE):
        pg.run("VACUUM", "CHECKPOINT", database=name)
    done = manage("sync", "capacity", "--inline")
    assert (done.status, done.err) == (0, "")
    assert "MB" in done.out

    stated = {name: pg.value("SELECT pg_database_size(%s)", name) for name in ("shop", PEOPLE)}
    assert {name: sizes("postgresql")[name] for name in stated} == stated
    files = {
        name: sum(file.stat().st_size for file in my.server.directory.rglob(f"{name}/*.ibd"))
        for name in ("shop", "news")
    }
    assert {name: sizes("mysql")[name] for name in files} == files
    assert min(files.values()) > 2_000_000

    listed = InstanceDatabase.objects.listed()
    for db_type in ("postgresql", "mysql"):
        total = InstanceSizeStat.objects.get(instance__name=db_type)
        names = set(listed.filter(instance__name=db_type).values_list("database_name", flat=True))
        assert total.total_size_bytes == sum(size for name, size in sizes(db_type).items() if name in names) < GIB
        assert total.is_complete
    session = SyncSession.objects.get()
    assert session.outcome == "clean"
    shown = manage("sessions", "show", str(session.session_id), "--json").json
    assert shown["summary"]["metrics"]["total_size_bytes"] == sum(
        InstanceSizeStat.objects.values_list("total_size_bytes", flat=True)
    )


def test_a_dropped_database_is_gone_and_its_history_stays(harbour, manage):
    pg, _my = harbour
    manage("sync", "capacity", "--inline", "--db-type", "postgresql")
    pg.run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(PEOPLE)))
    manage("sync", "capacity", "--inline", "--db-type", "postgresql")
    row = InstanceDatabase.objects.get(database_name=PEOPLE)
    assert (row.is_active, row.deleted_at is None) == (False, False)
    assert DatabaseSizeStat.objects.filter(database_name=PEOPLE).exists()
    assert InstanceDatabase.objects.get(database_name="shop").is_active


def test_sizes_are_measured_every_night_at_three(manage):
    manage("schedules", "install")
    assert SyncSchedule.objects.get(key="capacity").cron == "0 3 * * *"
