"""What may be stored about instances, and how it changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection

from instances import services
from instances.models import Credential, Instance, Tag
from tests.instances.factories import CredentialFactory, InstanceFactory, TagFactory
from whalefall.errors import (
    ConstraintViolation,
    CredentialInUse,
    CredentialMissing,
    NameExists,
    NotFound,
    TagInUse,
    UnknownInstance,
    ValidationFailed,
)

pytestmark = pytest.mark.django_db


def faults(**fields: object) -> set[str]:
    """The fields that are refused when an otherwise good instance is created with these."""
    with pytest.raises(ValidationFailed) as raised:
        services.create_instance(**{"name": "a", "db_type": "postgresql", "host": "db.example.com", **fields})
    assert not Instance.objects.exists()
    return set(raised.value.extra["fields"])


def test_what_a_person_wrote_is_brought_into_its_stored_form():
    instance = services.create_instance(name=" a ", db_type=" PostGres ", host=" [::1] ", tls_mode="REQUIRE")
    instance.refresh_from_db()
    assert (instance.name, instance.db_type, instance.host) == ("a", "postgresql", "::1")
    assert (instance.port, instance.tls_mode, instance.is_active) == (5432, "require", True)


@pytest.mark.parametrize(
    "host",
    ["localhost", "db-1.example.com", "db_1", "192.0.2.7", "2001:db8::1", "数据库.example.com", "db.example.com."],
)
def test_a_host_name_or_address_is_a_host(host: str):
    assert services.create_instance(name="a", db_type="pg", host=host).host == host


@pytest.mark.parametrize(
    "host",
    [
        "",
        "   ",
        "db 1",
        "db\t1",
        "db\n",
        "postgresql://db",
        "/var/run/postgresql",
        "user:secret@db",
        "db:5432",
        "[::1]:5432",
        "db1,db2",
        "db1;db2",
        "db'1",
        "db..example",
        "a" * 64 + ".example.com",
        "db\x00",
        "dbname=x",
        "\\\\server",
    ],
)
def test_nothing_but_a_host_is_a_host(host: str):
    if host == "db\n":  # white space at the ends is taken away
        assert services.create_instance(name="a", db_type="pg", host=host).host == "db"
    else:
        assert faults(host=host) == {"host"}


@pytest.mark.parametrize("port", [0, -1, 65536, 10**9])
def test_a_port_lies_between_1_and_65535(port: int):
    assert faults(port=port) == {"port"}


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x00", "a\x1b[31m", "\udc80", "a" * 256])
def test_a_name_is_one_line_of_text(name: str):
    assert faults(name=name) == {"name"}


def test_every_fault_is_named_at_once():
    assert faults(name="", db_type="cobol", host="a b", port=0, connect_timeout=999) == {
        "name",
        "db_type",
        "host",
        "port",
        "connect_timeout",
    }


def test_checked_tls_needs_a_certificate(ca_pem: str, private_key_pem: str):
    assert faults(tls_mode="verify") == {"tls_ca"}
    assert faults(tls_mode="verify", tls_ca="not a certificate") == {"tls_ca"}
    assert faults(tls_mode="verify", tls_ca=ca_pem.replace("M", "N", 3)) == {"tls_ca"}
    assert faults(tls_mode="verify", tls_ca=private_key_pem + ca_pem) == {"tls_ca"}
    assert faults(tls_mode="sometimes") == {"tls_mode"}
    instance = services.create_instance(name="a", db_type="pg", host="db", tls_mode="verify", tls_ca=ca_pem)
    assert instance.tls_ca == ca_pem.strip()


def test_a_name_exists_once_and_the_recycle_bin_keeps_it():
    InstanceFactory(name="a")
    services.soft_delete(Instance.objects.filter(name="a"))
    with pytest.raises(NameExists):
        services.create_instance(name="a", db_type="pg", host="db")
    other = InstanceFactory(name="b")
    with pytest.raises(NameExists):
        services.update_instance(other, name="a")
    other.refresh_from_db()
    assert other.name == "b"


def test_a_name_taken_at_the_last_moment_is_still_name_exists():
    rivals: list[Instance] = []

    def rival(execute: Any, sql: str, *arguments: Any) -> Any:
        """Somebody else registers the name right after we looked for it."""
        answer = execute(sql, *arguments)
        if 'AS "a"' in sql and not rivals:
            rivals.append(InstanceFactory.build(name="a", credential=None))
            rivals[0].save()
        return answer

    with connection.execute_wrapper(rival), pytest.raises(NameExists) as raised:
        services.create_instance(name="a", db_type="pg", host="db")
    assert isinstance(raised.value.__cause__, IntegrityError)


def test_an_update_leaves_alone_what_the_engine_wrote_meanwhile():
    instance = InstanceFactory()
    Instance.objects.update(sync_count=7, main_version="15.2")
    services.update_instance(instance, description="new")
    instance.refresh_from_db()
    assert (instance.sync_count, instance.main_version, instance.description) == (7, "15.2", "new")


@pytest.mark.parametrize("change", [{"host": "db2"}, {"port": 5433}, {"tls_mode": "require"}, {"credential": None}])
def test_another_address_or_login_ends_the_suspension(change: dict):
    instance = InstanceFactory(rejected_login="x", rejected_reason="auth", rejected_at=datetime.now(UTC))
    services.update_instance(instance, description="still rejected")
    assert Instance.objects.suspended().exists()
    services.update_instance(instance, **change)
    assert not Instance.objects.suspended().exists()


def test_another_password_ends_the_suspensions_of_its_credential_alone():
    credential = CredentialFactory()
    InstanceFactory(credential=credential, rejected_login="x")
    other = InstanceFactory(rejected_login="y")
    services.update_credential(credential, description="still rejected")
    assert Instance.objects.suspended().count() == 2
    services.update_credential(credential, password="new")
    assert list(Instance.objects.suspended()) == [other]


def test_an_empty_password_keeps_the_stored_one():
    credential = CredentialFactory(password="kept")
    services.update_credential(credential, username="other")
    credential.refresh_from_db()
    assert (credential.username, credential.reveal_password()) == ("other", "kept")


def test_the_recycle_bin_gives_back_and_purges_only_what_it_holds():
    kept, binned = InstanceFactory(), InstanceFactory()
    both = Instance.objects.filter(pk__in=[kept.pk, binned.pk])
    mine = Instance.objects.filter(pk=binned.pk)
    assert services.soft_delete(mine) == 1
    assert services.soft_delete(mine) == 0
    assert list(Instance.objects.active()) == [kept]
    with pytest.raises(ConstraintViolation, match=kept.name):
        services.purge(both)
    assert both.count() == 2
    assert services.restore(both) == 1
    assert Instance.objects.active().count() == 2
    services.soft_delete(mine)
    assert services.purge(mine) == 1
    assert list(Instance.objects.all()) == [kept]


def test_what_is_in_use_cannot_be_deleted():
    tag = TagFactory()
    instance = InstanceFactory(tags=[tag])
    with pytest.raises(CredentialInUse, match="1"):
        services.delete_credential(instance.credential)
    with pytest.raises(TagInUse, match="1"):
        services.delete_tag(tag)
    assert Credential.objects.count() == Tag.objects.count() == 1
    services.update_instance(instance, credential=None, tags=[])
    services.delete_credential(Credential.objects.get())
    services.delete_tag(tag)
    assert not Credential.objects.exists()
    assert not Tag.objects.exists()


def test_an_unknown_name_is_answered_with_similar_ones():
    InstanceFactory(name="orders-prod")
    with pytest.raises(UnknownInstance) as raised:
        services.get_instance("order-prod")
    assert raised.value.params["similar"] == "orders-prod"
    with pytest.raises(NotFound):
        services.get_credential("nobody")
    with pytest.raises(NotFound):
        services.get_tag("nothing")


def test_missing_tags_are_made_once():
    known = TagFactory(name="prod")
    assert [tag.name for tag in services.tags_named(["prod", "new", "new"])] == ["prod", "new"]
    assert Tag.objects.get(name="prod") == known


def test_a_disabled_credential_is_as_good_as_none():
    instance = InstanceFactory(credential__is_active=False)
    with pytest.raises(CredentialMissing, match=instance.name):
        instance.target()
