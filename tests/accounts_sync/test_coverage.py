"""The coverage ledger: what is known of a scope, and since when."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dbms.snapshots import Coverage
from instances.models import Instance
from sessions_app import coverage
from sessions_app.coverage import LedgerUpdate
from sessions_app.models import InstanceCoverage
from tests.accounts_sync.conftest import make_instance

pytestmark = pytest.mark.django_db


def scope(name: str, status: str = "ok", *categories: str, reason: str = "") -> Coverage:
    return Coverage(scope=name, status=status, reason=reason, categories=categories)  # type: ignore[arg-type]


def store(instance: Instance, *scopes: Coverage, gone: tuple[str, ...] = ()) -> int:
    """Writes a read and returns the number of statements."""
    previous = coverage.stored(instance, "account")
    with CaptureQueriesContext(connection) as captured:
        update = LedgerUpdate(instance=instance, coverage=scopes, previous=previous, gone=gone)
        coverage.store("account", update)
    return len(captured)


def test_a_read_scope_is_known_since_now(instance):
    store(instance, scope("server", "ok", "a", "b"))
    row = coverage.stored(instance, "account")["server"]
    assert (row.status, row.reason, row.categories) == ("ok", "", ["a", "b"])
    assert row.last_ok_at is not None


def test_a_scope_that_was_never_read_is_known_since_never(instance):
    store(instance, scope("database:app", "denied", reason="no CONNECT"))
    row = coverage.stored(instance, "account")["database:app"]
    assert (row.status, row.reason, row.categories, row.last_ok_at) == ("denied", "no CONNECT", [], None)


@pytest.mark.parametrize("status", ["denied", "timeout", "offline", "error"])
def test_an_unread_scope_keeps_what_it_knew_and_since_when(instance, status):
    store(instance, scope("database:app", "ok", "a"))
    before = coverage.stored(instance, "account")["database:app"]
    for _ in range(2):
        store(instance, scope("database:app", status, reason="why"))
        row = coverage.stored(instance, "account")["database:app"]
        assert (row.status, row.reason) == (status, "why")
        assert (row.categories, row.last_ok_at, row.pk) == (["a"], before.last_ok_at, before.pk)


def test_an_unchanged_read_moves_its_time_by_one_statement(instance):
    scopes = [scope("server", "ok", "a"), *(scope(f"database:{n}", "ok", "b") for n in range(50)), scope("x", "denied")]
    assert store(instance, *scopes) == 1
    before = coverage.stored(instance, "account")
    assert store(instance, *scopes) == 1
    after = coverage.stored(instance, "account")
    assert all(after[name].last_ok_at > row.last_ok_at for name, row in before.items() if name != "x")
    assert after["x"].last_ok_at is None


def test_a_changed_read_takes_no_more_statements(instance):
    store(instance, scope("server", "ok", "a"), scope("database:old", "ok"))
    count = store(
        instance, scope("server", "ok", "a", "b"), scope("database:new", "ok"), gone=("database:old", "database:never")
    )
    assert count == 2
    rows = coverage.stored(instance, "account")
    assert sorted(rows) == ["database:new", "server"]
    assert rows["server"].categories == ["a", "b"]


def test_a_scope_that_is_neither_named_nor_gone_stays(instance):
    store(instance, scope("server"), scope("database:app", "ok", "a"))
    store(instance, scope("server"))
    assert coverage.stored(instance, "account")["database:app"].categories == ["a"]


def test_a_read_in_which_everything_failed_is_stored(instance):
    store(instance, scope("server", "error", reason="x" * 300))
    assert store(instance, scope("server", "error", reason="x" * 300)) == 0
    assert len(coverage.stored(instance, "account")["server"].reason) == 255


def test_other_instances_and_categories_are_left_alone(instance):
    store(make_instance("db2"), scope("server", "ok", "other"))
    InstanceCoverage.objects.create(instance=instance, sync_category="capacity", scope="server", status="ok")
    store(instance, scope("server", "denied"), gone=("server2",))
    assert InstanceCoverage.objects.count() == 3
    assert list(coverage.stored(instance, "account")) == ["server"]
