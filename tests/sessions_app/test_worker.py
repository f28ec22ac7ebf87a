"""Real workers: they work, they come back, and nothing of them stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from whalefall.demo.servers import ThrowawayServer

pytestmark = pytest.mark.workers

PATIENCE = 60.0


class Site:
    """A WhaleFall of its own, with an SQLite database in a directory of its own."""

    def __init__(self, home: Path) -> None:
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "WHALEFALL_HOME": str(home),
            "WHALEFALL_ENV": "development",
            "SYNC_BACKOFF_SECONDS": "1",
            "WHALEFALL_PASSWORD": "unused",
            "WORKER_SILENT_SECONDS": "4",
            "SYNC_APPLY_SECONDS": "3",
        }
        self.log = home / "worker.log"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "manage.py", *arguments]

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            self.command(*arguments), env=self.environment, capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def worker(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(self.command("worker"), env=self.environment, stdout=output, stderr=output)


@pytest.fixture
def site(tmp_path: Path, postgresql_installed: ThrowawayServer) -> Site:
    site = Site(tmp_path)
    site.manage("migrate")
    site.manage(
        "instances", "add", "--name", "db1", "--db-type", "postgresql", "--host", postgresql_installed.host,
        "--port", str(postgresql_installed.port), "--username", postgresql_installed.superuser,
    )  # fmt: skip
    return site


@pytest.fixture
def worker(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    process = site.worker()
    family: set[int] = set()
    try:
        eventually(lambda: len(descendants(process.pid)) >= 5, site)
        family = descendants(process.pid)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)
        eventually(lambda: not alive(family | descendants(process.pid)), site)


def eventually(holds: Callable[[], bool], site: Site) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, site.log.read_text()[-3000:]
        time.sleep(0.05)


def parents() -> dict[int, int]:
    """The parent of every process that is no zombie."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state != "Z":
                found[int(entry.name)] = int(parent)
    return found


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    tree = parents()
    while grown := {child for child, parent in tree.items() if parent in found | {pid}} - found:
        found |= grown
    return found


def alive(pids: set[int]) -> set[int]:
    return pids & parents().keys()


def role_of(pid: int) -> str:
    """The end of the title that django-q2 gives a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().split()[-1]


def find(worker: subprocess.Popen[bytes], role: str) -> list[int]:
    return [pid for pid in sorted(descendants(worker.pid)) if role_of(pid) == role]


def cluster_of(worker: subprocess.Popen[bytes]) -> int:
    (cluster,) = [pid for pid, parent in parents().items() if parent == worker.pid]
    return cluster


def synchronized(site: Site) -> dict:
    return json.loads(site.manage("sync", "account", "--wait", "--json"))


def test_a_worker_brings_a_session_to_its_end_and_leaves_nothing_behind(site, worker):
    session = synchronized(site)
    assert (session["status"], session["outcome"], session["successful_instances"]) == ("completed", "clean", 1)
    (record,) = session["records"]
    assert record["accounts_synced"] > 10
    family = descendants(worker.pid)
    worker.terminate()
    assert worker.wait(PATIENCE) == 0
    assert not alive(family)


def test_a_cluster_that_was_killed_is_started_again(site, worker):
    (cluster,) = [pid for pid, parent in parents().items() if parent == worker.pid]
    old = descendants(worker.pid)
    os.killpg(cluster, signal.SIGKILL)
    eventually(lambda: len(descendants(worker.pid) - old) >= 5, site)
    assert synchronized(site)["outcome"] == "clean"


def test_a_supervisor_that_was_killed_takes_its_cluster_along(site, worker):
    family = descendants(worker.pid)
    worker.kill()
    worker.wait(PATIENCE)
    eventually(lambda: not alive(family), site)


@pytest.mark.parametrize("role", ["idle", "monitor", "pusher"])
def test_a_cluster_that_lost_a_process_works_again(site, worker, role):
    """Idle workers and the monitor hold locks of queues, which nobody gives back."""
    for pid in find(worker, role):
        os.kill(pid, signal.SIGKILL)
    assert synchronized(site)["outcome"] == "clean"


def test_a_cluster_whose_process_is_stopped_is_replaced(site, worker):
    cluster = cluster_of(worker)
    for pid in find(worker, "monitor"):
        os.kill(pid, signal.SIGSTOP)
    eventually(lambda: cluster not in parents() and len(descendants(worker.pid)) >= 5, site)
    assert synchronized(site)["outcome"] == "clean"


def test_what_lost_its_supervisor_and_its_head_at_once_takes_no_more_work(site, worker):
    family = descendants(worker.pid)
    head = cluster_of(worker)
    os.kill(worker.pid, signal.SIGKILL)
    os.kill(head, signal.SIGKILL)
    site.manage("shell", "-c", "from sessions_app.sessions import nudge; nudge()")
    eventually(lambda: not alive(family), site)
