"""Accounts and changes in the admin: what is shown, what is hidden, and that nothing can be edited."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts_sync.models import AccountChangeLog, InstanceAccount
from tests.accounts_sync.conftest import Syncs, make_instance
from tests.accounts_sync.fakes import role, snapshot

pytestmark = pytest.mark.django_db

ACCOUNTS = reverse("admin:accounts_sync_instanceaccount_changelist")
CHANGES = reverse("admin:accounts_sync_accountchangelog_changelist")
HOSTILE = "<script>alert('x')</script>\n\"%s{x}"


@pytest.fixture
def viewer(db: None) -> Client:
    """A client whose user may look at accounts and their changes, and do nothing else."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_instanceaccount", "view_accountchangelog"]))
    client = Client()
    client.force_login(user)
    return client


def shown(client: Client, url: str = ACCOUNTS, **filters: str) -> list[str]:
    """The names in a list, in its order."""
    response = client.get(url, filters)
    assert response.status_code == 200
    return [row.username for row in response.context["cl"].result_list]


def account_url(account: InstanceAccount) -> str:
    return reverse("admin:accounts_sync_instanceaccount_change", args=[account.pk])


def change_url(change: AccountChangeLog) -> str:
    return reverse("admin:accounts_sync_accountchangelog_change", args=[change.pk])


@pytest.fixture
def people(sync: Syncs) -> Syncs:
    tomorrow, yesterday = (datetime.now(UTC) + timedelta(days=days) for days in (1, -1))
    everyone = [
        role("ada", superuser=True), role("admins", kind="group"), role("free", locked_until=yesterday),
        role("locked", is_locked=True), role("PUBLIC", kind="public"), role("resting", locked_until=tomorrow),
        role("system", is_system=True),
    ]  # fmt: skip
    sync(snapshot(*everyone, role("zoe")))
    sync(snapshot(*everyone))
    return sync


PEOPLE = ["PUBLIC", "ada", "admins", "free", "locked", "resting"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, PEOPLE),
        ({"active": "no"}, ["zoe"]),
        ({"active": "all"}, [*PEOPLE, "zoe"]),
        ({"system": "yes"}, ["system"]),
        ({"system": "all"}, [*PEOPLE, "system"]),
        ({"superuser": "yes"}, ["ada"]),
        ({"superuser": "no"}, ["PUBLIC", "admins", "free", "locked", "resting"]),
        ({"locked": "yes"}, ["locked", "resting"]),
        ({"locked": "no"}, ["PUBLIC", "ada", "admins", "free"]),
        ({"kind__exact": "group"}, ["admins"]),
        ({"changed": "yes", "active": "all"}, ["zoe"]),
        ({"changed": "no", "active": "all"}, PEOPLE),
        ({"db_type__exact": "postgresql"}, PEOPLE),
        ({"q": "adm"}, ["admins"]),
        ({"q": "100%_"}, []),
    ],
)
def test_the_list_shows_what_is_asked_for(people, viewer, filters, expected):
    assert sorted(shown(viewer, **filters)) == sorted(expected)


def test_the_list_can_be_narrowed_to_one_instance(people, viewer):
    other = Syncs(make_instance("db2"))
    other(snapshot(role("eve")))
    assert shown(viewer, instance__id__exact=str(other.instance.pk)) == ["eve"]


def test_the_list_says_when_an_account_was_last_checked(people, viewer):
    for account in viewer.get(ACCOUNTS).context["cl"].result_list:
        assert account.checked_at > account.last_changed_at


@pytest.mark.parametrize("url", [ACCOUNTS, f"{CHANGES}?baseline=all"])
def test_a_longer_list_takes_no_more_statements(sync, viewer, url):
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert viewer.get(url).status_code == 200
        return len(captured)

    sync(snapshot(role("user0", superuser=True)))
    statements()
    few = statements()
    sync(snapshot(*(role(f"user{number}", superuser=True) for number in range(40))))
    assert statements() == few


def test_a_page_takes_the_same_statements_for_a_longer_history(sync, viewer):
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert viewer.get(account_url(sync.account("ada"))).status_code == 200
        return len(captured)

    sync(snapshot(role("ada"), databases=["app"]))
    statements()
    few = statements()
    for limit in range(5):
        sync(snapshot(role("ada", limit=limit, objects={"app": {"relation:s.t": ["SELECT"]}}), databases=["app"]))
    assert statements() == few


def test_the_page_of_an_account_reads_well(sync, viewer):
    others = [role("team", member_of=["admins"]), role("admins", kind="group", superuser=True)]
    objects = {"app": {"relation:s.t": ["SELECT WITH GRANT OPTION"]}, "": {"tablespace:fast": ["CREATE"]}}
    sync(snapshot(role("ada", member_of=["team"], objects=objects), *others, databases=["app", "web"]))
    denied = {"app": "denied", "web": "denied"}
    sync(snapshot(role("ada", member_of=["team"], limit=7), *others, databases=denied))
    page = html.unescape(viewer.get(account_url(sync.account("ada"))).content.decode())
    for text in (
        "Superuser", "team → admins", "Database app", "SELECT WITH GRANT OPTION", "relation:s.t", "because denied",
        "Connection limit: 7", "The privileges of ada changed: 1 revocation, 1 alteration", "ada was added",
        "database:web",
    ):  # fmt: skip
        assert text in page
    assert "tablespace:fast" not in page  # revoked by the second read, which covered the server


def test_the_page_shows_the_newest_fifty_changes_and_leads_to_all(sync, viewer):
    for limit in range(55):
        sync(snapshot(role("ada", limit=limit)))
    response = viewer.get(account_url(sync.account("ada")))
    assert len(response.context["changes"]) == 50
    assert response.context["has_more_changes"]
    listed = viewer.get(response.context["history_url"])
    assert listed.context["cl"].result_count == 55


def test_an_account_without_a_document_has_a_page(sync, viewer):
    sync(snapshot(role("ada")))
    ada = sync.account("ada")
    ada.permission.delete()
    assert viewer.get(account_url(ada)).status_code == 200


def test_a_dropped_account_says_so(sync, viewer):
    sync(snapshot(role("ada"), role("bob")))
    sync(snapshot(role("ada")))
    assert "no longer exists on its server" in viewer.get(account_url(sync.account("bob"))).content.decode()


def test_hostile_names_are_escaped_everywhere(sync, viewer):
    grants = {"member_of": [HOSTILE], "connect": {HOSTILE: [HOSTILE]}, "objects": {HOSTILE: {HOSTILE: [HOSTILE]}}}
    first = role(HOSTILE, superuser=True, specific={HOSTILE: HOSTILE}, **grants)
    sync(snapshot(role("ada"), first, databases=[HOSTILE]))
    sync(snapshot(role("ada"), role(HOSTILE, specific={HOSTILE: "new"}, principal_id=HOSTILE), databases=[HOSTILE]))
    hostile = sync.account(HOSTILE)
    changes = AccountChangeLog.objects.filter(account=hostile)
    assert changes.count() == 2
    pages = [ACCOUNTS, f"{CHANGES}?baseline=all", account_url(hostile), *(change_url(change) for change in changes)]
    for url in pages:
        content = viewer.get(url).content.decode()
        assert "<script>alert(" not in content, url
        assert "&lt;script&gt;alert(" in content, url


def test_the_change_list_hides_first_reads(people, viewer):
    assert shown(viewer, CHANGES) == ["zoe"]
    assert len(shown(viewer, CHANGES, baseline="yes")) == 8
    assert len(shown(viewer, CHANGES, baseline="all")) == 9
    assert shown(viewer, CHANGES, change_type__exact="delete") == ["zoe"]


def test_the_page_of_a_change_shows_statements(sync, viewer):
    sync(snapshot(role("ada", connect={"app": ["CONNECT"]}, principal_id="1"), databases=["app"]))
    sync(snapshot(role("ada", superuser=True, limit=5, principal_id="2")))
    [change] = sync.log()
    page = viewer.get(change_url(change)).content.decode()
    for text in ("GRANT", "REVOKE", "ALTER", "Superuser attribute", "CONNECT", "The database was dropped",
                 "Connection limit: 5", "Dropped and created again under the same name"):  # fmt: skip
        assert text in page
    assert str(sync.last_session) in page


@pytest.mark.parametrize("path", ["add/", "{pk}/delete/"])
@pytest.mark.parametrize("model", [InstanceAccount, AccountChangeLog])
def test_nobody_can_add_or_delete(sync, admin_client, model, path):
    sync(snapshot(role("ada")))
    base = ACCOUNTS if model is InstanceAccount else CHANGES
    assert admin_client.get(base + path.format(pk=model.objects.get().pk)).status_code == 403


@pytest.mark.parametrize("model", [InstanceAccount, AccountChangeLog])
def test_nobody_can_change(sync, admin_client, model):
    sync(snapshot(role("ada")))
    row = model.objects.get()
    url = account_url(row) if model is InstanceAccount else change_url(row)
    assert admin_client.get(url).status_code == 200
    assert admin_client.post(url, {"username": "eve"}).status_code == 403
    row.refresh_from_db()
    assert row.username == "ada"


@pytest.mark.parametrize("url", [ACCOUNTS, CHANGES])
def test_without_the_permission_nothing_is_shown(sync, url):
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.get(url).status_code == 403
