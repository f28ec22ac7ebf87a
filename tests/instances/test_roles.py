"""The three roles."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from instances import services
from instances.models import Instance
from tests.instances.factories import InstanceFactory
from whalefall import roles

pytestmark = pytest.mark.django_db


def client_of(role: str) -> Client:
    """A browser in which a member of this role is logged in."""
    user = User.objects.create_user(role, password="x", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def held(role: str) -> set[str]:
    return set(Permission.objects.filter(group__name=role).values_list("codename", flat=True))


def test_one_migrate_gives_every_role_its_permissions():
    viewer, operator, admin = held("viewer"), held("operator"), held("admin")
    assert {"view_instance", "view_credential", "view_syncsession", "view_instanceaccount"} <= viewer
    assert all(codename.startswith("view_") for codename in viewer)
    assert {"change_instance", "run_sync", "cancel_syncsession", "retry_syncsession"} <= operator
    assert not any(codename.startswith(("add_", "delete_")) for codename in operator)
    assert "change_credential" not in operator
    assert viewer < operator < admin
    assert admin == set(Permission.objects.values_list("codename", flat=True))


def test_another_migrate_brings_a_role_back_to_the_table_and_leaves_other_groups_alone():
    viewer = Group.objects.get(name="viewer")
    mine = Group.objects.create(name="mine")
    delete = Permission.objects.get(codename="delete_instance")
    for group in (viewer, mine):
        group.permissions.add(delete)
    viewer.permissions.remove(Permission.objects.get(codename="view_tag"))
    roles.apply(app_config=apps.get_app_config("instances"), using="default")
    assert "delete_instance" not in held("viewer")
    assert "view_tag" in held("viewer")
    assert held("mine") == {"delete_instance"}


def test_a_viewer_sees_and_cannot_change():
    instance = InstanceFactory()
    client = client_of("viewer")
    change, listed = f"/admin/instances/instance/{instance.pk}/change/", "/admin/instances/instance/"
    assert client.get(listed).status_code == 200
    page = client.get(change)
    assert page.status_code == 200
    assert b'name="host"' not in page.content
    before = Instance.objects.values().get()
    forbidden = [
        (change, {"name": "x"}),
        ("/admin/instances/instance/add/", {"name": "x"}),
        (f"/admin/instances/instance/{instance.pk}/delete/", {"post": "yes"}),
        (f"/admin/instances/instance/{instance.pk}/test_connection/", {"_form_submitted": "on"}),
        (f"/admin/instances/instance/{instance.pk}/purge/", {"_form_submitted": "on"}),
        (f"/admin/instances/instance/{instance.pk}/restore/", {"_form_submitted": "on"}),
        (f"/admin/instances/credential/{instance.credential.pk}/change/", {"name": "x"}),
    ]
    assert {client.post(path, data).status_code for path, data in forbidden} == {403}
    client.post(listed, {"action": "delete_selected", "_selected_action": [instance.pk], "post": "yes"})
    assert Instance.objects.values().get() == before


def test_an_operator_edits_an_instance_but_not_where_its_password_is_sent_to():
    instance = InstanceFactory(host="db.example.com")
    client = client_of("operator")
    answer = client.post(
        f"/admin/instances/instance/{instance.pk}/change/",
        {
            "name": instance.name,
            "db_type": "postgresql",
            "host": "evil.example.com",
            "port": "1",
            "tls_mode": "require",
            "description": "edited",
            "is_active": "on",
        },
    )
    assert answer.status_code == 302, answer.context["errors"]
    instance.refresh_from_db()
    assert (instance.description, instance.host, instance.port) == ("edited", "db.example.com", 5432)
    assert (instance.tls_mode, instance.credential is None) == ("disable", False)


def test_an_operator_cannot_delete():
    instance = InstanceFactory()
    client = client_of("operator")
    assert client.post(f"/admin/instances/instance/{instance.pk}/delete/", {"post": "yes"}).status_code == 403
    services.soft_delete(Instance.objects.all())
    assert client.post(f"/admin/instances/instance/{instance.pk}/purge/", {"_form_submitted": "on"}).status_code == 403
    assert Instance.objects.exists()
