"""A read that says the same as the stored one writes nothing; one that could mean anything else is stored in full."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts_sync import known
from accounts_sync.models import InstanceAccount
from accounts_sync.sync import AccountSync
from dbms.snapshots import content_digest
from instances.models import Instance
from sessions_app import coverage, fetches
from sessions_app.categories import Read
from sessions_app.models import InstanceCoverage
from tests.accounts_sync import fakes
from tests.accounts_sync.conftest import synchronize
from tests.instances.factories import CredentialFactory, InstanceFactory
from whalefall.errors import ReadOutdated

pytestmark = pytest.mark.django_db


def answering(digest: str):
    """A server whose reads have a digest, and which does not take an equal one apart."""

    def answer(target):
        if target.known_digest == digest:
            return replace(fakes.snapshot(), digest=digest, accounts=(), coverage=(), is_known=True)
        return replace(fakes.snapshot(fakes.role("ada"), fakes.role("bob")), digest=digest)

    return answer


def test_equal_reads_of_many_instances_cost_two_statements_and_say_when(serve, monkeypatch, settings):
    settings.SYNC_FOLLOW_UPS = {}  # what a read costs, and nothing after it
    monkeypatch.setattr(fetches, "GATHER_SECONDS", 10)  # it ends as soon as all four have
    InstanceFactory.create_batch(4)
    serve(fakes.snapshot(fakes.role("ada"), databases=["app"]))
    synchronize()
    before = list(InstanceCoverage.objects.order_by("pk").values_list("last_ok_at", flat=True))
    with CaptureQueriesContext(connection) as captured:
        session = synchronize()
    applied = [query["sql"] for query in captured if query["sql"].startswith(('SELECT "instance_coverage"', "UPDATE"))]
    assert len([statement for statement in applied if '"instance_coverage"' in statement.split("WHERE")[0]]) == 2
    assert not [query["sql"] for query in captured if "account_" in query["sql"]]
    after = list(InstanceCoverage.objects.order_by("pk").values_list("last_ok_at", flat=True))
    assert len(after) == 8
    assert all(now > then for now, then in zip(after, before, strict=True))
    assert [(record.items_synced, record.items_created) for record in session.records.all()] == [(1, 0)] * 4
    assert {record.sync_details["scopes"] for record in session.records.all()} == {2}
    assert list(Instance.objects.values_list("sync_count", flat=True)) == [2] * 4


def test_an_equal_read_need_not_bring_its_accounts(serve):
    InstanceFactory()
    serve(answering("d1"))
    synchronize()
    assert synchronize().records.get().items_synced == 2
    assert InstanceAccount.objects.filter(is_active=True).count() == 2


def test_a_changed_read_among_equal_ones_is_stored(serve):
    first, changed, last = InstanceFactory.create_batch(3)
    ada, eve = fakes.role("ada"), fakes.role("eve")
    serve(fakes.snapshot(ada))
    synchronize()
    serve(lambda target: fakes.snapshot(ada, eve) if target.host == changed.host else fakes.snapshot(ada))
    created = dict(synchronize().records.values_list("instance", "items_created"))
    assert created == {first.pk: 0, changed.pk: 1, last.pk: 0}


@pytest.mark.parametrize("versions", [{"reader_version": 2}, {"facts_version": 2}])
def test_new_rules_take_an_equal_read_apart_again(serve, versions):
    InstanceFactory()
    serve(answering("d1"))
    synchronize()
    serve(answering("d1"), **versions)
    assert synchronize().records.get().sync_details["silently_updated"] == 2


def test_a_read_that_relies_on_what_is_not_stored_is_tried_again(serve, sync):
    Instance.objects.update(credential=CredentialFactory())
    serve(answering("d1"))
    synchronize()
    seen = replace(fakes.snapshot(), digest="d2", accounts=(), coverage=(), is_known=True)
    with CaptureQueriesContext(connection) as captured, pytest.raises(ReadOutdated) as raised:
        known.confirm([Read(sync.instance, seen, sync.run())])
    assert raised.value.transient
    assert not [query["sql"] for query in captured if query["sql"].startswith("UPDATE")]


def test_force_stores_an_equal_read_in_full(serve):
    InstanceFactory()
    serve(answering("d1"))
    synchronize()
    InstanceAccount.objects.filter(username="bob").delete()
    assert synchronize().records.get().items_created == 0
    assert synchronize(force=True).records.get().items_created == 1


def test_an_equal_read_says_nothing_of_scopes_that_it_does_not_name(serve):
    instance = InstanceFactory()
    incomplete = [category for category in fakes.SERVER_CATEGORIES if category != "databases"]
    serve(fakes.snapshot(fakes.role("ada"), databases=["x", "y"]))
    synchronize()
    serve(fakes.snapshot(fakes.role("ada"), databases=["x"], server=incomplete))
    synchronize()
    before = coverage.stored(instance, "account")
    synchronize()
    after = coverage.stored(instance, "account")
    assert after["database:y"].last_ok_at == before["database:y"].last_ok_at
    assert after["database:x"].last_ok_at > before["database:x"].last_ok_at


CHANGES = {
    "an account": lambda seen: replace(seen, accounts=(*seen.accounts, fakes.role("bob"))),
    "a privilege": lambda seen: replace(seen, accounts=(fakes.role("ada", connect={"app": ["CONNECT"]}),)),
    "what it owns": lambda seen: replace(seen, accounts=(fakes.role("ada", owned={"app": ["relation:t"]}),)),
    "a lock": lambda seen: replace(seen, accounts=(fakes.role("ada", is_locked=True),)),
    "an attribute": lambda seen: replace(seen, accounts=(fakes.role("ada", specific={"x": 1}),)),
    "its identity": lambda seen: replace(seen, accounts=(fakes.role("ada", principal_id="7"),)),
    "a system mark": lambda seen: replace(seen, accounts=(fakes.role("ada", is_system=True),)),
    "coverage": lambda seen: replace(seen, coverage=seen.coverage[:1]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_digest_of_what_was_read_changes_with(change):
    seen = fakes.snapshot(fakes.role("ada"), databases=["app"])
    assert content_digest(seen) == content_digest(fakes.snapshot(fakes.role("ada"), databases=["app"]))
    assert content_digest(CHANGES[change](seen)) != content_digest(seen)


def test_every_fetch_has_a_digest(serve):
    seen = fakes.snapshot(fakes.role("ada"))
    serve(seen)
    target = InstanceFactory().target()
    assert AccountSync().fetch(target) == replace(seen, digest=content_digest(seen))
    known_one = AccountSync().fetch(replace(target, known_digest=content_digest(seen)))
    assert (known_one.is_known, known_one.accounts, known_one.coverage) == (True, (), seen.coverage)
