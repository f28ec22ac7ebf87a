"""The demo as its user sees it: a command that works, and leaves nothing behind however it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings

pytestmark = [pytest.mark.demo, pytest.mark.timeout(180)]
GONE_SECONDS = 60


@pytest.fixture
def search_path() -> str:
    """Where the demo looks for programs."""
    return os.environ["PATH"]


@pytest.fixture
def demo(tmp_path: Path, search_path: str) -> Iterator[subprocess.Popen[str]]:
    """A running `make demo ARGS=--json`. All that it starts has the test's directory in its environment."""
    with subprocess.Popen(
        [sys.executable, "-m", "whalefall.demo", "--json"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "TMPDIR": str(tmp_path), "PATH": search_path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def processes(directory: Path) -> list[str]:
    """The command lines of all processes that live in the environment of a directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended meanwhile, or somebody else's
            if f"TMPDIR={directory}\0".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text().replace("\0", " "))
    return found


def assert_all_gone(directory: Path) -> None:
    deadline = time.monotonic() + GONE_SECONDS
    while left := processes(directory):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def document(stream: Iterator[str]) -> dict:
    """The JSON document that a stream brings, without waiting for the stream's end."""
    text = ""
    for line in stream:
        text += line
        if line.rstrip() == "}":
            break
    return json.loads(text)


def log_in(site: dict) -> str:
    """The page that the admin's index shows to whom the demo says it will."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with opener.open(site["url"]) as page:
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())[0]
    form = {"csrfmiddlewaretoken": token, "username": site["username"], "password": site["password"], "next": "/admin/"}
    with opener.open(f"{site['url']}login/", urlencode(form).encode()) as page:
        return page.read().decode()


def test_it_shows_what_changed_serves_the_site_and_leaves_nothing_behind(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert demo.stdout
    assert demo.stderr
    found = document(demo.stdout)

    assert [(session["category"], session["outcome"]) for session in found["sessions"]] == [
        ("capacity", "partial"),
        ("aggregation", "clean"),
        ("account", "partial"),
        ("account", "partial"),
        ("classification", "clean"),
    ]
    blog, ledger, shop, silent = found["instances"]
    # As the demo's scripts say: accounts made, beside the superuser, PUBLIC and the monitoring account.
    assert (blog["instance"], blog["accounts"], blog["superusers"], blog["error"]) == ("blog-primary", 32, 6, "")
    assert (blog["db_type"], ledger["db_type"], shop["db_type"]) == ("mysql", "postgresql", "postgresql")
    assert (ledger["instance"], ledger["accounts"], ledger["superusers"], ledger["error"]) == (
        "ledger-primary",
        15,
        4,
        "",
    )
    assert (shop["instance"], shop["accounts"], shop["superusers"], shop["error"]) == ("shop-primary", 22, 4, "")
    assert (silent["message_code"], silent["reason"]) == ("DATABASE_TIMEOUT", "timeout")
    # Databases as the scripts make them, of visibly different sizes.
    assert [line["databases"] for line in found["instances"]] == [5, 2, 2, 0]
    assert silent["size_bytes"] == 0
    assert 15_000_000 < ledger["size_bytes"] < shop["size_bytes"] < 90_000_000
    assert 15_000_000 < blog["size_bytes"] < 120_000_000
    changed = {(change["account"], change["change_type"]) for change in found["changes"]}
    assert changed == {
        ("PUBLIC", "modify_privilege"),
        ("audit_lead", "modify_privilege"),
        ("li.wei", "modify_privilege"),
        ("Zoë Müller", "modify_privilege"),
        ("support", "modify_privilege"),
        ("left_last_month", "delete"),
        ("trainee", "add"),
        ("moderator@10.20.%", "modify_privilege"),
        ("support@10.20.%", "modify_privilege"),
        ("li.wei@10.20.%", "modify_privilege"),
        ("contractor@%", "modify_other"),
        ("left_last_month@%", "delete"),
        ("trainee@10.20.%", "add"),
    }
    assert len(found["changes"]) == len(changed)
    classes = {found["code"]: found["accounts"] for found in found["classes"]}
    assert list(classes) == ["super", "highly", "sensitive", "medium", "public"]
    assert classes["super"] == 6 + 4 + 4
    assert "/admin/logout/" in log_in(found["site"])

    demo.send_signal(signal.SIGTERM)
    demo.wait(GONE_SECONDS)
    assert demo.returncode == 0, demo.stderr.read()
    assert_all_gone(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_killed_in_the_middle_of_a_session_it_takes_servers_and_workers_along(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert demo.stderr
    told = ""
    for line in demo.stderr:
        told += line
        if "First session" in line:
            break
    while not any("qcluster" in command for command in processes(tmp_path)):
        assert demo.poll() is None, told
        time.sleep(0.05)
    demo.kill()
    assert_all_gone(tmp_path)


@pytest.mark.parametrize("search_path", ["/nothing/here"])
def test_without_a_mariadb_server_it_says_in_one_line_that_it_leaves_that_host_out(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert demo.stderr
    told = []
    for line in demo.stderr:
        told.append(line)
        if "PostgreSQL server" in line:
            break
    demo.send_signal(signal.SIGTERM)
    demo.wait(GONE_SECONDS)
    assert [line for line in told if "MariaDB" in line] == [
        "· Leaving out blog-primary: MariaDB is not installed (package mariadb-server-core)\n"
    ]
    assert not any("Starting blog-primary" in line for line in told)
    assert_all_gone(tmp_path)
