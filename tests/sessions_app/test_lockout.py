"""A rejected login is left alone by everything that runs by itself, until something changes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from instances.models import Credential, Instance
from sessions_app import engine, services
from sessions_app.categories import SyncCategory
from sessions_app.models import SyncInstanceRecord
from tests.sessions_app.conftest import record_of
from tests.sessions_app.fakes import FakeFetching
from whalefall.errors import LoginRejected

pytestmark = pytest.mark.django_db


def reject(target):
    raise LoginRejected(**target.address)


@pytest.fixture
def targets(script, monkeypatch):
    """Categories that really read the credential."""
    monkeypatch.setattr(FakeFetching, "target", SyncCategory.target)
    return script


def run(sync_type="scheduled_task", instances=None):
    session = services.start_session(
        category="account",
        sync_type=sync_type,
        instances=instances if instances is not None else Instance.objects.all(),
    )
    engine.run(session=session)
    session.refresh_from_db()
    return session


@pytest.fixture
def rejected(targets, make_instances) -> Instance:
    (instance,) = make_instances("a")
    targets.fetch["a.example"] = reject
    run()
    return instance


def test_a_schedule_skips_a_login_that_was_rejected(rejected, targets):
    record = record_of(run(), "a")
    assert (record.status, record.reason) == ("skipped", "credential_suspended")
    assert record.error_message


def test_a_person_may_still_try(rejected, targets):
    assert record_of(run("manual_batch"), "a").status == "failed"


def test_a_retry_leaves_it_alone(rejected, targets):
    first = run("manual_batch")
    assert record_of(services.retry_session(first), "a").reason == "credential_suspended"


def test_another_password_ends_the_suspension(rejected, targets):
    credential = Credential.objects.get()
    credential.set_password("better")
    credential.save()
    del targets.fetch["a.example"]
    assert record_of(run(), "a").status == "completed"


def test_the_same_password_again_does_not(rejected, targets):
    credential = Credential.objects.get()
    credential.set_password("secret")
    credential.save()
    assert record_of(run(), "a").reason == "credential_suspended"


def test_another_address_ends_the_suspension(rejected, targets):
    Instance.objects.update(host="elsewhere.example")
    assert record_of(run(), "a").status == "completed"


def test_a_success_ends_it(rejected, targets):
    del targets.fetch["a.example"]
    run("manual_batch")
    rejected.refresh_from_db()
    assert rejected.rejected_login == ""
    assert record_of(run(), "a").status == "completed"


def test_three_rejections_of_one_credential_spare_the_rest_of_the_session(targets, make_instances, settings):
    settings.SYNC_THREADS = 1
    make_instances(*(f"i{n}" for n in range(6)))
    for n in range(6):
        targets.fetch[f"i{n}.example"] = reject
    session = run("manual_task")
    assert (session.failed_instances, session.skipped_instances) == (3, 3)


def test_rejections_long_ago_do_not_count(targets, make_instances, settings):
    settings.SYNC_THREADS = 1
    make_instances(*(f"i{n}" for n in range(4)))
    for n in range(4):
        targets.fetch[f"i{n}.example"] = reject
    session = services.start_session(category="account", sync_type="manual_task", instances=Instance.objects.all())
    SyncInstanceRecord.objects.filter(instance_name__in=["i0", "i1"]).update(
        status="failed", reason="auth", completed_at=timezone.now() - timedelta(minutes=11)
    )
    engine.run(session=session)
    session.refresh_from_db()
    assert (session.failed_instances, session.skipped_instances) == (4, 0)


def test_another_credential_goes_on(targets, make_instances, settings):
    settings.SYNC_THREADS = 1
    make_instances(*(f"i{n}" for n in range(4)))
    other = Credential.objects.create(name="other", username="other")
    make_instances("z", credential=other)
    for n in range(4):
        targets.fetch[f"i{n}.example"] = reject
    assert record_of(run("manual_task"), "z").status == "completed"
