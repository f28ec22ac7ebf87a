"""Whole sessions over a real PostgreSQL server: what the change log says is what was done, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from accounts_sync.models import AccountChangeLog, InstanceAccount
from sessions_app.models import InstanceCoverage, SyncSession
from tests.accounts_sync.conftest import synchronize, words
from tests.dbms.conftest import Scene, admin_of
from tests.instances.factories import CredentialFactory, InstanceFactory

pytestmark = pytest.mark.django_db

MONITOR = "watcher"
HOSTILE = 'o\'neil "%s"\n{x} 名前'


@pytest.fixture(autouse=True)
def adapter() -> None:
    """PostgreSQL's own adapter stays in its place."""


@pytest.fixture
def town(postgresql) -> Iterator[Scene]:
    """A server with two databases, and an instance that reads it as an unprivileged account."""
    scene = Scene(postgresql)
    scene.role(MONITOR)
    scene.role(HOSTILE)
    scene.role("ada")
    for name in ("mill", "shop"):
        scene.database(name)
        scene.run("CREATE TABLE public.t (a int, b int)", "GRANT SELECT ON public.t TO ada", database=name)
    InstanceFactory(
        host=postgresql.host, port=postgresql.port, credential=CredentialFactory(username=MONITOR), connect_timeout=2
    )
    yield scene
    scene.clean()


def said(session: SyncSession) -> set[tuple[str, str, str]]:
    """What a session logged, but for the baseline."""
    rows = AccountChangeLog.objects.filter(session_uuid=session.session_id, is_baseline=False)
    return {(row.username, row.change_type, words(row)) for row in rows}


def coverage(name: str) -> str:
    return InstanceCoverage.objects.get(scope=f"database:{name}").status


def test_known_changes_are_logged_exactly(town):
    assert said(synchronize()) == set()
    assert said(synchronize()) == set()
    town.run(
        sql.SQL("GRANT UPDATE (b) ON public.t TO {} WITH GRANT OPTION").format(sql.Identifier(HOSTILE)),
        "REVOKE SELECT ON public.t FROM ada",
        database="shop",
    )
    town.run("GRANT pg_monitor TO ada", sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(HOSTILE)))
    town.role("newcomer")
    found = said(synchronize())
    assert {(username, change) for username, change, _ in found} == {
        ("ada", "modify_privilege"),
        (HOSTILE, "modify_privilege"),
        ("newcomer", "add"),
    }
    text = {username: told for username, _, told in found}
    assert "REVOKE SELECT shop: relation:public.t" in text["ada"]
    assert "GRANT pg_monitor" in text["ada"]
    assert "GRANT can_create_db" in text[HOSTILE]
    assert "GRANT UPDATE WITH GRANT OPTION shop: column:public.t.b" in text[HOSTILE]
    town.run(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(HOSTILE)), database="shop")
    town.run(sql.SQL("DROP ROLE {}").format(sql.Identifier(HOSTILE)))
    assert (HOSTILE, "delete", "") in said(synchronize())
    assert not InstanceAccount.objects.get(username=HOSTILE).is_active


def test_a_database_that_is_denied_for_a_while_loses_nothing(town):
    synchronize()
    town.run("REVOKE CONNECT ON DATABASE mill FROM PUBLIC")
    town.run("REVOKE SELECT ON public.t FROM ada", database="shop")
    found = said(synchronize())
    assert ("ada", "modify_privilege", "REVOKE SELECT shop: relation:public.t") in found
    assert not [told for _, _, told in found if "mill: relation" in told]
    assert coverage("mill") == "denied"
    held = InstanceAccount.objects.get(username="ada").permission.permission_snapshot["categories"]
    assert held["postgresql_object_privileges"]["mill"] == {"relation:public.t": ["SELECT"]}
    town.run("GRANT CONNECT ON DATABASE mill TO PUBLIC")
    assert not [told for _, _, told in said(synchronize()) if "mill: relation" in told]


def test_a_database_that_times_out_loses_nothing(town):
    synchronize()
    with admin_of(town.server, "mill") as admin, admin.transaction():
        # Nobody can begin to work in a database whose catalogue is locked.
        admin.execute("LOCK TABLE pg_catalog.pg_class IN ACCESS EXCLUSIVE MODE")
        assert said(synchronize()) == set()
        assert coverage("mill") == "timeout"
    assert said(synchronize()) == set()
    assert coverage("mill") == "ok"


def test_a_dropped_database_is_logged_as_such(town):
    synchronize()
    town.run("DROP DATABASE mill")
    synchronize()
    (row,) = AccountChangeLog.objects.filter(username="ada", is_baseline=False)
    (entry,) = row.privilege_diff["entries"]
    assert (entry["action"], entry["permissions"], entry["reason"]) == ("REVOKE", ["SELECT"], "database_dropped")
    assert not InstanceCoverage.objects.filter(scope="database:mill").exists()


def test_what_is_stored_is_what_a_real_login_can_do(town):
    town.run(sql.SQL("GRANT INSERT ON public.t TO {}").format(sql.Identifier(HOSTILE)), database="shop")
    synchronize()
    stored = InstanceAccount.objects.get(username=HOSTILE).permission.permission_snapshot["categories"]
    assert stored["postgresql_object_privileges"]["shop"] == {"relation:public.t": ["INSERT"]}
    with admin_of(town.server, "shop", user=HOSTILE) as login:
        login.execute("INSERT INTO public.t VALUES (1, 2)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            login.execute("SELECT * FROM public.t")
