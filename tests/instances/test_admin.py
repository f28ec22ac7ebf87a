"""The inventory in the admin."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from instances import services
from instances.admin import CredentialAdmin, InstanceAdmin, TagAdmin
from instances.models import Credential, Instance, Tag
from tests.instances.factories import CredentialFactory, InstanceFactory, TagFactory

pytestmark = pytest.mark.django_db
PASSWORD = "hunter2-unique"
LIST = "/admin/instances/instance/"
CONFIRMED = {"_form_submitted": "on"}
FORM = {"name": "a", "db_type": "postgresql", "host": "db1", "tls_mode": "disable", "is_active": "on"}


@pytest.fixture
def client() -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="x"))
    return client


def page(instance: Instance, action: str = "change") -> str:
    return f"{LIST}{instance.pk}/{action}/"


def texts(response: HttpResponse) -> str:
    """The messages that the next page will show."""
    return "\n".join(str(message) for message in get_messages(response.wsgi_request))


def listed(client: Client, query: str = "") -> list[str]:
    """The names in the list, in its order."""
    return [instance.name for instance in client.get(LIST + query).context["cl"].result_list]


def test_an_instance_is_added_with_the_usual_port(client: Client):
    tag = TagFactory()
    response = client.post(f"{LIST}add/", {**FORM, "host": "[::1]", "tags": [tag.pk]})
    assert response.status_code == 302, response.context["errors"]
    instance = Instance.objects.get()
    assert (instance.host, instance.port, list(instance.tags.all())) == ("::1", 5432, [tag])


@pytest.mark.parametrize(
    ("field", "value"),
    [("host", "postgresql://db"), ("host", "a b"), ("port", "70000"), ("tls_mode", "verify"), ("name", "taken")],
)
def test_the_form_refuses_what_the_services_refuse(client: Client, field: str, value: str):
    InstanceFactory(name="taken")
    response = client.post(f"{LIST}add/", {**FORM, field: value})
    assert response.status_code == 200
    assert set(response.context["adminform"].form.errors) == {"tls_ca" if field == "tls_mode" else field}
    assert Instance.objects.count() == 1


def test_a_change_writes_only_what_was_changed(client: Client):
    instance = InstanceFactory(name="a", host="db1", rejected_login="x")
    form = {**FORM, "port": 5432, "credential": instance.credential.pk}
    assert client.post(page(instance), {**form, "description": "new"}).status_code == 302
    instance.refresh_from_db()
    assert (instance.description, instance.rejected_login) == ("new", "x")
    assert client.post(page(instance), {**form, "host": "db2", "description": "new"}).status_code == 302
    instance.refresh_from_db()
    assert (instance.host, instance.rejected_login) == ("db2", "")


def test_the_list_says_the_state_and_leaves_the_recycle_bin_out(client: Client):
    InstanceFactory(name="active", tags=[TagFactory(name="prod")])
    InstanceFactory(name="disabled", is_active=False)
    InstanceFactory(name="suspended", rejected_login="x")
    InstanceFactory(name="unreachable", connection_failures=7, breaker_opened_at=timezone.now())
    InstanceFactory(name="binned")
    services.soft_delete(Instance.objects.filter(name="binned"))
    assert listed(client) == ["active", "disabled", "suspended", "unreachable"]
    assert listed(client, "?state=active") == ["active", "suspended", "unreachable"]
    assert listed(client, "?state=unreachable") == ["unreachable"]
    assert listed(client, "?state=disabled") == ["disabled"]
    assert listed(client, "?state=suspended") == ["suspended"]
    assert listed(client, "?state=bin") == ["binned"]
    assert listed(client, "?q=disab") == ["disabled"]
    assert listed(client, "?db_type__exact=postgresql&state=active") == ["active", "suspended", "unreachable"]
    html = client.get(LIST).content.decode()
    for text in ("Login suspended", "Disabled", "PostgreSQL", "prod", "Unreachable since", ", 7 failures"):
        assert text in html


def test_the_list_costs_the_same_whatever_its_length(client: Client):
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert client.get(LIST).status_code == 200
        return len(counted)

    tags = TagFactory.create_batch(2)
    InstanceFactory(tags=tags)
    few = queries()
    for _ in range(20):
        InstanceFactory(tags=tags)
    assert queries() == few


def test_deleting_moves_to_the_recycle_bin_even_when_sent_twice(client: Client):
    instance = InstanceFactory()
    assert client.get(page(instance, "delete")).status_code == 200
    assert Instance.objects.present().exists()
    assert client.post(page(instance, "delete"), {"post": "yes"}).status_code == 302
    assert client.post(page(instance, "delete"), {"post": "yes"}).status_code == 403
    assert Instance.objects.get().deleted_at is not None


def test_many_are_moved_to_the_recycle_bin_and_restored(client: Client):
    chosen = [instance.pk for instance in InstanceFactory.create_batch(2)]
    kept = InstanceFactory()
    delete = {"action": "delete_selected", "_selected_action": chosen}
    assert "Are you sure" in client.post(LIST, delete).content.decode()
    assert Instance.objects.present().count() == 3
    client.post(LIST, {**delete, "post": "yes"})
    assert list(Instance.objects.present()) == [kept]
    client.post(f"{LIST}?state=bin", {**delete, "post": "yes"})
    client.post(f"{LIST}?state=bin", {"action": "restore_selected", "_selected_action": chosen[:1]})
    assert Instance.objects.present().count() == 2
    assert Instance.objects.count() == 3


def test_only_the_recycle_bin_offers_restoring_and_deleting_for_good(client: Client):
    instance = InstanceFactory()
    for action in ("restore", "purge"):
        assert client.post(page(instance, action), CONFIRMED).status_code == 403
        assert page(instance, action) not in client.get(page(instance)).content.decode()
    services.soft_delete(Instance.objects.all())
    for action in ("restore", "purge"):
        assert page(instance, action) in client.get(page(instance)).content.decode()
    assert client.post(page(instance, "restore"), CONFIRMED).headers["HX-Redirect"] == page(instance)
    assert Instance.objects.present().exists()
    services.soft_delete(Instance.objects.all())
    assert client.post(page(instance, "purge"), CONFIRMED).headers["HX-Redirect"] == LIST
    assert not Instance.objects.exists()


def test_every_action_asks_before_it_acts():
    for model_admin in (InstanceAdmin(Instance, admin.site), CredentialAdmin(Credential, admin.site),
                        TagAdmin(Tag, admin.site)):  # fmt: skip
        names = [*model_admin.actions_list, *model_admin.actions_row, *model_admin.actions_detail]
        for name in names:
            assert getattr(model_admin, name).dialog["title"], name
        assert not model_admin.actions_submit_line


def test_only_an_unreachable_instance_offers_to_reset_its_breaker(client: Client):
    instance = InstanceFactory(connection_failures=2)
    assert page(instance, "reset_breaker") not in client.get(page(instance)).content.decode()
    Instance.objects.update(connection_failures=7, breaker_opened_at=timezone.now())
    assert page(instance, "reset_breaker") in client.get(page(instance)).content.decode()
    assert client.post(page(instance, "reset_breaker"), CONFIRMED).headers["HX-Redirect"] == page(instance)
    instance.refresh_from_db()
    assert (instance.connection_failures, instance.is_unreachable) == (0, False)


def test_the_breakers_of_many_are_reset_from_the_list(client: Client):
    chosen = InstanceFactory.create_batch(2, connection_failures=7, breaker_opened_at=timezone.now())
    kept = InstanceFactory(connection_failures=7, breaker_opened_at=timezone.now())
    client.post(LIST, {"action": "reset_breakers", "_selected_action": [instance.pk for instance in chosen]})
    assert list(Instance.objects.unreachable()) == [kept]


@pytest.mark.parametrize("action", ["test_connection", "reset_breaker", "restore", "purge"])
def test_opening_an_action_changes_nothing(client: Client, action: str):
    instance = InstanceFactory(credential=None, connection_failures=7, breaker_opened_at=timezone.now())
    if action in ("restore", "purge"):
        services.soft_delete(Instance.objects.all())
    before = Instance.objects.values().get()
    response = client.get(page(instance, action))
    assert response.status_code == 200
    assert 'id="dialog"' in response.content.decode()
    assert client.get(page(instance, action), CONFIRMED).status_code == 200
    assert client.post(page(instance, action)).status_code == 200
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    assert strict.post(page(instance, action), CONFIRMED).status_code == 403
    assert Instance.objects.values().get() == before


def test_a_connection_test_shows_code_text_and_hint_and_returns_to_where_it_was_asked_for(client: Client):
    instance = InstanceFactory(name="<b>a</b>", credential=None)
    here = {"HX-Current-URL": f"http://testserver{LIST}?p=2"}
    response = client.post(page(instance, "test_connection"), CONFIRMED, headers=here)
    assert response.headers["HX-Redirect"] == here["HX-Current-URL"]
    shown = texts(response)
    assert "CREDENTIAL_MISSING" in shown
    assert "has no active credential" in shown
    assert "Choose an active credential" in shown
    html = client.get(LIST).content.decode()
    assert "CREDENTIAL_MISSING" in html
    assert "<b>a</b>" not in html
    elsewhere = {"HX-Current-URL": "https://evil.example.com/"}
    response = client.post(page(instance, "test_connection"), CONFIRMED, headers=elsewhere)
    assert response.headers["HX-Redirect"] == page(instance)


@pytest.mark.parametrize("pk", ["999999", "abc", "_5F"])
@pytest.mark.parametrize("action", ["test_connection", "restore", "purge"])
def test_an_action_on_nothing_is_no_crash(client: Client, action: str, pk: str):
    assert client.post(f"{LIST}{pk}/{action}/", CONFIRMED).status_code in (403, 404)


def test_a_password_goes_in_and_never_comes_out(client: Client):
    added = {"name": "monitor", "username": "u", "password": f" {PASSWORD} ", "is_active": "on"}
    assert client.post("/admin/instances/credential/add/", added).status_code == 302
    credential = Credential.objects.get()
    assert credential.reveal_password() == f" {PASSWORD} "
    instance = InstanceFactory(credential=credential)
    change = f"/admin/instances/credential/{credential.pk}/change/"
    refused = client.post(change, {**added, "name": ""})
    assert refused.status_code == 200
    assert client.post(change, {**added, "password": "", "description": "kept"}).status_code == 302
    credential.refresh_from_db()
    assert (credential.description, credential.reveal_password()) == ("kept", f" {PASSWORD} ")
    pages = [
        *(client.get(path) for path in ("/admin/instances/credential/", change, change.replace("change", "history"))),
        *(client.get(path) for path in (LIST, page(instance), page(instance, "test_connection"), "/admin/")),
        refused,
    ]
    for response in pages:
        assert response.status_code == 200
        html = response.content.decode()
        assert PASSWORD not in html
        assert credential.password_encrypted not in html


def test_another_password_in_the_form_ends_a_suspension(client: Client):
    credential = CredentialFactory()
    InstanceFactory(credential=credential, rejected_login="x")
    form = {"name": credential.name, "username": credential.username, "is_active": "on", "password": "new"}
    assert client.post(f"/admin/instances/credential/{credential.pk}/change/", form).status_code == 302
    assert Credential.objects.get().reveal_password() == "new"
    assert not Instance.objects.suspended().exists()


def test_what_is_in_use_says_so_and_stays(client: Client):
    tag, credential = TagFactory(), CredentialFactory()
    InstanceFactory.create_batch(3, credential=credential, tags=[tag])
    for kind, row in (("tag", tag), ("credential", credential)):
        changelist = client.get(f"/admin/instances/{kind}/").context["cl"]
        assert [found.instance_count for found in changelist.result_list] == [3]
        assert client.post(f"/admin/instances/{kind}/{row.pk}/delete/", {"post": "yes"}).status_code in (200, 403)
        client.post(
            f"/admin/instances/{kind}/", {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        )
        assert type(row).objects.filter(pk=row.pk).exists()
    Instance.objects.all().delete()
    for kind, row in (("tag", tag), ("credential", credential)):
        assert client.post(f"/admin/instances/{kind}/{row.pk}/delete/", {"post": "yes"}).status_code == 302
        assert not type(row).objects.filter(pk=row.pk).exists()


def test_credentials_and_tags_are_found_by_typing(client: Client):
    CredentialFactory(name="monitor")
    query = "app_label=instances&model_name=instance&field_name=credential&term=moni"
    found = client.get(f"/admin/autocomplete/?{query}").json()["results"]
    assert [row["text"] for row in found] == ["monitor"]
