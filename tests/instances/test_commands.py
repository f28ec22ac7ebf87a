"""manage.py instances, as a shell sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from instances.models import Credential, Instance, Tag
from tests.instances.factories import CredentialFactory, InstanceFactory, TagFactory
from tests.shell import Shell

pytestmark = pytest.mark.django_db
PASSWORD = "hunter2-unique"


@pytest.fixture
def manage(manage: Shell) -> Shell:
    """The shell of every command, which must never show this password."""
    manage.never_shown.append(PASSWORD)
    return manage


def test_add_registers_an_instance_with_its_login(
    manage: Shell, monkeypatch: pytest.MonkeyPatch, ca_pem: str, tmp_path
):
    ca = tmp_path / "ca.pem"
    ca.write_text(ca_pem)
    TagFactory(name="prod")
    monkeypatch.setenv("WHALEFALL_PASSWORD", PASSWORD)
    ended = manage(
        *("instances", "add", "--name", "orders", "--db-type", "pg", "--host", "db1", "--database", "app"),
        *("--username", "monitor", "--tls", "verify", "--ca", str(ca), "--tag", "prod", "--tag", "eu"),
        *("--connect-timeout", "3", "--statement-timeout", "9", "--json"),
    )
    assert (ended.status, ended.err) == (0, "")
    instance = Instance.objects.get()
    assert ended.json["id"] == instance.pk
    assert ended.json["tags"] == ["eu", "prod"]
    assert (instance.name, instance.db_type, instance.host, instance.port) == ("orders", "postgresql", "db1", 5432)
    assert (instance.database_name, instance.tls_mode, instance.tls_ca) == ("app", "verify", ca_pem.strip())
    assert (instance.connect_timeout, instance.statement_timeout) == (3, 9)
    assert (instance.credential.name, instance.credential.username) == ("monitor@orders", "monitor")
    assert instance.credential.reveal_password() == PASSWORD


def test_add_that_fails_leaves_nothing_behind(manage: Shell, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WHALEFALL_PASSWORD", PASSWORD)
    InstanceFactory(name="taken", credential=None)
    arguments = ("--db-type", "pg", "--username", "u", "--tag", "new")
    taken = manage("instances", "add", "--name", "taken", "--host", "db", *arguments)
    assert taken.status == 1
    assert taken.out == ""
    assert taken.err.startswith("NAME_EXISTS: ")
    assert len(taken.err.splitlines()) == 1
    wrong = manage("instances", "add", "--name", "a", "--host", "postgresql://db", *arguments, "--json")
    assert (wrong.status, wrong.out) == (1, "")
    assert wrong.err.startswith("VALIDATION_ERROR: ")
    assert Instance.objects.count() == 1
    assert not Credential.objects.exists()
    assert not Tag.objects.exists()


def test_add_uses_a_credential_but_does_not_change_it(manage: Shell, monkeypatch: pytest.MonkeyPatch):
    CredentialFactory(name="u@a", username="u", password=PASSWORD)
    add = ("instances", "add", "--db-type", "pg", "--host", "db", "--name")
    monkeypatch.setenv("WHALEFALL_PASSWORD", "another")
    assert manage(*add, "a", "--username", "u").err.startswith("NAME_EXISTS: ")
    monkeypatch.setenv("WHALEFALL_PASSWORD", PASSWORD)
    assert manage(*add, "a", "--username", "u").status == 0
    assert manage(*add, "b", "--credential", "u@a").status == 0
    assert manage(*add, "c", "--credential", "none").err.startswith("RESOURCE_NOT_FOUND: ")
    assert set(Instance.objects.values_list("name", "credential__name")) == {("a", "u@a"), ("b", "u@a")}


def test_add_without_a_password_says_where_to_put_it(manage: Shell):
    ended = manage("instances", "add", "--name", "a", "--db-type", "pg", "--host", "db", "--username", "u")
    assert ended.status == 1
    assert "WHALEFALL_PASSWORD" in ended.err
    assert not Instance.objects.exists()


def test_list_shows_what_is_asked_for(manage: Shell):
    tag = TagFactory(name="prod")
    InstanceFactory(name="b", tags=[tag])
    InstanceFactory(name="a", is_active=False)
    assert [line.split()[0] for line in manage("instances", "list").out.splitlines()] == ["a", "b"]
    assert [row["name"] for row in manage("instances", "list", "--json").json] == ["a", "b"]
    assert manage("instances", "list", "--json").json[1]["connection_failures"] == 0
    Instance.objects.filter(name="b").update(connection_failures=7, breaker_opened_at=timezone.now())
    assert ", 7 failures" in manage("instances", "list").out.splitlines()[1]
    assert manage("instances", "list", "--json").json[1]["breaker_opened_at"]
    assert [row["name"] for row in manage("instances", "list", "--tag", "prod", "--json").json] == ["b"]
    assert len(manage("instances", "list", "--db-type", "postgres", "--json").json) == 2
    assert manage("instances", "list", "--tag", "none").err.startswith("RESOURCE_NOT_FOUND: ")
    assert manage("instances", "list", "--db-type", "cobol", "--json").status == 1
    Instance.objects.all().delete()
    assert manage("instances", "list").out == ""
    assert manage("instances", "list", "--json").json == []


def test_an_export_is_imported_elsewhere(manage: Shell, tmp_path: Path):
    InstanceFactory(name="数据库", credential=None)
    file = tmp_path / "inventory.csv"
    assert manage("instances", "export", str(file), "--json").json["count"] == 1
    assert manage("instances", "export").out.splitlines() == file.read_text(encoding="utf-8").splitlines()
    Instance.objects.all().delete()
    ended = manage("instances", "import", str(file), "--json")
    assert ended.status == 0
    assert (ended.json["success"], ended.json["created"]) == (True, 1)
    assert Instance.objects.get().name == "数据库"


def test_an_import_reports_each_bad_row_on_a_line(manage: Shell, tmp_path: Path):
    file = tmp_path / "inventory.csv"
    file.write_text("name,db_type,host\ngood,pg,db\nbad,cobol,db\nworse,pg,a b\n")
    ended = manage("instances", "import", str(file), "--json")
    assert ended.status == 1
    assert [error["line"] for error in ended.json["errors"]] == [3, 4]
    assert [line.split(": ")[:2] for line in ended.err.splitlines()] == [
        ["VALIDATION_ERROR", "line 3"],
        ["VALIDATION_ERROR", "line 4"],
    ]
    assert not Instance.objects.exists()


def test_a_file_that_cannot_be_used_is_one_line(manage: Shell, tmp_path: Path):
    InstanceFactory()
    (tmp_path / "gbk.csv").write_bytes("name,db_type,host\n数据,pg,db\n".encode("gbk"))
    for arguments in (
        ("import", str(tmp_path / "none.csv")),
        ("import", str(tmp_path)),
        ("import", str(tmp_path / "gbk.csv")),
        ("import", "-"),
        ("export", str(tmp_path / "none" / "x.csv")),
        ("add", "--name", "a", "--db-type", "pg", "--host", "db", "--ca", str(tmp_path / "none.pem")),
    ):
        ended = manage("instances", *arguments)
        assert ended.status == 1, arguments
        assert len(ended.err.splitlines()) == 1, arguments


def test_an_unknown_instance_is_answered_with_similar_names(manage: Shell):
    InstanceFactory(name="orders-prod")
    ended = manage("instances", "test", "orders-prd", "--json")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == ("RESOURCE_NOT_FOUND: Instance not found: orders-prd (Similar names: orders-prod)\n")


def test_a_failed_connection_test_is_a_failure(manage: Shell):
    InstanceFactory(name="a", credential=None)
    ended = manage("instances", "test", "a", "--json")
    assert ended.status == 1
    assert (ended.json["success"], ended.json["message_code"]) == (False, "CREDENTIAL_MISSING")
    assert ended.err.startswith("CREDENTIAL_MISSING: ")
    assert len(ended.err.splitlines()) == 1


def test_a_wrong_command_line_is_refused(manage: Shell):
    assert manage("instances").status != 0
    assert manage("instances", "explode").status != 0
    assert manage("instances", "add", "--name", "a").status != 0
