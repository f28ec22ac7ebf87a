"""What programs can do with an instance."""

from __future__ import annotations

import pytest
from django.utils import timezone

from instances import services
from instances.models import Instance
from tests.instances.factories import InstanceFactory
from tests.people import api

pytestmark = pytest.mark.django_db


@pytest.fixture
def unreachable() -> Instance:
    return InstanceFactory(connection_failures=7, breaker_opened_at=timezone.now(), probed_at=timezone.now())


def path(pk: int) -> str:
    return f"/api/v1/instances/{pk}/actions/reset-breaker"


def test_an_operator_resets_a_breaker_and_again_is_no_error(unreachable: Instance):
    client = api("operator")
    for _ in range(2):
        answer = client.post(path(unreachable.pk))
        assert answer.status_code == 200
        assert answer.json()["data"]["instance"] == {
            "id": unreachable.pk,
            "name": unreachable.name,
            "is_unreachable": False,
            "connection_failures": 0,
            "breaker_opened_at": None,
            "probed_at": None,
        }
    unreachable.refresh_from_db()
    assert not unreachable.is_unreachable


def test_a_viewer_does_not(unreachable: Instance):
    assert api("viewer").post(path(unreachable.pk)).status_code == 403
    assert Instance.objects.unreachable().exists()


def test_a_key_that_means_nothing_is_refused(unreachable: Instance):
    answer = api("operator").post(path(unreachable.pk), {"all": True}, format="json")
    assert (answer.status_code, answer.json()["message_code"]) == (400, "VALIDATION_ERROR")
    assert Instance.objects.unreachable().exists()


def test_what_is_not_there_is_not_found(unreachable: Instance):
    services.soft_delete(Instance.objects.all())
    for pk in (unreachable.pk, 4711, 10**30):
        answer = api("operator").post(path(pk))
        assert (answer.status_code, answer.json()["message_code"]) == (404, "RESOURCE_NOT_FOUND")
    assert Instance.objects.unreachable().exists()
