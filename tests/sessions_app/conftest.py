"""Instances, sessions and records for the engine's tests; categories are fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from instances.models import Credential, Instance
from sessions_app.models import SyncInstanceRecord, SyncSession
from tests.sessions_app import fakes

FAKES = ["tests.sessions_app.fakes.FakeFetching", "tests.sessions_app.fakes.FakeLocal"]


@pytest.fixture
def script(settings) -> Iterator[fakes.Script]:
    settings.SYNC_CATEGORIES = FAKES
    settings.SYNC_FOLLOW_UPS = {}
    yield fakes.reset()
    fakes.reset()


@pytest.fixture
def credential(db) -> Credential:
    credential = Credential(name="monitor", username="monitor")
    credential.set_password("secret")
    credential.save()
    return credential


@pytest.fixture
def make_instances(credential) -> Callable[..., list[Instance]]:
    def make(*names: str, **fields) -> list[Instance]:
        return Instance.objects.bulk_create(
            Instance(
                **{
                    "name": name,
                    "db_type": "postgresql",
                    "host": f"{name}.example",
                    "port": 5432,
                    "credential": credential,
                    **fields,
                }
            )
            for name in names
        )

    return make


@pytest.fixture
def everything() -> Callable[[], object]:
    return Instance.objects.all


def record_of(session: SyncSession, name: str) -> SyncInstanceRecord:
    return session.records.select_related("session", "instance__credential").get(instance_name=name)


def expire_lease(record: SyncInstanceRecord) -> None:
    SyncInstanceRecord.objects.filter(pk=record.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
