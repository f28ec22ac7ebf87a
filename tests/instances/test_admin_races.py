"""What two people do in the admin at the same moment. Needs real concurrent connections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, models
from django.db.models.signals import pre_save

from instances.models import Credential, Instance, Tag
from tests.instances.factories import CredentialFactory, InstanceFactory, TagFactory
from tests.people import browser

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite serialises every writer by itself"),
]

KINDS = {
    Instance: (InstanceFactory, {"db_type": "postgresql", "host": "db1", "port": "5432", "tls_mode": "disable"}),
    Credential: (CredentialFactory, {"username": "whalefall"}),
    Tag: (TagFactory, {}),
}


@contextmanager
def taken_at_the_last_moment(model: type[models.Model], name: str) -> Iterator[None]:
    """Somebody else saves a row of that name, after the form was checked and before it is saved."""

    def take() -> None:
        pre_save.disconnect(before, sender=model)
        try:
            KINDS[model][0](name=name)
        finally:
            connection.close()

    def before(**_: object) -> None:
        other = threading.Thread(target=take)
        other.start()
        other.join(30)

    pre_save.connect(before, sender=model)
    try:
        yield
    finally:
        pre_save.disconnect(before, sender=model)


@pytest.mark.parametrize("is_new", [True, False], ids=["add", "change"])
@pytest.mark.parametrize("model", KINDS, ids=lambda model: model.__name__)
def test_a_name_that_is_taken_while_the_form_is_saved_is_a_fault_of_the_form(model, is_new):
    make, fields = KINDS[model]
    page = "add" if is_new else f"{make(name='before').pk}/change"
    client = browser("root")
    with taken_at_the_last_moment(model, "wanted"):
        answer = client.post(
            f"/admin/instances/{model._meta.model_name}/{page}/", {**fields, "name": "wanted", "is_active": "on"}
        )
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == ["name"]
    assert answer.context["adminform"].form.data["name"] == "wanted"
    assert set(model.objects.values_list("name", flat=True)) == {"wanted"} | (set() if is_new else {"before"})
