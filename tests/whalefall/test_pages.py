"""The sidebar, the pages of libraries, short paths and languages."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.test import Client
from knox.models import AuthToken

from instances.models import Credential, Instance
from tests.people import browser, person

pytestmark = pytest.mark.django_db


def sidebar(role: str) -> set[str]:
    groups = browser(role).get("/admin/").context["sidebar_navigation"]
    return {str(item["title"]) for group in groups for item in group["items"]}


def test_the_sidebar_shows_what_the_role_may_see():
    assert {"Dashboard", "Sync sessions", "Instance records", "Instances"} <= sidebar("viewer")
    assert "Schedules" in sidebar("viewer")
    assert not {"Users", "API tokens", "Queued tasks"} & sidebar("viewer")
    assert {"Users", "API tokens", "Schedules", "Queued tasks", "Failed tasks"} <= sidebar("root")
    assert sidebar("nobody") == {"Dashboard"}


def test_every_page_of_the_admin_opens_for_a_superuser():
    client = browser("root")
    broken = {}
    for model in admin.site._registry:
        url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        status = client.get(url).status_code
        if status != 200:
            broken[url] = status
    assert not broken


def test_every_page_of_the_admin_is_made_with_the_theme():
    """A page of a library that is not has invisible inputs."""
    from unfold.admin import ModelAdmin

    assert not [page for page in admin.site._registry.values() if not isinstance(page, ModelAdmin)]


def test_tokens_are_seen_and_revoked_in_the_admin_but_never_made_there():
    made, token = AuthToken.objects.create(person("operator"))
    client = browser("root")
    shown = client.get("/admin/knox/authtoken/").content.decode()
    assert made.token_key in shown
    assert token not in shown
    assert client.get("/admin/knox/authtoken/add/").status_code == 403


@pytest.mark.parametrize(
    ("path", "target"), [("/", "/admin/"), ("/accounts/login/?next=/admin/", "/admin/login/?next=/admin/")]
)
def test_short_paths_lead_to_the_admin(path, target):
    assert Client().get(path)["Location"] == target


def test_the_language_can_be_changed():
    client = browser("viewer")
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/admin/"})
    assert client.get("/admin/")["Content-Language"] == "zh-hans"


def test_no_page_of_an_instance_shows_its_password():
    credential = Credential(name="monitor", username="monitor")
    credential.set_password("hunter2-secret")
    credential.save()
    instance = Instance.objects.create(name="a", db_type="postgresql", host="a", port=5432, credential=credential)
    client = browser("root")
    for path in (f"/admin/instances/instance/{instance.pk}/change/", "/admin/instances/credential/", "/admin/"):
        shown = client.get(path).content.decode()
        assert "hunter2-secret" not in shown
        assert credential.password_encrypted not in shown


def test_what_people_named_is_spelt_as_they_did_above_a_page():
    instance = Instance.objects.create(name="shop-primary", db_type="postgresql", host="a", port=5432)
    page = browser("viewer").get(f"/admin/instances/instance/{instance.pk}/change/").content.decode()
    assert "shop-primary" in page
    assert "Shop-primary" not in page
    assert re.search(r'href="/admin/instances/instance/"[^>]*>\s*Instances\s*<', page)
