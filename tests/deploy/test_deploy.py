"""The files that people start WhaleFall with: valid, and about commands that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
COMPOSE = ROOT / "compose.yaml"
SECRETS = {"WHALEFALL_SECRET_KEY": "x", "WHALEFALL_ENCRYPTION_KEYS": "x", "POSTGRES_PASSWORD": "x"}


def run(*command: object, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin", **variables}
    return subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd")
def test_a_unit_file_is_understood_by_systemd(unit, tmp_path):
    # Only the program is not where the file says.
    (tmp_path / unit.name).write_text(re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", unit.read_text(), flags=re.MULTILINE))
    done = run("systemd-analyze", "verify", "--man=no", tmp_path / unit.name)
    assert unit.name not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(run("docker", "compose", "version").returncode != 0 if shutil.which("docker") else True,
                    reason="this machine has no docker compose")  # fmt: skip
def test_the_compose_file_is_understood_by_docker():
    done = run("docker", "compose", "-f", COMPOSE, "config", "--quiet", **SECRETS)
    assert done.returncode == 0, done.stderr


def test_the_compose_file_starts_commands_that_exist_with_settings_that_exist():
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    assert set(services) == {"database", "migrate", "web", "worker"}
    started = [service["command"][2] for service in services.values() if "command" in service]
    assert set(started) == {"migrate", "worker"}
    assert set(started) <= get_commands().keys()
    settings = (ROOT / "docs" / "settings.md").read_text()
    assert all(f"`{name}`" in settings for name in services["worker"]["environment"])


def test_what_supervises_a_worker_leaves_it_more_time_to_stop_than_it_takes(settings):
    unit = (ROOT / "deploy" / "systemd" / "whalefall-worker.service").read_text()
    worker = yaml.safe_load(COMPOSE.read_text())["services"]["worker"]
    patience = [int(re.search(r"TimeoutStopSec=(\d+)", unit)[1]), int(worker["stop_grace_period"].removesuffix("s"))]
    assert min(patience) > settings.WORKER_STOP_SECONDS
