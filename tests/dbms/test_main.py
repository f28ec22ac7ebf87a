"""`python -m dbms` reads a server from a shell, without Django and without showing a password."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dbms.base import APPLICATION_NAME
from dbms.printing import _bytes
from tests.dbms.conftest import Scene, admin_of
from whalefall.demo.servers import free_port

ROOT = Path(__file__).parents[2]


def run(*arguments: object, password: str | None = "x", code: str | None = None, **environment: str):
    """The finished process. `code` replaces `-m dbms`."""
    with started(*arguments, password=password, code=code, **environment) as process:
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextmanager
def started(*arguments: object, password: str | None = "x", code: str | None = None, **environment: str):
    """The running process, killed at the end of the block."""
    variables = {"PATH": os.environ["PATH"], **environment}
    if password is not None:
        variables["WHALEFALL_PASSWORD"] = password
    start = ["-c", code] if code else ["-m", "dbms"]
    with subprocess.Popen(
        [sys.executable, *start, *(str(part) for part in arguments)],
        cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def address(postgresql):
    return ("--host", postgresql.host, "--port", postgresql.port, "--user", postgresql.superuser)


@pytest.mark.parametrize("name", ["postgresql", "postgres", "pg", "PG"])
def test_prints_the_document_of_the_contract(address, scene, name):
    scene.role("bob", "LOGIN CONNECTION LIMIT 3")
    done = run(name, "accounts", *address, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert set(document) == {"server", "coverage", "accounts"}
    assert set(document["server"]) == {"db_type", "version", "main_version"}
    assert all(set(part) == {"scope", "status", "reason"} for part in document["coverage"])
    (bob,) = [account for account in document["accounts"] if account["username"] == "bob"]
    assert set(bob) == {"username", "host", "kind", "is_system", "is_superuser", "is_locked", "snapshot"}
    assert set(bob["snapshot"]) == {"version", "categories", "type_specific", "extra", "errors", "meta"}
    assert bob["snapshot"]["version"] == 4
    assert bob["snapshot"]["categories"]["postgresql_role_attributes"]["connection_limit"] == 3


def test_prints_a_table_for_people(address, scene):
    for name in ("bob", "dba"):
        scene.role(name)
    scene.run("ALTER ROLE dba SUPERUSER", "GRANT dba TO bob")
    done = run("pg", "accounts", *address)
    assert done.returncode == 0
    (line,) = [line.split() for line in done.stdout.splitlines() if line.startswith("bob ")]
    assert line == ["bob", "user", "yes", "0", "dba"]
    assert "database:template0  offline" in done.stdout


def test_prints_sizes_for_people_the_largest_first(address, scene):
    scene.database("new\nline")
    scene.database("big")
    scene.run("CREATE TABLE t AS SELECT repeat('x', 999) FROM generate_series(1, 9000)", database="big")
    done = run("pg", "capacity", *address)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line for line in done.stdout.splitlines() if line.endswith("pg_database_size")]
    size = scene.value("SELECT pg_size_pretty(pg_database_size('big'))").split()[0]
    assert lines[0].split()[0] == "big"
    assert abs(float(lines[0].split()[1]) - float(size)) < 1
    assert lines[0].split()[2] == "MiB"
    assert [line.split("  ")[0] for line in lines if "line" in line] == ["new\\nline"]
    assert any(line.startswith("template0 (system)") for line in lines)
    assert any(line.startswith("pg_default  tablespace") for line in done.stdout.splitlines())


@pytest.mark.parametrize("output", [(), ("--json",)])
def test_prints_the_largest_tables_of_a_database(address, scene, output):
    scene.database("app")
    scene.run("CREATE TABLE t AS SELECT repeat('x', 999) FROM generate_series(1, 9000)", database="app")
    done = run("pg", "tables", "app", *address, "--most", 2, *output)
    assert (done.returncode, done.stderr) == (0, "")
    if output:
        first, _ = json.loads(done.stdout)["tables"]
        assert (first["schema"], first["name"]) == ("public", "t")
        assert first["size_bytes"] == scene.value("SELECT pg_total_relation_size('t')", database="app")
    else:
        head, first, _ = done.stdout.splitlines()
        assert head.split() == ["SCHEMA", "TABLE", "SIZE", "DATA", "INDEXES", "ROWS"]
        assert first.split()[:2] == ["public", "t"]


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, ""), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (10**12, "931.3 GiB")],
)
def test_sizes_are_written_in_the_unit_that_suits_them(number, text):
    assert _bytes(number) == text


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("output", [(), ("--json",)])
def test_prints_any_name(address, scene, encoding, output):
    scene.role("new\nline")
    scene.role("\x1b[31mred")
    scene.role("имя 😀")
    done = run("pg", "accounts", *address, *output, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    if output:
        names = {account["username"] for account in json.loads(done.stdout)["accounts"]}
        assert names >= {"new\nline", "\x1b[31mred", "имя 😀"}
    else:
        assert "new\\nline" in done.stdout
        assert "\\x1b[31mred" in done.stdout


def test_survives_a_reader_that_stops(address):
    command = f"{sys.executable} -m dbms pg accounts {' '.join(str(part) for part in address)} --json | head -c 10"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""


def test_knows_no_django():
    code = (
        "import runpy, sys; sys.argv = ['dbms', '--help']\n"
        "try: runpy.run_module('dbms', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('django', 'psycopg')])"
    )
    done = run(code=code)
    assert done.stdout.splitlines()[-1] == "[]"


@contextmanager
def waiting_backend(scene: Scene, database: str) -> Iterator[Callable[[], int]]:
    """Makes who reads the database wait for a lock there; answers how to await that and get its backend's pid."""
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
    with admin_of(scene.server, database) as owner, owner.transaction(), admin_of(scene.server) as watcher:
        owner.execute("LOCK TABLE pg_default_acl IN ACCESS EXCLUSIVE MODE")

        def pid() -> int:
            give_up = time.monotonic() + 20
            while time.monotonic() < give_up:
                if row := watcher.execute(query, [APPLICATION_NAME]).fetchone():
                    return row[0]
            raise AssertionError("nobody waits for the lock")

        yield pid


def test_ends_at_its_timeout_when_the_backend_freezes(address, scene):
    scene.database("held")
    arguments = ("pg", "accounts", *address, "--database", "held", "--timeout", "3")
    with waiting_backend(scene, "held") as pid, started(*arguments) as process:
        frozen, began = pid(), time.monotonic()  # the process has started: that is not its time-out's time
        os.kill(frozen, signal.SIGSTOP)
        try:
            out, err = process.communicate(timeout=20)
            lasted = time.monotonic() - began
        finally:
            os.kill(frozen, signal.SIGCONT)
    assert (process.returncode, out) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith("DATABASE_TIMEOUT (timeout): ")
    assert "the whole read took longer than 3 s" in line
    assert lasted < 3 + 2


def test_ends_at_its_timeout_when_a_peer_accepts_and_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = ("--host", "127.0.0.1", "--port", silent.getsockname()[1], "--user", "u")
        with started("pg", "accounts", *address, "--timeout", "2", "--connect-timeout", "40") as process:
            silent.settimeout(20)
            peer, _ = silent.accept()
            began = time.monotonic()
            _, err = process.communicate(timeout=20)
            assert time.monotonic() - began < 2 + 2
            peer.close()
    assert process.returncode == 1
    assert err.startswith("DATABASE_TIMEOUT (timeout): ")


class TestFailure:
    def test_is_one_line_with_code_reason_and_hint(self):
        done = run("pg", "accounts", "--host", "127.0.0.1", "--port", free_port(), "--user", "u", "--json")
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith("DATABASE_CONNECTION_ERROR (refused): ")
        assert "Check host, port and firewall" in line

    def test_that_a_statement_can_mend_shows_the_statement(self, address, scene):
        scene.database("closed", "ALLOW_CONNECTIONS false")
        done = run("pg", "accounts", *address, "--database", "closed")
        assert done.returncode == 1
        assert done.stderr.startswith("DATABASE_CONNECTION_ERROR (database_closed): ")
        assert 'ALTER DATABASE "closed" ALLOW_CONNECTIONS true' in done.stderr

    def test_of_a_login_does_not_show_the_password(self, guarded):
        done = run("pg", "accounts", "--host", guarded.host, "--port", guarded.port, "--user", "u", password="pa'ss wd")
        assert done.returncode == 1
        assert done.stderr.startswith("DATABASE_CONNECTION_ERROR (auth): ")
        assert "pa'ss" not in done.stderr

    @pytest.mark.parametrize(
        "arguments",
        [
            ("foo", "accounts", "--host", "h", "--user", "u"),
            ("pg", "accounts", "--host", "h"),
            ("pg", "sizes", "--host", "h", "--user", "u"),
            ("pg", "tables", "--host", "h", "--user", "u"),
            ("pg", "tables", "app", "--most", "0", "--host", "h", "--user", "u"),
            ("pg", "capacity", "app", "--host", "h", "--user", "u"),
            ("pg", "accounts", "--host", "h", "--user", "u", "--port", "0"),
            ("pg", "accounts", "--host", "h", "--user", "u", "--port", "70000"),
            ("pg", "accounts", "--host", "h", "--user", "u", "--connect-timeout", "-1"),
            ("pg", "accounts", "--host", "h", "--user", "u", "--timeout", "0"),
            ("pg", "accounts", "--host", "h", "--user", "u", "--ca", "/nonexistent.pem"),
            ("pg", "accounts", "--host", "h", "--user", "u", "--password", "secret"),
            ("pg", "accounts", "--host", "h", "--user", "u", "--tls", "maybe"),
        ],
    )
    def test_of_usage_has_its_own_status(self, arguments):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr
        assert "Traceback" not in done.stderr
