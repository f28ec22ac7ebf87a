"""Many rows by one statement: what comes back is what went in, on either database."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from accounts_sync.models import AccountChangeLog, InstanceAccount
from instances.models import Instance
from whalefall import bulk

pytestmark = pytest.mark.django_db

MOMENT = datetime(2026, 3, 1, 12, 30, 59, 123456, tzinfo=UTC)
HOSTILE = 'o\'neil "%s" {x} \\ \n\t ünïcode 名前 🐋 $1 ?'


@pytest.fixture
def instance() -> Instance:
    return Instance.objects.create(name="db1", db_type="postgresql", host="h", port=1)


def account(instance: Instance, username: str, **fields) -> dict:
    return {
        "instance_id": instance.pk, "db_type": "postgresql", "username": username, "host": "", "is_role": False,
        "kind": "user", "is_active": True, "is_system": False, "is_superuser": False, "is_locked": False,
        "valid_until": None, "locked_until": None, "password_expires_at": None, "principal_id": "1",
        "first_seen_at": MOMENT, "last_changed_at": MOMENT, "updated_at": MOMENT, "deleted_at": None, **fields,
    }  # fmt: skip


def test_values_come_back_as_they_went_in(instance):
    document = {"version": 1, "entries": [{"object": HOSTILE, "n": 12345678901234, "none": None, "yes": True}]}
    session_uuid = uuid.uuid4()
    bulk.insert(
        AccountChangeLog,
        [
            {
                "account_id": None, "instance_id": instance.pk, "db_type": "postgresql", "username": HOSTILE,
                "session_id": None, "record_id": None, "session_uuid": session_uuid, "change_type": "add",
                "change_time": MOMENT, "created_at": MOMENT, "is_baseline": True, "privilege_diff": document,
                "other_diff": {},
            }
        ],
    )  # fmt: skip
    row = AccountChangeLog.objects.get()
    assert (row.username, row.session_uuid, row.change_time, row.is_baseline) == (HOSTILE, session_uuid, MOMENT, True)
    assert (row.privilege_diff, row.other_diff, row.account) == (document, {}, None)
    # Found by the values that Django itself would write.
    assert AccountChangeLog.objects.filter(session_uuid=session_uuid, change_time=MOMENT, is_baseline=True).exists()


def test_a_taken_key_is_updated_in_the_named_fields_only(instance):
    bulk.insert(InstanceAccount, [account(instance, "ada")])
    later = datetime(2027, 1, 1, tzinfo=UTC)
    bulk.insert(
        InstanceAccount,
        [account(instance, "ada", is_locked=True, first_seen_at=later), account(instance, "bob")],
        unique=["instance_id", "username", "host", "is_role"],
        update=["is_locked"],
    )
    ada = InstanceAccount.objects.get(username="ada")
    assert (ada.is_locked, ada.first_seen_at) == (True, MOMENT)
    assert InstanceAccount.objects.count() == 2


def test_what_was_asked_for_is_returned_for_new_and_old_rows(instance):
    (first,) = bulk.insert(InstanceAccount, [account(instance, HOSTILE)], returning=["id"])
    found = bulk.insert(
        InstanceAccount,
        [account(instance, HOSTILE), account(instance, "bob")],
        unique=["instance_id", "username", "host", "is_role"],
        update=["updated_at"],
        returning=["username", "id"],
    )
    stored = set(InstanceAccount.objects.values_list("username", "id"))
    assert set(found) == stored
    assert (HOSTILE, first[0]) in stored


def test_two_thousand_rows_are_one_statement(instance):
    with CaptureQueriesContext(connection) as sent:
        bulk.insert(InstanceAccount, [account(instance, f"a{number}") for number in range(2_000)])
    assert len(sent) == 1
    assert InstanceAccount.objects.count() == 2_000


def test_very_large_rows_travel_in_batches(instance, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH_BYTES", 1_000)
    found = bulk.insert(InstanceAccount, [account(instance, f"a{n}") for n in range(20)], returning=["id"])
    assert len(found) == InstanceAccount.objects.count() == 20


def test_nothing_is_no_statement():
    with CaptureQueriesContext(connection) as sent:
        assert bulk.insert(InstanceAccount, []) == []
    assert len(sent) == 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite knows no lengths")
def test_a_value_that_is_too_long_is_refused_and_never_cut(instance):
    with pytest.raises(DataError):
        bulk.insert(InstanceAccount, [account(instance, "x" * 300)])


def test_rows_that_name_different_fields_are_refused(instance):
    short = account(instance, "bob")
    del short["host"]
    with pytest.raises(ValueError, match="host"):
        bulk.insert(InstanceAccount, [account(instance, "ada"), short])
