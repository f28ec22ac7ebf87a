"""Passwords at rest, their keys, and that nothing tells them."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from pytest_django import Settings

from instances import services
from instances.models import Credential, Instance
from tests.instances.factories import CredentialFactory, InstanceFactory
from whalefall.errors import CredentialUnreadable

ROOT = Path(__file__).parents[2]
PASSWORD = "hunter2-unique"


def start(home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start the product in a process of its own and print the encryption keys it uses."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import django; django.setup(); from django.conf import settings; print(settings.ENCRYPTION_KEYS)",
        ],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "whalefall.settings",
            "WHALEFALL_HOME": str(home),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("missing", ["WHALEFALL_SECRET_KEY", "WHALEFALL_ENCRYPTION_KEYS"])
def test_production_without_a_key_refuses_to_start_and_says_which(tmp_path: Path, missing: str):
    keys = {"WHALEFALL_SECRET_KEY": "x" * 50, "WHALEFALL_ENCRYPTION_KEYS": Fernet.generate_key().decode()}
    assert start(tmp_path, WHALEFALL_ENV="production", **keys).returncode == 0
    del keys[missing]
    refused = start(tmp_path, WHALEFALL_ENV="production", **keys)
    assert refused.returncode != 0
    assert f"Production needs {missing}" in refused.stderr.splitlines()[-1]
    assert list(tmp_path.glob("*.key")) == []


def test_a_key_that_is_none_refuses_to_start_without_showing_it(tmp_path: Path):
    refused = start(tmp_path, WHALEFALL_ENCRYPTION_KEYS="my-own-idea-of-a-key")
    assert refused.returncode != 0
    assert "WHALEFALL_ENCRYPTION_KEYS" in refused.stderr.splitlines()[-1]
    assert "my-own-idea" not in refused.stderr


def test_processes_that_start_at_once_share_one_new_key_that_only_the_owner_reads(tmp_path: Path):
    home = tmp_path / "new" / "home"
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda _: start(home), range(4)))
    assert [process.stderr for process in started] == [""] * 4
    assert len({process.stdout for process in started}) == 1
    files = sorted(path.name for path in home.iterdir())
    assert files == ["encryption.key", "secret.key"]
    assert {stat.S_IMODE((home / name).stat().st_mode) for name in files} == {0o600}
    assert start(home).stdout == started[0].stdout


@pytest.mark.django_db
def test_a_password_is_stored_encrypted_and_comes_back():
    credential = CredentialFactory(password=PASSWORD)
    stored = Credential.objects.values_list("password_encrypted", flat=True).get(pk=credential.pk)
    assert PASSWORD not in stored
    assert Credential.objects.get(pk=credential.pk).reveal_password() == PASSWORD


@pytest.mark.django_db
def test_keys_rotate(settings: Settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    credential, empty = CredentialFactory(password=PASSWORD), CredentialFactory()
    Credential.objects.filter(pk=empty.pk).update(password_encrypted="")
    before = Credential.objects.values().get(pk=credential.pk)

    settings.ENCRYPTION_KEYS = [new, old]
    report = services.rotate_keys()
    assert (report.rotated, report.unreadable) == (1, ())

    settings.ENCRYPTION_KEYS = [new]
    assert Credential.objects.get(pk=credential.pk).reveal_password() == PASSWORD
    after = Credential.objects.values().get(pk=credential.pk)
    assert {name for name in after if after[name] != before[name]} == {"password_encrypted"}


@pytest.mark.django_db
def test_a_rotation_names_what_no_key_fits_and_leaves_it(settings: Settings, capsys: pytest.CaptureFixture[str]):
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    lost = CredentialFactory(name="lost")
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    kept = CredentialFactory(name="kept", password=PASSWORD)
    with pytest.raises(SystemExit) as ended:
        call_command("rotate_keys")
    assert ended.value.code == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("CREDENTIAL_UNREADABLE: ")
    assert "lost" in printed.err
    assert len(printed.err.splitlines()) == 1
    assert Credential.objects.get(pk=lost.pk).password_encrypted == lost.password_encrypted
    assert Credential.objects.get(pk=kept.pk).reveal_password() == PASSWORD


@pytest.mark.django_db
def test_an_undecryptable_password_names_its_credential(settings: Settings):
    instance = InstanceFactory(credential__name="monitor")
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CredentialUnreadable, match="monitor"):
        instance.target()


@pytest.mark.django_db
def test_nothing_tells_a_password(settings: Settings, caplog: pytest.LogCaptureFixture):
    instance = InstanceFactory(credential__password=PASSWORD)
    caplog.set_level(logging.DEBUG)
    target = instance.target()
    told = [repr(target), str(target), repr(instance.credential), repr(instance), Instance.login_key(target)]
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    try:
        instance.target()
    except CredentialUnreadable as error:
        told.append("".join(traceback.format_exception(error)))
        told.append(repr(error.params))
    assert len(told) == 7
    assert PASSWORD not in "\n".join([*told, caplog.text])
    assert target.password == PASSWORD
