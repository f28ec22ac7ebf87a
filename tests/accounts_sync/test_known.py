"""A read that says the same as the stored one writes nothing; one that could mean anything else is stored in full."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import dbms
from accounts_sync import known
from accounts_sync.models import InstanceAccount
from accounts_sync.sync import AccountSync
from dbms.base import Interrupt
from dbms.snapshots import content_digest
from instances.models import Instance
from sessions_app import coverage
from tests.accounts_sync import fakes
from tests.instances.factories import CredentialFactory
from whalefall.errors import ReadOutdated

pytestmark = pytest.mark.django_db


def read(*accounts, digest: str = "d1", **options):
    return replace(fakes.snapshot(*accounts, **options), digest=digest)


def test_an_equal_read_costs_two_statements_and_says_when(sync, instance):
    first = sync(read(fakes.role("ada"), databases=["app"]))
    before = coverage.stored(instance, "account")
    with CaptureQueriesContext(connection) as captured:
        second = sync(read(fakes.role("ada"), databases=["app"]))
    told = [query["sql"] for query in captured if "instance_coverage" in query["sql"] or "account_" in query["sql"]]
    assert len(told) == 2
    assert (second.synced, second.created, second.updated, second.deleted) == (first.synced, 0, 0, 0)
    after = coverage.stored(instance, "account")
    assert all(after[scope].last_ok_at > before[scope].last_ok_at for scope in after)
    assert sync.log() == []


def test_an_equal_read_need_not_bring_its_accounts(sync):
    sync(read(fakes.role("ada"), fakes.role("bob")))
    bare = replace(read(), accounts=(), coverage=(), is_known=True)
    assert sync(bare).synced == 2
    assert InstanceAccount.objects.filter(is_active=True).count() == 2


def test_a_read_without_a_digest_is_never_taken_for_another(sync):
    sync(read(fakes.role("ada"), digest=""))
    assert sync(read(fakes.role("ada"), fakes.role("bob"), digest="")).created == 1


@pytest.mark.parametrize("versions", [{"reader_version": 2}, {"facts_version": 2}])
def test_new_rules_take_an_equal_read_apart_again(sync, adapter, instance, versions):
    sync(read(fakes.role("ada")))
    assert known.digest(instance) == "d1"
    adapter(**versions)
    assert known.digest(instance) == ""
    assert sync(read(fakes.role("ada"))).details["silently_updated"] == 1


def test_a_read_that_relies_on_what_is_not_stored_is_tried_again(sync):
    sync(read(fakes.role("ada")))
    with pytest.raises(ReadOutdated) as raised:
        sync(replace(read(digest="d2"), accounts=(), coverage=(), is_known=True))
    assert raised.value.transient
    assert sync.account("ada").is_active


def test_force_stores_an_equal_read_in_full(sync):
    sync(read(fakes.role("ada"), fakes.role("bob")))
    InstanceAccount.objects.filter(username="bob").delete()
    assert sync(read(fakes.role("ada"), fakes.role("bob"))).created == 0
    assert sync(read(fakes.role("ada"), fakes.role("bob")), force=True).created == 1


def test_an_equal_read_says_nothing_of_scopes_that_it_does_not_name(sync, instance):
    incomplete = [category for category in fakes.SERVER_CATEGORIES if category != "databases"]
    sync(read(fakes.role("ada"), databases=["x", "y"], digest="d0"))
    sync(read(fakes.role("ada"), databases=["x"], server=incomplete))
    before = coverage.stored(instance, "account")
    sync(read(fakes.role("ada"), databases=["x"], server=incomplete))
    after = coverage.stored(instance, "account")
    assert after["database:y"].last_ok_at == before["database:y"].last_ok_at
    assert after["database:x"].last_ok_at > before["database:x"].last_ok_at


def test_a_fetch_is_told_the_digest_unless_it_is_forced(sync, instance):
    sync(read(fakes.role("ada")))
    instance.credential = CredentialFactory()
    category = AccountSync()
    assert category.target(instance, Interrupt(), sync.run()).known_digest == "d1"
    assert category.target(instance, Interrupt(), sync.run(force=True)).known_digest == ""


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


def test_every_fetch_has_a_digest(monkeypatch, instance):
    class Connected:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    seen = fakes.snapshot(fakes.role("ada"))
    adapter = replace(dbms.get("postgresql"), connect=lambda target: Connected(), read_accounts=lambda connection: seen)
    monkeypatch.setitem(dbms.ADAPTERS, "postgresql", adapter)
    Instance.objects.update(credential=CredentialFactory())
    target = Instance.objects.get().target()
    assert AccountSync().fetch(target).digest == content_digest(seen)
